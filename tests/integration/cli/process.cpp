#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void become(const Process::Surroundings& surroundings, char* const* arguments,
                         char* const* variables, const char* program) {
  if (surroundings.first_of_all) {
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(126);
    // The child is PID 1 of the new namespace; this process stands in for it.
    const pid_t child = ::fork();
    if (child < 0) ::_exit(126);
    if (child > 0) {
      static pid_t passed_to;
      passed_to = child;
      ::signal(SIGTERM, [](int number) { ::kill(passed_to, number); });
      ::signal(SIGINT, [](int number) { ::kill(passed_to, number); });
      int status = 0;
      while (::waitpid(child, &status, 0) < 0) {
      }
      ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 127);
    }
  }
  if (!surroundings.directory.empty() && ::chdir(surroundings.directory.c_str()) != 0) ::_exit(126);
  if (!surroundings.root.empty() && (::chroot(surroundings.root.c_str()) != 0 || ::chdir("/") != 0))
    ::_exit(126);
  if (surroundings.user && ::setuid(*surroundings.user) != 0) ::_exit(126);
  ::execve(program, arguments, variables);
  ::_exit(126);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::vector<base::Json> Finished::events() const {
  std::vector<base::Json> events;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) events.push_back(base::Json::parse(line));
  return events;
}

Process::Process(const Words& arguments, const Surroundings& surroundings) {
  int out[2], err[2];
  const bool made = surroundings.terminal ? ::openpty(&out[0], &out[1], nullptr, nullptr, nullptr) == 0
                                          : ::pipe2(out, O_CLOEXEC) == 0;
  if (!made || ::pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  if (surroundings.terminal) {
    for (const int end : out) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  const std::string program = surroundings.program.empty() ? OKG_PROGRAM : surroundings.program;
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> settings;
  for (const auto& [name, value] : surroundings.variables) settings.push_back(name + "=" + value);
  const auto argument_pointers = pointers(words);
  const auto variable_pointers = pointers(settings);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    ::dup2(surroundings.output.empty() ? out[1] : ::open(surroundings.output.c_str(), O_WRONLY), 1);
    ::dup2(err[1], 2);
    become(surroundings, argument_pointers.data(), variable_pointers.data(), program.c_str());
  }
  ::close(out[1]);
  ::close(err[1]);
  out_.reset(out[0]);
  err_.reset(err[0]);
}

Process::~Process() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const {
  ::kill(pid_, number);
}

void Process::hang_up() {
  out_.reset();
  err_.reset();
}

// False when both pipes have ended.
bool Process::read_more(int timeout_ms) {
  pollfd watched[] = {{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
  if (!out_ && !err_) return false;
  if (::poll(watched, 2, timeout_ms) <= 0) return true;
  char piece[4096];
  const auto take = [&](const pollfd& ready, base::UniqueFd& fd, std::string& into) {
    if (!fd || ready.revents == 0) return;
    const ssize_t got = ::read(fd.get(), piece, sizeof piece);
    if (got > 0) into.append(piece, static_cast<std::size_t>(got));
    if (got <= 0) fd.reset();  // a terminal ends with EIO
  };
  take(watched[0], out_, finished_.out);
  take(watched[1], err_, finished_.err);
  return true;
}

bool Process::says(const std::string& text) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    if (finished_.out.find(text) != std::string::npos || finished_.err.find(text) != std::string::npos)
      return true;
    if (Clock::now() > deadline || !read_more(100)) return false;
  }
}

Finished Process::finish() {
  const auto begin = Clock::now();
  const auto deadline = begin + kPatience;
  while (Clock::now() < deadline && read_more(100)) {
  }
  if (Clock::now() >= deadline) ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  took_ = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
  reaped_ = true;
  if (WIFEXITED(status)) finished_.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) finished_.signal = WTERMSIG(status);
  return finished_;
}

Finished okg(const Words& arguments, const Variables& variables) {
  Process process(arguments, variables);
  return process.finish();
}

bool same_content(const std::string& one, const std::string& other) {
  const auto all = [](const std::string& path) {
    std::string content(std::filesystem::file_size(path), '\0');
    std::ifstream(path, std::ios::binary).read(content.data(), static_cast<std::streamsize>(content.size()));
    return content;
  };
  return all(one) == all(other);
}

bool is_root() {
  return ::geteuid() == 0;
}

bool may_unshare() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(CLONE_NEWPID) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string make_payload(const std::string& path, const std::string& version, const std::string& content) {
  write_file(path + "/files/config/game.json", "{}");
  write_file(path + "/files/scripts/a.lua", content);
  const Finished packed = okg({"pack", path, "--version", version});
  if (packed.code != 0) throw std::runtime_error("pack: " + packed.err);
  return packed.out.substr(0, packed.out.find('\n'));
}

Place::Place(const std::string& below) : directory_(below) {
  std::filesystem::create_directories(payload());
  std::filesystem::create_directories(run());
}

Variables Place::variables() const {
  return {{"OKG_PAYLOAD_DIR", payload()}, {"OKG_RUN_DIR", run()}};
}

bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace okg::test
