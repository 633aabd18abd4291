// The cells of an index line.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "hot/format.hpp"
#include "hot/ordered.hpp"

namespace okg::hot {

inline std::uint64_t cell_for(std::uint32_t tag, std::uint64_t offset) {
  return std::uint64_t{tag} << (64 - kTagBits) | offset / kSlotUnit;
}
inline std::uint64_t record_offset(std::uint64_t cell) {
  return (cell & kCellOffsetMask) * kSlotUnit;
}

// Which cells of the line at `line` have that tag, as bits; a cell that a writer changes meanwhile may be
// among them or not. A branch for each cell would be mispredicted.
inline unsigned cells_with(std::uint32_t tag, const std::uint64_t* line) {
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__) && !defined(OKG_WORDWISE)
  const __m128i wanted = _mm_set1_epi64x(tag);
  const auto* const pairs = reinterpret_cast<const __m128i*>(line);
  const auto equal = [&](int i) {  // of each cell's tag and the zeros above it
    return _mm_castsi128_ps(
        _mm_cmpeq_epi32(_mm_srli_epi64(_mm_load_si128(pairs + i), 64 - kTagBits), wanted));
  };
  const auto of_four = [&](int i) {  // the lower halves: of the tags
    return static_cast<unsigned>(
        _mm_movemask_ps(_mm_shuffle_ps(equal(i), equal(i + 1), _MM_SHUFFLE(2, 0, 2, 0))));
  };
  return of_four(0) | of_four(2) << 4;
#else
  unsigned found = 0;
  for (unsigned c = 0; c < kCellsPerLine; ++c)
    found |= static_cast<unsigned>(std::atomic_ref<std::uint64_t>(const_cast<std::uint64_t&>(line[c]))
                                           .load(std::memory_order_relaxed) >>
                                       (64 - kTagBits) ==
                                   tag)
             << c;
  return found;
#endif
}

}  // namespace okg::hot
