// What okg costs a game loop in a turn with nothing to do, through libokg.so and with okg's threads running,
// beside what a game pays that looks for itself. `allocs` is counted, not estimated: see Control, which must
// not be 0.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <okg/okg.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "count_allocations.hpp"

namespace {

using okg::benchmarks::allocations;

std::string g_directory;
okg_server* g_server = nullptr;

template <class Turn>
void turns(benchmark::State& state, Turn turn) {
  const std::uint64_t before = allocations();
  for (auto _ : state) turn();
  state.counters["allocs"] = static_cast<double>(allocations() - before);
}

void IdlePoll(benchmark::State& state) {
  turns(state, [] { benchmark::DoNotOptimize(okg_poll(g_server, 0)); });
}
void IdlePollWithBudget(benchmark::State& state) {
  turns(state, [] { benchmark::DoNotOptimize(okg_poll(g_server, 1'000'000)); });
}
// What the call alone costs here: it returns at once.
void EmptyCall(benchmark::State& state) {
  turns(state, [] { okg_payload_release(nullptr); });
}
void Control(benchmark::State& state) {
  turns(state, [] {
    char text[8192];
    benchmark::DoNotOptimize(okg_status_json(g_server, text, sizeof text, nullptr));
  });
}
void ReadInotify(benchmark::State& state) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ::inotify_add_watch(fd, g_directory.c_str(), IN_MOVED_TO);
  turns(state, [fd] {
    char buffer[4096];
    benchmark::DoNotOptimize(::read(fd, buffer, sizeof buffer));
  });
  ::close(fd);
}
void StatFile(benchmark::State& state) {
  const std::string path = g_directory + "/payload";
  turns(state, [&path] {
    struct stat info;
    benchmark::DoNotOptimize(::stat(path.c_str(), &info));
  });
}

BENCHMARK(IdlePoll);
BENCHMARK(IdlePollWithBudget);
BENCHMARK(EmptyCall);
BENCHMARK(Control);
BENCHMARK(ReadInotify);
BENCHMARK(StatFile);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  char directory[] = "/dev/shm/okg-bench-poll.XXXXXX";
  if (::mkdtemp(directory) == nullptr) {
    std::perror("bench-reload-poll: mkdtemp");
    return 1;
  }
  g_directory = directory;
  const std::string payload = g_directory + "/payload", run = g_directory + "/run";
  ::mkdir(payload.c_str(), 0755);
  ::mkdir(run.c_str(), 0755);
  okg_options options = OKG_OPTIONS_INIT;
  options.payload_dir = payload.c_str();
  options.run_dir = run.c_str();
  okg_error error;
  int code = 0;
  if (okg_connect(&options, &g_server, &error) != OKG_OK || okg_start(g_server, 0, &error) != OKG_OK) {
    std::fprintf(stderr, "bench-reload-poll: %s\n", error.text);
    code = 1;
  } else {
    benchmark::RunSpecifiedBenchmarks();
  }
  okg_release(g_server);
  std::filesystem::remove_all(g_directory);
  return code;
}
