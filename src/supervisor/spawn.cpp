#include "supervisor/spawn.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/text.hpp"
#include "base/unique_fd.hpp"

namespace okg::supervisor {
namespace {

using base::Code;
using base::Error;
using Words = std::vector<std::string>;

std::vector<char*> pointers(Words& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
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

struct Prepared {
  const Spawn& what;
  const char* program;
  char* const* words;
  char* const* variables;
  pid_t parent;
  int failed;  // gets errno
};

// Between fork() and exec(): other threads' locks may be held for ever here.
[[noreturn]] void become(const Prepared& prepared) {
  if (prepared.what.leads_group) ::setpgid(0, 0);
  if (prepared.what.follows_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != prepared.parent) ::_exit(1);
  }
  if (prepared.what.output >= 0) {
    ::dup2(prepared.what.output, STDOUT_FILENO);
    ::dup2(prepared.what.output, STDERR_FILENO);
  }
  // In the background of a script SIGINT is ignored, for us and whoever inherits it; yet it is handed on.
  for (const int number : {SIGPIPE, SIGINT, SIGTERM}) std::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(prepared.program, prepared.words, prepared.variables);
  const int error = errno;
  (void)!::write(prepared.failed, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

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

base::Result<pid_t> spawn(const Spawn& what) {
  const auto program = find_program(what.words[0]);
  if (!program) return program.error();
  Words words = what.words, variables = environment_with(what.variables);
  const auto argv = pointers(words), envp = pointers(variables);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return base::error_from_errno(errno, "pipe");
  const base::UniqueFd reading(ends[0]);
  base::UniqueFd writing(ends[1]);
  const Prepared prepared{what, program->c_str(), argv.data(), envp.data(), ::getpid(), ends[1]};
  const pid_t pid = ::fork();
  if (pid < 0) return base::error_from_errno(errno, "fork");
  if (pid == 0) become(prepared);
  writing.reset();
  int error = 0;
  ssize_t got = -1;
  while ((got = ::read(reading.get(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  if (got != sizeof error) return pid;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return base::error_from_errno(error, "run " + *program);
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace okg::supervisor
