// CRC-32C (Castagnoli), as iSCSI and ext4 use it (RFC 3720, B.4). By the processor's own instruction where it
// has one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace okg::hot {

// Of `size` bytes more, after those that gave `crc` (0 at the beginning).
std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept;

// Of several pieces behind each other.
struct CrcPiece {
  const void* data;
  std::size_t size;
};
std::uint32_t crc32c(std::initializer_list<CrcPiece> pieces) noexcept;

}  // namespace okg::hot
