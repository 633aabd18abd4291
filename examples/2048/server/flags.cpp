// SPDX-License-Identifier: Apache-2.0
#include "flags.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace game2048 {
namespace {

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool is_address(const std::string& text) {
  in6_addr parsed;  // large enough for both
  return inet_pton(AF_INET, text.c_str(), &parsed) == 1 || inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

}  // namespace

const std::string_view usage =
    "usage: game-2048 [--port N] [--address A] [--seed N] [--scores FILE]\n"
    "\n"
    "The game 2048 in the browser, with pages and texts out of an okg payload.\n"
    "  --port N      port to listen on (0: any that is free)\n"
    "  --address A   IP address to listen on (127.0.0.1)\n"
    "  --seed N      the same tiles each time\n"
    "  --scores FILE where best scores and finished games are written to (standard output)\n"
    "Where payload, run directory and hot state are: OKG_PAYLOAD_DIR, OKG_RUN_DIR, OKG_HOT_DIR "
    "(docs/interface.md,\n"
    "section 3).\n"
    "\n"
    "example: game-2048 --port 8048\n";

std::variant<Flags, std::string> parse_flags(std::span<const char* const> arguments) {
  Flags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    if (name == "--help" || name == "-h") {
      flags.help = true;
      continue;
    }
    std::optional<std::string_view> value;
    if (const auto equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    const std::string shown(name);
    if (name != "--port" && name != "--address" && name != "--seed" && name != "--scores")
      return shown + ": no such flag: see --help";
    if (!value) {
      if (++i == arguments.size()) return shown + ": wants a value: see --help";
      value = arguments[i];
    }
    if (name == "--port" && !parse_number(*value, flags.port))
      return "--port " + std::string(*value) + ": not a port: give a number from 0 to 65535";
    if (name == "--seed" && !parse_number(*value, flags.seed.emplace()))
      return "--seed " + std::string(*value) + ": not a number from 0 to 2^64-1";
    if (name == "--scores" && value->empty()) return "--scores: wants a file";
    if (name == "--scores") flags.scores = *value;
    if (name == "--address") flags.address = *value;
    if (!is_address(flags.address))
      return "--address " + flags.address + ": not an IP address: give one of this machine, 127.0.0.1 say";
  }
  return flags;
}

}  // namespace game2048
