#include "cli/child.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "supervisor/spawn.hpp"

namespace okg::cli {

Child::Child(pid_t pid) : pid_(pid), descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

base::Result<std::unique_ptr<Child>> Child::start(const std::vector<std::string>& words,
                                                  const std::map<std::string, std::string>& variables) {
  supervisor::Spawn what;
  what.words = words;
  what.variables = variables;
  what.follows_us = true;
  const auto pid = supervisor::spawn(what);
  if (!pid) return pid.error();
  return std::unique_ptr<Child>(new Child(*pid));
}

Child::~Child() {
  signal(SIGKILL);
  wait(std::chrono::milliseconds(5000));
}

void Child::signal(int number) {
  const std::lock_guard lock(mutex_);
  if (!code_) ::kill(pid_, number);  // not reaped: the number is its own still
}

std::optional<int> Child::wait(std::chrono::milliseconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      int status = 0;
      if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) code_ = supervisor::exit_code_of(status);
      if (code_) return code_;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd watched{descriptor_.get(), POLLIN, 0};
    // Without a descriptor (an old kernel, a sandbox) it is asked often.
    const auto most = std::min<std::int64_t>(left.count(), descriptor_ ? 60'000 : 20);
    ::poll(&watched, descriptor_ ? 1 : 0, static_cast<int>(most));
  }
}

}  // namespace okg::cli
