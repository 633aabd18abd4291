#include "crash/hot/stepped_child.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace okg::hot::test {

SteppedChild::SteppedChild(const std::function<int()>& body) : pid_(::fork()) {
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
    ::raise(SIGSTOP);
    int code = 100;
    try {
      code = body();
    } catch (const std::exception& exception) {
      std::fprintf(stderr, "%s\n", exception.what());
    }
    ::raise(SIGSTOP);
    ::_exit(code);
  }
  wait();
}

SteppedChild::~SteppedChild() {
  if (is_there()) {
    ::kill(pid_, SIGKILL);
    while (is_there()) wait();
  }
}

bool SteppedChild::is_possible() {
  return SteppedChild([] { return 0; }).is_there();
}

void SteppedChild::step_through(std::span<const std::byte> memory, std::byte* image,
                                const std::function<bool()>& look) {
  while (step()) {
    ++instructions_;
    if (std::memcmp(image, memory.data(), memory.size()) == 0) continue;
    std::memcpy(image, memory.data(), memory.size());
    if (!look()) return;
  }
}

int SteppedChild::finish() {
  while (is_there()) {
    ::ptrace(PTRACE_CONT, pid_, nullptr, nullptr);
    wait();
  }
  return WIFEXITED(state_) ? WEXITSTATUS(state_) : 128 + WTERMSIG(state_);
}

bool SteppedChild::is_there() const {
  return !WIFEXITED(state_) && !WIFSIGNALED(state_);
}

// False when it stopped by itself, or ended.
bool SteppedChild::step() {
  ::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr);
  wait();
  return is_there() && WIFSTOPPED(state_) && WSTOPSIG(state_) == SIGTRAP;
}

void SteppedChild::wait() {
  while (::waitpid(pid_, &state_, 0) < 0)
    if (errno != EINTR) throw std::runtime_error("waitpid");
}

}  // namespace okg::hot::test
