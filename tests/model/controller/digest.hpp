// Sixty-four bits of a state. What only counts on (versions, times, ids) is told as an order or as a
// distance, so that states that go on alike are one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/controller/cluster.hpp"

namespace okg::controller_model {

class Digest {
 public:
  explicit Digest(Nanoseconds now) : now_(now) {}

  void add(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15U;
    hash_ ^= hash_ >> 29;
  }
  void add(std::string_view text) {
    add(text.size());
    for (const char c : text) add(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
  }
  void version(std::uint32_t version) { versions_.push_back(version); }
  void time(Nanoseconds at) {
    constexpr Nanoseconds kFar = 700 * kSecond;
    add(static_cast<std::uint64_t>(std::clamp(at - now_, -kFar, kFar)));
  }
  std::uint64_t end() {
    std::vector<std::uint32_t> order = versions_;
    std::sort(order.begin(), order.end());
    order.erase(std::unique(order.begin(), order.end()), order.end());
    for (const std::uint32_t version : versions_)
      add(static_cast<std::uint64_t>(std::lower_bound(order.begin(), order.end(), version) - order.begin()));
    return hash_ ^ hash_ >> 32;
  }

 private:
  Nanoseconds now_;
  std::uint64_t hash_ = 0x6a09e667f3bcc908U;
  std::vector<std::uint32_t> versions_;
};

void add(const GameServer& gameserver, Digest& digest);
void add(const Pod& pod, Digest& digest);
void add(const Cluster& cluster, Digest& digest);

}  // namespace okg::controller_model
