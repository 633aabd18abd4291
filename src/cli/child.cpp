#include "cli/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/text.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;
using Words = std::vector<std::string>;

base::Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != name.npos) return name;
  const char* path = std::getenv("PATH");
  const std::string list = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(':', at), list.size());
    const std::string directory = end == at ? "." : list.substr(at, end - at);
    at = end + 1;
    if (std::string file = directory + "/" + name; ::access(file.c_str(), X_OK) == 0) return file;
  }
  return Error(Code::not_found, base::quote(name) + ": there is no such program in PATH");
}

std::vector<char*> pointers(Words& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Words environment_with(const std::map<std::string, std::string>& variables) {
  Words out;
  for (char** one = ::environ; one != nullptr && *one != nullptr; ++one) {
    const std::string text = *one;
    if (!variables.contains(text.substr(0, text.find('=')))) out.push_back(text);
  }
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  return out;
}

// Between fork() and exec(): other threads' locks may be held for ever here.
[[noreturn]] void become(const char* program, char* const* words, char* const* variables, pid_t parent,
                         int failed) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  // In the background of a script SIGINT is ignored, for us and whoever inherits it; yet it is handed on.
  for (const int number : {SIGPIPE, SIGINT, SIGTERM}) std::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(program, words, variables);
  const int error = errno;
  (void)!::write(failed, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

Child::Child(pid_t pid) : pid_(pid), descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

base::Result<std::unique_ptr<Child>> Child::start(const Words& words,
                                                  const std::map<std::string, std::string>& variables) {
  const auto program = find_program(words[0]);
  if (!program) return program.error();
  Words own_words = words, own_variables = environment_with(variables);
  const auto argv = pointers(own_words), envp = pointers(own_variables);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return base::error_from_errno(errno, "pipe");
  const base::UniqueFd reading(ends[0]);
  base::UniqueFd writing(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return base::error_from_errno(errno, "fork");
  if (pid == 0) become(program->c_str(), argv.data(), envp.data(), parent, ends[1]);
  writing.reset();
  int error = 0;
  ssize_t got = -1;
  while ((got = ::read(reading.get(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  std::unique_ptr<Child> child(new Child(pid));
  if (got != sizeof error) return child;
  child->wait(std::chrono::milliseconds(1000));
  return base::error_from_errno(error, "run " + *program);
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
      if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_)
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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
