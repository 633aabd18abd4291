#include "hot/operation.hpp"

#include <algorithm>

namespace okg::hot {

using base::Error;
using base::Result;
using base::Status;
using faults::is;
using faults::Mutant;

namespace {

template <class T>
void reserve_more(std::vector<T>& items, std::size_t more) {
  if (items.capacity() - items.size() < more)
    items.reserve(std::max(items.capacity() * 2, items.size() + more));
}

}  // namespace

Operation::Operation(const Image& image, Pages& pages, std::span<Shard* const> shards)
    : image_(image),
      pages_(pages),
      log_(shards.front()->logs),
      gathered_(log_.gathered()),
      pages_lock_(pages.mutex, std::defer_lock) {
  for (Shard* shard : shards) sequences_[shards_++] = &shard->sequence;
}

Operation::Operation(const Image& image, Pages& pages, Shard& shard)
    : image_(image),
      pages_(pages),
      log_(shard.logs),
      gathered_(log_.gathered()),
      pages_lock_(pages.mutex, std::defer_lock) {
  sequences_[shards_++] = &shard.sequence;
}

Operation::~Operation() {
  if (committed_) return;
  if (pages_lock_.owns_lock()) pages_.give_up();
  for (const Gathered::Slot& slot : gathered_.taken) slot.shard->free[slot.size_class].push_back(slot.offset);
}

void Operation::lock_pages() {
  if (!pages_lock_.owns_lock()) pages_lock_.lock();
}

void Operation::free_pages(Shard& shard, PageRun run) {
  lock_pages();
  pages_.free(run, redo());
  gathered_.freed_runs.push_back({&shard, run});
}

Result<std::uint64_t> Operation::take_pages(Shard& shard, std::uint32_t count, PageKind kind) {
  lock_pages();
  const auto page = pages_.take(count, {kind, shard.number, 0, 0}, redo());
  if (!page) return page.error();
  return *page * kPageBytes;
}

void Operation::set_bit(const Place& place, bool value) {
  const std::uint64_t word = redo().get(place.bit_word);
  redo().set(place.bit_word, value ? word | place.bit : word & ~place.bit,
             value ? Mutant::take_new_outside : Mutant::free_old_outside);
}

// False when no slot is to be found.
bool Operation::refill(Shard& shard, std::uint8_t size_class) {
  lock_pages();
  const std::vector<std::uint64_t>& free = shard.free[size_class];
  for (;;) {
    while (free.empty() && look_through_slab(image_, pages_, shard, size_class, &redo())) {
    }
    if (!free.empty()) return true;
    // Looking through what an old process left takes its time; Store::poll() does that by and by.
    if (pages_.is_scanned() || pages_.has_unused(kSlabShapes[size_class].pages)) return false;
    pages_.scan(256);
  }
}

Result<std::uint64_t> Operation::take_slot(Shard& shard, std::uint8_t size_class) {
  std::vector<std::uint64_t>& free = shard.free[size_class];
  for (Gathered::NewSlab& slab : gathered_.new_slabs)
    if (slab.shard == &shard && slab.size_class == size_class && slab.used < kSlabShapes[size_class].slots)
      return slab.offset + kSlabShapes[size_class].begin + slab.used++ * slot_bytes(size_class);
  if (!free.empty() || refill(shard, size_class)) {
    const std::uint64_t offset = free.back();
    gathered_.taken.push_back({&shard, size_class, offset});
    free.pop_back();
    return offset;
  }
  lock_pages();
  const SlabShape& shape = kSlabShapes[size_class];
  const auto page = pages_.take(shape.pages, {PageKind::slab, shard.number, size_class, 0}, redo());
  if (!page) return page.error();
  const std::uint64_t slab = *page * kPageBytes;
  if (!is(Mutant::slab_bits_not_cleared)) ordered::zero(image_.word(slab), shape.begin);
  gathered_.new_slabs.push_back({&shard, slab, size_class, 1});
  return slab + shape.begin;
}

Result<Place> Operation::take_place(Shard& shard, std::uint64_t bytes) {
  Place place;
  if (bytes > kMostSlot) {
    const auto pages = static_cast<std::uint32_t>((bytes + kPageBytes - 1) / kPageBytes);
    const auto offset = take_pages(shard, pages, PageKind::large);
    if (!offset) return offset.error();
    place.offset = *offset;
    place.is_large = true;
    place.pages = pages;
    place.capacity = pages * kPageBytes;
    return place;
  }
  const auto size_class = static_cast<std::uint8_t>(class_for(bytes));
  const auto offset = take_slot(shard, size_class);
  if (!offset) return offset.error();
  // In a slab of this operation's, which the page map does not show yet.
  for (const Gathered::NewSlab& slab : gathered_.new_slabs) {
    const SlabShape& shape = kSlabShapes[slab.size_class];
    if (*offset < slab.offset || *offset >= slab.offset + shape.pages * kPageBytes) continue;
    place = place_of_slot(slab.offset, size_class, slab.used - 1);
    set_bit(place, true);
    return place;
  }
  // A slot that came of a hostile file's bits leads to nothing outside its slab.
  if (Place::find(image_, shard.number, *offset, &place)) {
    set_bit(place, true);
    return place;
  }
  return Error(base::Code::corrupt, "a free slot lies in no slab");
}

void Operation::free_place(Shard& shard, const Place& place) {
  if (place.is_large) {
    free_pages(shard, {place.offset / kPageBytes, place.pages});
    return;
  }
  set_bit(place, false);
  gathered_.freed.push_back({&shard, place.size_class, place.offset});
}

// What could fail, before anything has happened.
void Operation::make_room() {
  for (const Gathered::Slot& slot : gathered_.freed) {
    reserve_more(slot.shard->free[slot.size_class], gathered_.freed.size());
    if (!slot.shard->views.none()) reserve_more(slot.shard->views.freed().slots, gathered_.freed.size());
  }
  for (const Gathered::Run& run : gathered_.freed_runs)
    if (!run.shard->views.none()) reserve_more(run.shard->views.freed().runs, gathered_.freed_runs.size());
  for (const Gathered::NewSlab& slab : gathered_.new_slabs) {
    reserve_more(slab.shard->free[slab.size_class],
                 gathered_.freed.size() + kSlabShapes[slab.size_class].slots);
    reserve_more(slab.shard->slabs, gathered_.new_slabs.size());
  }
}

Status Operation::commit() {
  if (!redo().fits())
    return Error(base::Code::no_space, "the change needs " + std::to_string(redo().words()) +
                                           " words of a log; it has " +
                                           std::to_string(image_.header().log_words));
  make_room();
  redo().carry_out({sequences_.data(), shards_});
  committed_ = true;
  for (const Gathered::Run& run : gathered_.freed_runs) {
    if (run.shard->views.none())
      pages_.offer(run.run);
    else
      run.shard->views.freed().runs.push_back(run.run);
  }
  if (pages_lock_.owns_lock()) {
    pages_.settle();
    pages_lock_.unlock();
  }
  for (const Gathered::Slot& slot : gathered_.freed) {
    if (slot.shard->is_emptied(slot.offset)) continue;
    if (slot.shard->views.none())
      slot.shard->free[slot.size_class].push_back(slot.offset);
    else
      slot.shard->views.freed().slots.push_back({slot.size_class, slot.offset});
  }
  for (const Gathered::NewSlab& slab : gathered_.new_slabs) {
    const SlabShape& shape = kSlabShapes[slab.size_class];
    std::vector<std::uint64_t>& free = slab.shard->free[slab.size_class];
    slab.shard->slabs.push_back(slab.offset / kPageBytes);
    for (std::uint32_t slot = shape.slots; slot-- > slab.used;)
      free.push_back(slab.offset + shape.begin + slot * slot_bytes(slab.size_class));
  }
  return {};
}

}  // namespace okg::hot
