#include "hot/record.hpp"

#include "hot/crc32c.hpp"

namespace okg::hot {

std::uint32_t record_crc(const RecordHeader& header, std::string_view key, const void* value) {
  return crc32c(
      {{reinterpret_cast<const std::byte*>(&header) + kRecordCrcBegin, sizeof header - kRecordCrcBegin},
       {key.data(), key.size()},
       {value, header.value_bytes}});
}

}  // namespace okg::hot
