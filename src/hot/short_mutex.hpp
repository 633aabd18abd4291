// A mutex that is held for less time than it takes to fall asleep.
#pragma once

#include <mutex>

namespace okg::hot {

// Whoever has it is about to give it up: looked at some times before waiting.
class ShortMutex {
 public:
  void lock() {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (mutex_.try_lock()) return;
      pause();
    }
    mutex_.lock();
  }
  bool try_lock() { return mutex_.try_lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  static constexpr int kSpins = 40;
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  std::mutex mutex_;
};

}  // namespace okg::hot
