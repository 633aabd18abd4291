#include "payload/digest.hpp"

#include "base/text.hpp"

namespace okg::payload {
namespace {

constexpr std::string_view kPrefix = "sha256:";

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::string Digest::hex() const {
  return base::to_hex(bytes.data(), bytes.size());
}
std::string Digest::text() const {
  return std::string(kPrefix) + hex();
}

std::optional<Digest> Digest::from_hex(std::string_view hex) {
  Digest digest;
  if (hex.size() != 2 * digest.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

std::optional<Digest> Digest::from_text(std::string_view text) {
  if (text.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  return from_hex(text.substr(kPrefix.size()));
}

std::optional<Digest> Digest::from_either(std::string_view text) {
  const auto digest = from_text(text);
  return digest ? digest : from_hex(text);
}

}  // namespace okg::payload
