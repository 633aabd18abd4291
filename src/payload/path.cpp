#include "payload/path.hpp"

#include <string>

#include "base/text.hpp"
#include "payload/layout.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Status;

bool has_control_character(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) return true;
  }
  return false;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

Status check_path(std::string_view path) {
  const auto bad = [&](const std::string& why) {
    return Error(Code::bad_path, "path " + base::quote(path) + ": " + why);
  };
  if (path.empty()) return bad("empty");
  if (path.size() > kMostPathBytes) return bad("longer than " + std::to_string(kMostPathBytes) + " bytes");
  if (has_control_character(path)) return bad("holds a control character");
  if (!base::is_utf8(path)) return bad("not UTF-8");
  if (path.front() == '/') return bad("not relative");
  std::size_t depth = 0;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment.empty()) return bad("holds an empty segment");
    if (segment == "." || segment == "..") return bad("holds a \".\" or \"..\" segment");
    if (segment.size() > kMostSegmentBytes)
      return bad("a segment is longer than " + std::to_string(kMostSegmentBytes) + " bytes");
    if (++depth > kMostDepth) return bad("more than " + std::to_string(kMostDepth) + " segments");
    begin = end + 1;
  }
  return {};
}

Status check_component_name(std::string_view name) {
  const auto bad = [&](const char* why) {
    return Error(Code::bad_manifest, "component name " + base::quote(name) + ": " + why);
  };
  if (name.empty() || name.size() > 63) return bad("must have 1 to 63 bytes");
  if (!is_letter_or_digit(name.front())) return bad("must start with a letter or digit");
  for (const char c : name)
    if (!is_letter_or_digit(c) && c != '-' && c != '_' && c != '.')
      return bad("only letters, digits, \"-\", \"_\" and \".\" are allowed");
  return {};
}

Status check_version(std::string_view version) {
  const auto bad = [&](const std::string& why) {
    return Error(Code::bad_manifest, "version " + base::quote(version) + ": " + why);
  };
  if (version.empty() || version.size() > kMostVersionBytes)
    return bad("must have 1 to " + std::to_string(kMostVersionBytes) + " bytes");
  if (has_control_character(version)) return bad("holds a control character");
  if (!base::is_utf8(version)) return bad("not UTF-8");
  if (version.front() == ' ' || version.back() == ' ') return bad("begins or ends with a blank");
  return {};
}

}  // namespace okg::payload
