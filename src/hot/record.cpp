#include "hot/record.hpp"

#include "hot/crc32c.hpp"

namespace okg::hot {

std::uint32_t record_crc(const RecordHeader& header, std::string_view key, const void* value) {
  std::uint32_t crc = crc32c(0, reinterpret_cast<const std::byte*>(&header) + kRecordCrcBegin,
                             sizeof header - kRecordCrcBegin);
  crc = crc32c(crc, key.data(), key.size());
  return crc32c(crc, value, header.value_bytes);
}

}  // namespace okg::hot
