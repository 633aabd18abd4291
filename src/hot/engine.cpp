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

std::uint64_t user_bytes(const RecordHeader& header) {
  return std::uint64_t{header.key_bytes} + header.value_bytes;
}

}  // namespace

Engine::Engine(std::byte* base, const Header& header) : image_(base, header), pages_(image_) {
  for (std::uint64_t i = 0; i < header.shards; ++i)
    shards_.push_back(std::make_unique<Shard>(image_, static_cast<std::uint8_t>(i)));
}

Result<std::unique_ptr<Engine>> Engine::open(std::byte* base, const Header& header) {
  {
    // The logs first: what is remembered beside the file begins with what they leave in it.
    const Image image(base, header);
    // All of them are looked at before a word is changed.
    for (std::uint64_t i = 0; i < header.shards; ++i)
      if (auto checked = Log(image, i).check(); !checked) return checked.error();
    for (std::uint64_t i = 0; i < header.shards; ++i) {
      if (is(Mutant::recover_never) || (is(Mutant::recover_only_first_log) && i > 0)) break;
      Log(image, i).recover();
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

Status Engine::check_key(std::size_t table, std::string_view key) const {
  const TableEntry& entry = image_.table(table);
  if (static_cast<KeyKind>(entry.key_kind) == KeyKind::u64 ? key.size() == 8
                                                           : !key.empty() && key.size() <= kMostKeyBytes)
    return {};
  return Error(Code::invalid_argument,
               "a key of " + std::to_string(key.size()) + " bytes: this table has " +
                   (static_cast<KeyKind>(entry.key_kind) == KeyKind::u64 ? "numbers of 8 bytes"
                                                                         : "keys of 1 to 64 bytes"));
}

void Engine::write_record(const Place& place, std::string_view key, std::string_view value) {
  struct {
    RecordHeader header{};
    std::array<char, kMostKeyBytes> key{};
  } front;
  front.header.value_bytes = static_cast<std::uint32_t>(value.size());
  front.header.key_bytes = static_cast<std::uint8_t>(key.size());
  front.header.epoch = epoch_;
  std::memcpy(front.key.data(), key.data(), key.size());
  front.header.crc = record_crc(front.header, key, value.data());
  const std::uint64_t front_bytes = sizeof(RecordHeader) + padded(key.size(), 8);
  if (is(Mutant::crc_before_copy))
    front.header.crc = record_crc(front.header, key, image_.at<char>(place.offset + front_bytes));
  ordered::fill(image_.at<std::byte>(place.offset), &front, front_bytes);
  ordered::fill(image_.at<std::byte>(place.offset + front_bytes), value.data(), value.size());
}

Status Engine::put(std::size_t table, std::string_view key, std::string_view value) {
  auto done = try_put(table, key, value);
  const auto wants_room = [&] {
    return !done && (done.error().code == Code::no_space || done.error().code == Code::no_headroom);
  };
  if (wants_room() && reclaim()) done = try_put(table, key, value);
  return done;
}

Status Engine::try_put(std::size_t table, std::string_view key, std::string_view value) {
  if (auto checked = check_key(table, key); !checked) return checked;
  if (value.size() > kMostValueBytes)
    return Error(Code::invalid_argument,
                 "a value of " + base::format_size(value.size()) + ": 64 MiB at most");
  const Hashed hashed{hash_key(key, image_.header().seed)};
  Shard& shard = shard_of(hashed);
  const std::lock_guard lock(shard.mutex);
  const Index index(image_, table, shard.number);
  const auto found = index.find(hashed, key);
  if (!found) return found.error();
  std::uint64_t cell_offset = found->cell_offset;
  Place old;
  if (cell_offset == 0) {
    const auto room = index.make_room(hashed, pages_, shard);
    if (!room) return room.error();
    cell_offset = *room;
  } else if (!Place::find(image_, shard.number, record_offset(found->cell), &old)) {
    return Error(Code::corrupt, "a cell leads to no slot");
  }

  Operation operation(image_, pages_, shard);
  const auto place = operation.take_place(record_bytes(key.size(), value.size()));
  if (!place) return place.error();
  const bool late = is(Mutant::fill_after_commit);
  if (is(Mutant::overwrite_in_place) && old.offset != 0) {
    write_record(old, key, value);
    return {};
  }
  if (!late) write_record(*place, key, value);
  const std::uint64_t cell = cell_for(hashed.tag(), place->offset);
  if (is(Mutant::torn_cell))
    ordered::store(image_.word(cell_offset),
                   (image_.load(cell_offset) & ~0xFFFFFFFFULL) | (cell & 0xFFFFFFFF));
  operation.redo().set(cell_offset, cell, Mutant::cell_outside);
  const ShardRoot& root = image_.table(table).shards[shard.number];
  const std::uint64_t counts = image_.offset_of(&root.records);
  std::uint64_t records = root.records, bytes = root.bytes + key.size() + value.size();
  if (old.offset != 0) {
    bytes -= user_bytes(found->view.header);
    operation.free_place(old);
    note_freed();
  } else {
    ++records;
  }
  if (records != root.records) operation.redo().set(counts, records, Mutant::count_outside);
  if (bytes != root.bytes) operation.redo().set(counts + 8, bytes, Mutant::count_outside);
  auto done = operation.commit();
  if (late) write_record(*place, key, value);
  return done;
}

Status Engine::erase(std::size_t table, std::string_view key) {
  if (auto checked = check_key(table, key); !checked) return checked;
  const Hashed hashed{hash_key(key, image_.header().seed)};
  Shard& shard = shard_of(hashed);
  const std::lock_guard lock(shard.mutex);
  const auto found = Index(image_, table, shard.number).find(hashed, key);
  if (!found) return found.error();
  if (found->cell_offset == 0) return Error(Code::not_found, "there is no such record");
  Place old;
  if (!Place::find(image_, shard.number, record_offset(found->cell), &old))
    return Error(Code::corrupt, "a cell leads to no slot");
  Operation operation(image_, pages_, shard);
  if (is(Mutant::erase_bit_only) && !old.is_large) {
    ordered::store(image_.word(old.bit_word), image_.load(old.bit_word) & ~old.bit);
    ordered::store(image_.word(found->cell_offset), 0);
  }
  operation.redo().set(found->cell_offset, 0);
  operation.free_place(old);
  note_freed();
  const ShardRoot& root = image_.table(table).shards[shard.number];
  const std::uint64_t counts = image_.offset_of(&root.records);
  operation.redo().set(counts, root.records - 1);
  operation.redo().set(counts + 8, root.bytes - user_bytes(found->view.header));
  return operation.commit();
}

Got Engine::get(std::size_t table, std::string_view key, void* buffer, std::size_t capacity,
                std::size_t* size) const {
  const Hashed hashed{hash_key(key, image_.header().seed)};
  Shard& shard = shard_of(hashed);
  const Index index(image_, table, shard.number);
  // What is read while somebody writes is thrown away; the mutex, should somebody write all the time.
  for (int attempt = 0;; ++attempt) {
    std::unique_lock<std::mutex> lock(shard.mutex, std::defer_lock);
    if (attempt == kOptimisticReads) lock.lock();
    const std::uint64_t before = shard.sequence.load(std::memory_order_acquire);
    if ((before & 1) != 0) continue;
    const auto found = index.find(hashed, key);
    Got got = Got::missing;
    RecordHeader header{};
    if (!found) {
      got = Got::damaged;
    } else if (found->cell_offset != 0) {
      header = found->view.header;
      got = header.value_bytes <= capacity ? Got::found : Got::too_small;
      if (got == Got::found) ordered::copy_out(buffer, found->view.value, header.value_bytes);
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (shard.sequence.load(std::memory_order_relaxed) != before) continue;
    *size = header.value_bytes;
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

Result<bool> Engine::read(std::size_t table, std::string_view key, std::string* value) const {
  value->resize(value->capacity());
  for (;;) {
    std::size_t size = 0;
    switch (get(table, key, value->data(), value->size(), &size)) {
      case Got::found:
        value->resize(size);
        return true;
      case Got::too_small:
        value->resize(size);
        continue;
      case Got::missing:
        return false;
      case Got::damaged:
      case Got::closed:
        break;
    }
    return Error(Code::corrupt, "record " + base::quote(key) + ": is damaged");
  }
}

Size Engine::size_of(std::size_t table) const {
  Size size{1, 0, 0};
  for (const auto& shard : shards_) {
    const ShardRoot& root = image_.table(table).shards[shard->number];
    size.records += ordered::load(&root.records);
    size.bytes += ordered::load(&root.bytes);
  }
  return size;
}

Size Engine::size() const {
  Size all;
  for (std::size_t i = 0; i < kMostTables; ++i) {
    if (ordered::load(&image_.table(i).state) == 0) continue;
    const Size one = size_of(i);
    ++all.tables;
    all.records += one.records;
    all.bytes += one.bytes;
  }
  return all;
}

std::string Engine::name_of(std::size_t table) const {
  const TableEntry& entry = image_.table(table);
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

bool Engine::work() {
  const std::lock_guard lock(pages_.mutex);
  return pages_.scan(64);
}

}  // namespace okg::hot
