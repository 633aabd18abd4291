// A change of shards as its words are gathered: what it takes, what it frees, and the one commit.
#pragma once

#include <span>

#include "hot/place.hpp"
#include "hot/shard.hpp"

namespace okg::hot {

// One committed change in shards whose mutexes the caller holds. What it takes is given back unless commit()
// was called.
class Operation {
 public:
  Operation(const Image& image, Pages& pages, std::span<Shard* const> shards);
  Operation(const Image& image, Pages& pages, Shard& shard);
  ~Operation();
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  RedoRecord& redo() { return gathered_.redo; }

  base::Result<std::uint64_t> take_pages(Shard& shard, std::uint32_t count, PageKind kind);
  void free_pages(Shard& shard, PageRun run);
  // Room for a record of so many bytes.
  base::Result<Place> take_place(Shard& shard, std::uint64_t bytes);
  void free_place(Shard& shard, const Place& place);

  // no_space when the log is too small for it: then nothing has happened.
  base::Status commit();

 private:
  void lock_pages();
  base::Result<std::uint64_t> take_slot(Shard& shard, std::uint8_t size_class);
  bool refill(Shard& shard, std::uint8_t size_class);
  void set_bit(const Place& place, bool value);
  void make_room();

  const Image& image_;
  Pages& pages_;
  std::array<std::atomic<std::uint64_t>*, kMostShards> sequences_{};
  std::size_t shards_ = 0;
  Logs::Taken log_;
  Gathered& gathered_;
  std::unique_lock<std::mutex> pages_lock_;
  bool committed_ = false;
};

}  // namespace okg::hot
