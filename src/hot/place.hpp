// Where a record may lie, as the page map says it.
#pragma once

#include "hot/image.hpp"

namespace okg::hot {

// Where a record lies.
struct Place {
  std::uint64_t offset = 0;
  bool is_large = false;        // a run of pages of its own
  std::uint32_t pages = 0;      // of that run
  std::uint8_t size_class = 0;  // else
  std::uint64_t bit_word = 0;   // offset of the word with its allocation bit
  std::uint64_t bit = 0;
  std::uint64_t capacity = 0;  // bytes

  // What the page map says of a record at `offset` of `shard`; nothing when no record can begin there. Of an
  // Image or a Source.
  template <class Bytes>
  static bool find(const Bytes& image, std::uint8_t shard, std::uint64_t offset, Place* place);
};

// Of a slab's slot.
Place place_of_slot(std::uint64_t slab, std::uint8_t size_class, std::uint32_t slot);

// Does a slab of `shard` begin at this page? Then *word is what the page map says of it.
template <class Bytes>
bool is_slab(const Bytes& image, std::uint64_t page, std::uint8_t shard, PageWord* word);

}  // namespace okg::hot
