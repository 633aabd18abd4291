#include "server/poll_signal.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace okg::server {

base::Status PollSignal::open() {
  event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_) return base::error_from_errno(errno, "eventfd");
  return {};
}

void PollSignal::raise(Source source) {
  const std::lock_guard lock(mutex_);
  bits_.fetch_or(source, std::memory_order_release);
  if (loud_ == 0) {
    since_.store(os_.monotonic_ns(), std::memory_order_relaxed);
    const std::uint64_t one = 1;
    while (::write(event_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
  }
  loud_ |= source;
}

void PollSignal::mark(Source source) {
  bits_.fetch_or(source, std::memory_order_release);
}

void PollSignal::lower(Source source) {
  const std::lock_guard lock(mutex_);
  bits_.fetch_and(~static_cast<unsigned>(source), std::memory_order_relaxed);
  if (loud_ == 0) return;
  loud_ &= ~static_cast<unsigned>(source);
  if (loud_ != 0) return;
  since_.store(0, std::memory_order_relaxed);
  std::uint64_t drained = 0;
  while (::read(event_.get(), &drained, sizeof drained) < 0 && errno == EINTR) {
  }
}

}  // namespace okg::server
