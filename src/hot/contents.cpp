#include "hot/contents.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "hot/index.hpp"
#include "hot/journal.hpp"
#include "hot/walk_budget.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

namespace {

constexpr int kTries = 100;  // a writer that was faster each time
constexpr std::size_t kCells = kLeafLines * kCellsPerLine;

Error corrupt(const std::string& text) {
  return {Code::corrupt, text};
}

Error too_busy() {
  return {Code::busy, "the segment is written faster than it can be read: try again"};
}

// The header, the deadline and the key of what may lie there.
bool read_front(const Source& source, std::uint64_t offset, Record* record) {
  if (!source.is_data(offset, sizeof(RecordHeader))) return false;
  source.copy(&record->header, offset, sizeof(RecordHeader));
  const RecordHeader& header = record->header;
  if (header.key_bytes > kMostKeyBytes || header.value_bytes > kMostValueBytes ||
      (header.table & ~(kRecordTableMask | kRecordHasDeadline)) != 0 ||
      !source.is_data(offset, record->bytes()))
    return false;
  const std::uint64_t key = offset + sizeof(RecordHeader) + (record->has_deadline() ? 8 : 0);
  record->deadline_ns = record->has_deadline() ? source.load(offset + sizeof(RecordHeader)) : 0;
  record->key.resize(header.key_bytes);
  source.copy(record->key.data(), key, header.key_bytes);
  return true;
}

void read_value(const Source& source, std::uint64_t offset, Record* record) {
  const RecordHeader& header = record->header;
  record->value.resize(header.value_bytes);
  source.copy(record->value.data(), offset + front_bytes(header.key_bytes, record->has_deadline()),
              header.value_bytes);
}

// Reads what a cell of that table's shard leads to. The value last: it may be large, and not be meant.
bool read_cell(const Source& source, std::uint64_t cell, std::size_t table, std::size_t shard,
               Record* record) {
  if (!read_front(source, record_offset(cell), record)) return false;
  const Hashed hashed{hash_key(record->key, source.header().seed)};
  if (record->table() != table || hashed.shard(source.header().shards) != shard ||
      hashed.tag() != cell >> (64 - kTagBits))
    return false;
  read_value(source, record_offset(cell), record);
  return record->has_right_checksum();
}

struct Cells {
  LeafRange leaf;
  std::array<std::uint64_t, kCells> words{};
};

Result<Cells> cells_of(const Source& source, std::size_t table, std::size_t shard, std::uint32_t tag) {
  Cells cells;
  const auto leaf = leaf_in(source, table, shard, tag);
  if (!leaf) return leaf.error();
  cells.leaf = *leaf;
  if (leaf->offset != 0) source.copy(cells.words.data(), leaf->offset, kPageBytes);
  return cells;
}

}  // namespace

Result<std::vector<Named>> names_in(const Source& source) {
  std::vector<Named> names;
  for (std::size_t at = 0; at < kMostTables; ++at) {
    Named named{at, source.entry(at), {}};
    if (named.kind() == EntryKind::free) continue;
    const Entry& entry = named.entry;
    if (!is_entry(entry)) return corrupt("entry " + std::to_string(at) + ": is damaged");
    named.name.assign(entry.name.data(), entry.name_bytes);
    names.push_back(std::move(named));
  }
  if (auto done = source.may_go_on(); !done) return done.error();
  return names;
}

Result<LeafRange> leaf_in(const Source& source, std::size_t table, std::size_t shard, std::uint32_t tag) {
  const std::uint64_t root_offset =
      source.entry_offset(table) + offsetof(Entry, shards) + shard * sizeof(ShardRoot);
  const std::uint64_t word = source.load(root_offset);
  LeafRange range;
  if (word == 0) return range;
  const auto damaged = [&](const char* what) {
    return corrupt("index at " + std::to_string(root_offset) + ": " + what);
  };
  const Rooted root = Rooted::from(word);
  if (root.depth > kMostDepth || root.offset % kPageBytes != 0 ||
      !source.is_data(root.offset, 8ULL << root.depth))
    return damaged("its root leads to no directory");
  const Rooted leaf =
      Rooted::from(source.load(root.offset + (std::uint64_t{tag} >> (kTagBits - root.depth)) * 8));
  if (leaf.depth > root.depth || !source.is_data_page(leaf.offset))
    return damaged("a directory word leads to no leaf");
  const std::uint32_t tags = 1U << (kTagBits - leaf.depth);
  range.directory = root.offset;
  range.directory_depth = root.depth;
  range.offset = leaf.offset;
  range.depth = leaf.depth;
  range.first = tag & ~(tags - 1);
  range.end = range.first + tags;
  return range;
}

bool Record::has_right_checksum() const {
  return record_crc(header, key, value.data()) == header.crc;
}

bool read_record(const Source& source, std::uint64_t offset, Record* record) {
  if (!read_front(source, offset, record)) return false;
  read_value(source, offset, record);
  return true;
}

Status for_each_record(Source& source, std::size_t table, const std::function<bool(const Record&)>& visit,
                       std::uint64_t* damaged) {
  *damaged = 0;
  Record record;
  WalkBudget budget(source);
  for (std::size_t shard = 0; shard < source.header().shards; ++shard) {
    std::unordered_set<std::string> seen;  // of the leaf, and of those that it was split into
    std::uint64_t seen_end = 0;
    for (std::uint32_t tag = 0; tag < 1U << kTagBits;) {
      LeafRange leaf;
      for (int tries = 0;; ++tries) {
        if (auto done = source.refresh(); !done) return done;
        const auto cells = cells_of(source, table, shard, tag);
        std::uint64_t bad = 0;
        bool is_within = budget.take(kPageBytes);
        if (cells) {
          leaf = cells->leaf;
          seen_end = std::max<std::uint64_t>(seen_end, leaf.end);
          for (const std::uint64_t cell : cells->words) {
            if (cell == 0) continue;
            const std::uint64_t its_tag = cell >> (64 - kTagBits);
            const bool is_good =
                its_tag >= leaf.first && its_tag < leaf.end && read_cell(source, cell, table, shard, &record);
            is_within = is_within && (!is_good || budget.take(record.bytes()));
            if (!is_within || !source.may_go_on()) break;
            if (!is_good)
              ++bad;
            else if (seen.insert(record.key).second && !visit(record))
              return source.may_go_on();
          }
        }
        // What changed meanwhile is looked at once more; what did not is as it is.
        const bool is_quiet = !source.has_changed();
        if (auto done = source.may_go_on(); !done) return done;
        if (!is_within && is_quiet) return budget.error();
        if (!is_quiet) budget.clear();
        if (cells && is_within && bad == 0) {
          if (is_quiet) break;
          if (auto done = source.refresh(); !done) return done;
          if (const auto now = leaf_in(source, table, shard, tag); now && *now == leaf) break;
        } else if (is_quiet) {
          if (!cells) return cells.error();
          *damaged += bad;
          break;
        }
        if (tries >= kTries) return too_busy();
      }
      tag = leaf.end;
      if (tag >= seen_end) seen.clear();
    }
  }
  return source.may_go_on();
}

Result<std::optional<Record>> find_record(Source& source, std::size_t table, std::string_view key) {
  const Hashed hashed{hash_key(key, source.header().seed)};
  const std::size_t shard = hashed.shard(source.header().shards);
  Cells before;
  for (int tries = 0; tries < kTries; ++tries) {
    if (auto done = source.refresh(); !done) return done.error();
    auto cells = cells_of(source, table, shard, hashed.tag());
    bool is_bad = !cells;
    if (cells) {
      for (std::size_t i = 0; i < kWindowLines * kCellsPerLine; ++i) {
        const std::uint64_t cell = cells->words[(hashed.line() * kCellsPerLine + i) % kCells];
        if (cell == 0 || cell >> (64 - kTagBits) != hashed.tag()) continue;
        Record record;
        if (!read_cell(source, cell, table, shard, &record))
          is_bad = true;
        else if (record.key == key)
          return record;
      }
    }
    const bool is_quiet = !source.has_changed();
    if (auto done = source.may_go_on(); !done) return done.error();
    if (is_bad && is_quiet) return cells ? corrupt("a record that may be it is damaged") : cells.error();
    if (is_bad) continue;
    // The way there was twice the same.
    if (is_quiet || (tries > 0 && cells->leaf == before.leaf && cells->words == before.words))
      return std::optional<Record>();
    before = *std::move(cells);
  }
  return too_busy();
}

Status for_each_message(Source& source, std::size_t journal, const VisitMessage& visit) {
  if (auto done = source.refresh(); !done) return done;
  Entry entry = source.entry(journal);
  const auto damaged = [&](std::uint64_t at, const char* what) {
    return corrupt("journal at " + std::to_string(entry.data_offset) + ", message " + std::to_string(at) +
                   ": " + what);
  };
  if (!is_journal(source, entry)) return corrupt("a journal's entry leads to no ring");
  const std::uint64_t ring = entry.data_bytes;
  const auto copy_out = [&](void* to, std::uint64_t at, std::uint64_t size) {
    const std::uint64_t place = at % ring, first = std::min(size, ring - place);
    source.copy(to, entry.data_offset + place, first);
    source.copy(static_cast<char*>(to) + first, entry.data_offset, size - first);
  };
  std::string message;
  std::uint64_t at = entry.journal.head.word;
  for (;;) {
    const std::uint64_t head = entry.journal.head.word, tail = entry.journal.tail.word;
    if (!are_journal_ends(head, tail, ring)) return damaged(head, "its ends are nowhere");
    at = std::max(at, head);
    if (at >= tail) return source.may_go_on();
    FrameHeader header{};
    copy_out(&header, at, sizeof header);
    const char* wrong = nullptr;
    if (header.sequence != at || header.bytes > kMostMessageBytes || frame_bytes(header.bytes) > tail - at) {
      wrong = "there is no message";
    } else {
      message.resize(header.bytes);
      copy_out(message.data(), at + sizeof header, header.bytes);
      if (frame_crc(header, message.data()) != header.crc) wrong = "its checksum is wrong";
    }
    if (auto done = source.may_go_on(); !done) return done;
    if (wrong != nullptr) {
      // Written over, for it was acknowledged?
      if (auto done = source.refresh(); !done) return done;
      entry = source.entry(journal);
      if (entry.data_bytes != ring || entry.journal.head.word <= at) return damaged(at, wrong);
      continue;
    }
    if (!visit(at, message)) return {};
    at += frame_bytes(header.bytes);
  }
}

}  // namespace okg::hot
