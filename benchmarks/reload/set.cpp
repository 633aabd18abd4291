#include "set.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <limits>
#include <vector>

namespace okg::benchmarks {
namespace {

constexpr char kHead[] = "generation ";
constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

// Reads all of it, as a game would.
std::uint64_t generation_of(int directory, unsigned index, std::uint64_t bytes) {
  char name[32];
  std::snprintf(name, sizeof name, "f%05u.lua", index);
  const int fd = ::openat(directory, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return kNone;
  char buffer[16 * 1024];
  std::uint64_t size = 0;
  char head[40] = {};
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) break;
    if (size == 0)
      std::memcpy(head, buffer, std::min<std::size_t>(static_cast<std::size_t>(got), sizeof head - 1));
    size += static_cast<std::uint64_t>(got);
  }
  ::close(fd);
  if (bytes != 0 && size != bytes) return kNone;
  if (std::strncmp(head, kHead, sizeof kHead - 1) != 0) return kNone;
  return std::strtoull(head + sizeof kHead - 1, nullptr, 10);
}

// The generation that file `index` has after publish `latest`.
std::uint64_t expected(const Set& set, std::uint64_t latest, unsigned index) {
  if (set.change == Set::Change::all) return latest;
  const std::uint64_t behind = (latest % set.count + set.count - index) % set.count;
  return behind > latest ? 0 : latest - behind;
}

}  // namespace

Load load(int directory, const Set& set) {
  Load result;
  result.began_ns = now_ns();
  std::vector<std::uint64_t> seen;
  for (unsigned i = 0; i < set.count; i += set.step) {
    seen.push_back(generation_of(directory, i, set.bytes));
    if (seen.back() == kNone)
      ++result.missing;
    else
      result.generation = std::max(result.generation, seen.back());
  }
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (seen[i] != expected(set, result.generation, static_cast<unsigned>(i) * set.step)) result.mixed = true;
  result.ended_ns = now_ns();
  return result;
}

bool parse_change(const std::string& text, Set::Change* change) {
  if (text != "all" && text != "one") return false;
  *change = text == "all" ? Set::Change::all : Set::Change::one;
  return true;
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace okg::benchmarks
