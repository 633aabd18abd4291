#include "supervisor/processes.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

namespace okg::supervisor {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr milliseconds kBetweenLooks = 5ms;

// Of all our threads. Empty where the kernel does not tell (CONFIG_PROC_CHILDREN), and without /proc.
std::vector<pid_t> children() {
  std::vector<pid_t> out;
  // The kernel lists those of other threads under the main thread once these have ended; ours end last.
  std::ifstream list("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  for (pid_t pid = 0; list >> pid;) out.push_back(pid);
  return out;
}

}  // namespace

Process::Process(std::mutex& mutex, pid_t pid, base::UniqueFd ended, bool leads_group)
    : mutex_(mutex), pid_(pid), ended_(std::move(ended)), leads_group_(leads_group) {}

std::optional<int> Process::code() const {
  const std::lock_guard lock(mutex_);
  return code_;
}

bool Process::wait(milliseconds at_most) const {
  const auto until = Clock::now() + at_most;
  while (!code()) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    if (at_most >= 0ms && left <= 0ms) return false;
    pollfd watched{ended_.get(), POLLIN, 0};
    ::poll(&watched, 1, at_most < 0ms ? -1 : static_cast<int>(left.count()));
  }
  return true;
}

void Process::signal(int number) {
  const std::lock_guard lock(mutex_);
  if (!code_) ::kill(leads_group_ ? -pid_ : pid_, number);  // not waited for: the number is its own still
}

Processes::Processes() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

base::Result<ProcessPtr> Processes::start(const Spawn& what) {
  base::UniqueFd ended(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ended) return base::error_from_errno(errno, "eventfd");
  const std::lock_guard lock(mutex_);  // so that reap() finds it
  const auto pid = spawn(what);
  if (!pid) return pid.error();
  ProcessPtr process(new Process(mutex_, *pid, std::move(ended), what.leads_group));
  running_.emplace(*pid, process);
  return process;
}

void Processes::reap() {
  const std::lock_guard lock(mutex_);
  for (;;) {
    siginfo_t info{};
    // It is looked at first: as long as nobody has waited for it, its group's number is its own.
    const int looked = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    if (looked < 0 && errno == EINTR) continue;
    if (looked < 0 || info.si_pid == 0) return;
    const auto found = running_.find(info.si_pid);
    if (found != running_.end() && found->second->leads_group_) ::kill(-info.si_pid, SIGKILL);
    int status = 0;
    while (::waitpid(info.si_pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (found == running_.end()) continue;  // an orphan
    found->second->code_ = exit_code_of(status);
    const std::uint64_t one = 1;
    (void)!::write(found->second->ended_.get(), &one, sizeof one);
    running_.erase(found);
  }
}

void Processes::end_all(milliseconds grace) {
  const auto signal_all = [&](int number) {
    const std::lock_guard lock(mutex_);  // nobody waits for one of them meanwhile
    const auto all = children();
    for (const pid_t pid : all) ::kill(pid, number);
    return !all.empty();
  };
  const auto until = Clock::now() + grace;
  // What ends hands its own children on to us.
  for (bool first = true; signal_all(first ? SIGTERM : 0); first = false) {
    std::this_thread::sleep_for(kBetweenLooks);
    reap();
    if (Clock::now() < until) continue;
    if (!signal_all(SIGKILL) || Clock::now() > until + 2s) break;
  }
}

}  // namespace okg::supervisor
