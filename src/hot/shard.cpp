#include "hot/shard.hpp"

#include <map>
#include <utility>

#include "hot/place.hpp"

namespace okg::hot {

void Gathered::clear() {
  redo.clear();
  new_slabs.clear();
  taken.clear();
  freed.clear();
  freed_runs.clear();
}

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
    for (const Gathered::Slot& slot : freed->slots) held.insert(slot.offset);
  return held;
}

void release(Pages& pages, Shard& shard) noexcept {
  Views::Freed freed = shard.views.take();
  try {
    for (const Gathered::Slot& slot : freed.slots) shard.free[slot.size_class].push_back(slot.offset);
  } catch (const std::bad_alloc&) {
    // Found again by the next process.
  }
  if (freed.runs.empty()) return;
  const std::lock_guard lock(pages.mutex);
  for (const PageRun& run : freed.runs) pages.offer(run);
}

bool look_through_slab(const Image& image, Pages& pages, Shard& shard, unsigned size_class,
                       const RedoRecord* redo) {
  std::vector<std::uint64_t>& slabs = pages.found(shard.number, size_class);
  std::vector<std::uint64_t>& free = shard.free[size_class];
  if (slabs.empty()) return false;
  const std::uint64_t page = slabs.back(), slab = page * kPageBytes;
  PageWord word;
  if (is_slab(image, page, shard.number, &word) && word.size_class == size_class) {
    const SlabShape& shape = kSlabShapes[size_class];
    shard.slabs.reserve(shard.slabs.size() + 1);
    free.reserve(free.size() + shape.slots);
    // What was freed since is known already, or is held for views.
    std::unordered_set<std::uint64_t> known = shard.views.held();
    known.insert(free.begin(), free.end());
    for (std::uint32_t slot = shape.slots; slot-- > 0;) {
      const std::uint64_t bits = shape.bits_offset(slab, slot);
      const std::uint64_t offset = slab + shape.begin + slot * slot_bytes(size_class);
      // Taken or about to be; what is about to be freed is offered once it was.
      const std::uint64_t taken = image.load(bits) | (redo != nullptr ? redo->get(bits) : 0);
      if ((taken >> slot % 64 & 1) == 0 && !known.contains(offset)) free.push_back(offset);
    }
    shard.slabs.push_back(page);
  }
  slabs.pop_back();
  return true;
}

std::uint64_t reclaim(const Image& image, Pages& pages, Shard& shard) {
  if (!shard.views.none()) return 0;  // they may look at what an empty slab held
  const std::lock_guard lock(pages.mutex);
  while (pages.scan(1024)) {
  }
  // First only a look, so that running out of memory has changed nothing.
  std::map<std::uint64_t, std::uint32_t> given;
  const auto look = [&](const std::vector<std::uint64_t>& slabs) {
    for (const std::uint64_t page : slabs) {
      if (shard.emptied.count != 0 && page == shard.emptied.page) continue;
      PageWord word;
      if (!is_slab(image, page, shard.number, &word)) continue;
      std::uint64_t bits = 0;
      for (std::uint64_t i = 0; i < kSlabShapes[word.size_class].bit_words; ++i)
        bits |= image.load(page * kPageBytes + i * 8);
      if (bits == 0) given[page] = word.count;
    }
  };
  look(shard.slabs);
  for (unsigned c = 0; c < kClasses; ++c) look(pages.found(shard.number, c));
  const auto is_given = [&](std::uint64_t page) { return given.contains(page); };
  std::erase_if(shard.slabs, is_given);
  std::uint64_t count = 0;
  for (unsigned c = 0; c < kClasses; ++c) {
    std::erase_if(pages.found(shard.number, c), is_given);
    // Not offered any more before others can have the pages.
    std::erase_if(shard.free[c], [&](std::uint64_t slot) {
      const auto after = given.upper_bound(slot / kPageBytes);
      return after != given.begin() && slot / kPageBytes < std::prev(after)->first + std::prev(after)->second;
    });
  }
  for (const auto& [page, run] : given) {
    pages.give_back({page, run});
    count += run;
  }
  return count;
}

}  // namespace okg::hot
