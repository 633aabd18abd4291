#include "payload/layout.hpp"

#include <charconv>

namespace okg::payload {
namespace {

constexpr std::size_t kHexDigits = 64;
constexpr unsigned kMostCopies = 999'999;

}  // namespace

std::string VersionName::text() const {
  return copy == 0 ? digest.hex() : digest.hex() + "." + std::to_string(copy);
}

std::optional<VersionName> VersionName::parse(std::string_view text) {
  const auto digest = Digest::from_hex(text.substr(0, kHexDigits));
  if (!digest) return std::nullopt;
  VersionName name{*digest, 0};
  if (text.size() == kHexDigits) return name;
  const std::string_view number = text.substr(kHexDigits + 1);
  if (text[kHexDigits] != '.' || number.empty() || number[0] == '0') return std::nullopt;
  const auto [rest, failed] = std::from_chars(number.data(), number.data() + number.size(), name.copy);
  if (failed != std::errc{} || rest != number.data() + number.size() || name.copy > kMostCopies)
    return std::nullopt;
  return name;
}

std::optional<VersionName> VersionName::parse_target(std::string_view target) {
  constexpr std::string_view directory = kVersions;
  if (target.substr(0, directory.size()) != directory) return std::nullopt;
  target.remove_prefix(directory.size());
  if (target.empty() || target[0] != '/') return std::nullopt;
  return parse(target.substr(1));
}

}  // namespace okg::payload
