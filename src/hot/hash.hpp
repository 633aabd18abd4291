// The hash of keys: 64 bits, seeded with the file's own random number, so that nobody can choose keys that
// collide.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "hot/format.hpp"

namespace okg::hot {

// Both halves of a product of 128 bits, folded: each bit of the result depends on all bits of both factors.
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline constexpr std::uint64_t kHashWord = 0x9E3779B97F4A7C15;    // 2^64 / golden ratio
inline constexpr std::uint64_t kHashFinish = 0xD6E8FEB86659FD93;  // an odd number with balanced bits

// Word by word, little-endian, the last one padded with zeros, then the length. Part of the file format.
inline std::uint64_t hash_key(std::string_view key, std::uint64_t seed) noexcept {
  std::uint64_t hash = seed ^ kHashWord;
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + 8 <= key.size(); at += 8) {
    std::memcpy(&word, key.data() + at, 8);
    hash = fold(hash ^ word, kHashWord ^ seed);
  }
  if (at < key.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, key.data() + at, key.size() - at);
    hash = fold(hash ^ word, kHashWord ^ seed);
  }
  return fold(hash ^ key.size(), kHashFinish);
}

// The same of a number, whose bytes the key is.
inline std::uint64_t hash_key(std::uint64_t key, std::uint64_t seed) noexcept {
  return fold(fold(seed ^ kHashWord ^ key, kHashWord ^ seed) ^ sizeof key, kHashFinish);
}

// What the bits of a hash are for: no two purposes share one.
struct Hashed {
  std::uint64_t hash;

  std::uint32_t tag() const { return static_cast<std::uint32_t>(hash >> (64 - kTagBits)); }
  std::size_t line() const { return hash % kLeafLines; }
  std::size_t shard(std::uint64_t shards) const { return (hash >> 8) & (shards - 1); }
};

}  // namespace okg::hot
