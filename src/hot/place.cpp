#include "hot/place.hpp"

#include "hot/source.hpp"

namespace okg::hot {

Place place_of_slot(std::uint64_t slab, std::uint8_t size_class, std::uint32_t slot) {
  const SlabShape& shape = kSlabShapes[size_class];
  Place place;
  place.offset = slab + shape.begin + slot * slot_bytes(size_class);
  place.size_class = size_class;
  place.bit_word = shape.bits_offset(slab, slot);
  place.bit = 1ULL << slot % 64;
  place.capacity = slot_bytes(size_class);
  return place;
}

template <class Bytes>
bool is_slab(const Bytes& image, std::uint64_t page, std::uint8_t shard, PageWord* word) {
  *word = PageWord::from(image.load(image.page_word_offset(page)));
  return word->kind == PageKind::slab && word->shard == shard && word->size_class < kClasses &&
         word->count == kSlabShapes[word->size_class].pages &&
         image.is_data(page * kPageBytes, word->count * kPageBytes);
}

template <class Bytes>
bool Place::find(const Bytes& image, std::uint8_t shard, std::uint64_t offset, Place* place) {
  if (offset % kSlotUnit != 0 || !image.is_data(offset, sizeof(RecordHeader))) return false;
  std::uint64_t page = offset / kPageBytes;
  PageWord word = PageWord::from(image.load(image.page_word_offset(page)));
  if (word.kind == PageKind::large) {
    place->offset = offset;
    place->is_large = true;
    place->pages = word.count;
    place->capacity = word.count * kPageBytes;
    return offset % kPageBytes == 0 && word.shard == shard && image.is_data(offset, place->capacity);
  }
  if (word.kind == PageKind::tail) {
    if (word.count > page) return false;
    page -= word.count;
  }
  if (!is_slab(image, page, shard, &word)) return false;
  const SlabShape& shape = kSlabShapes[word.size_class];
  const std::uint64_t slab = page * kPageBytes;
  if (offset < slab + shape.begin) return false;
  const std::uint64_t within = offset - slab - shape.begin;
  const std::uint64_t slot = within / slot_bytes(word.size_class);
  if (slot >= shape.slots || within % slot_bytes(word.size_class) != 0) return false;
  *place = place_of_slot(slab, word.size_class, static_cast<std::uint32_t>(slot));
  return true;
}

template bool is_slab(const Image&, std::uint64_t, std::uint8_t, PageWord*);
template bool Place::find(const Image&, std::uint8_t, std::uint64_t, Place*);
template bool Place::find(const Source&, std::uint8_t, std::uint64_t, Place*);

}  // namespace okg::hot
