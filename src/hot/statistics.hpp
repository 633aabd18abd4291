// How a segment is filled, for people. Where somebody writes meanwhile the numbers are about right.
#pragma once

#include <array>
#include <cstdint>

#include "hot/source.hpp"

namespace okg::hot {

inline constexpr std::size_t kPageKinds = 7;  // of PageKind

struct PageStatistics {
  std::array<std::uint64_t, kPageKinds> pages{};  // by kind; those of slabs without `tail`
  std::uint64_t never_used = 0, without_meaning = 0;
  std::uint64_t slabs = 0, slots = 0, used_slots = 0;

  // Slots of slabs that hold nothing, of a hundred.
  double fragmentation() const {
    return slots == 0 ? 0 : 100.0 * static_cast<double>(slots - used_slots) / static_cast<double>(slots);
  }
};
base::Result<PageStatistics> page_statistics(Source& source);

struct TableStatistics {
  std::uint64_t records = 0, bytes = 0;  // as they are counted; of keys and values
  std::uint64_t leaves = 0, cells = 0;

  double load_factor() const {
    return cells == 0 ? 0 : static_cast<double>(records) / static_cast<double>(cells);
  }
};
TableStatistics table_counts(const Source& source, const Entry& entry);
// With leaves and cells. corrupt when its index leads to nowhere.
base::Result<TableStatistics> table_statistics(Source& source, std::size_t table);

}  // namespace okg::hot
