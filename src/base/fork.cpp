#include "base/fork.hpp"

#include <pthread.h>
#include <unistd.h>

#include <array>

namespace okg::base {

constinit std::atomic<unsigned> generation_of_forks{0};

namespace {

constexpr std::size_t kSlots = 1024;
std::array<std::atomic<int>, kSlots> slots;  // fd + 1; 0: free

void in_child() {
  generation_of_forks.fetch_add(1, std::memory_order_relaxed);
  for (std::atomic<int>& slot : slots)
    if (const int held = slot.exchange(0, std::memory_order_relaxed); held != 0) ::close(held - 1);
}

// Registered once for each load of the library; glibc takes the handler away when the library is unloaded.
const int registered = ::pthread_atfork(nullptr, nullptr, in_child);

}  // namespace

void close_in_children(int fd) noexcept {
  (void)registered;
  if (fd < 0) return;
  for (std::atomic<int>& slot : slots) {
    int free = 0;
    if (slot.compare_exchange_strong(free, fd + 1, std::memory_order_relaxed)) return;
  }
}

bool forget_descriptor(int fd) noexcept {
  if (fd < 0) return true;
  for (std::atomic<int>& slot : slots) {
    int held = fd + 1;
    if (slot.compare_exchange_strong(held, 0, std::memory_order_relaxed)) return true;
  }
  return fork_generation() == 0;
}

}  // namespace okg::base
