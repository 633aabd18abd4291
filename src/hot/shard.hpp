// A part of the store with a writer's mutex and a log of its own: records are spread over the shards by their
// hash.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <unordered_set>
#include <utility>
#include <vector>

#include "hot/pages.hpp"
#include "hot/redo.hpp"

namespace okg::hot {

struct Shard;

// What an operation has gathered; kept by the shard, so that an operation allocates nothing.
struct Gathered {
  struct NewSlab {
    Shard* shard;
    std::uint64_t offset;
    std::uint8_t size_class;
    std::uint32_t used;  // slots that the operation took
  };
  struct Slot {
    Shard* shard;
    std::uint8_t size_class;
    std::uint64_t offset;
  };

  Gathered(const Image& image, Log& log) : redo(image, log) {}
  void clear();

  RedoRecord redo;
  struct Run {
    Shard* shard;
    PageRun run;
  };
  std::vector<NewSlab> new_slabs;
  std::vector<Slot> taken, freed;
  std::vector<Run> freed_runs;
};

// Views of a shard, and what was freed while there were some: free in the file, but nobody may have it yet.
// What was freed under views waits for those that were there at the time, and for no later ones.
class Views {
 public:
  bool none() const { return now_ == 0 && before_ == 0; }
  // Which generation the view belongs to, for end().
  std::uint64_t begin();
  // True: something can be had again.
  bool end(std::uint64_t generation);

  struct Freed {
    std::vector<Gathered::Slot> slots;
    std::vector<PageRun> runs;
  };
  Freed& freed() { return freed_now_; }
  // Slots that are free in the file, but not to be had.
  std::unordered_set<std::uint64_t> held() const;
  // What nobody sees any more.
  Freed take() { return std::exchange(ready_, {}); }

 private:
  std::uint64_t generation_ = 0;
  std::uint64_t now_ = 0, before_ = 0;  // views of this generation, and of the one before
  Freed freed_now_, freed_before_, ready_;
};

struct alignas(kLineBytes) Shard {
  Shard(const Image& image, std::uint8_t index) : number(index), log(image, index), gathered(image, log) {}

  const std::uint8_t number;
  std::mutex mutex;
  // Odd while words of the shard change: a reader's copy counts only between two equal even values.
  alignas(kLineBytes) std::atomic<std::uint64_t> sequence{0};
  alignas(kLineBytes) Log log;
  Gathered gathered;
  Views views;
  // Free slots of each class, as far as they are known; the last freed is the first taken, while it is in the
  // cache.
  std::array<std::vector<std::uint64_t>, kClasses> free;
  std::vector<std::uint64_t> slabs;  // pages of those whose free slots are known
  PageRun emptied{};                 // a slab that compaction empties: nobody gets a slot of it
  bool is_emptied(std::uint64_t slot) const {
    return slot / kPageBytes >= emptied.page && slot / kPageBytes < emptied.page + emptied.count;
  }
};

// Puts the free slots of one slab that an old process left where they are found. False when there is no such
// slab. The mutexes of the shard and of the pages are held. `redo`: what is about to be committed, or
// nullptr.
bool look_through_slab(const Image& image, Pages& pages, Shard& shard, unsigned size_class,
                       const RedoRecord* redo);

// Gives slabs that hold no record back to the pages, so that others can have them. The shard's mutex is held.
// How many pages it were.
std::uint64_t reclaim(const Image& image, Pages& pages, Shard& shard);

// Hands out again what views no longer see. The shard's mutex is held.
void release(Pages& pages, Shard& shard) noexcept;

}  // namespace okg::hot
