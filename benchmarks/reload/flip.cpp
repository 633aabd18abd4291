// Moves `current` between versions that are on the volume already, as a publisher does it, and says when: so
// that nothing but the detection is measured. For each line on stdin ("<digest hex> <version>"), after
// `quiet` milliseconds in which everybody is idle, it prints "<stamp ns> <before the rename ns> <after it
// ns>", CLOCK_MONOTONIC; the stamp is the one in desired.json.
//
//   bench-reload-flip PAYLOAD RUN QUIET_MS
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>

namespace {

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void sleep_ms(long milliseconds) {
  const timespec span{milliseconds / 1000, (milliseconds % 1000) * 1'000'000};
  ::nanosleep(&span, nullptr);
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

bool write_desired(const std::string& run, const std::string& digest, const std::string& version,
                   std::int64_t stamp) {
  const std::string temporary = run + "/.desired.json.bench";
  {
    std::ofstream file(temporary);
    file << R"({"schema":"okg.desired/v1","digest":"sha256:)" << digest << R"(","version":")" << version
         << R"(","boot_id":")" << boot_id() << R"(","monotonic_ns":)" << stamp << "}\n";
  }
  return std::rename(temporary.c_str(), (run + "/desired.json").c_str()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench-reload-flip PAYLOAD RUN QUIET_MS\n");
    return 2;
  }
  const std::string payload = argv[1];
  const long quiet = std::strtol(argv[3], nullptr, 10);
  const std::string temporary = payload + "/.current.bench";
  const std::string current = payload + "/current";
  std::string digest, version;
  while (std::cin >> digest >> version) {
    const std::int64_t stamp = now_ns();
    if (!write_desired(argv[2], digest, version, stamp) ||
        ::symlink(("v/" + digest).c_str(), temporary.c_str()) < 0) {
      std::perror("bench-reload-flip");
      return 1;
    }
    // The new link woke the server's watcher: it has to be asleep again.
    sleep_ms(quiet);
    const std::int64_t before = now_ns();
    const int moved = std::rename(temporary.c_str(), current.c_str());
    const std::int64_t after = now_ns();
    if (moved < 0) {
      std::perror("bench-reload-flip: rename");
      return 1;
    }
    std::printf("%lld %lld %lld\n", static_cast<long long>(stamp), static_cast<long long>(before),
                static_cast<long long>(after));
    std::fflush(stdout);
  }
  return 0;
}
