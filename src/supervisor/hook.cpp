#include "supervisor/hook.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/text.hpp"

namespace okg::supervisor {
namespace {

using base::Code;
using base::Error;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kTryAgain = 75;  // EX_TEMPFAIL of sysexits.h
constexpr std::size_t kMostLogged = std::size_t{16} << 10;
constexpr std::size_t kMostLine = 1000;
constexpr auto kGrace = 2s;  // from SIGTERM to SIGKILL

// What it writes, line by line.
class Lines {
 public:
  Lines(const Hook& hook, const base::Log& log) : hook_(hook), log_(log) {}

  void take(std::string_view text) {
    for (const char c : text) {
      if (c == '\n') {
        end_line();
      } else if (line_.size() < kMostLine) {
        line_ += c;
      }
    }
  }
  // The last two that say something: a summary tends to stand below the reason.
  std::string last() {
    end_line();
    return before_.empty() ? last_ : before_ + "; " + last_;
  }

 private:
  void end_line() {
    std::string line = base::one_line(std::exchange(line_, {}));
    if (line.find_first_not_of(' ') == line.npos) return;
    const std::size_t before = logged_;
    logged_ += line.size();
    if (logged_ <= kMostLogged)
      log_.info("hook", hook_.name + ": " + line);
    else if (before <= kMostLogged)
      log_.warn("hook", hook_.name + ": writes more than 16 KiB: the rest is not shown");
    before_ = std::exchange(last_, std::move(line));
  }

  const Hook& hook_;
  const base::Log& log_;
  std::string line_, last_, before_;
  std::size_t logged_ = 0;
};

class Pipe {
 public:
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    reading.reset(ends[0]);
    writing.reset(ends[1]);
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);  // its own end blocks, as programs expect
  }
  base::UniqueFd reading, writing;
};

// Until the pipe is empty or closed. What a grandchild may still write is not waited for.
void drain(base::UniqueFd& pipe, Lines& lines) {
  char buffer[4096];
  // So much at once: who floods must not keep us from looking at the clock.
  for (int i = 0; i < 64; ++i) {
    const ssize_t got = ::read(pipe.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return pipe.reset();
    lines.take({buffer, static_cast<std::size_t>(got)});
  }
}

}  // namespace

base::Status run(Processes& processes, const Hook& hook, const std::map<std::string, std::string>& variables,
                 const std::stop_token& stop, const base::Log& log) {
  Pipe pipe;
  const base::UniqueFd stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!pipe.reading || !stopped) return base::error_from_errno(errno, hook.name);
  Spawn what;
  what.words = {"/bin/sh", "-c", hook.command};
  what.variables = variables;
  what.output = pipe.writing.get();
  what.leads_group = true;
  const auto started = processes.start(what);
  if (!started) return Error(started.error().code, hook.name + ": " + started.error().text);
  const ProcessPtr process = *started;
  pipe.writing.reset();
  const std::stop_callback on_stop(stop, [&] {
    const std::uint64_t one = 1;
    (void)!::write(stopped.get(), &one, sizeof one);
  });

  Lines lines(hook, log);
  const auto deadline = Clock::now() + hook.timeout;
  std::optional<Clock::time_point> kill_at;
  bool timed_out = false;
  std::optional<int> code;
  while (!(code = process->code())) {
    const auto now = Clock::now();
    if (!kill_at && (stop.stop_requested() || now >= deadline)) {
      timed_out = !stop.stop_requested();
      process->signal(SIGTERM);
      kill_at = now + kGrace;
    }
    if (kill_at && now >= *kill_at) process->signal(SIGKILL);
    if (hook.meanwhile) hook.meanwhile();
    const auto next = kill_at ? (now >= *kill_at ? now + kGrace : *kill_at) : deadline;
    pollfd watched[] = {{process->ended_fd(), POLLIN, 0},
                        {pipe.reading.get(), POLLIN, 0},  // -1 once it is closed: not looked at
                        {kill_at ? -1 : stopped.get(), POLLIN, 0}};
    const auto wait = std::chrono::ceil<milliseconds>(next - now).count();
    ::poll(watched, 3, static_cast<int>(std::clamp<std::int64_t>(wait, 0, 1000)));
    if (pipe.reading) drain(pipe.reading, lines);
  }
  if (pipe.reading) drain(pipe.reading, lines);
  const std::string last = lines.last();
  const auto failed = [&](Code why, const std::string& text) {
    Error error(why, hook.name + ": " + text + (last.empty() ? "" : ": " + last));
    error.retriable = why == Code::busy;
    return error;
  };
  if (timed_out) return failed(Code::timeout, "has not ended within " + base::format_duration(hook.timeout));
  if (stop.stop_requested()) return failed(Code::superseded, "was ended");
  if (*code == 0) return {};
  if (*code == kTryAgain) return failed(Code::busy, "exit code 75, try again");
  if (*code > 128) return failed(Code::rejected, "was ended by signal " + std::to_string(*code - 128));
  return failed(Code::rejected, "exit code " + std::to_string(*code));
}

}  // namespace okg::supervisor
