// A SHA-256 digest, and the two ways it is written: 64 hex digits in names, "sha256:<hex>" in JSON.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace okg::payload {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  std::string hex() const;
  std::string text() const;  // "sha256:<hex>"
  auto operator<=>(const Digest&) const = default;

  // 64 lower-case hex digits.
  static std::optional<Digest> from_hex(std::string_view hex);
  // "sha256:<hex>".
  static std::optional<Digest> from_text(std::string_view text);
  // Either form: what people paste.
  static std::optional<Digest> from_either(std::string_view text);
};

}  // namespace okg::payload
