// Work that can wait: deadlines, sparse slabs, memory to be given back.
#include <algorithm>
#include <bit>

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
  const std::unique_lock alone(work_mutex_, std::try_to_lock);
  if (!alone.owns_lock()) return true;  // somebody else is at it
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
  if (!clock_ || !has_deadlines_) return false;
  if (expire_table_ == 0 && expire_shard_ == 0 && expire_tag_ == 0) {
    const std::int64_t now = clock_();
    if (now < expire_next_ns_) return false;
    expire_next_ns_ = now + kExpirePause;
    saw_deadline_ = false;
  }
  while (expire_table_ < kMostTables && image_.kind(expire_table_) != EntryKind::table) ++expire_table_;
  if (expire_table_ == kMostTables) {
    expire_table_ = 0;
    if (!saw_deadline_) has_deadlines_ = false;
    return false;
  }
  Shard& shard = *shards_[expire_shard_];
  const std::lock_guard lock(shard.mutex);
  const auto leaf = Index(image_, expire_table_, shard.number).leaf_at(expire_tag_);
  if (leaf && leaf->offset != 0) expire_leaf(expire_table_, shard, leaf->offset);
  expire_tag_ = leaf ? leaf->end : 1U << kTagBits;
  if (expire_tag_ < 1U << kTagBits) return true;
  expire_tag_ = 0;
  if (++expire_shard_ < shards_.size()) return true;
  expire_shard_ = 0;
  ++expire_table_;
  return true;
}

void Engine::expire_leaf(std::size_t table, Shard& shard, std::uint64_t leaf) {
  for (std::size_t i = 0; i < kLeafLines * kCellsPerLine; ++i) {
    const std::uint64_t cell = image_.load(leaf + i * 8);
    RecordView view{};
    if (cell == 0 || !view_record(image_, record_offset(cell), &view) || view.deadline_offset == 0) continue;
    saw_deadline_ = true;
    if (!is_past(image_.load(view.deadline_offset))) continue;
    const std::string key(reinterpret_cast<const char*>(view.key), view.header.key_bytes);
    const Change change{Change::Kind::erase, table, key};
    const Target target{&change, Hashed{hash_key(key, image_.header().seed)}, &shard};
    Shard* const one = &shard;
    if (!try_commit({&target, 1}, {&one, 1}, nullptr)) return;  // found again by the next pass
  }
}

Status Engine::set_deadline(std::size_t table, std::string_view key, std::int64_t at_ns) {
  if (auto may = check_writable(); !may) return may;
  if (auto checked = check_key(table, key); !checked) return checked;
  const Hashed hashed{hash_key(key, image_.header().seed)};
  Shard* const shard = &shard_of(hashed);
  return with_reclaim([&]() -> Status {
    const std::lock_guard lock(shard->mutex);
    const auto found = Index(image_, table, shard->number).find(hashed, key);
    if (!found) return found.error();
    const auto missing = [] { return Error(Code::not_found, "there is no such record"); };
    if (found->cell_offset == 0) return missing();
    if (found->view.deadline_offset != 0) {
      if (is_past(image_.load(found->view.deadline_offset))) return missing();
      ordered::store(image_.word(found->view.deadline_offset), static_cast<std::uint64_t>(at_ns));
      return {};
    }
    if (at_ns == 0) return {};
    // Written anew, with a word for it.
    const std::string value(reinterpret_cast<const char*>(found->view.value), found->view.header.value_bytes);
    if (record_crc(found->view.header, key, value.data()) != found->view.header.crc)
      return Error(Code::corrupt, "the record is damaged");
    const Change change{Change::Kind::put, table, key, value, found->view.header.schema, {false, at_ns}};
    const Target target{&change, hashed, shard};
    return try_commit({&target, 1}, {&shard, 1}, nullptr);
  });
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
    std::uint64_t taken = 0;
    for (std::uint64_t i = 0; i < shape.bit_words; ++i)
      taken += static_cast<std::uint64_t>(std::popcount(image_.load(page * kPageBytes + i * 8)));
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
  const bool is_begun = shard.emptied.count != 0;
  if (!is_begun && compact_slab_ == 0 && look_through(shard)) return Compacted::looked;
  if ((!is_begun && !shard.views.none()) || (!is_begun && !choose_sparse(shard))) {
    compact_slab_ = 0;
    compact_shard_ = (compact_shard_ + 1) % shards_.size();
    is_compacting_ = compact_shard_ != 0;
    return is_compacting_ ? Compacted::looked : Compacted::nothing;
  }
  const PageRun run = shard.emptied;
  const SlabShape& shape =
      kSlabShapes[PageWord::from(image_.load(image_.page_word_offset(run.page))).size_class];
  const unsigned size_class = PageWord::from(image_.load(image_.page_word_offset(run.page))).size_class;
  const std::uint64_t slab = run.page * kPageBytes;
  std::size_t moved = 0;
  Status done;
  for (std::uint32_t slot = 0; slot < shape.slots && done && moved < kMovedAtOnce; ++slot) {
    if ((image_.load(shape.bits_offset(slab, slot)) >> slot % 64 & 1) == 0) continue;
    done = move_record(shard, slab + shape.begin + slot * slot_bytes(size_class));
    ++moved;
  }
  if (done && moved == kMovedAtOnce) return Compacted::moved;
  // Through with it: its slots can be had again, and an empty slab is reclaim()'s.
  shard.emptied = {};
  ++compact_slab_;
  const std::unordered_set<std::uint64_t> held = shard.views.held();
  std::vector<std::uint64_t>& free = shard.free[size_class];
  for (std::uint32_t slot = 0; slot < shape.slots; ++slot) {
    const std::uint64_t offset = slab + shape.begin + slot * slot_bytes(size_class);
    if ((image_.load(shape.bits_offset(slab, slot)) >> slot % 64 & 1) == 0 && !held.contains(offset))
      free.insert(free.begin(), offset);
  }
  note_freed();
  if (!done && done.error().code == Code::corrupt) return done.error();
  return Compacted::moved;
}

Got Engine::view(std::size_t table, std::string_view key, View* view) {
  if (!is_here()) return Got::closed;
  const Hashed hashed{hash_key(key, image_.header().seed)};
  Shard& shard = shard_of(hashed);
  const std::lock_guard lock(shard.mutex);
  {
    // What is freed under a view must not be found by a scan.
    const std::lock_guard pages_lock(pages_.mutex);
    while (pages_.scan(4096)) {
    }
  }
  const auto found = Index(image_, table, shard.number).find(hashed, key);
  if (!found) return Got::damaged;
  if (found->cell_offset == 0) return Got::missing;
  const RecordView& record = found->view;
  if (record.deadline_offset != 0 && is_past(image_.load(record.deadline_offset))) return Got::missing;
  if (record.header.epoch != epoch_ && record_crc(record.header, key, record.value) != record.header.crc)
    return Got::damaged;
  *view = {record.value, record.header.value_bytes, record.header.schema, shard.number, shard.views.begin()};
  return Got::found;
}

void Engine::end_view(const View& view) {
  Shard& shard = *shards_[view.shard];
  const std::lock_guard lock(shard.mutex);
  if (shard.views.end(view.generation)) release(pages_, shard);
}

}  // namespace okg::hot
