// How much memory a table takes: blocks of the files in its directory, for each byte of keys and values.
//
//   bench-hot-space SUBJECT VALUE_BYTES KEYS DIRECTORY
//
// Prints lines of what was done before, the bytes taken, and those of keys and values: loaded; churned (ten
// times as many steps as records, half of them updates, the others an erase and a put of a new key);
// half_erased.
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

constexpr std::size_t kTurns = 10;
constexpr std::uint64_t kBetweenPolls = 10'000;  // as a game polls: about every 10 ms

std::uint64_t taken(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat status{};
    if (entry.is_regular_file() && ::stat(entry.path().c_str(), &status) == 0)
      bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  return bytes;
}

}  // namespace
}  // namespace okg::benchmarks

int main(int argc, char** argv) {
  using namespace okg::benchmarks;
  if (argc != 5) stop("SUBJECT VALUE_BYTES KEYS DIRECTORY");
  const std::size_t size = std::strtoul(argv[2], nullptr, 10), keys = std::strtoul(argv[3], nullptr, 10);
  const std::string directory = argv[4];
  if (size == 0 || keys == 0) stop("sizes and numbers are not 0");
  const auto subject =
      make_subject(argv[1], {.directory = directory,
                             .bytes = (keys * (size * 9 / 4 + 256) + (256ULL << 20)) / 4096 * 4096,
                             .keys = keys,
                             .value_bytes = size,
                             .grows = true});
  const std::string value(size, 'v');
  const auto put = [&](std::uint64_t number) { subject->put(scramble(number), value.data(), size); };
  const auto say = [&](const char* when, std::size_t records) {
    while (subject->work()) continue;
    std::printf("%s %llu %llu\n", when, static_cast<unsigned long long>(taken(directory)),
                static_cast<unsigned long long>(records * (size + sizeof(std::uint64_t))));
  };

  std::vector<std::uint64_t> live(keys);
  std::uint64_t next = 0;
  for (auto& number : live) put(number = next++);
  say("loaded", keys);
  for (std::uint64_t step = 0; step < kTurns * keys; ++step) {
    auto& number = live[scramble(step) % keys];
    if (step % 2 == 1) {
      subject->erase(scramble(number));
      number = next++;
    }
    put(number);
    if (step % kBetweenPolls == 0) subject->work();
  }
  say("churned", keys);
  for (std::size_t i = 0; i < keys / 2; ++i) subject->erase(scramble(live[i]));
  say("half_erased", keys - keys / 2);
  return 0;
}
