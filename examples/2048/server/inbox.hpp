// What the network hands to the game loop.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace game2048 {

using ConnectionId = std::uint64_t;

struct Event {
  enum class Kind { message, closed };
  Kind kind;
  ConnectionId connection;
  std::string text = {};  // of a message
};

// Any thread may put; the game loop takes. Each connection has a bounded number of messages in here.
class Inbox {
 public:
  void put(Event event) {
    {
      const std::scoped_lock lock(mutex_);
      events_.push_back(std::move(event));
    }
    arrived_.notify_one();
  }

  // Ends the wait of the game loop, for good.
  void stop() {
    {
      const std::scoped_lock lock(mutex_);
      stopped_ = true;
    }
    arrived_.notify_one();
  }
  bool stopped() {
    const std::scoped_lock lock(mutex_);
    return stopped_;
  }

  // All that is there; waits for the first until `deadline`.
  std::vector<Event> take_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, deadline, [this] { return stopped_ || !events_.empty(); });
    return std::exchange(events_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Event> events_;
  bool stopped_ = false;
};

}  // namespace game2048
