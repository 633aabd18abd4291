#include "hot/record.hpp"

#include "hot/crc32c.hpp"

namespace okg::hot {

bool view_record(const Image& image, std::uint64_t offset, RecordView* view) {
  if (!image.is_data(offset, sizeof(RecordHeader))) return false;
  ordered::copy_out(&view->header, image.at<std::byte>(offset), sizeof(RecordHeader));
  const RecordHeader& header = view->header;
  if (header.key_bytes > kMostKeyBytes || header.value_bytes > kMostValueBytes) return false;
  const bool has_deadline = (header.table & kRecordHasDeadline) != 0;
  if ((header.table & ~(kRecordTableMask | kRecordHasDeadline)) != 0) return false;
  if (!image.is_data(offset, record_bytes(header.key_bytes, has_deadline, header.value_bytes))) return false;
  view->deadline_offset = has_deadline ? offset + sizeof(RecordHeader) : 0;
  view->key = image.at<std::byte>(offset + sizeof(RecordHeader) + (has_deadline ? 8 : 0));
  view->value = view->key + padded(header.key_bytes, 8);
  return true;
}

std::uint32_t record_crc(const RecordHeader& header, std::string_view key, const void* value) {
  std::uint32_t crc = crc32c(0, reinterpret_cast<const std::byte*>(&header) + kRecordCrcBegin,
                             sizeof header - kRecordCrcBegin);
  crc = crc32c(crc, key.data(), key.size());
  return crc32c(crc, value, header.value_bytes);
}

}  // namespace okg::hot
