// What lies in a segment, found through a Source: names, records, messages. Nothing in it is believed, and
// where somebody writes meanwhile it is looked at again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hot/source.hpp"

namespace okg::hot {

struct Named {
  std::size_t at = 0;
  Entry entry{};
  std::string name;
  EntryKind kind() const { return static_cast<EntryKind>(entry.kind); }
};
// corrupt when an entry is damaged.
base::Result<std::vector<Named>> names_in(const Source& source);

// The leaf that `tag` belongs to, and which tags belong to it with it. offset 0: there is no record in this
// index.
struct LeafRange {
  std::uint64_t directory = 0, offset = 0;
  unsigned directory_depth = 0, depth = 0;
  std::uint32_t first = 0, end = 1U << kTagBits;
  bool operator==(const LeafRange&) const = default;
};
base::Result<LeafRange> leaf_in(const Source& source, std::size_t table, std::size_t shard,
                                std::uint32_t tag);

struct Record {
  RecordHeader header{};
  std::uint64_t deadline_ns = 0;  // CLOCK_BOOTTIME; 0: none
  std::string key, value;

  std::size_t table() const { return header.table & kRecordTableMask; }
  bool has_deadline() const { return (header.table & kRecordHasDeadline) != 0; }
  std::uint64_t bytes() const { return record_bytes(header.key_bytes, has_deadline(), header.value_bytes); }
  bool has_right_checksum() const;
};
// False when none can lie there.
bool read_record(const Source& source, std::uint64_t offset, Record* record);

// Each record of a table that is there all the while, once, in no order; *damaged counts those that cannot be
// read. corrupt, too, where pieces lie over each other. `visit` returns false to end.
base::Status for_each_record(Source& source, std::size_t table,
                             const std::function<bool(const Record&)>& visit, std::uint64_t* damaged);

// Nothing when there is none; corrupt when it is damaged; busy when a writer was faster each time.
base::Result<std::optional<Record>> find_record(Source& source, std::size_t table, std::string_view key);

// Each message that is not acknowledged. `visit` returns false to end.
using VisitMessage = std::function<bool(std::uint64_t sequence, std::string_view message)>;
base::Status for_each_message(Source& source, std::size_t journal, const VisitMessage& visit);

}  // namespace okg::hot
