// What the crash tests hang on to, in a build of their own (OKG_HOT_TESTING): a trace of every store, and the
// mutants, wrong protocols that the tests have to find. Elsewhere all of it is nothing.
#pragma once

#include <cstddef>

namespace okg::hot::faults {

// Each is one mistake from the failure catalogue (docs/hot-state-protocol.md).
enum class Mutant {
  none,
  commit_before_entries,   // the state word is stored before what it promises
  apply_before_commit,     // words change before the record is committed
  retire_before_apply,     // the record is given up before it was carried out
  retire_between,          // … or half-way
  short_count,             // the state promises one entry less
  recover_without_last,    // recovery leaves an entry out
  recover_retires_first,   // recovery gives the record up before it carried it out
  recover_only_first_log,  // recovery forgets logs
  recover_never,           // recovery looks at nothing
  fill_after_commit,       // the record's bytes are written when it can be reached already
  crc_before_copy,         // the checksum is of what was in the slot before
  overwrite_in_place,      // a reachable record is changed where it lies
  free_old_outside,        // the old slot's bit is cleared outside the record
  take_new_outside,        // the new slot's bit is set outside the record
  count_outside,           // counters are changed outside the record
  cell_outside,            // the index is changed outside the record
  torn_cell,               // … in two halves
  publish_empty_leaf,      // a split publishes leaves before they are filled
  directory_outside,       // a split changes the directory outside the record
  free_leaf_first,         // a split gives the old leaf back before it is replaced
  double_before_fill,      // the root leads to a directory that is not filled yet
  pages_outside,           // the page map is changed outside the record
  erase_bit_only,          // erase clears the bit first, then the cell, without a record
  used_after_use,          // pages are used before the mark behind the last used one moved
  slab_bits_not_cleared,   // a slab is taken with the bits of whoever had the pages before
  range_outside,           // a record is changed where it lies while the log is filled
  one_commit_each,         // a transaction commits its changes one by one
  tail_before_frame,       // a journal's tail is moved before the frame behind it is there
  tail_outside,            // … outside the transaction's record
  undo_count_first,        // touch() counts a line before it is kept
  undo_not_counted,        // touch() keeps a line, but never counts it
  region_without_log,      // a region's image is changed outside a record
  named_before_filled,     // a journal or region has a name before its entry says where it is
  move_frees_first,        // compaction frees the old place before the cell leads to the new one
};
inline constexpr int kMutants = static_cast<int>(Mutant::move_frees_first) + 1;

#ifdef OKG_HOT_TESTING
extern void (*on_store)(const void* at, const void* bytes, std::size_t size);  // bytes: nullptr for zeros
extern Mutant mutant;

inline void stored(const void* at, const void* bytes, std::size_t size) noexcept {
  if (on_store != nullptr) on_store(at, bytes, size);
}
inline bool is(Mutant which) noexcept {
  return mutant == which;
}
#else
constexpr void stored(const void*, const void*, std::size_t) noexcept {}
constexpr bool is(Mutant) noexcept {
  return false;
}
#endif

}  // namespace okg::hot::faults
