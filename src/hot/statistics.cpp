#include "hot/statistics.hpp"

#include <algorithm>
#include <bit>

#include "hot/contents.hpp"
#include "hot/walk_budget.hpp"

namespace okg::hot {

namespace {

constexpr int kTries = 100;

}  // namespace

base::Result<PageStatistics> page_statistics(Source& source) {
  if (auto done = source.refresh(); !done) return done.error();
  PageStatistics found;
  const std::uint64_t last = source.bytes() / kPageBytes;
  const std::uint64_t end = std::min(source.state().used_pages.word, last);
  for (std::uint64_t page = source.header().data_offset / kPageBytes; page < end;) {
    if (auto done = source.may_go_on(); !done) return done.error();
    const PageWord word = source.page(page);
    const auto kind = static_cast<std::size_t>(word.kind);
    const bool is_slab = word.kind == PageKind::slab;
    if (kind >= kPageKinds || word.kind == PageKind::tail || word.count == 0 || word.count > end - page ||
        (is_slab && (word.size_class >= kClasses || word.count != kSlabShapes[word.size_class].pages))) {
      ++found.without_meaning;
      ++page;
      continue;
    }
    found.pages[kind] += word.count;
    if (is_slab) {
      const SlabShape& shape = kSlabShapes[word.size_class];
      ++found.slabs;
      found.slots += shape.slots;
      std::uint64_t used = 0;
      for (std::uint32_t i = 0; i < shape.bit_words; ++i)
        used += static_cast<std::uint64_t>(std::popcount(source.load(page * kPageBytes + i * 8)));
      found.used_slots += std::min<std::uint64_t>(used, shape.slots);
    }
    page += word.count;
  }
  found.never_used = last - end;
  return found;
}

TableStatistics table_counts(const Source& source, const Entry& entry) {
  TableStatistics found;
  for (std::size_t i = 0; i < source.header().shards; ++i) {
    found.records += entry.shards[i].records;
    found.bytes += entry.shards[i].bytes;
  }
  return found;
}

base::Result<TableStatistics> table_statistics(Source& source, std::size_t table) {
  for (int tries = 0;; ++tries) {
    if (auto done = source.refresh(); !done) return done.error();
    TableStatistics found = table_counts(source, source.entry(table));
    base::Status walked;
    WalkBudget budget(source);
    for (std::size_t shard = 0; shard < source.header().shards && walked; ++shard)
      for (std::uint32_t tag = 0; tag < 1U << kTagBits;) {
        if (auto done = source.may_go_on(); !done) return done.error();
        const auto leaf = leaf_in(source, table, shard, tag);
        if (!leaf) walked = leaf.error();
        if (!leaf || leaf->offset == 0) break;
        if (!budget.take(kPageBytes)) walked = budget.error();
        if (!walked) break;
        ++found.leaves;
        tag = leaf->end;
      }
    if (auto done = source.may_go_on(); !done) return done.error();
    found.cells = found.leaves * kLeafLines * kCellsPerLine;
    if (walked) return found;
    if (tries >= kTries || !source.has_changed()) return walked.error();
  }
}

}  // namespace okg::hot
