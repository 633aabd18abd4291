// The command line of game-2048.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace game2048 {

struct Flags {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // any that is free
  std::optional<std::uint64_t> seed = {};
  std::string scores = {};  // a file; empty: standard output
  bool help = false;
};

extern const std::string_view usage;

// The flags, or one line that says what is wrong with them.
std::variant<Flags, std::string> parse_flags(std::span<const char* const> arguments);

}  // namespace game2048
