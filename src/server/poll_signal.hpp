// Tells the polling thread that okg has something for it: an atomic word that poll() looks at, and a
// descriptor for loops that sleep. Each source has a bit, so that one that has been served does not silence
// another.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"

namespace okg::server {

class PollSignal {
 public:
  enum Source : unsigned { kReload = 1, kController = 2 };

  explicit PollSignal(base::Os& os) : os_(os) {}
  base::Status open();

  // Any thread; may be called with a lock held.
  void raise(Source source);
  // As raise(), but the descriptor stays as it is: for what only a game that polls anyway is to be asked.
  void mark(Source source);
  // Polling thread, before it looks at what there is.
  void lower(Source source);

  bool pending() const { return bits_.load(std::memory_order_acquire) != 0; }
  int fd() const { return event_.get(); }
  // Since when the descriptor is readable, CLOCK_MONOTONIC; 0: it is not.
  std::int64_t since() const { return since_.load(std::memory_order_relaxed); }

 private:
  base::Os& os_;
  base::UniqueFd event_;
  std::atomic<unsigned> bits_{0};
  std::atomic<std::int64_t> since_{0};
  std::mutex mutex_;
  unsigned loud_ = 0;
};

}  // namespace okg::server
