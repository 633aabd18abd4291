// Stores into a segment. Their order in the machine code is what survives a kill, so each goes through here.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "hot/faults.hpp"

namespace okg::hot::ordered {

// A word that recovery or a reader looks at: everything before it in the program is before it in the machine
// code, everything after it after.
inline void store(std::uint64_t* at, std::uint64_t value) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref<std::uint64_t>(*at).store(value, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  faults::stored(at, &value, sizeof value);
}

inline std::uint64_t load(const std::uint64_t* at) noexcept {
  return std::atomic_ref<std::uint64_t>(*const_cast<std::uint64_t*>(at)).load(std::memory_order_acquire);
}

#if defined(__SANITIZE_THREAD__) || defined(OKG_WORDWISE)
// What a reader may copy while it is written: the reader throws such a copy away, but the thread sanitizer
// would not know that. Both ends are in whole words.
inline void copy_words(void* to, const void* from, std::size_t bytes) noexcept {
  auto* out = static_cast<std::uint64_t*>(to);
  const auto* in = static_cast<const std::uint64_t*>(from);
  const auto relaxed = std::memory_order_relaxed;
  for (std::size_t i = 0; i < bytes / 8; ++i)
    std::atomic_ref<std::uint64_t>(out[i]).store(
        std::atomic_ref<std::uint64_t>(const_cast<std::uint64_t&>(in[i])).load(relaxed), relaxed);
  if (const std::size_t rest = bytes % 8; rest != 0) {
    std::uint64_t last = 0;
    const std::uint64_t word =
        std::atomic_ref<std::uint64_t>(const_cast<std::uint64_t&>(in[bytes / 8])).load(relaxed);
    std::memcpy(&last, &word, rest);
    std::memcpy(out + bytes / 8, &last, rest);
  }
}
#else
inline void copy_words(void* to, const void* from, std::size_t bytes) noexcept {
  std::memcpy(to, from, bytes);
}
#endif

// Memory that nothing leads to yet.
inline void fill(void* at, const void* from, std::size_t bytes) noexcept {
  copy_words(at, from, bytes);
  faults::stored(at, from, bytes);
}
inline void zero(void* at, std::size_t bytes) noexcept {
  std::memset(at, 0, bytes);
  faults::stored(at, nullptr, bytes);
}

}  // namespace okg::hot::ordered
