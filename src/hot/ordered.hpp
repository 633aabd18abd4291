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

// Bytes of records, leaves and directories, at multiples of 8. A reader may copy them while somebody writes
// them anew; it throws such a copy away, but the thread sanitizer would not know that: for it, whole words,
// one by one.
#if defined(__SANITIZE_THREAD__) || defined(OKG_WORDWISE)
inline void copy_in(void* to, const void* from, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += 8) {
    std::uint64_t word = 0;
    if (from != nullptr)
      std::memcpy(&word, static_cast<const char*>(from) + at, bytes - at < 8 ? bytes - at : 8);
    std::atomic_ref<std::uint64_t>(*reinterpret_cast<std::uint64_t*>(static_cast<char*>(to) + at))
        .store(word, std::memory_order_relaxed);
  }
}
inline void copy_out(void* to, const void* from, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += 8) {
    auto* const word_at =
        reinterpret_cast<std::uint64_t*>(const_cast<char*>(static_cast<const char*>(from)) + at);
    const std::uint64_t word = std::atomic_ref<std::uint64_t>(*word_at).load(std::memory_order_relaxed);
    std::memcpy(static_cast<char*>(to) + at, &word, bytes - at < 8 ? bytes - at : 8);
  }
}
#else
inline void copy_in(void* to, const void* from, std::size_t bytes) noexcept {
  if (from == nullptr)
    std::memset(to, 0, bytes);
  else if (bytes != 0)
    std::memcpy(to, from, bytes);
}
inline void copy_out(void* to, const void* from, std::size_t bytes) noexcept {
  if (bytes != 0) std::memcpy(to, from, bytes);
}
#endif

// Memory that nothing leads to yet.
inline void fill(void* at, const void* from, std::size_t bytes) noexcept {
  copy_in(at, from, bytes);
  faults::stored(at, from, bytes);
}
inline void zero(void* at, std::size_t bytes) noexcept {
  copy_in(at, nullptr, bytes);
  faults::stored(at, nullptr, bytes);
}

}  // namespace okg::hot::ordered
