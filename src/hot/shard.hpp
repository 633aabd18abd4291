// A part of the store with a writer's mutex and a log of its own: records are spread over the shards by their
// hash.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include "hot/pages.hpp"
#include "hot/redo.hpp"

namespace okg::hot {

// What an operation has gathered; kept by the shard, so that an operation allocates nothing.
struct Gathered {
  struct NewSlab {
    std::uint64_t offset;
    std::uint8_t size_class;
    std::uint32_t used;  // slots that the operation took
  };
  struct Slot {
    std::uint8_t size_class;
    std::uint64_t offset;
  };

  explicit Gathered(const Image& image) : redo(image) {}
  void clear();

  RedoRecord redo;
  std::vector<NewSlab> new_slabs;
  std::vector<Slot> taken, freed;
};

struct alignas(kLineBytes) Shard {
  Shard(const Image& image, std::uint8_t index) : number(index), log(image, index), gathered(image) {}

  const std::uint8_t number;
  std::mutex mutex;
  // Odd while words of the shard change: a reader's copy counts only between two equal even values.
  alignas(kLineBytes) std::atomic<std::uint64_t> sequence{0};
  alignas(kLineBytes) Log log;
  Gathered gathered;
  // Free slots of each class, as far as they are known; the last freed is the first taken, while it is in the
  // cache.
  std::array<std::vector<std::uint64_t>, kClasses> free;
  std::vector<std::uint64_t> slabs;  // pages of those whose free slots are known
};

// Gives slabs that hold no record back to the pages, so that others can have them. The shard's mutex is held.
// How many pages it were.
std::uint64_t reclaim(const Image& image, Pages& pages, Shard& shard);

}  // namespace okg::hot
