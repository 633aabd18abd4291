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
inline bool view_record(const Image& image, const Image::Data& data, std::uint64_t offset, RecordView* view) {
  if (!data.has(offset, sizeof(RecordHeader))) return false;
  ordered::copy_out(&view->header, image.at<std::byte>(offset), sizeof(RecordHeader));
  const RecordHeader& header = view->header;
  if (header.key_bytes > kMostKeyBytes || header.value_bytes > kMostValueBytes) return false;
  const bool has_deadline = (header.table & kRecordHasDeadline) != 0;
  if ((header.table & ~(kRecordTableMask | kRecordHasDeadline)) != 0) return false;
  if (!data.has(offset, record_bytes(header.key_bytes, has_deadline, header.value_bytes))) return false;
  view->deadline_offset = has_deadline ? offset + sizeof(RecordHeader) : 0;
  view->key = image.at<std::byte>(offset + sizeof(RecordHeader) + (has_deadline ? 8 : 0));
  view->value = view->key + padded(header.key_bytes, 8);
  return true;
}
inline bool view_record(const Image& image, std::uint64_t offset, RecordView* view) {
  return view_record(image, image.data(), offset, view);
}

// CRC-32C of what `header` says of a record, its key, and header.value_bytes of `value`.
std::uint32_t record_crc(const RecordHeader& header, std::string_view key, const void* value);

}  // namespace okg::hot
