#include "hot/shard.hpp"

#include <bit>
#include <map>

#include "hot/place.hpp"

namespace okg::hot {

void release(Pages& pages, Shard& shard) noexcept {
  Views::Freed freed = shard.views.take();
  try {
    for (const Views::Slot& slot : freed.slots) shard.free[slot.size_class].push_back(slot.offset);
  } catch (const std::bad_alloc&) {
    // Found again by the next process.
  }
  if (freed.runs.empty()) return;
  const std::lock_guard lock(pages.mutex);
  for (const PageRun& run : freed.runs) pages.offer(run);
}

void offer_slots(const Image& image, Shard& shard, std::uint64_t page, unsigned size_class,
                 const RedoRecord* redo) {
  const SlabShape& shape = kSlabShapes[size_class];
  const std::uint64_t slab = page * kPageBytes;
  std::vector<std::uint64_t>& free = shard.free[size_class];
  free.reserve(free.size() + shape.slots);
  std::unordered_set<std::uint64_t> known = shard.views.held();
  known.insert(free.begin(), free.end());
  for (std::uint32_t slot = shape.slots; slot-- > 0;) {
    const std::uint64_t bits = shape.bits_offset(slab, slot);
    const std::uint64_t offset = slab + shape.begin + slot * slot_bytes(size_class);
    // Taken or about to be; what is about to be freed is offered once it was.
    const std::uint64_t taken = image.load(bits) | (redo != nullptr ? redo->get(bits) : 0);
    if ((taken >> slot % 64 & 1) == 0 && !known.contains(offset)) free.push_back(offset);
  }
}

bool look_through_slab(const Image& image, Pages& pages, Shard& shard, unsigned size_class,
                       const RedoRecord* redo) {
  std::vector<std::uint64_t>& slabs = pages.found(shard.number, size_class);
  if (slabs.empty()) return false;
  const std::uint64_t page = slabs.back();
  PageWord word;
  if (is_slab(image, page, shard.number, &word) && word.size_class == size_class) {
    shard.slabs.reserve(shard.slabs.size() + 1);
    offer_slots(image, shard, page, size_class, redo);
    shard.slabs.push_back(page);
  }
  slabs.pop_back();
  return true;
}

std::uint64_t taken_slots(const Image& image, std::uint64_t page, unsigned size_class) {
  std::uint64_t taken = 0;
  for (std::uint64_t i = 0; i < kSlabShapes[size_class].bit_words; ++i)
    taken += static_cast<std::uint64_t>(std::popcount(image.load(page * kPageBytes + i * 8)));
  return taken;
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
      if (taken_slots(image, page, word.size_class) == 0) given[page] = word.count;
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
