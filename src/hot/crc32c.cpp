#include "hot/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace okg::hot {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reflected

constexpr auto kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}();

std::uint32_t by_table(std::uint32_t crc, const unsigned char* at, std::size_t size) noexcept {
  for (; size > 0; --size) crc = crc >> 8 ^ kTable[(crc ^ *at++) & 0xFF];
  return crc;
}

using Function = std::uint32_t (*)(std::uint32_t, const unsigned char*, std::size_t) noexcept;

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc, const unsigned char* at,
                                                               std::size_t size) noexcept {
  std::uint64_t wide = crc;
  for (; size >= 8; size -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; --size) crc = _mm_crc32_u8(crc, *at++);
  return crc;
}
Function choose() noexcept {
  return __builtin_cpu_supports("sse4.2") != 0 ? by_instruction : by_table;
}
#elif defined(__aarch64__)
__attribute__((target("+crc"))) std::uint32_t by_instruction(std::uint32_t crc, const unsigned char* at,
                                                             std::size_t size) noexcept {
  for (; size >= 8; size -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    crc = __crc32cd(crc, word);
  }
  for (; size > 0; --size) crc = __crc32cb(crc, *at++);
  return crc;
}
Function choose() noexcept {
  constexpr unsigned long kHasCrc = 1UL << 7;  // HWCAP_CRC32
  return (::getauxval(AT_HWCAP) & kHasCrc) != 0 ? by_instruction : by_table;
}
#else
Function choose() noexcept {
  return by_table;
}
#endif

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept {
  static const Function function = choose();
  return ~function(~crc, static_cast<const unsigned char*>(data), size);
}

}  // namespace okg::hot
