#include "hot/operation.hpp"

#include <algorithm>

namespace okg::hot {

using base::Error;
using base::Result;
using base::Status;
using faults::is;
using faults::Mutant;

namespace {

void make_room(std::vector<std::uint64_t>& slots, std::size_t more) {
  if (slots.capacity() - slots.size() < more)
    slots.reserve(std::max(slots.capacity() * 2, slots.size() + more));
}

}  // namespace

Operation::Operation(const Image& image, Pages& pages, Shard& shard)
    : image_(image),
      pages_(pages),
      shard_(shard),
      gathered_(shard.gathered),
      pages_lock_(pages.mutex, std::defer_lock) {
  gathered_.clear();
}

Operation::~Operation() {
  if (committed_) return;
  if (pages_lock_.owns_lock()) pages_.give_up();
  for (const Gathered::Slot& slot : gathered_.taken) shard_.free[slot.size_class].push_back(slot.offset);
}

void Operation::lock_pages() {
  if (!pages_lock_.owns_lock()) pages_lock_.lock();
}

void Operation::free_pages(std::uint64_t page, std::uint32_t count) {
  lock_pages();
  pages_.free(page, count, redo());
}

Result<std::uint64_t> Operation::take_pages(std::uint32_t count, PageKind kind) {
  lock_pages();
  const auto page = pages_.take(count, {kind, shard_.number, 0, 0}, redo());
  if (!page) return page.error();
  return *page * kPageBytes;
}

void Operation::set_bit(const Place& place, bool value) {
  const std::uint64_t word = redo().get(place.bit_word);
  redo().set(place.bit_word, value ? word | place.bit : word & ~place.bit,
             value ? Mutant::take_new_outside : Mutant::free_old_outside);
}

// Puts the free slots of a slab that is not looked through yet where they are found. False when there is
// none.
bool Operation::refill(std::uint8_t size_class) {
  lock_pages();
  std::vector<std::uint64_t>& slabs = pages_.found(shard_.number, size_class);
  std::vector<std::uint64_t>& free = shard_.free[size_class];
  const SlabShape& shape = kSlabShapes[size_class];
  for (;;) {
    while (!slabs.empty() && free.empty()) {
      const std::uint64_t page = slabs.back();
      const std::uint64_t slab = page * kPageBytes;
      PageWord word;
      if (is_slab(image_, page, shard_.number, &word) && word.size_class == size_class) {
        shard_.slabs.reserve(shard_.slabs.size() + 1);
        free.reserve(shape.slots);
        for (std::uint32_t slot = shape.slots; slot-- > 0;) {
          if ((image_.load(shape.bits_offset(slab, slot)) >> slot % 64 & 1) != 0) continue;
          free.push_back(slab + shape.begin + slot * slot_bytes(size_class));
        }
        shard_.slabs.push_back(page);
      }
      slabs.pop_back();
    }
    if (!free.empty()) return true;
    // Looking through what an old process left takes its time; Store::poll() does that by and by.
    if (pages_.is_scanned() || pages_.has_unused(shape.pages)) return false;
    pages_.scan(256);
  }
}

Result<std::uint64_t> Operation::take_slot(std::uint8_t size_class) {
  std::vector<std::uint64_t>& free = shard_.free[size_class];
  for (Gathered::NewSlab& slab : gathered_.new_slabs)
    if (slab.size_class == size_class && slab.used < kSlabShapes[size_class].slots)
      return slab.offset + kSlabShapes[size_class].begin + slab.used++ * slot_bytes(size_class);
  if (!free.empty() || refill(size_class)) {
    const std::uint64_t offset = free.back();
    gathered_.taken.push_back({size_class, offset});
    free.pop_back();
    return offset;
  }
  lock_pages();
  const SlabShape& shape = kSlabShapes[size_class];
  const auto page = pages_.take(shape.pages, {PageKind::slab, shard_.number, size_class, 0}, redo());
  if (!page) return page.error();
  const std::uint64_t slab = *page * kPageBytes;
  if (!is(Mutant::slab_bits_not_cleared)) ordered::zero(image_.word(slab), shape.begin);
  gathered_.new_slabs.push_back({slab, size_class, 1});
  return slab + shape.begin;
}

Result<Place> Operation::take_place(std::uint64_t bytes) {
  Place place;
  if (bytes > kMostSlot) {
    const auto pages = static_cast<std::uint32_t>((bytes + kPageBytes - 1) / kPageBytes);
    const auto offset = take_pages(pages, PageKind::large);
    if (!offset) return offset.error();
    place.offset = *offset;
    place.is_large = true;
    place.pages = pages;
    place.capacity = pages * kPageBytes;
    return place;
  }
  const auto size_class = static_cast<std::uint8_t>(class_for(bytes));
  const auto offset = take_slot(size_class);
  if (!offset) return offset.error();
  // A slot that came of a hostile file's bits leads to nothing outside its slab.
  if (Place::find(image_, shard_.number, *offset, &place)) {
    set_bit(place, true);
    return place;
  }
  // In a slab of this operation's, which the page map does not show yet.
  for (const Gathered::NewSlab& slab : gathered_.new_slabs) {
    if (*offset < slab.offset || *offset >= slab.offset + kSlabShapes[size_class].pages * kPageBytes)
      continue;
    place = place_of_slot(slab.offset, size_class, slab.used - 1);
    set_bit(place, true);
    return place;
  }
  return Error(base::Code::corrupt, "a free slot lies in no slab");
}

void Operation::free_place(const Place& place) {
  if (place.is_large) {
    free_pages(place.offset / kPageBytes, place.pages);
    return;
  }
  set_bit(place, false);
  gathered_.freed.push_back({place.size_class, place.offset});
}

Status Operation::commit() {
  if (redo().size() > shard_.log.capacity())
    return Error(base::Code::no_space, "the change needs " + std::to_string(redo().size()) +
                                           " words of the log's " + std::to_string(shard_.log.capacity()));
  // What could fail, before anything has happened.
  for (const Gathered::Slot& slot : gathered_.freed)
    make_room(shard_.free[slot.size_class], gathered_.freed.size());
  for (const Gathered::NewSlab& slab : gathered_.new_slabs)
    make_room(shard_.free[slab.size_class], gathered_.freed.size() + kSlabShapes[slab.size_class].slots);
  make_room(shard_.slabs, gathered_.new_slabs.size());
  shard_.log.carry_out(redo(), shard_.sequence);
  committed_ = true;
  if (pages_lock_.owns_lock()) {
    pages_.settle();
    pages_lock_.unlock();
  }
  for (const Gathered::Slot& slot : gathered_.freed) shard_.free[slot.size_class].push_back(slot.offset);
  for (const Gathered::NewSlab& slab : gathered_.new_slabs) {
    const SlabShape& shape = kSlabShapes[slab.size_class];
    std::vector<std::uint64_t>& free = shard_.free[slab.size_class];
    shard_.slabs.push_back(slab.offset / kPageBytes);
    for (std::uint32_t slot = shape.slots; slot-- > slab.used;)
      free.push_back(slab.offset + shape.begin + slot * slot_bytes(slab.size_class));
  }
  return {};
}

}  // namespace okg::hot
