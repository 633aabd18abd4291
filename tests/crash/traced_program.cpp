#include "crash/traced_program.hpp"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <utility>

namespace okg::test {
namespace {

using base::Code;
using base::Error;

// Ends a program that hangs; nothing here takes a hundredth of it.
constexpr unsigned kMostSeconds = 120;
constexpr int kMayNotBeTraced = 125;
constexpr int kSystemCallStop = SIGTRAP | 0x80;

pid_t fork_program(const std::vector<std::string>& words, const std::string& output, bool traced) {
  // Made before the fork: this process has threads.
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  char* environment[] = {nullptr};
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::alarm(kMostSeconds);
  const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (out < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0 || ::close(out) != 0) ::_exit(126);
  if (traced && ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kMayNotBeTraced);
  ::execve(arguments[0], arguments.data(), environment);
  ::_exit(126);
}

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

std::string Stop::text() const {
  static constexpr std::pair<long, const char*> kNames[] = {
      {SYS_openat, "openat"},         {SYS_write, "write"},
      {SYS_close, "close"},           {SYS_read, "read"},
      {SYS_mkdirat, "mkdirat"},       {SYS_linkat, "linkat"},
      {SYS_symlinkat, "symlinkat"},   {SYS_unlinkat, "unlinkat"},
      {SYS_renameat, "renameat"},     {SYS_renameat2, "renameat2"},
      {SYS_fchmod, "fchmod"},         {SYS_utimensat, "utimensat"},
      {SYS_flock, "flock"},           {SYS_fstat, "fstat"},
      {SYS_newfstatat, "newfstatat"}, {SYS_getdents64, "getdents64"}};
  std::string name = "system call " + std::to_string(call);
  for (const auto& [number, known] : kNames)
    if (static_cast<std::uint64_t>(number) == call) name = known;
  return (made ? "after " : "before ") + name;
}

base::Result<std::unique_ptr<TracedProgram>> TracedProgram::start(const std::vector<std::string>& words,
                                                                  const std::string& output) {
  const pid_t pid = fork_program(words, output, true);
  if (pid < 0) return base::error_from_errno(errno, "fork");
  std::unique_ptr<TracedProgram> program(new TracedProgram(pid));
  const int status = program->wait();
  if (program->ended_ == kMayNotBeTraced)
    return Error(Code::unsupported, "ptrace is not permitted here: give the container CAP_SYS_PTRACE");
  if (program->ended_) return Error(Code::io, words[0] + ": ended with " + std::to_string(code_of(status)));
  if (::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0)
    return base::error_from_errno(errno, "ptrace options");
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0)
    return Error(Code::unsupported, "this kernel has no PTRACE_GET_SYSCALL_INFO: 5.3 or newer is needed");
  return program;
}

TracedProgram::~TracedProgram() {
  kill();
}

int TracedProgram::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
  }
  if (!WIFSTOPPED(status)) ended_ = code_of(status);
  return status;
}

std::optional<Stop> TracedProgram::next() {
  for (long passed_on = 0; !ended_;) {
    // When it was killed meanwhile this fails, and the wait tells.
    ::ptrace(PTRACE_SYSCALL, pid_, nullptr, passed_on);
    const int status = wait();
    if (ended_) break;
    if (WSTOPSIG(status) != kSystemCallStop) {
      passed_on = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
      continue;
    }
    passed_on = 0;
    __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof info, &info) < 0) continue;
    last_.made = info.op == PTRACE_SYSCALL_INFO_EXIT;  // which call it was, only the entry tells
    if (!last_.made) {
      last_.call = info.entry.nr;
      for (std::size_t i = 0; i < last_.arguments.size(); ++i) last_.arguments[i] = info.entry.args[i];
    }
    return last_;
  }
  return std::nullopt;
}

bool TracedProgram::names(const Stop& stop, std::string_view begin) const {
  for (std::size_t i = 0; i < 2; ++i) {
    std::string text(begin.size(), '\0');
    iovec here{text.data(), text.size()};
    // What is no address is simply not readable.
    iovec there{reinterpret_cast<void*>(static_cast<std::uintptr_t>(stop.arguments[i])), text.size()};
    const ssize_t got = ::process_vm_readv(pid_, &here, 1, &there, 1, 0);
    if (got == static_cast<ssize_t>(begin.size()) && text == begin) return true;
  }
  return false;
}

void TracedProgram::kill() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  while (!ended_) wait();
}

int run_program(const std::vector<std::string>& words, const std::string& output) {
  const pid_t pid = fork_program(words, output, false);
  if (pid < 0) return -SIGABRT;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return code_of(status);
}

}  // namespace okg::test
