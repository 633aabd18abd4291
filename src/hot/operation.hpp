// A change of a shard as its words are gathered: what it takes, what it frees, and the one commit.
#pragma once

#include "hot/place.hpp"
#include "hot/shard.hpp"

namespace okg::hot {

// One committed change in a shard whose mutex the caller holds. What it takes is given back unless commit()
// was called.
class Operation {
 public:
  Operation(const Image& image, Pages& pages, Shard& shard);
  ~Operation();
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  RedoRecord& redo() { return gathered_.redo; }

  base::Result<std::uint64_t> take_pages(std::uint32_t count, PageKind kind);
  void free_pages(std::uint64_t page, std::uint32_t count);
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
