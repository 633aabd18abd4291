// The worker thread: started with the first task, one task at a time, joined at the end.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/error.hpp"

namespace okg::reload {

class Worker {
 public:
  Worker() = default;
  ~Worker() { stop(); }

  // Runs `task` after those before it. Fails when no thread can be made. After stop(): closed.
  base::Status run(std::function<void()> task);
  // Drops what has not begun, waits for what has, joins. Idempotent.
  void stop();
  // Called from a task.
  bool is_current();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::thread thread_;
  bool stopping_ = false;
};

}  // namespace okg::reload
