#include "cli/local_server.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <vector>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/unique_fd.hpp"
#include "cli/interrupt.hpp"

namespace okg::cli {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr char kInstanceFile[] = "instance.json";
constexpr char kSupervisorLock[] = ".local-run.lock";
constexpr auto kBetweenLooks = 10ms;
constexpr auto kAfterKill = 5s;

}  // namespace

std::optional<LocalServer> LocalServer::find(base::Os& os, int run_directory) {
  const auto text = base::read_small_file(os, run_directory, kInstanceFile, 64 * 1024, kInstanceFile);
  if (!text) return std::nullopt;
  const auto json = base::parse_json_object(*text, kInstanceFile, base::Code::io);
  if (!json || base::get_string(*json, "schema") != "okg.instance/v1") return std::nullopt;
  const auto pid = base::get_int(*json, "pid");
  struct stat directory{};
  if (!pid || *pid <= 1 || *pid > INT_MAX || os.fstat(run_directory, &directory) < 0) return std::nullopt;
  LocalServer server;
  server.instance_ = base::get_string(*json, "instance").value_or("");
  server.pid_ = static_cast<pid_t>(*pid);
  server.device_ = directory.st_dev;
  server.inode_ = directory.st_ino;
  return server;
}

// A number may long be another process's; the claim on the directory is held open.
bool LocalServer::is_alive() const {
  const std::string path = "/proc/" + std::to_string(pid_) + "/fd";
  base::Os& os = base::Os::real();
  const base::UniqueFd fds(os.open(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY));
  std::vector<base::DirectoryEntry> entries;
  if (!fds || os.list_directory(fds.get(), &entries) < 0) return false;
  for (const base::DirectoryEntry& entry : entries) {
    struct stat held{};
    if (::fstatat(fds.get(), entry.name.c_str(), &held, 0) == 0 && held.st_dev == device_ &&
        held.st_ino == inode_)
      return true;
  }
  return false;
}

bool LocalServer::signal(int number) const {
  // The descriptor stays with the process that is looked at.
  const base::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (pid_ == ::getpid() || !is_alive()) return false;
  if (!process) return ::kill(pid_, number) == 0;
  return ::syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0) == 0;
}

bool LocalServer::end(std::chrono::milliseconds grace, const std::stop_token& stop, bool* killed) const {
  if (killed != nullptr) *killed = false;
  const auto gone_within = [&](std::chrono::milliseconds time) {
    const auto deadline = Clock::now() + time;
    while (is_alive())
      if (Clock::now() >= deadline || !pause(kBetweenLooks, stop)) return false;
    return true;
  };
  if (!signal(SIGTERM)) return !is_alive();
  if (gone_within(grace)) return true;
  if (stop.stop_requested()) return false;
  if (killed != nullptr) *killed = true;
  signal(SIGKILL);
  return gone_within(kAfterKill);
}

bool wait_for_another(base::Os& os, int run_directory, const std::string& before,
                      std::chrono::milliseconds at_most, const std::stop_token& stop) {
  const auto deadline = Clock::now() + at_most;
  do {
    const auto server = LocalServer::find(os, run_directory);
    if (server && server->instance() != before && server->is_alive()) return true;
    if (Clock::now() >= deadline) return false;
  } while (pause(kBetweenLooks, stop));
  return false;
}

base::Result<base::UniqueFd> supervise(base::Os& os, int run_directory) {
  base::UniqueFd fd(os.open(run_directory, kSupervisorLock, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  if (!fd) return base::error_from_errno(-fd.get(), std::string("open ") + kSupervisorLock);
  // Somebody may just be looking whether there is one.
  for (int i = 0; i < 50; ++i) {
    if (os.lock(fd.get(), true) == 0) return fd;
    os.sleep_ms(10);
  }
  return base::Error(base::Code::in_use, "another `okg local run` runs in this run directory");
}

bool is_supervised(base::Os& os, int run_directory) {
  const base::UniqueFd fd(os.open(run_directory, kSupervisorLock, O_RDWR | O_NOFOLLOW));
  return fd && os.lock(fd.get(), true) == -EWOULDBLOCK;
}

}  // namespace okg::cli
