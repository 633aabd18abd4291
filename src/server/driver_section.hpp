// The driver's critical section.
#pragma once

#include <utility>

#include "server/reload_driver.hpp"

namespace okg::server {

// Holds the mutex. What was logged meanwhile is written when it is free again: the sink is the user's, and
// may call okg.
class ReloadDriver::Section {
 public:
  explicit Section(ReloadDriver& driver) : driver_(driver), lock_(driver.mutex_) {}
  ~Section() {
    const std::vector<LogLine> lines = std::exchange(driver_.log_lines_, {});
    lock_.unlock();
    for (const LogLine& line : lines) driver_.options_.log.write(line.level, "reload", line.text);
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;
  std::unique_lock<std::mutex>& lock() { return lock_; }

 private:
  ReloadDriver& driver_;
  std::unique_lock<std::mutex> lock_;
};

}  // namespace okg::server
