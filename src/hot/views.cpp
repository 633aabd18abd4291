#include "hot/views.hpp"

namespace okg::hot {

std::uint64_t Views::begin() {
  ++now_;
  return generation_;
}

bool Views::end(std::uint64_t generation) {
  (generation == generation_ ? now_ : before_) -= 1;
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), from.begin(), from.end());
    from.clear();
  };
  // Twice: without any view both generations are through.
  for (int i = 0; i < 2 && before_ == 0; ++i) {
    append(ready_.slots, freed_before_.slots);
    append(ready_.runs, freed_before_.runs);
    freed_before_ = std::exchange(freed_now_, {});
    before_ = std::exchange(now_, 0);
    ++generation_;
  }
  return !ready_.slots.empty() || !ready_.runs.empty();
}

std::unordered_set<std::uint64_t> Views::held() const {
  std::unordered_set<std::uint64_t> held;
  for (const Freed* freed : {&freed_now_, &freed_before_, &ready_})
    for (const Slot& slot : freed->slots) held.insert(slot.offset);
  return held;
}

}  // namespace okg::hot
