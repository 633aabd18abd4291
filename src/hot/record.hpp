// A record as it lies in the file: found without leaving what is mapped, and its checksum.
#pragma once

#include <string_view>

#include "hot/image.hpp"

namespace okg::hot {

// A record's header, key and value; the latter two in the file, where a writer may change them.
struct RecordView {
  RecordHeader header;
  std::uint64_t deadline_offset;  // of the word with it; 0: it has none
  const std::byte* key;
  const std::byte* value;

  std::size_t table() const { return header.table & kRecordTableMask; }
  std::uint64_t bytes() const {
    return record_bytes(header.key_bytes, deadline_offset != 0, header.value_bytes);
  }
};
// False when no record can lie there.
bool view_record(const Image& image, std::uint64_t offset, RecordView* view);

// CRC-32C of what `header` says of a record, its key, and header.value_bytes of `value`.
std::uint32_t record_crc(const RecordHeader& header, std::string_view key, const void* value);

}  // namespace okg::hot
