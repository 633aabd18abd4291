// A change as it is gathered into one committed record.
#include <algorithm>

#include "base/text.hpp"
#include "hot/engine.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;
using faults::is;
using faults::Mutant;

namespace {

// A change of a record up to this size goes through the log into the place where it lies: no place to be
// found, no bits to be changed. Above, copying twice costs more.
constexpr std::uint64_t kMostInPlace = 8192;

std::uint64_t user_bytes(const RecordHeader& header) {
  return std::uint64_t{header.key_bytes} + header.value_bytes;
}

}  // namespace

// What lies before a record's value, as it is to be written.
struct Engine::Front {
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

namespace {

Error too_new() {
  return {Code::schema_mismatch, "the record is of a newer schema than this program's: it was left as it is"};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace

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
  if (change.kind == Change::Kind::put && update(target)) return {};
  return with_reclaim([&] {
    const std::lock_guard lock(shard->mutex);
    auto done = try_commit({&target, 1}, {&shard, 1});
    if (is(Mutant::fill_after_commit) && done && change.kind == Change::Kind::put) {
      const auto found = Index(image_, change.entry, shard->number).find(hashed, change.key);
      const auto* at = image_.at<std::byte>(record_offset(found->cell)) +
                       front_bytes(change.key.size(), found->view.deadline_offset != 0);
      ordered::fill(const_cast<std::byte*>(at), change.value.data(), change.value.size());
    }
    return done;
  });
}

// The commonest change: a record without a deadline gets a value of the size that it has, where it lies.
// Nothing is taken or freed, so that it needs no Operation. False: it is none of that, or something is wrong.
bool Engine::update(const Target& target) {
  const Change& change = *target.change;
  if (change.value.size() > kMostInPlace || change.deadline.at_ns != 0) return false;
  Shard& shard = *target.shard;
  const Index index(image_, change.entry, shard.number);
  Index::Found found;
  Index::Search search{};
  const auto is_it = [&] {
    if (search != Index::Search::found) return false;
    const RecordHeader& header = found.view.header;
    return header.value_bytes == change.value.size() && header.schema <= change.newest_known &&
           found.view.deadline_offset == 0;
  };
  // What takes long, before the mutex: it counts when nobody has written meanwhile.
  const std::uint64_t before = shard.sequence.load(std::memory_order_acquire);
  search = index.search(target.hashed, change.key, &found);
  if (!is_it()) return false;
  image_.prefetch_to_write(record_offset(found.cell), change.value.size());
  const Front front(change.entry, change.key, change.value, change.schema, 0, epoch_);
  const std::lock_guard lock(shard.mutex);
  std::atomic_thread_fence(std::memory_order_acquire);
  if ((before & 1) != 0 || shard.sequence.load(std::memory_order_relaxed) != before) {
    search = index.search(target.hashed, change.key, &found);
    if (!is_it()) return false;
  }
  if (!shard.views.none()) return false;
  const Logs::Taken log(shard.logs);
  RedoRecord& redo = log.gathered().redo;
  if (!redo.set_range(record_offset(found.cell), front.span(), bytes_of(change.value), Mutant::range_outside))
    return false;
  std::atomic<std::uint64_t>* const sequence = &shard.sequence;
  redo.carry_out({&sequence, 1});
  return true;
}

Status Engine::try_commit(std::span<const Target> targets, std::span<Shard* const> shards) {
  for (;;) {
    const Target* crowded = nullptr;
    {
      Operation operation(image_, pages_, shards);
      for (const Target& target : targets) {
        const auto gathered = gather(operation, target);
        if (!gathered) return gathered.error();
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

Result<Engine::Gathering> Engine::gather(Operation& operation, const Target& target) {
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
  if (std::uint64_t* const has_deadlines = &image_.entry(change.entry).has_deadlines;
      deadline != 0 && ordered::load(has_deadlines) == 0)
    ordered::store(has_deadlines, 1);

  const Front front(change.entry, change.key, change.value, change.schema, deadline, epoch_);
  const std::uint64_t bytes = front.size + change.value.size();
  const auto more_bytes = static_cast<std::int64_t>(change.key.size() + change.value.size()) -
                          static_cast<std::int64_t>(is_there ? user_bytes(found->view.header) : 0);
  // Not under a view, which looks at these bytes.
  if (is_there && bytes <= std::min(old.capacity, kMostInPlace) && bytes >= old.capacity / 4 * 3 &&
      shard.views.none() && operation.redo().has_room_for_range(bytes) &&
      operation.redo().set_range(old.offset, front.span(), bytes_of(change.value), Mutant::range_outside)) {
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

Status Engine::set_deadline(std::size_t table, std::string_view key, std::int64_t at_ns,
                            std::uint16_t newest_known) {
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
    if (found->view.header.schema > newest_known) return too_new();
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
    return try_commit({&target, 1}, {&shard, 1});
  });
}

}  // namespace okg::hot
