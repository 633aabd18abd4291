#include "hot/layout.hpp"

#include <bit>
#include <cstring>

#include "base/text.hpp"
#include "hot/crc32c.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;

namespace {

std::uint32_t header_crc(const Header& header) {
  return crc32c(0, reinterpret_cast<const std::byte*>(&header) + kHeaderCrcBegin,
                sizeof header - kHeaderCrcBegin);
}

}  // namespace

Result<Header> lay_out(std::uint64_t max_bytes, std::uint64_t shards, std::uint64_t log_words,
                       const std::array<std::uint8_t, 16>& id, std::uint64_t seed) {
  if (max_bytes < kLeastBytes || max_bytes > kMostBytes)
    return Error(Code::invalid_argument,
                 "a segment of " + base::format_size(max_bytes) + ": from 1 MiB to 1 TiB");
  if (shards == 0 || shards > kMostShards || !std::has_single_bit(shards))
    return Error(Code::invalid_argument, std::to_string(shards) + " shards: 1, 2, 4, 8 or 16");
  if (log_words < 512 || log_words > 1U << 24 || log_words % 512 != 0)
    return Error(Code::invalid_argument,
                 "a log of " + std::to_string(log_words) + " words: 512 to 16777216, by 512");
  Header header{};
  header.magic = kMagic;
  header.major = kMajor;
  header.minor = kMinor;
  header.endian_probe = kEndianProbe;
  header.id = id;
  header.seed = seed;
  header.max_bytes = max_bytes / kPageBytes * kPageBytes;
  header.shards = shards;
  header.log_words = log_words;
  header.tables_offset = 2 * kPageBytes;
  header.logs_offset = header.tables_offset + kMostTables * sizeof(Entry);
  header.page_map_offset = header.logs_offset + shards * log_words * 8;
  header.data_offset = padded(header.page_map_offset + header.max_bytes / kPageBytes * 8, kPageBytes);
  if (header.data_offset + 16 * kPageBytes > header.max_bytes)
    return Error(Code::invalid_argument, "a segment of " + base::format_size(max_bytes) +
                                             " has no room for " + std::to_string(shards) +
                                             " shards with logs of " + std::to_string(log_words) + " words");
  header.crc = header_crc(header);
  return header;
}

void format(std::byte* base, const Header& header, std::uint64_t bytes) {
  const Image image(base, header);
  State& state = image.state();
  ordered::store(&state.bytes.word, bytes / kPageBytes * kPageBytes);
  ordered::store(&state.used_pages.word, header.data_offset / kPageBytes);
  ordered::store(&state.clean.word, 1);
  ordered::fill(base, &header, sizeof header);
}

Result<Header> check_header(const void* bytes, std::size_t size) {
  Header header;
  if (size < sizeof header) return Error(Code::corrupt, "it is shorter than a header");
  std::memcpy(&header, bytes, sizeof header);
  if (header.magic != kMagic) return Error(Code::corrupt, "it is no hot-state segment");
  if (header.endian_probe != kEndianProbe)
    return Error(Code::unsupported, "it was made on a machine of other byte order");
  if (header.major != kMajor)
    return Error(Code::unsupported, "its format is " + std::to_string(header.major) + "." +
                                        std::to_string(header.minor) + ", this okg knows " +
                                        std::to_string(kMajor) + ".x: it was left as it is");
  if (header.crc != header_crc(header)) return Error(Code::corrupt, "its header's checksum is wrong");
  if (header.incompatible != 0 || header.read_only_compatible != 0)
    return Error(Code::unsupported, "it has features that this okg does not know: it was left as it is");
  const auto expected = lay_out(header.max_bytes, header.shards, header.log_words, header.id, header.seed);
  if (!expected) return Error(Code::corrupt, "its header says " + expected.error().text);
  if (std::memcmp(&expected->tables_offset, &header.tables_offset, 4 * sizeof(std::uint64_t)) != 0)
    return Error(Code::corrupt, "its header has things lie elsewhere");
  return header;
}

base::Status check_extent(const Header& header, std::uint64_t allocated, std::uint64_t file_bytes) {
  if (allocated < header.data_offset || allocated > header.max_bytes || allocated % kPageBytes != 0)
    return Error(Code::corrupt, "says that " + std::to_string(allocated) + " bytes of it are in use");
  if (allocated > file_bytes)
    return Error(Code::corrupt,
                 "is cut off: " + base::format_size(file_bytes) + " of " + base::format_size(allocated));
  return {};
}

}  // namespace okg::hot
