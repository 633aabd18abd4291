#include "hot/shard.hpp"

#include <map>

#include "hot/place.hpp"

namespace okg::hot {

void Gathered::clear() {
  redo.clear();
  new_slabs.clear();
  taken.clear();
  freed.clear();
}

std::uint64_t reclaim(const Image& image, Pages& pages, Shard& shard) {
  const std::lock_guard lock(pages.mutex);
  while (pages.scan(1024)) {
  }
  // First only a look, so that running out of memory has changed nothing.
  std::map<std::uint64_t, std::uint32_t> given;
  const auto look = [&](const std::vector<std::uint64_t>& slabs) {
    for (const std::uint64_t page : slabs) {
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
    pages.give_back(page, run);
    count += run;
  }
  return count;
}

}  // namespace okg::hot
