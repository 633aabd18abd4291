// How long to wait before the next try.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace okg::kube {

// Longer than this nobody makes us wait.
inline constexpr std::chrono::milliseconds kLongestRetryAfter = std::chrono::minutes(5);

// Full jitter above a floor: after the n-th failure in a row any time from `min` to `min` times 2^n, which
// grows up to `max`. So a thousand servers that lose one API server do not come back together.
class Backoff {
 public:
  // 0 < min <= max; what does not fit is made so. `seed` tells servers apart.
  Backoff(std::chrono::milliseconds min, std::chrono::milliseconds max, std::uint64_t seed);

  // One more failure. What the server asked for is a floor too, up to kLongestRetryAfter, with the same
  // jitter on top of it.
  std::chrono::milliseconds next(std::optional<std::chrono::milliseconds> retry_after = {});
  void succeeded();

 private:
  std::uint64_t random();

  std::chrono::milliseconds min_, max_, ceiling_;
  std::uint64_t state_;
};

}  // namespace okg::kube
