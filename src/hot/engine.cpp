#include "hot/engine.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;
using faults::is;
using faults::Mutant;

namespace {

constexpr int kOptimisticReads = 16;
// A change of a record up to this size goes through the log into the place where it lies: no place to be
// found, no bits to be changed. Above, copying twice costs more.
constexpr std::uint64_t kMostInPlace = 2048;

std::uint64_t user_bytes(const RecordHeader& header) {
  return std::uint64_t{header.key_bytes} + header.value_bytes;
}

// What lies before a record's value, as it is to be written.
struct Front {
  alignas(8) std::array<std::byte, front_bytes(kMostKeyBytes, true)> bytes;
  std::size_t size = 0;

  Front(std::size_t table, std::string_view key, std::string_view value, std::uint16_t schema,
        std::uint64_t deadline, std::uint32_t epoch) {
    RecordHeader header{};
    header.value_bytes = static_cast<std::uint32_t>(value.size());
    header.key_bytes = static_cast<std::uint8_t>(key.size());
    header.table = static_cast<std::uint8_t>(table | (deadline != 0 ? kRecordHasDeadline : 0));
    header.schema = schema;
    header.epoch = epoch;
    header.crc = record_crc(header, key, value.data());
    std::memcpy(bytes.data(), &header, sizeof header);
    std::size_t at = sizeof header;
    if (deadline != 0) {
      std::memcpy(bytes.data() + at, &deadline, 8);
      at += 8;
    }
    size = at + padded(key.size(), 8);
    std::memset(bytes.data() + size - 8, 0, 8);
    std::memcpy(bytes.data() + at, key.data(), key.size());
  }
  std::span<const std::byte> span() const { return {bytes.data(), size}; }
};

Error too_new() {
  return {Code::schema_mismatch, "the record is of a newer schema than this program's: it was left as it is"};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace

Engine::Engine(std::byte* base, const Header& header) : image_(base, header), pages_(image_) {
  for (std::uint64_t i = 0; i < header.shards; ++i)
    shards_.push_back(std::make_unique<Shard>(image_, static_cast<std::uint8_t>(i)));
}

Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(std::byte* base, const Header& header) {
  {
    // The logs first: what is remembered beside the file begins with what they leave in it.
    const Image image(base, header);
    // All of them are looked at before a word is changed.
    for (std::uint64_t i = 0; i < header.shards; ++i)
      if (auto checked = Log(image, i).check(); !checked) return checked.error();
    for (std::size_t i = 0; i < kMostTables; ++i)
      if (image.kind(i) == EntryKind::region)
        if (auto checked = Region::check(image, i); !checked) return checked.error();
    for (std::uint64_t i = 0; i < header.shards; ++i) {
      if (is(Mutant::recover_never) || (is(Mutant::recover_only_first_log) && i > 0)) break;
      Log(image, i).recover();
    }
    for (std::size_t i = 0; i < kMostTables; ++i)
      if (image.kind(i) == EntryKind::region && !is(Mutant::recover_never)) {
        // A shard's log may have made it a region just now.
        if (auto checked = Region::check(image, i); !checked) return checked.error();
        Region::recover(image, i);
      }
    const std::uint64_t used = ordered::load(&image.state().used_pages.word);
    if (used < header.data_offset / kPageBytes || used > image.bytes() / kPageBytes)
      return Error(Code::corrupt, "the mark behind the last used page is " + std::to_string(used));
  }
  std::unique_ptr<Engine> engine(new Engine(base, header));
  State& state = engine->image_.state();
  const std::uint64_t epoch = ordered::load(&state.epoch.word) + 1;
  ordered::store(&state.epoch.word, epoch);
  engine->epoch_ = static_cast<std::uint32_t>(epoch);
  return engine;
}

Status Engine::check_writable() const {
  if (!is_here()) return Error(Code::closed, "hot state is not there in a forked child");
  if (sealed_) return *sealed_;
  return {};
}

Status Engine::check_key(std::size_t table, std::string_view key) const {
  const Entry& entry = image_.entry(table);
  if (static_cast<KeyKind>(entry.flavor) == KeyKind::u64 ? key.size() == 8
                                                         : !key.empty() && key.size() <= kMostKeyBytes)
    return {};
  return Error(Code::invalid_argument,
               "a key of " + std::to_string(key.size()) + " bytes: this table has " +
                   (static_cast<KeyKind>(entry.flavor) == KeyKind::u64 ? "numbers of 8 bytes"
                                                                       : "keys of 1 to 64 bytes"));
}

void Engine::write_record(const Place& place, std::span<const std::byte> front, std::string_view value) {
  ordered::fill(image_.at<std::byte>(place.offset), front.data(), front.size());
  ordered::fill(image_.at<std::byte>(place.offset + front.size()), value.data(), value.size());
}

Status Engine::check(const Change& change) const {
  if (change.kind == Change::Kind::append) return {};
  if (change.value.size() > kMostValueBytes)
    return Error(Code::invalid_argument,
                 "a value of " + base::format_size(change.value.size()) + ": 64 MiB at most");
  return check_key(change.entry, change.key);
}

Status Engine::commit(const Change& change) {
  if (auto may = check_writable(); !may) return may;
  if (auto checked = check(change); !checked) return checked;
  const Hashed hashed{hash_key(change.key, image_.header().seed)};
  Shard* const shard = &shard_of(hashed);
  const Target target{&change, hashed, shard};
  return with_reclaim([&] {
    const std::lock_guard lock(shard->mutex);
    auto done = try_commit({&target, 1}, {&shard, 1}, nullptr);
    if (is(Mutant::fill_after_commit) && done && change.kind == Change::Kind::put) {
      const auto found = Index(image_, change.entry, shard->number).find(hashed, change.key);
      const auto* at = image_.at<std::byte>(record_offset(found->cell)) +
                       front_bytes(change.key.size(), found->view.deadline_offset != 0);
      ordered::fill(const_cast<std::byte*>(at), change.value.data(), change.value.size());
    }
    return done;
  });
}

Status Engine::try_commit(std::span<const Target> targets, std::span<Shard* const> shards,
                          std::uint64_t* sequences) {
  for (;;) {
    const Target* crowded = nullptr;
    {
      Operation operation(image_, pages_, shards);
      std::uint64_t* sequence = sequences;
      for (const Target& target : targets) {
        const auto gathered = gather(operation, target, sequence);
        if (!gathered) return gathered.error();
        if (target.change->kind == Change::Kind::append && sequence != nullptr) ++sequence;
        if (*gathered == Gathering::wants_room) {
          crowded = &target;
          break;
        }
      }
      if (crowded == nullptr) return operation.commit();
    }
    // An operation of its own, then all over again: what was gathered may have moved.
    auto grown = Index(image_, crowded->change->entry, crowded->shard->number)
                     .grow(crowded->hashed, pages_, *crowded->shard);
    if (!grown) return grown;
  }
}

Result<Engine::Gathering> Engine::gather(Operation& operation, const Target& target,
                                         std::uint64_t* sequence) {
  const Change& change = *target.change;
  switch (change.kind) {
    case Change::Kind::put:
      return gather_put(operation, target);
    case Change::Kind::erase:
      if (auto done = gather_erase(operation, target); !done) return done.error();
      return Gathering::done;
    case Change::Kind::expect:
    case Change::Kind::expect_missing:
      if (auto done = expect(target); !done) return done.error();
      return Gathering::done;
    case Change::Kind::append:
      break;
  }
  Journal& journal = *journals_[change.entry];
  const std::uint64_t tail = operation.redo().get(journal.tail_offset());
  const auto next = journal.fill(tail, change.value);
  if (!next) return next.error();
  operation.redo().set(journal.tail_offset(), *next, Mutant::tail_outside);
  if (sequence != nullptr) *sequence = tail;
  return Gathering::done;
}

void Engine::count(Operation& operation, std::size_t table, Shard& shard, std::int64_t records,
                   std::int64_t bytes) {
  const ShardRoot& root = image_.entry(table).shards[shard.number];
  const std::uint64_t counts = image_.offset_of(&root.records);
  const auto add = [&](std::uint64_t offset, std::int64_t more) {
    if (more != 0)
      operation.redo().set(offset, operation.redo().get(offset) + static_cast<std::uint64_t>(more),
                           Mutant::count_outside);
  };
  add(counts, records);
  add(counts + 8, bytes);
}

Result<Engine::Gathering> Engine::gather_put(Operation& operation, const Target& target) {
  const Change& change = *target.change;
  Shard& shard = *target.shard;
  const Index index(image_, change.entry, shard.number);
  const auto found = index.find(target.hashed, change.key);
  if (!found) return found.error();
  Place old;
  std::uint64_t cell_offset = found->cell_offset;
  const bool is_there = cell_offset != 0;
  if (is_there && found->view.header.schema > change.newest_known) return too_new();
  if (!is_there) {
    const auto room = index.room(target.hashed, operation.redo(), shard.number);
    if (!room) return room.error();
    if (*room == 0) return Gathering::wants_room;
    cell_offset = *room;
  } else if (!Place::find(image_, shard.number, record_offset(found->cell), &old)) {
    return Error(Code::corrupt, "a cell leads to no slot");
  }
  auto deadline = static_cast<std::uint64_t>(change.deadline.at_ns);
  if (change.deadline.keep) {
    deadline = is_there && found->view.deadline_offset != 0 ? image_.load(found->view.deadline_offset) : 0;
    if (is_past(deadline)) deadline = 0;
  }
  if (deadline != 0 && !has_deadlines_.load(std::memory_order_relaxed))
    has_deadlines_.store(true, std::memory_order_relaxed);

  const Front front(change.entry, change.key, change.value, change.schema, deadline, epoch_);
  const std::uint64_t bytes = front.size + change.value.size();
  const auto more_bytes = static_cast<std::int64_t>(change.key.size() + change.value.size()) -
                          static_cast<std::int64_t>(is_there ? user_bytes(found->view.header) : 0);
  // Not under a view, which looks at these bytes.
  if (is_there && bytes <= std::min(old.capacity, kMostInPlace) && bytes >= old.capacity / 4 * 3 &&
      shard.views.none() && operation.redo().set_range(old.offset, front.span(), bytes_of(change.value))) {
    if (is(Mutant::range_outside)) write_record(old, front.span(), change.value);
    count(operation, change.entry, shard, 0, more_bytes);
    return Gathering::done;
  }
  const auto place = operation.take_place(shard, bytes);
  if (!place) return place.error();
  if (is(Mutant::overwrite_in_place) && is_there && bytes <= old.capacity) {
    write_record(old, front.span(), change.value);
    return Gathering::done;
  }
  const std::uint64_t cell = cell_for(target.hashed.tag(), place->offset);
  if (is(Mutant::crc_before_copy)) {
    // Of what lies there.
    Front wrong(change.entry, change.key, {image_.at<char>(place->offset + front.size), change.value.size()},
                change.schema, deadline, epoch_);
    write_record(*place, wrong.span(), change.value);
  } else {
    write_record(*place, front.span(), is(Mutant::fill_after_commit) ? std::string_view() : change.value);
  }
  if (is(Mutant::torn_cell))
    ordered::store(image_.word(cell_offset),
                   (image_.load(cell_offset) & ~0xFFFFFFFFULL) | (cell & 0xFFFFFFFF));
  operation.redo().set(cell_offset, cell, Mutant::cell_outside);
  if (is_there) {
    operation.free_place(shard, old);
    note_freed();
  }
  count(operation, change.entry, shard, is_there ? 0 : 1, more_bytes);
  return Gathering::done;
}

Status Engine::gather_erase(Operation& operation, const Target& target) {
  Shard& shard = *target.shard;
  const std::size_t table = target.change->entry;
  const auto found = Index(image_, table, shard.number).find(target.hashed, target.change->key);
  if (!found) return found.error();
  if (found->cell_offset == 0) return Error(Code::not_found, "there is no such record");
  if (found->view.header.schema > target.change->newest_known) return too_new();
  Place old;
  if (!Place::find(image_, shard.number, record_offset(found->cell), &old))
    return Error(Code::corrupt, "a cell leads to no slot");
  if (is(Mutant::erase_bit_only) && !old.is_large) {
    ordered::store(image_.word(old.bit_word), image_.load(old.bit_word) & ~old.bit);
    ordered::store(image_.word(found->cell_offset), 0);
  }
  operation.redo().set(found->cell_offset, 0);
  operation.free_place(shard, old);
  note_freed();
  count(operation, table, shard, -1, -static_cast<std::int64_t>(user_bytes(found->view.header)));
  return {};
}

Got Engine::get(std::size_t table, std::string_view key, void* buffer, std::size_t capacity,
                Value* value) const {
  if (!is_here()) return Got::closed;
  const Hashed hashed{hash_key(key, image_.header().seed)};
  Shard& shard = shard_of(hashed);
  const Index index(image_, table, shard.number);
  // What is read while somebody writes is thrown away; the mutex, should somebody write all the time.
  for (int attempt = 0;; ++attempt) {
    std::unique_lock<std::mutex> lock(shard.mutex, std::defer_lock);
    if (attempt == kOptimisticReads) lock.lock();
    const std::uint64_t before = shard.sequence.load(std::memory_order_acquire);
    if ((before & 1) != 0) continue;
    Index::Found found;
    const Index::Search search = index.search(hashed, key, &found);
    Got got = search == Index::Search::missing ? Got::missing : Got::damaged;
    RecordHeader& header = found.view.header;
    std::uint64_t deadline = 0;
    if (search == Index::Search::found) {
      if (found.view.deadline_offset != 0) deadline = image_.load(found.view.deadline_offset);
      got = header.value_bytes <= capacity ? Got::found : Got::too_small;
      if (got == Got::found) ordered::copy_out(buffer, found.view.value, header.value_bytes);
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (shard.sequence.load(std::memory_order_relaxed) != before) continue;
    if (is_past(deadline)) return Got::missing;
    *value = {header.value_bytes, header.schema, static_cast<std::int64_t>(deadline)};
    // What this process wrote itself is as it wrote it; what it found is looked at.
    if (got == Got::found && header.epoch != epoch_ && record_crc(header, key, buffer) != header.crc)
      return Got::damaged;
    return got;
  }
}

Result<std::vector<std::string>> Engine::keys_of(std::size_t table, Shard& shard, std::uint32_t tag,
                                                 std::uint32_t* next) const {
  std::vector<std::string> keys;
  const std::lock_guard lock(shard.mutex);
  const auto leaf = Index(image_, table, shard.number).leaf_at(tag);
  if (!leaf) return leaf.error();
  *next = leaf->end;
  if (leaf->offset == 0) return keys;
  for (std::size_t i = 0; i < kLeafLines * kCellsPerLine; ++i) {
    const std::uint64_t cell = image_.load(leaf->offset + i * 8);
    if (cell == 0) continue;
    RecordView view{};
    if (!view_record(image_, record_offset(cell), &view))
      return Error(Code::corrupt, "a cell leads to no record");
    keys.emplace_back(reinterpret_cast<const char*>(view.key), view.header.key_bytes);
  }
  return keys;
}

bool Engine::older_keys(std::size_t table, std::uint16_t schema, LeafPlace* place,
                        std::vector<std::string>* keys) const {
  keys->clear();
  if (place->shard >= shards_.size()) return false;
  Shard& shard = *shards_[place->shard];
  const std::lock_guard lock(shard.mutex);
  const auto leaf = Index(image_, table, shard.number).leaf_at(place->tag);
  for (std::size_t i = 0; leaf && leaf->offset != 0 && i < kLeafLines * kCellsPerLine; ++i) {
    const std::uint64_t cell = image_.load(leaf->offset + i * 8);
    RecordView view{};
    if (cell == 0 || !view_record(image_, record_offset(cell), &view) || view.header.schema >= schema)
      continue;
    keys->emplace_back(reinterpret_cast<const char*>(view.key), view.header.key_bytes);
  }
  place->tag = leaf ? leaf->end : 1U << kTagBits;
  if (place->tag == 1U << kTagBits) *place = {place->shard + 1, 0};
  return place->shard < shards_.size();
}

Result<bool> Engine::read(std::size_t table, std::string_view key, std::string* bytes, Value* value) const {
  bytes->resize(bytes->capacity());
  for (;;) {
    switch (get(table, key, bytes->data(), bytes->size(), value)) {
      case Got::found:
        bytes->resize(value->size);
        return true;
      case Got::too_small:
        bytes->resize(value->size);
        continue;
      case Got::missing:
        return false;
      case Got::damaged:
      case Got::mismatch:
      case Got::closed:
        break;
    }
    if (!is_here()) return check_writable().error();
    return Error(Code::corrupt, "record " + base::quote(key) + ": is damaged");
  }
}

Size Engine::size_of(std::size_t table) const {
  Size size{1, 0, 0};
  if (!is_here()) return size;
  for (const auto& shard : shards_) {
    const ShardRoot& root = image_.entry(table).shards[shard->number];
    size.records += ordered::load(&root.records);
    size.bytes += ordered::load(&root.bytes);
  }
  return size;
}

Size Engine::size() const {
  Size all;
  if (!is_here()) return all;
  for (std::size_t i = 0; i < kMostTables; ++i) {
    if (image_.kind(i) != EntryKind::table) continue;
    const Size one = size_of(i);
    ++all.tables;
    all.records += one.records;
    all.bytes += one.bytes;
  }
  return all;
}

std::string Engine::name_of(std::size_t table) const {
  const Entry& entry = image_.entry(table);
  return {entry.name.data(), std::min<std::size_t>(entry.name_bytes, kMostNameBytes)};
}

bool Engine::reclaim() {
  const std::uint64_t before = reclaims_;
  const std::lock_guard alone(reclaim_mutex_);
  if (reclaims_ != before) return true;  // somebody else has just done it
  if (!may_reclaim_.exchange(false)) return false;
  std::uint64_t pages = 0;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    pages += hot::reclaim(image_, pages_, *shard);
  }
  ++reclaims_;
  return pages > 0;
}

}  // namespace okg::hot
