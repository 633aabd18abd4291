#include "cli/output.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>

#include <csignal>
#include <thread>

#include "base/unique_fd.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"

namespace okg::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// What was written to it so far.
std::string drain(int fd) {
  std::string out;
  char piece[4096];
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  for (ssize_t got; (got = ::read(fd, piece, sizeof piece)) > 0;)
    out.append(piece, static_cast<std::size_t>(got));
  return out;
}

struct Pipe {
  base::UniqueFd read, write;
  Pipe() {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
};

struct Terminal {
  base::UniqueFd master, slave;
  Terminal() {
    int ends[2];
    if (::openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr) != 0) throw std::runtime_error("openpty");
    master.reset(ends[0]);
    slave.reset(ends[1]);
  }
};

TEST(Output, ResultsAndMessagesGoTheirOwnWays) {
  const Pipe out, err;
  Output output(out.write.get(), err.write.get(), true);
  output.result("so");
  output.result_json({{"b", 1}, {"a", 2}});
  output.complain("what: where: what to do");
  EXPECT_EQ(drain(out.read.get()), "so\n{\"b\":1,\"a\":2}\n");
  EXPECT_EQ(drain(err.read.get()), "okg: what: where: what to do\n");
}

TEST(Output, ColoursOnlyTerminalsThatWantIt) {
  const Pipe pipe;
  const Terminal terminal;
  EXPECT_EQ(Output(pipe.write.get(), pipe.write.get(), true).paint(Colour::good, "x"), "x");
  EXPECT_EQ(Output(terminal.slave.get(), pipe.write.get(), false).paint(Colour::good, "x"), "x");
  EXPECT_EQ(Output(terminal.slave.get(), pipe.write.get(), true).paint(Colour::good, "x"),
            "\x1b[32mx\x1b[0m");
}

TEST(Output, NoticesThatNobodyReads) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  Output output(pipe.write.get(), pipe.write.get(), false);
  pipe.read.reset();
  output.result("x");
  EXPECT_FALSE(output.result_alive());
}

TEST(Output, TellsWhyItCouldNotBeWritten) {
  const Pipe pipe;
  const base::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  Output output(full.get(), pipe.write.get(), false);
  EXPECT_EQ(output.result_error(), 0);
  output.complain("this goes elsewhere");
  EXPECT_EQ(output.result_error(), 0);
  output.result("x");
  EXPECT_EQ(output.result_error(), ENOSPC);
}

TEST(ProgressBar, ShowsShareAndSizes) {
  EXPECT_EQ(progress_bar(0, 1024), "[------------------------]   0 %  0 B of 1.00 KiB");
  EXPECT_EQ(progress_bar(512, 1024), "[############------------]  50 %  512 B of 1.00 KiB");
  EXPECT_EQ(progress_bar(2048, 1024), "[########################] 100 %  2.00 KiB of 1.00 KiB");
  EXPECT_EQ(progress_bar(512, 0), "512 B");
}

TEST(Progress, IsForTerminalsAndForWhatTakesLong) {
  const Pipe pipe;
  const Terminal terminal;
  const auto begin = std::chrono::steady_clock::now();
  const auto work = [&](Output& output) {
    Progress progress(output, "copying");
    progress.set(1, 100);
    const bool quick = std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(400);
    const std::string early = drain(terminal.master.get());
    if (quick) {
      EXPECT_EQ(early, "");
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
    while (std::chrono::steady_clock::now() < until) progress.set(50, 100);
  };
  Output to_terminal(pipe.write.get(), terminal.slave.get(), true);
  work(to_terminal);
  const std::string drawn = drain(terminal.master.get());
  EXPECT_THAT(drawn, HasSubstr("copying [############------------]  50 %"));
  EXPECT_THAT(drawn, testing::EndsWith("\r\x1b[K"));
  Output to_pipe(pipe.write.get(), pipe.write.get(), true);
  work(to_pipe);
  EXPECT_EQ(drain(pipe.read.get()), "");
}

TEST(Pause, EndsWithAStop) {
  std::stop_source source;
  EXPECT_TRUE(pause(std::chrono::milliseconds(1), source.get_token()));
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_FALSE(pause(std::chrono::hours(1), source.get_token()));
}

}  // namespace
}  // namespace okg::cli
