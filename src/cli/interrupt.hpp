// SIGTERM and SIGINT as a stop token, also for PID 1, for which the kernel ignores what is not handled.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/pause.hpp"
#include "base/unique_fd.hpp"

namespace okg::cli {

// Make it first thing in main, before any other thread: it blocks the signals for the whole process. From the
// first signal on the process has 80 ms to end by itself (a copy or a wait may be stuck in the kernel), then
// it is ended with the exit code set here; that is safe at any moment, as a kill is.
class Interrupt {
 public:
  enum class Takes {
    end,        // SIGTERM and SIGINT
    everything  // all that a process can be sent, and SIGCHLD: they wait for hand_over()
  };
  explicit Interrupt(Takes takes = Takes::end);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  bool requested() const { return source_.stop_requested(); }
  // What an interrupted process ends with; 75 until somebody says otherwise.
  void set_exit_code(int code) { exit_code_ = code; }
  int exit_code() const { return exit_code_; }
  // From now on nothing ends the process: each signal goes to `call`, on a thread of its own.
  // `from_terminal`: the whole foreground got it. null: as before.
  void hand_over(std::function<void(int signal, bool from_terminal)> call);

 private:
  void listen();

  const Takes takes_;
  std::mutex mutex_;
  std::function<void(int, bool)> call_;
  std::stop_source source_;
  std::atomic<int> exit_code_;
  base::UniqueFd signals_, finished_;
  std::thread thread_;
};

using base::pause;

}  // namespace okg::cli
