// What the functions of okg.h are handed: option structs, texts, the log sink.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "okg/okg.h"

namespace okg::abi {

// Copies a struct of an older, shorter header over defaults. A longer one, of a newer header, is fine as long
// as what this library does not know is zero. False otherwise.
template <class Options>
bool read_options(const Options* from, Options* out) {
  std::size_t size = 0;
  std::memcpy(&size, from, sizeof size);
  if (size < sizeof size || size > 4096) return false;
  std::memcpy(out, from, std::min(size, sizeof *out));
  const auto* bytes = reinterpret_cast<const unsigned char*>(from);
  for (std::size_t i = sizeof *out; i < size; ++i)
    if (bytes[i] != 0) return false;
  return true;
}

inline std::string text_of(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

// False when it is none of okg_log_level. OKG_LOG_DEFAULT is nullopt: the environment decides.
inline bool read_log_level(okg_log_level from, std::optional<base::LogLevel>* out) {
  if (from < OKG_LOG_DEFAULT || from > OKG_LOG_DEBUG) return false;
  if (from != OKG_LOG_DEFAULT) *out = static_cast<base::LogLevel>(from - 1);
  return true;
}

struct LogAdapter {
  okg_log_fn log;
  void* user;

  static void write(void* self, base::LogLevel level, std::string_view category, std::string_view text) {
    const auto* adapter = static_cast<const LogAdapter*>(self);
    const std::string name(category);
    adapter->log(adapter->user, static_cast<okg_log_level>(static_cast<int>(level) + 1), name.c_str(),
                 text.data(), text.size());
  }
};

}  // namespace okg::abi
