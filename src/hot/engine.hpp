// Tables, journals and regions in a mapped segment: everything but the file they lie in. Any thread, several
// at once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fork.hpp"
#include "base/text.hpp"
#include "hot/index.hpp"
#include "hot/journal.hpp"
#include "hot/region.hpp"

namespace okg::hot {

struct TableOptions {
  KeyKind key_kind = KeyKind::u64;
  std::uint64_t schema_version = 1;
  std::uint64_t fingerprint = 0;     // of the value's layout; 0: plain bytes
  std::uint64_t value_bytes = 0;     // of each value; 0: they differ
  std::string fields;                // of the value, for people
  std::uint64_t oldest_version = 0;  // of a record that is understood; 0: schema_version
  bool writes_older = false;         // its records are of the version that was there, until finalize()
};

struct JournalOptions {
  std::uint64_t bytes = 1ULL << 20;  // of the ring; a multiple of 4096 is made of it
  std::uint64_t schema_version = 1, fingerprint = 0;
};

// A key as the engine sees it: the bytes, of which the table's kind says how many there may be.
inline std::string_view key_of(const std::uint64_t& key) {
  return {reinterpret_cast<const char*>(&key), sizeof key};
}

enum class Got { found, missing, too_small, damaged, closed, mismatch };

struct Size {
  std::uint64_t tables = 0, records = 0, bytes = 0;  // bytes: of keys and values
};

// What is in use of the file: for `okg hot`, and for tests.
struct Usage {
  std::uint64_t records = 0, slots = 0, free_slots = 0, slabs = 0, leaves = 0, cells = 0, large = 0,
                free_pages = 0;
};

// Of a put. CLOCK_BOOTTIME in ns; 0: none.
struct Deadline {
  bool keep = true;  // what the record has, unless that has passed
  std::int64_t at_ns = 0;
};

// A part of a transaction.
struct Change {
  enum class Kind {
    put,
    erase,           // of a record that is there
    expect,          // of a record: it is as `value` says
    expect_missing,  // there is no such record
    append           // of `value` to a journal
  };
  Kind kind = Kind::put;
  std::size_t entry = 0;
  std::string_view key = {}, value = {};
  std::uint16_t schema = 1;
  Deadline deadline = {};
  std::uint16_t newest_known = UINT16_MAX;  // a record of a later schema is left as it is: schema_mismatch
};

class Engine {
 public:
  // `base`: the mapped file, whose header was checked, of which State::bytes are there. Carries out what was
  // committed.
  static base::Result<std::unique_ptr<Engine>> open(std::byte* base, const Header& header);
  ~Engine();

  // Each finds what has that name, or makes it where it may. schema_mismatch when something of that name
  // keeps something else; not_found.
  base::Result<std::size_t> table(std::string_view name, const TableOptions& options, bool may_make = true);
  base::Result<std::size_t> journal(std::string_view name, const JournalOptions& options,
                                    bool may_make = true);
  base::Result<std::size_t> region(std::string_view name, const RegionOptions& options, bool may_make = true);
  Journal& journal_at(std::size_t entry) const { return *journals_[entry]; }
  Region& region_at(std::size_t entry) const { return *regions_[entry]; }
  // From here on records of the table's newest version are written.
  base::Status finalize(std::size_t table, const TableOptions& options);
  // No record is older.
  void note_oldest(std::size_t table, std::uint64_t version);

  // Committed when it returns; nothing has changed when it fails. A put or an erase.
  base::Status commit(const Change& change);
  base::Status put(std::size_t table, std::string_view key, std::string_view value,
                   std::uint16_t schema = 1) {
    return commit(Change{Change::Kind::put, table, key, value, schema});
  }
  // not_found when there is none.
  base::Status erase(std::size_t table, std::string_view key) {
    return commit(Change{Change::Kind::erase, table, key});
  }
  // Of a record that is there; 0: none. A single store where the record has had one.
  base::Status set_deadline(std::size_t table, std::string_view key, std::int64_t at_ns,
                            std::uint16_t newest_known = UINT16_MAX);
  // All of them or none, each record changed once at the most. conflict when an expectation fails.
  base::Status commit(std::span<const Change> changes);

  struct Value {
    std::size_t size = 0;
    std::uint16_t schema = 0;
  };
  // Where it is not found, `buffer` holds anything.
  Got get(std::size_t table, std::string_view key, void* buffer, std::size_t capacity, Value* value) const;
  Got get(std::size_t table, std::uint64_t key, void* buffer, std::size_t capacity, Value* value) const;
  // The same, with as much room as it needs.
  Got read(std::size_t table, std::string_view key, std::string* bytes, Value* value) const;

  // A record as it lies in the file, until end_view(). missing, damaged.
  struct View {
    const std::byte* value = nullptr;
    std::size_t size = 0;
    std::uint16_t schema = 0;
    std::uint8_t shard = 0;
    std::uint64_t generation = 0;
  };
  Got view(std::size_t table, std::string_view key, View* view);
  void end_view(const View& view);

  // A place in a table's index, from leaf to leaf and from shard to shard.
  struct LeafPlace {
    std::size_t shard = 0;
    std::uint32_t tag = 0;

    void go_behind(std::uint32_t end) {
      tag = end % (1U << kTagBits);
      if (tag == 0) ++shard;
    }
  };
  bool is_at_end(const LeafPlace& place) const { return place.shard == shards_.size(); }
  // The keys of the leaf at `place`, which is not the end and moves on; of records whose schema is older than
  // that.
  base::Result<std::vector<std::string>> keys_of(std::size_t table, LeafPlace* place,
                                                 std::uint32_t older_than = UINT16_MAX + 1) const;

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

  // Work that can wait, a piece of it, by one thread at a time: looks for free room that an old process left,
  // erases what is past its deadline, empties slabs that are nearly empty, gives memory back. False when
  // there is nothing left to do for now.
  bool work();
  // Gives slabs without a record back, so that records of other sizes can have the room; put() does that
  // before it says that there is none. True: there were some.
  bool reclaim();
  // Looks through all that an old process left, at once: compact() does it slab by slab.
  void know_slabs();
  // A piece of moving the records of slabs that hold few of them elsewhere.
  enum class Compacted { nothing, looked, moved };
  base::Result<Compacted> compact();
  // Erases what is past its deadline among the next records. False when it was through all of them.
  bool expire();

  // From here on every change is refused, for this reason.
  void seal(base::Error why) { sealed_ = std::move(why); }
  // Its memory is not there in children of this process: every call fails there.
  void belongs_to_this_process() { generation_ = base::fork_generation(); }
  bool is_here() const { return !generation_ || *generation_ == base::fork_generation(); }
  // closed in a forked child; what seal() said.
  base::Status check_writable() const {
    if (is_here() && !sealed_) return {};
    return why_not_writable();
  }

  const Image& image() const { return image_; }
  void set_grow(Pages::Grow grow) { pages_.set_grow(std::move(grow)); }
  void set_punch(Pages::Punch punch) { punch_ = std::move(punch); }
  // For deadlines: CLOCK_BOOTTIME. Without it nothing expires.
  void set_clock(std::function<std::int64_t()> clock) { clock_ = std::move(clock); }

 private:
  Engine(std::byte* base, const Header& header);

  // Where a change lands.
  struct Target {
    const Change* change;
    Hashed hashed{};
    Shard* shard = nullptr;
  };
  struct Front;
  enum class Gathering { done, wants_room };

  template <class Key>
  bool try_get(const Shard& shard, const Index& index, Hashed hashed, Key key, void* buffer,
               std::size_t capacity, Value* value, Got* got) const;
  template <class Key>
  Got get_quickly(std::size_t table, Key key, void* buffer, std::size_t capacity, Value* value) const;
  template <class Key>
  Got get_patiently(Shard& shard, const Index& index, Hashed hashed, Key key, void* buffer,
                    std::size_t capacity, Value* value) const;
  template <class Call>
  base::Status with_reclaim(Call&& call);
  base::Status check(const Change& change) const;
  bool update(const Target& target);
  base::Status try_commit(std::span<const Target> targets, std::span<Shard* const> shards);
  base::Result<Gathering> gather(Operation& operation, const Target& target);
  base::Result<Gathering> gather_put(Operation& operation, const Target& target);
  base::Status gather_erase(Operation& operation, const Target& target);
  base::Status expect(const Target& target) const;
  base::Status move_record(Shard& shard, std::uint64_t offset);
  bool look_through(Shard& shard);
  bool choose_sparse(Shard& shard);
  base::Result<Compacted> empty_slab(Shard& shard);
  void expire_leaf(std::size_t table, Shard& shard, std::uint64_t leaf);
  void write_record(const Place& place, std::span<const std::byte> front, std::string_view value);
  void count(Operation& operation, std::size_t table, Shard& shard, std::int64_t records, std::int64_t bytes);
  bool is_past(std::uint64_t deadline) const {
    return deadline != 0 && clock_ && clock_() >= static_cast<std::int64_t>(deadline);
  }

  base::Result<std::optional<std::size_t>> find_named(std::string_view name, EntryKind kind,
                                                      std::size_t* unused) const;
  base::Result<std::size_t> make_named(std::size_t at, std::string_view name, Entry entry,
                                       std::uint64_t data_pages, std::uint64_t log_pages);
  base::Status migrate_region(std::size_t at, std::string_view name, const RegionOptions& options);
  base::Status check_schema(std::size_t table, std::string_view name, const TableOptions& options) const;
  void note_schema(std::size_t table, const TableOptions& options);

  base::Error why_not_writable() const;
  base::Status check_key(std::size_t table, std::string_view key) const {
    const bool is_number = static_cast<KeyKind>(image_.entry(table).flavor) == KeyKind::u64;
    if (is_number ? key.size() == 8 : !key.empty() && key.size() <= kMostKeyBytes) return {};
    return wrong_key(table, key);
  }
  base::Error wrong_key(std::size_t table, std::string_view key) const;
  Shard& shard_of(Hashed hashed) const { return *shards_[hashed.shard(image_.header().shards)]; }
  void note_freed() {
    // Only a change is stored: threads that free would take the line from each other.
    if (!may_reclaim_.load(std::memory_order_relaxed)) may_reclaim_.store(true, std::memory_order_relaxed);
    if (!may_compact_.load(std::memory_order_relaxed)) may_compact_.store(true, std::memory_order_relaxed);
  }

  Image image_;
  std::uint32_t epoch_ = 0;
  std::optional<unsigned> generation_;
  std::optional<base::Error> sealed_;
  std::function<std::int64_t()> clock_;
  Pages::Punch punch_;
  mutable Pages pages_;
  Logs logs_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::mutex named_mutex_;  // of the directory
  std::array<std::unique_ptr<Journal>, kMostTables> journals_;
  std::array<std::unique_ptr<Region>, kMostTables> regions_;
  std::atomic<bool> may_reclaim_{true};  // something was freed since the last look
  std::atomic<bool> may_compact_{true};
  std::mutex reclaim_mutex_;
  std::atomic<std::uint64_t> reclaims_{0};

  // Where work() goes on.
  std::int64_t expire_next_ns_ = 0;  // the next pass
  std::size_t expire_table_ = 0;
  LeafPlace expire_place_;
  bool is_compacting_ = false;
  std::size_t compact_shard_ = 0, compact_slab_ = 0;
};

template <class Call>
base::Status Engine::with_reclaim(Call&& call) {
  auto done = call();
  if (!done && (done.error().code == base::Code::no_space || done.error().code == base::Code::no_headroom) &&
      reclaim())
    done = call();
  return done;
}

template <class Visit>
base::Status Engine::for_each(std::size_t table, Visit&& visit) const {
  std::string bytes;
  Value value;
  for (LeafPlace place; !is_at_end(place);) {
    const auto keys = keys_of(table, &place);
    if (!keys) return keys.error();
    for (const std::string& key : *keys) {
      const Got got = read(table, key, &bytes, &value);
      if (got == Got::missing) continue;  // not any more
      if (got != Got::found)
        return base::Error(base::Code::corrupt, "record " + base::quote(key) + ": is damaged");
      if (!visit(std::string_view(key), std::string_view(bytes), value)) return {};
    }
  }
  return {};
}

}  // namespace okg::hot
