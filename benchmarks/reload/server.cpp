// A game server linked with libokg.so. It sleeps until okg has something to do, loads the set in prepare, and
// prints a line of JSON for its start and for each commit:
//   {"prepares":N,"prepared_ns":T,"missing":0,"generation":G,"mixed":false,"status":{okg.status/v1}}
// prepares counts from the start; prepared_ns is CLOCK_MONOTONIC when prepare was called.
//
//   bench-reload-server PAYLOAD RUN COUNT STEP BYTES all|one [default|none]     the last: probation
#include <poll.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <okg/okg.hpp>
#include <string>

#include "set.hpp"

namespace okg::benchmarks {
namespace {

volatile std::sig_atomic_t g_stop = 0;

struct Prepared {
  unsigned count = 0;
  std::int64_t called_ns = 0;
  Load load;
};

class Game {
 public:
  Game(okg::Options options, const Set& set) : set_(set), server_(std::move(options)) {
    server_.on_reload<Load>(
        "*", {.prepare = [this](okg::Payload payload, okg::StopToken) { return prepare(payload); },
              .commit =
                  [this](std::unique_ptr<Load> next) {
                    ++commits_;
                    std::swap(next, loaded_);
                    return next;
                  }});
  }

  int run() {
    if (const auto started = server_.start(); !started) {
      std::fprintf(stderr, "bench-reload-server: %s\n", started.error().text.c_str());
      return 1;
    }
    report();
    unsigned reported = 0;
    while (g_stop == 0) {
      pollfd wait{server_.poll_fd(), POLLIN, 0};
      if (::poll(&wait, 1, -1) < 0) continue;
      server_.poll();
      if (commits_ == reported) continue;
      reported = commits_;
      report();
    }
    return 0;
  }

 private:
  okg::Result<std::unique_ptr<Load>> prepare(const okg::Payload& payload) {
    const std::int64_t called = now_ns();
    auto loaded = std::make_unique<Load>(load(payload.dirfd(), set_));
    const std::lock_guard lock(mutex_);
    prepared_ = {prepared_.count + 1, called, *loaded};
    return loaded;
  }

  void report() {
    Prepared prepared;
    {
      const std::lock_guard lock(mutex_);
      prepared = prepared_;
    }
    std::printf(R"({"prepares":%u,"prepared_ns":%lld,"missing":%u,"generation":%llu,"mixed":%s,"status":%s})"
                "\n",
                prepared.count, static_cast<long long>(prepared.called_ns), prepared.load.missing,
                static_cast<unsigned long long>(prepared.load.generation),
                prepared.load.mixed ? "true" : "false", server_.status_json().c_str());
    std::fflush(stdout);
  }

  const Set set_;
  std::mutex mutex_;
  Prepared prepared_;
  std::unique_ptr<Load> loaded_;
  unsigned commits_ = 0;
  okg::GameServer server_;  // last: it ends before what its handlers use
};

int run(int argc, char** argv) {
  Set set;
  if (argc < 7 || !parse_change(argv[6], &set.change)) {
    std::fprintf(stderr, "usage: bench-reload-server PAYLOAD RUN COUNT STEP BYTES all|one [default|none]\n");
    return 2;
  }
  okg::Options options;
  options.payload_dir = argv[1];
  options.run_dir = argv[2];
  set.count = static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10));
  set.step = static_cast<unsigned>(std::strtoul(argv[4], nullptr, 10));
  set.bytes = std::strtoull(argv[5], nullptr, 10);
  if (argc < 8 || std::string(argv[7]) == "none") options.probation = std::chrono::nanoseconds(0);
  options.log = [](okg::LogLevel level, std::string_view, std::string_view text) {
    if (level <= okg::LogLevel::warn)
      std::fprintf(stderr, "bench-reload-server: %.*s\n", static_cast<int>(text.size()), text.data());
  };
  std::signal(SIGTERM, [](int) { g_stop = 1; });
  return Game(std::move(options), set).run();
}

}  // namespace
}  // namespace okg::benchmarks

int main(int argc, char** argv) {
  return okg::benchmarks::run(argc, argv);
}
