#include "kube/backoff.hpp"

#include <algorithm>

namespace okg::kube {

using std::chrono::milliseconds;

Backoff::Backoff(milliseconds min, milliseconds max, std::uint64_t seed)
    : min_(std::clamp(min, milliseconds(1), milliseconds(std::chrono::hours(24)))),
      max_(std::clamp(max, min_, milliseconds(std::chrono::hours(24)))),
      ceiling_(min_),
      state_(seed) {}

// splitmix64: eight bytes of state, and any seed is a good one.
std::uint64_t Backoff::random() {
  std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15U;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
  return mixed ^ (mixed >> 31);
}

milliseconds Backoff::next(std::optional<milliseconds> retry_after) {
  ceiling_ = std::min(ceiling_ * 2, max_);
  const auto width = static_cast<std::uint64_t>((ceiling_ - min_).count());
  const milliseconds jitter(static_cast<std::int64_t>(random() % (width + 1)));
  const milliseconds floor =
      std::max(min_, std::min(retry_after.value_or(milliseconds(0)), kLongestRetryAfter));
  return floor + jitter;
}

void Backoff::succeeded() {
  ceiling_ = min_;
}

}  // namespace okg::kube
