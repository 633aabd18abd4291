// A right at the Kubernetes API, as the answers tell.
#pragma once

#include <chrono>
#include <cstdint>

namespace okg::controller {

// An API server that has just been started answers before it has read who may do what: then it is 403 for
// everybody. So whoever had the right a moment ago goes on trying for a while.
class Right {
 public:
  void granted() {
    had_ = true;
    refused_at_ = 0;
  }
  // At `now` of CLOCK_MONOTONIC it was refused. True: it is not there. False: that remains to be seen.
  bool is_missing(std::int64_t now, std::chrono::milliseconds doubt) {
    if (!had_) return true;
    if (refused_at_ == 0) refused_at_ = now;
    if (now - refused_at_ < std::chrono::nanoseconds(doubt).count()) return false;
    had_ = false;
    return true;
  }

 private:
  bool had_ = false;
  std::int64_t refused_at_ = 0;
};

}  // namespace okg::controller
