// Work that can wait: deadlines, sparse slabs, memory to be given back.
#include <algorithm>

#include "hot/engine.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;
using faults::is;
using faults::Mutant;

namespace {

constexpr std::int64_t kExpirePause = 1'000'000'000;  // from pass to pass
constexpr std::size_t kMovedAtOnce = 64;              // records, while the shard's writers wait

}  // namespace

bool Engine::work() {
  {
    const std::lock_guard lock(pages_.mutex);
    if (pages_.scan(64)) return true;
  }
  if (expire()) return true;
  if (const auto compacted = compact(); compacted && *compacted != Compacted::nothing) return true;
  if (!punch_) return false;
  (void)reclaim();
  const std::lock_guard lock(pages_.mutex);
  return pages_.punch(punch_);
}

bool Engine::expire() {
  if (!clock_) return false;
  if (expire_table_ == 0 && expire_place_.shard == 0 && expire_place_.tag == 0) {
    const std::int64_t now = clock_();
    if (now < expire_next_ns_) return false;
    expire_next_ns_ = now + kExpirePause;
  }
  const auto is_concerned = [&](std::size_t at) {
    return image_.kind(at) == EntryKind::table && ordered::load(&image_.entry(at).has_deadlines) != 0;
  };
  while (expire_table_ < kMostTables && !is_concerned(expire_table_)) ++expire_table_;
  if (expire_table_ == kMostTables) {
    expire_table_ = 0;
    return false;
  }
  Shard& shard = *shards_[expire_place_.shard];
  const std::lock_guard lock(shard.mutex);
  const auto leaf = Index(image_, expire_table_, shard.number).leaf_at(expire_place_.tag);
  if (leaf && leaf->offset != 0) expire_leaf(expire_table_, shard, leaf->offset);
  expire_place_.go_behind(leaf ? leaf->end : 1U << kTagBits);
  if (expire_place_.shard == shards_.size()) {
    expire_place_ = {};
    ++expire_table_;
  }
  return true;
}

void Engine::expire_leaf(std::size_t table, Shard& shard, std::uint64_t leaf) {
  for (std::size_t i = 0; i < kLeafLines * kCellsPerLine; ++i) {
    const std::uint64_t cell = image_.load(leaf + i * 8);
    RecordView view{};
    if (cell == 0 || !view_record(image_, record_offset(cell), &view) || view.deadline_offset == 0) continue;
    if (!is_past(image_.load(view.deadline_offset))) continue;
    const std::string key(reinterpret_cast<const char*>(view.key), view.header.key_bytes);
    const Change change{Change::Kind::erase, table, key};
    const Target target{&change, Hashed{hash_key(key, image_.header().seed)}, &shard};
    Shard* const one = &shard;
    if (!try_commit({&target, 1}, {&one, 1})) return;  // found again by the next pass
  }
}

// As it lies: its checksum goes with it.
Status Engine::move_record(Shard& shard, std::uint64_t offset) {
  RecordView view{};
  Place old;
  if (!Place::find(image_, shard.number, offset, &old) || !view_record(image_, offset, &view) ||
      view.bytes() > old.capacity)
    return Error(Code::corrupt, "a slot that is taken holds no record");
  const std::string key(reinterpret_cast<const char*>(view.key), view.header.key_bytes);
  const Hashed hashed{hash_key(key, image_.header().seed)};
  const auto found = Index(image_, view.table(), shard.number).find(hashed, key);
  if (!found) return found.error();
  if (found->cell_offset == 0 || record_offset(found->cell) != offset)
    return Error(Code::corrupt, "nothing leads to a record");
  Operation operation(image_, pages_, shard);
  const auto place = operation.take_place(shard, view.bytes());
  if (!place) return place.error();
  ordered::fill(image_.at<std::byte>(place->offset), image_.at<std::byte>(offset), view.bytes());
  if (is(Mutant::move_frees_first))
    ordered::store(image_.word(old.bit_word), image_.load(old.bit_word) & ~old.bit);
  operation.redo().set(found->cell_offset, cell_for(hashed.tag(), place->offset));
  operation.free_place(shard, old);
  return operation.commit();
}

// A slab of which at most a quarter is taken, whose records have room in others of its class.
bool Engine::choose_sparse(Shard& shard) {
  for (; compact_slab_ < shard.slabs.size(); ++compact_slab_) {
    const std::uint64_t page = shard.slabs[compact_slab_];
    PageWord word;
    if (!is_slab(image_, page, shard.number, &word)) continue;
    const SlabShape& shape = kSlabShapes[word.size_class];
    const std::uint64_t taken = taken_slots(image_, page, word.size_class);
    if (taken == 0 || taken > shape.slots / 4) continue;  // an empty one is reclaim()'s
    std::vector<std::uint64_t>& free = shard.free[word.size_class];
    const auto is_own = [&](std::uint64_t slot) {
      return slot / kPageBytes >= page && slot / kPageBytes < page + word.count;
    };
    const auto own = static_cast<std::uint64_t>(std::ranges::count_if(free, is_own));
    if (free.size() - own < taken) continue;
    std::erase_if(free, is_own);
    shard.emptied = {page, word.count};
    return true;
  }
  return false;
}

// What an old process left has to be known before it can be chosen. False when it is.
bool Engine::look_through(Shard& shard) {
  const std::lock_guard lock(pages_.mutex);
  for (unsigned size_class = 0; size_class < kClasses; ++size_class)
    if (look_through_slab(image_, pages_, shard, size_class, nullptr)) return true;
  return false;
}

void Engine::know_slabs() {
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    {
      const std::lock_guard pages_lock(pages_.mutex);
      while (pages_.scan(1024)) {
      }
    }
    while (look_through(*shard)) {
    }
  }
}

Result<Engine::Compacted> Engine::compact() {
  if (!is_compacting_ && !may_compact_.exchange(false)) return Compacted::nothing;
  is_compacting_ = true;
  Shard& shard = *shards_[compact_shard_];
  const std::lock_guard lock(shard.mutex);
  // They may look at what is to be moved: later.
  if (!shard.views.none()) return Compacted::nothing;
  if (shard.emptied.count == 0) {
    if (compact_slab_ == 0 && look_through(shard)) return Compacted::looked;
    if (!choose_sparse(shard)) {
      compact_slab_ = 0;
      compact_shard_ = (compact_shard_ + 1) % shards_.size();
      is_compacting_ = compact_shard_ != 0;
      return is_compacting_ ? Compacted::looked : Compacted::nothing;
    }
  }
  return empty_slab(shard);
}

// Some records of the slab that was chosen; and once they all are gone, its pages serve others.
Result<Engine::Compacted> Engine::empty_slab(Shard& shard) {
  const PageRun run = shard.emptied;
  const unsigned size_class = PageWord::from(image_.load(image_.page_word_offset(run.page))).size_class;
  const SlabShape& shape = kSlabShapes[size_class];
  const std::uint64_t slab = run.page * kPageBytes;
  std::size_t moved = 0;
  Status done;
  for (std::uint32_t slot = 0; slot < shape.slots && done && moved < kMovedAtOnce; ++slot) {
    if ((image_.load(shape.bits_offset(slab, slot)) >> slot % 64 & 1) == 0) continue;
    done = move_record(shard, slab + shape.begin + slot * slot_bytes(size_class));
    ++moved;
  }
  if (done && moved == kMovedAtOnce) return Compacted::moved;
  shard.emptied = {};
  if (taken_slots(image_, run.page, size_class) == 0) {
    std::erase(shard.slabs, run.page);
    const std::lock_guard lock(pages_.mutex);
    pages_.give_back(run);
  } else {
    ++compact_slab_;
    offer_slots(image_, shard, run.page, size_class, nullptr);
  }
  if (!done && done.error().code == Code::corrupt) return done.error();
  return Compacted::moved;
}

}  // namespace okg::hot
