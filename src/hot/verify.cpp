#include "hot/verify.hpp"

#include <bit>
#include <unordered_set>

#include "hot/contents.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

namespace {

Error wrong(const std::string& text) {
  return {Code::corrupt, text};
}

class Verifier {
 public:
  explicit Verifier(Source& source) : source_(source) {}

  Result<Usage> run() {
    if (auto walked = walk_pages(); !walked) return walked.error();
    for (std::size_t t = 0; t < kMostTables; ++t) {
      entry_ = source_.entry(t);
      if (kind() == EntryKind::free) continue;
      if (auto looked = look_at_entry(t); !looked) return looked.error();
      if (kind() != EntryKind::table) continue;
      for (std::uint64_t s = 0; s < source_.header().shards; ++s)
        if (auto looked = look_at(t, static_cast<std::uint8_t>(s)); !looked) return looked.error();
    }
    if (auto done = source_.may_go_on(); !done) return done.error();
    if (auto all = all_reached(); !all) return all.error();
    usage_.free_slots = usage_.slots - claimed_;
    return usage_;
  }

 private:
  // Runs follow each other without a gap up to the last used page.
  Status walk_pages() {
    const std::uint64_t begin = source_.header().data_offset / kPageBytes;
    const std::uint64_t end = source_.state().used_pages.word;
    const std::uint64_t last = source_.bytes() / kPageBytes;
    if (end < begin || end > last)
      return wrong("the mark behind the last used page is " + std::to_string(end));
    usage_.free_pages = last - end;
    for (std::uint64_t page = begin; page < end;) {
      if (auto done = source_.may_go_on(); !done) return done;
      const PageWord word = source_.page(page);
      const std::string where = "page " + std::to_string(page) + ": ";
      if (word.count == 0 || word.count > end - page)
        return wrong(where + "a run of " + std::to_string(word.count));
      switch (word.kind) {
        case PageKind::free:
          usage_.free_pages += word.count;
          break;
        case PageKind::slab: {
          if (word.size_class >= kClasses || word.count != kSlabShapes[word.size_class].pages)
            return wrong(where + "a slab of an unknown class");
          for (std::uint32_t i = 1; i < word.count; ++i)
            if (source_.load(source_.page_word_offset(page + i)) != PageWord{PageKind::tail, 0, 0, i}.word())
              return wrong(where + "its slab lacks page " + std::to_string(i));
          ++usage_.slabs;
          const SlabShape& shape = kSlabShapes[word.size_class];
          usage_.slots += shape.slots;
          for (std::uint32_t i = 0; i < shape.bit_words; ++i) {
            const std::uint64_t bits = source_.load(page * kPageBytes + i * 8);
            if (i + 1 == shape.bit_words && shape.slots % 64 != 0 && bits >> shape.slots % 64 != 0)
              return wrong(where + "a bit of a slot that is not there");
            claimed_ += static_cast<std::uint64_t>(std::popcount(bits));
          }
          break;
        }
        case PageKind::leaf:
        case PageKind::directory:
        case PageKind::large:
        case PageKind::named:
          unreached_.insert(page);
          break;
        default:
          return wrong(where + "of kind " + std::to_string(static_cast<int>(word.kind)));
      }
      page += word.count;
    }
    return {};
  }

  Status look_at_entry(std::size_t at) {
    const Entry& entry = entry_;
    const std::string where = "entry " + std::to_string(at) + ": ";
    if (!is_entry(entry)) return wrong(where + "is damaged");
    const auto reach_run = [&](std::uint64_t offset, std::uint64_t bytes) {
      const std::uint64_t pages = padded(bytes, kPageBytes) / kPageBytes;
      return source_.is_data(offset, bytes) && source_.page(offset / kPageBytes).count == pages &&
             reach(offset, PageKind::named, 0);
    };
    if (kind() == EntryKind::table) return {};
    if (!reach_run(entry.data_offset, entry.data_bytes)) return wrong(where + "its data is not its own");
    if (kind() == EntryKind::journal)
      return for_each_message(source_, at, [](std::uint64_t, std::string_view) { return true; });
    if (!reach_run(entry.log_offset, entry.log_words * 8)) return wrong(where + "its log is not its own");
    if (!is_region(source_, entry)) return wrong(where + "a region's entry leads to nowhere");
    const LogReach own{source_.header(), source_.bytes(), true, entry.data_offset, entry.data_bytes};
    const char* const complaint =
        log_complaint(LogState::from(entry.region.log_state.word), entry.log_words, own,
                      [&](std::uint64_t word) { return source_.load(entry.log_offset + word * 8); });
    if (complaint != nullptr) return wrong(where + "its log: " + complaint);
    return {};
  }

  bool reach(std::uint64_t offset, PageKind kind, std::uint8_t shard) {
    const PageWord word = source_.page(offset / kPageBytes);
    return word.kind == kind && word.shard == shard && unreached_.erase(offset / kPageBytes) == 1;
  }

  Status look_at(std::size_t table, std::uint8_t shard) {
    const std::string where = "table " + std::to_string(table) + ", shard " + std::to_string(shard) + ": ";
    const ShardRoot& counts = entry_.shards[shard];
    records_ = bytes_ = 0;
    for (std::uint32_t tag = 0; tag < 1U << kTagBits;) {
      if (auto done = source_.may_go_on(); !done) return done;
      const auto leaf = leaf_in(source_, table, shard, tag);
      if (!leaf) return leaf.error();
      if (leaf->offset == 0) break;
      // As long as its depth says: one that reached into others could be walked for ever, and no writer takes
      // it.
      const std::uint64_t pages = padded(8ULL << leaf->directory_depth, kPageBytes) / kPageBytes;
      if (tag == 0 && (source_.page(leaf->directory / kPageBytes).count != pages ||
                       !reach(leaf->directory, PageKind::directory, shard)))
        return wrong(where + "its directory is not its own");
      if (leaf->first != tag) return wrong(where + "leaves overlap");
      // Every directory word of its range has to lead to it.
      const unsigned shift = kTagBits - leaf->directory_depth;
      for (std::uint64_t t = leaf->first; t < leaf->end; t += 1ULL << shift)
        if (source_.load(leaf->directory + (t >> shift) * 8) != Rooted{leaf->depth, leaf->offset}.word())
          return wrong(where + "directory words of one leaf differ");
      if (!reach(leaf->offset, PageKind::leaf, shard)) return wrong(where + "a leaf is not its own");
      ++usage_.leaves;
      if (auto looked = look_at_leaf(table, shard, *leaf, where); !looked) return looked;
      tag = leaf->end;
    }
    if (records_ != counts.records || bytes_ != counts.bytes)
      return wrong(where + std::to_string(records_) + " records of " + std::to_string(bytes_) +
                   " bytes, counted as " + std::to_string(counts.records) + " of " +
                   std::to_string(counts.bytes));
    return {};
  }

  Status look_at_leaf(std::size_t table, std::uint8_t shard, const LeafRange& leaf,
                      const std::string& where) {
    for (std::size_t i = 0; i < kLeafLines * kCellsPerLine; ++i) {
      const std::uint64_t cell = source_.load(leaf.offset + i * 8);
      ++usage_.cells;
      if (cell == 0) continue;
      const std::uint64_t offset = record_offset(cell);
      const std::string record = where + "record at " + std::to_string(offset) + ": ";
      Place place;
      if (!Place::find(source_, shard, offset, &place)) return wrong(record + "lies in no slot");
      if (!read_record(source_, offset, &record_) || record_.table() != table ||
          record_.bytes() > place.capacity)
        return wrong(record + "does not fit its slot");
      if (place.is_large) {
        if (!reach(offset, PageKind::large, shard)) return wrong(record + "is reached twice");
        ++usage_.large;
      } else if ((source_.load(place.bit_word) & place.bit) == 0) {
        return wrong(record + "its slot counts as free");
      } else if (!slots_.insert(offset).second) {
        return wrong(record + "is reached twice");
      }
      const std::string& key = record_.key;
      if (entry_.flavor == static_cast<std::uint64_t>(KeyKind::u64) && key.size() != 8)
        return wrong(record + "its key is no number");
      const Hashed hashed{hash_key(key, source_.header().seed)};
      const std::size_t distance = (i / kCellsPerLine + kLeafLines - hashed.line()) % kLeafLines;
      if (hashed.shard(source_.header().shards) != shard || hashed.tag() != cell >> (64 - kTagBits) ||
          hashed.tag() < leaf.first || hashed.tag() >= leaf.end || distance >= kWindowLines)
        return wrong(record + "its cell is where nobody looks for it");
      if (!record_.has_right_checksum()) return wrong(record + "its checksum is wrong");
      if (!keys_.insert(std::to_string(table) + ":" + key).second)
        return wrong(record + "its key is there twice");
      ++records_;
      bytes_ += std::uint64_t{record_.header.key_bytes} + record_.header.value_bytes;
      ++usage_.records;
    }
    return {};
  }

  // What is claimed has to be reached, or it is lost for ever.
  Status all_reached() {
    if (!unreached_.empty())
      return wrong("page " + std::to_string(*unreached_.begin()) + ": is claimed, but nothing leads to it");
    if (claimed_ != slots_.size())
      return wrong(std::to_string(claimed_) + " slots are claimed, " + std::to_string(slots_.size()) +
                   " hold a record");
    return {};
  }

  EntryKind kind() const { return static_cast<EntryKind>(entry_.kind); }

  Source& source_;
  Entry entry_{};
  Record record_;
  Usage usage_;
  std::unordered_set<std::uint64_t> unreached_, slots_;
  std::unordered_set<std::string> keys_;
  std::uint64_t claimed_ = 0, records_ = 0, bytes_ = 0;
};

}  // namespace

Result<Usage> verify(Source& source) {
  auto usage = Verifier(source).run();
  // What could not be read is not what is wrong.
  if (auto done = source.may_go_on(); !done) return done.error();
  return usage;
}

Status verify_readable(Source& source) {
  const auto names = names_in(source);
  if (!names) return names.error();
  for (const Named& named : *names) {
    const std::string where = "entry " + std::to_string(named.at) + ": ";
    if (named.kind() == EntryKind::journal) {
      auto read = for_each_message(source, named.at, [](std::uint64_t, std::string_view) { return true; });
      if (!read) return read;
    } else if (named.kind() == EntryKind::region) {
      if (!is_region(source, named.entry)) return wrong(where + "a region's entry leads to nowhere");
    } else {
      std::uint64_t damaged = 0;
      auto read = for_each_record(source, named.at, [](const Record&) { return true; }, &damaged);
      if (!read) return read;
      if (damaged != 0) return wrong(where + std::to_string(damaged) + " records are damaged");
    }
  }
  return {};
}

Result<Usage> Engine::verify() const {
  for (std::uint64_t i = 0; i < image_.header().shards; ++i)
    if (LogState::from(image_.load(kLogStatesOffset + i * kLineBytes)).is_committed)
      return wrong("log " + std::to_string(i) + " is not idle");
  MappedSource source(image_);
  return hot::verify(source);
}

}  // namespace okg::hot
