// Tables in a mapped segment: everything but the file they lie in. Any thread, several at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hot/index.hpp"

namespace okg::hot {

struct TableOptions {
  KeyKind key_kind = KeyKind::u64;
  std::uint64_t schema_version = 1;
  std::uint64_t fingerprint = 0;  // of the value's layout; 0: plain bytes
};

// A key as the engine sees it: the bytes, of which the table's kind says how many there may be.
inline std::string_view key_of(const std::uint64_t& key) {
  return {reinterpret_cast<const char*>(&key), sizeof key};
}

enum class Got { found, missing, too_small, damaged, closed };

struct Size {
  std::uint64_t tables = 0, records = 0, bytes = 0;  // bytes: of keys and values
};

// What is in use of the file: for `okg hot`, and for tests.
struct Usage {
  std::uint64_t records = 0, slots = 0, free_slots = 0, slabs = 0, leaves = 0, cells = 0, large = 0,
                free_pages = 0;
};

class Engine {
 public:
  // `base`: the mapped file, whose header was checked, of which State::bytes are there. Carries out what was
  // committed.
  static base::Result<std::unique_ptr<Engine>> open(std::byte* base, const Header& header);

  // Finds a table, or makes it where it may. schema_mismatch when one of that name keeps something else;
  // not_found.
  base::Result<std::size_t> table(std::string_view name, const TableOptions& options, bool may_make = true);

  // Committed when it returns; nothing has changed when it fails.
  base::Status put(std::size_t table, std::string_view key, std::string_view value);
  // not_found when there is none.
  base::Status erase(std::size_t table, std::string_view key);
  // *size is the value's. Where it is not found, `buffer` holds anything.
  Got get(std::size_t table, std::string_view key, void* buffer, std::size_t capacity,
          std::size_t* size) const;

  // Each record of a table that is there all the while, once, in no order, as get() gives it; `visit` may
  // call everything here. It returns false to end.
  template <class Visit>
  base::Status for_each(std::size_t table, Visit&& visit) const;

  Size size() const;
  Size size_of(std::size_t table) const;
  std::string name_of(std::size_t table) const;

  // Reads all there is, with nobody writing: is each word what the protocol says it is? The first thing that
  // is not.
  base::Result<Usage> verify() const;

  // Work that can wait: looks for free room that an old process left. False when there is nothing left to do.
  bool work();
  // Gives slabs without a record back, so that records of other sizes can have the room; put() does that
  // before it says that there is none. True: there were some.
  bool reclaim();

  const Image& image() const { return image_; }
  void set_grow(Pages::Grow grow) { pages_.set_grow(std::move(grow)); }

 private:
  Engine(std::byte* base, const Header& header);

  base::Result<std::vector<std::string>> keys_of(std::size_t table, Shard& shard, std::uint32_t tag,
                                                 std::uint32_t* next) const;
  // False when it is not there any more.
  base::Result<bool> read(std::size_t table, std::string_view key, std::string* value) const;
  base::Status check_key(std::size_t table, std::string_view key) const;
  Shard& shard_of(Hashed hashed) const { return *shards_[hashed.shard(image_.header().shards)]; }
  void note_freed() {
    // Only a change is stored: threads that free would take the line from each other.
    if (!may_reclaim_.load(std::memory_order_relaxed)) may_reclaim_.store(true, std::memory_order_relaxed);
  }
  base::Status try_put(std::size_t table, std::string_view key, std::string_view value);
  void write_record(const Place& place, std::string_view key, std::string_view value);

  Image image_;
  std::uint32_t epoch_ = 0;
  mutable Pages pages_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::mutex tables_mutex_;
  std::atomic<bool> may_reclaim_{true};  // something was freed since the last look
  std::mutex reclaim_mutex_;
  std::atomic<std::uint64_t> reclaims_{0};
};

template <class Visit>
base::Status Engine::for_each(std::size_t table, Visit&& visit) const {
  std::string value;
  for (const auto& shard : shards_) {
    for (std::uint32_t tag = 0; tag < 1U << kTagBits;) {
      std::uint32_t next = 0;
      const auto keys = keys_of(table, *shard, tag, &next);
      if (!keys) return keys.error();
      for (const std::string& key : *keys) {
        const auto is_there = read(table, key, &value);
        if (!is_there) return is_there.error();
        if (*is_there && !visit(std::string_view(key), std::string_view(value))) return {};
      }
      tag = next;
    }
  }
  return {};
}

}  // namespace okg::hot
