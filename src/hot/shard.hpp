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
  struct Run {
    std::uint64_t page;
    std::uint32_t count;
  };
  struct NewSlab {
    std::uint64_t offset;
    std::uint8_t size_class;
    std::uint32_t used;  // slots that the operation took
  };
  struct Slot {
    std::uint8_t size_class;
    std::uint64_t offset;
  };

  explicit Gathered(const Image& image) : record(image) {}
  void clear();

  Record record;
  std::vector<Run> freed_pages;
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

// Where a record lies.
struct Place {
  std::uint64_t offset = 0;
  bool is_large = false;        // a run of pages of its own
  std::uint32_t pages = 0;      // of that run
  std::uint8_t size_class = 0;  // else
  std::uint64_t bit_word = 0;   // offset of the word with its allocation bit
  std::uint64_t bit = 0;
  std::uint64_t capacity = 0;  // bytes

  // What the page map says of a record at `offset` of `shard`; nothing when no record can begin there.
  static bool find(const Image& image, std::uint8_t shard, std::uint64_t offset, Place* place);
};

// One committed change in a shard whose mutex the caller holds. What it takes is given back unless commit()
// was called.
class Operation {
 public:
  Operation(const Image& image, Pages& pages, Shard& shard);
  ~Operation();
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  Record& record() { return shard_.gathered.record; }

  base::Result<std::uint64_t> take_pages(std::uint32_t count, PageKind kind);
  void free_pages(std::uint64_t page, std::uint32_t count) { gathered_.freed_pages.push_back({page, count}); }
  // Room for a record of so many bytes.
  base::Result<Place> take_place(std::uint64_t bytes);
  void free_place(const Place& place);

  // no_space when the log is too small for it: then nothing has happened.
  base::Status commit();

 private:
  void lock_pages();
  base::Result<std::uint64_t> take_slot(std::uint8_t size_class);
  bool refill(std::uint8_t size_class);
  void set_bit(const Place& place, bool value);

  const Image& image_;
  Pages& pages_;
  Shard& shard_;
  Gathered& gathered_;
  std::unique_lock<std::mutex> pages_lock_;
  bool committed_ = false;
};

}  // namespace okg::hot
