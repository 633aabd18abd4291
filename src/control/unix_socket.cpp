#include "control/unix_socket.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace okg::control {
namespace {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

#ifndef SYS_fchmodat2
constexpr long kFchmodat2 = 452;  // the same number on every architecture
#else
constexpr long kFchmodat2 = SYS_fchmodat2;
#endif

// chmod that never follows a link: between bind and chmod somebody may put one in the socket's place, and the
// server may be root. Linux 6.6 can do it; glibc does it through /proc before.
int chmod_no_follow(int directory, const char* name, mode_t mode) {
  if (::syscall(kFchmodat2, directory, name, mode, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  return ::fchmodat(directory, name, mode, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

// Binds, opens up and renames; on failure the temporary name is left to the caller.
Status make_socket(base::Os& os, const std::string& run_directory, const std::string& temporary,
                   UnixListener& listener) {
  const auto failed = [&](int error_number, const char* what) -> Status {
    return base::error_from_errno(error_number, std::string(what) + " " + run_directory + "/" + temporary);
  };
  auto address = socket_address(os, run_directory, temporary);
  if (!address) return address.error();
  if (::bind(listener.socket.get(), address->get(), address->size()) != 0) return failed(errno, "bind");
  struct stat info{};
  if (const int bad = os.stat(listener.directory.get(), temporary.c_str(), &info); bad < 0)
    return failed(-bad, "stat");
  if (!S_ISSOCK(info.st_mode))
    return Error(Code::io, run_directory + "/" + temporary +
                               ": somebody replaced the socket; check who else writes here");
  listener.device = info.st_dev;
  listener.inode = info.st_ino;
  // The owner and root can use it all the same.
  if (const int bad = chmod_no_follow(listener.directory.get(), temporary.c_str(), 0666); bad < 0)
    listener.warning =
        failed(-bad, "chmod").error().text + "; only the server's own user and root reach the socket";
  if (::listen(listener.socket.get(), SOMAXCONN) != 0) return failed(errno, "listen on");
  if (const int bad =
          os.rename(listener.directory.get(), temporary.c_str(), listener.directory.get(), kSocketName);
      bad < 0)
    return base::error_from_errno(-bad, "rename " + temporary + " to " + run_directory + "/" + kSocketName);
  return {};
}

}  // namespace

Result<SocketAddress> socket_address(base::Os& os, const std::string& directory, const std::string& name) {
  SocketAddress out;
  out.address.sun_family = AF_UNIX;
  std::string path = directory + "/" + name;
  if (path.find('\0') != path.npos || directory.empty())
    return Error(Code::invalid_argument, "run directory " + base::quote(directory) + ": not a path");
  if (path.size() >= sizeof out.address.sun_path) {
    out.holder.reset(os.open(AT_FDCWD, directory.c_str(), O_PATH | O_DIRECTORY));
    if (out.holder.get() < 0) return base::error_from_errno(-out.holder.get(), "open " + directory);
    const std::string self = "/proc/self/fd/" + std::to_string(out.holder.get());
    struct stat info{};
    if (os.stat(AT_FDCWD, self.c_str(), &info) < 0)
      return Error(Code::unsupported,
                   path +
                       ": longer than the 107 bytes of a socket's path, and there is no /proc; "
                       "choose a shorter run directory");
    path = self + "/" + name;
  }
  std::memcpy(out.address.sun_path, path.data(), path.size());
  return out;
}

Result<UnixListener> listen_unix(base::Os& os, const std::string& run_directory) {
  UnixListener listener;
  const int directory = os.open(AT_FDCWD, run_directory.c_str(), O_PATH | O_DIRECTORY);
  if (directory < 0) return base::error_from_errno(-directory, "open run directory " + run_directory);
  listener.directory.reset(directory);
  listener.socket.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.socket) return base::error_from_errno(errno, "socket");
  const std::string temporary = std::string(".") + kSocketName + "." + base::random_hex(os);
  if (auto made = make_socket(os, run_directory, temporary, listener); !made) {
    os.unlink(directory, temporary.c_str(), false);
    return made.error();
  }
  return listener;
}

void remove_unix(base::Os& os, const UnixListener& listener) {
  struct stat info{};
  if (!listener.directory || os.stat(listener.directory.get(), kSocketName, &info) < 0) return;
  if (info.st_dev == listener.device && info.st_ino == listener.inode)
    os.unlink(listener.directory.get(), kSocketName, false);
}

}  // namespace okg::control
