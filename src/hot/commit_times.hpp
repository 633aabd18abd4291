// How long the commits of transactions and regions took. Changes of one record are not looked at: they take
// less than two looks at the clock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace okg::hot {

class CommitTimes {
 public:
  static constexpr std::array<double, 10> kBounds = {0.000001, 0.000002, 0.000005, 0.00001, 0.00002,
                                                     0.00005,  0.0001,   0.001,    0.01,    0.1};  // seconds
  struct Counts {
    std::array<std::uint64_t, kBounds.size() + 1> counts{};  // not cumulative; the last is +Inf
    double sum = 0;                                          // seconds
  };

  // Any thread.
  void add(std::int64_t ns) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && static_cast<double>(ns) > kBounds[bucket] * 1e9) ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(static_cast<std::uint64_t>(ns), std::memory_order_relaxed);
  }
  Counts read() const {
    Counts out;
    for (std::size_t i = 0; i < counts_.size(); ++i)
      out.counts[i] = counts_[i].load(std::memory_order_relaxed);
    out.sum = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
    return out;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

}  // namespace okg::hot
