#include "hot/logs.hpp"

namespace okg::hot {

namespace {

// Threads are numbered as they come. From 1: the first one's log is not the first one, so that a recovery
// that forgot the others would be found out at once.
std::size_t thread_number() noexcept {
  static constinit std::atomic<std::size_t> last{0};
  static thread_local constinit std::size_t number = 0;
  if (number == 0) number = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

}  // namespace

void Gathered::clear() {
  redo.clear();
  new_slabs.clear();
  taken.clear();
  freed.clear();
  freed_runs.clear();
}

Logs::Logs(const Image& image) {
  for (std::uint64_t i = 0; i < image.header().shards; ++i) logs_.push_back(std::make_unique<One>(image, i));
}

Logs::One& Logs::take() noexcept {
  for (std::size_t i = thread_number();; ++i) {
    One& one = *logs_[i & (logs_.size() - 1)];
    if (!one.is_taken.load(std::memory_order_relaxed) &&
        !one.is_taken.exchange(true, std::memory_order_acquire))
      return one;
  }
}

}  // namespace okg::hot
