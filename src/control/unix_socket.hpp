// The Unix socket in the run directory. Everything in that directory is hostile: whoever shares the volume
// may have put anything there under any name.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <string>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"

namespace okg::control {

inline constexpr const char* kSocketName = "okg.sock";

// An address for `name` in `directory`. A path of more than 107 bytes does not fit; it is then reached
// through /proc/self/fd, and `holder` keeps that valid. unsupported where there is no /proc.
struct SocketAddress {
  sockaddr_un address{};
  base::UniqueFd holder;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
  socklen_t size() const { return sizeof address; }
};
base::Result<SocketAddress> socket_address(base::Os& os, const std::string& directory,
                                           const std::string& name);

struct UnixListener {
  base::UniqueFd socket;     // listening, non-blocking
  base::UniqueFd directory;  // the run directory
  dev_t device = 0;
  ino_t inode = 0;
  std::string warning;  // one line, or ""
};
// Makes <run_directory>/okg.sock, mode 0666, in place of whatever socket or file has that name. There is no
// moment at which a client finds a socket that nobody listens on.
base::Result<UnixListener> listen_unix(base::Os& os, const std::string& run_directory);
// Removes it if it is still ours.
void remove_unix(base::Os& os, const UnixListener& listener);

}  // namespace okg::control
