// A part of the store with a writer's mutex of its own: records are spread over the shards by their hash.
#pragma once

#include <atomic>
#include <vector>

#include "hot/by_class.hpp"
#include "hot/logs.hpp"
#include "hot/pages.hpp"
#include "hot/short_mutex.hpp"
#include "hot/views.hpp"

namespace okg::hot {

struct alignas(kLineBytes) Shard {
  Shard(Logs& logs_of_all, std::uint8_t index) : number(index), logs(logs_of_all) {}

  const std::uint8_t number;
  ShortMutex mutex;
  // Odd while words of the shard change: a reader's copy counts only between two equal even values. On the
  // line of the mutex: who writes needs both.
  std::atomic<std::uint64_t> sequence{0};
  alignas(kLineBytes) Logs& logs;
  Views views;
  // Free slots of each class, as far as they are known; the last freed is the first taken, while it is in the
  // cache.
  ByClass free;
  std::vector<std::uint64_t> slabs;  // pages of those whose free slots are known
  bool knows_pages = false;          // all runs that an old process left were scanned
  PageRun emptied{};                 // a slab that compaction empties: nobody gets a slot of it
  bool is_emptied(std::uint64_t slot) const {
    return slot / kPageBytes >= emptied.page && slot / kPageBytes < emptied.page + emptied.count;
  }
};

// How many slots of a slab hold a record.
std::uint64_t taken_slots(const Image& image, std::uint64_t page, unsigned size_class);

// Puts the free slots of a slab where they are found, but for those that are there already or are held for
// views. The shard's mutex is held. `redo`: what is about to be committed, or nullptr.
void offer_slots(const Image& image, Shard& shard, std::uint64_t page, unsigned size_class,
                 const RedoRecord* redo);

// The same of one slab that an old process left. False when there is no such slab. The mutex of the pages is
// held, too.
bool look_through_slab(const Image& image, Pages& pages, Shard& shard, unsigned size_class,
                       const RedoRecord* redo);

// Gives slabs that hold no record back to the pages, so that others can have them. The shard's mutex is held.
// How many pages it were.
std::uint64_t reclaim(const Image& image, Pages& pages, Shard& shard);

// Hands out again what views no longer see. The shard's mutex is held.
void release(Pages& pages, Shard& shard) noexcept;

}  // namespace okg::hot
