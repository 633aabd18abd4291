#include "hot/crc32c.hpp"

#include <array>
#include <atomic>
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

std::uint32_t bytes_by_table(std::uint32_t crc, const unsigned char* at, std::size_t size) noexcept {
  for (; size > 0; --size) crc = crc >> 8 ^ kTable[(crc ^ *at++) & 0xFF];
  return crc;
}

// What the checksum becomes behind so many zero bytes: by each byte of it. A checksum is linear, so that of
// three pieces can be made side by side, and put together by this.
template <std::size_t Zeros>
constexpr auto kBehindZeros = [] {
  std::array<std::uint32_t, 32> bits{};
  for (unsigned bit = 0; bit < 32; ++bit) {
    std::uint32_t crc = 1U << bit;
    for (std::size_t i = 0; i < Zeros; ++i) crc = crc >> 8 ^ kTable[crc & 0xFF];
    bits[bit] = crc;
  }
  std::array<std::array<std::uint32_t, 256>, 4> tables{};
  for (unsigned byte = 0; byte < 4; ++byte)
    for (unsigned value = 0; value < 256; ++value)
      for (unsigned bit = 0; bit < 8; ++bit)
        if ((value >> bit & 1) != 0) tables[byte][value] ^= bits[byte * 8 + bit];
  return tables;
}();

template <std::size_t Zeros>
std::uint32_t behind_zeros(std::uint32_t crc) noexcept {
  const auto& tables = kBehindZeros<Zeros>;
  return tables[0][crc & 0xFF] ^ tables[1][crc >> 8 & 0xFF] ^ tables[2][crc >> 16 & 0xFF] ^
         tables[3][crc >> 24];
}

std::uint64_t word_at(const unsigned char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, 8);
  return word;
}

using Function = std::uint32_t (*)(std::uint32_t, const CrcPiece*, const CrcPiece*) noexcept;

std::uint32_t by_table(std::uint32_t crc, const CrcPiece* piece, const CrcPiece* end) noexcept {
  for (; piece != end; ++piece)
    crc = bytes_by_table(crc, static_cast<const unsigned char*>(piece->data), piece->size);
  return crc;
}

#if defined(__x86_64__)
#define OKG_CRC_TARGET __attribute__((target("sse4.2")))
#define OKG_CRC_WORD(crc, word) static_cast<std::uint32_t>(_mm_crc32_u64(crc, word))
#define OKG_CRC_HALF(crc, half) _mm_crc32_u32(crc, half)
#define OKG_CRC_BYTE(crc, byte) _mm_crc32_u8(crc, byte)
#elif defined(__aarch64__)
#define OKG_CRC_TARGET __attribute__((target("+crc")))
#define OKG_CRC_WORD(crc, word) __crc32cd(crc, word)
#define OKG_CRC_HALF(crc, half) __crc32cw(crc, half)
#define OKG_CRC_BYTE(crc, byte) __crc32cb(crc, byte)
#endif

#if defined(OKG_CRC_TARGET)
// The instruction takes three cycles, but one can begin in each.
template <std::size_t Piece>
OKG_CRC_TARGET std::uint32_t by_three(std::uint32_t crc, const unsigned char*& at,
                                      std::size_t& size) noexcept {
  for (; size >= Piece * 3; size -= Piece * 3, at += Piece * 3) {
    std::uint32_t second = 0, third = 0;
    for (std::size_t i = 0; i < Piece; i += 8) {
      crc = OKG_CRC_WORD(crc, word_at(at + i));
      second = OKG_CRC_WORD(second, word_at(at + Piece + i));
      third = OKG_CRC_WORD(third, word_at(at + Piece * 2 + i));
    }
    crc = behind_zeros<Piece>(behind_zeros<Piece>(crc) ^ second) ^ third;
  }
  return crc;
}
OKG_CRC_TARGET std::uint32_t by_instruction(std::uint32_t crc, const CrcPiece* piece,
                                            const CrcPiece* end) noexcept {
  for (; piece != end; ++piece) {
    const auto* at = static_cast<const unsigned char*>(piece->data);
    std::size_t size = piece->size;
    if (size >= 3 * 128) crc = by_three<128>(by_three<1024>(crc, at, size), at, size);
    for (; size >= 8; size -= 8, at += 8) crc = OKG_CRC_WORD(crc, word_at(at));
    if (size >= 4) {
      std::uint32_t half = 0;
      std::memcpy(&half, at, 4);
      crc = OKG_CRC_HALF(crc, half);
      size -= 4;
      at += 4;
    }
    for (; size > 0; --size) crc = OKG_CRC_BYTE(crc, *at++);
  }
  return crc;
}
#endif

Function choose() noexcept {
#if defined(__x86_64__)
  return __builtin_cpu_supports("sse4.2") != 0 ? by_instruction : by_table;
#elif defined(__aarch64__)
  constexpr unsigned long kHasCrc = 1UL << 7;  // HWCAP_CRC32
  return (::getauxval(AT_HWCAP) & kHasCrc) != 0 ? by_instruction : by_table;
#else
  return by_table;
#endif
}

std::uint32_t choose_first(std::uint32_t crc, const CrcPiece* piece, const CrcPiece* end) noexcept;

// Without a constructor: another file's may come before it.
constinit std::atomic<Function> function{choose_first};

std::uint32_t choose_first(std::uint32_t crc, const CrcPiece* piece, const CrcPiece* end) noexcept {
  const Function chosen = choose();
  function.store(chosen, std::memory_order_relaxed);
  return chosen(crc, piece, end);
}

std::uint32_t through(std::uint32_t crc, const CrcPiece* piece, const CrcPiece* end) noexcept {
  return ~function.load(std::memory_order_relaxed)(~crc, piece, end);
}

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) noexcept {
  const CrcPiece piece{data, size};
  return through(crc, &piece, &piece + 1);
}

std::uint32_t crc32c(std::initializer_list<CrcPiece> pieces) noexcept {
  return through(0, pieces.begin(), pieces.end());
}

}  // namespace okg::hot
