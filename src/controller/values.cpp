#include "controller/values.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.hpp"
#include "controller/keys.hpp"

namespace okg::controller {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kMostName = 63, kMostPrefix = 253, kMostAnnotation = 64 * 1024;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_name_character(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool same_but_for_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMostName && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), is_name_character);
}

// Labels of lower case letters, digits and '-', with dots between them.
bool is_dns_name(std::string_view text) {
  if (text.empty() || text.size() > kMostPrefix) return false;
  char before = '.';
  for (const char c : text) {
    const bool inner = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!inner && c != '-' && c != '.') return false;
    if (!inner && before == '.') return false;
    if (c == '.' && before == '-') return false;
    before = c;
  }
  return before != '.' && before != '-';
}

Error refused(std::string text) {
  return Error(Code::invalid_argument, std::move(text));
}

}  // namespace

base::Status check_label_value(std::string_view value) {
  if (value.empty() || is_name(value)) return {};
  return refused(base::quote(value) +
                 ": no label value: up to 63 of A-Z a-z 0-9 . _ -, a letter or digit first and last");
}

base::Status check_ops_state(std::string_view value) {
  if (value.empty()) return refused("opsState: is empty: say None");
  for (const char* known :
       {keys::kNone, keys::kAllocated, keys::kMaintaining, keys::kWaitToBeDeleted, keys::kKill})
    if (value != known && same_but_for_case(value, known))
      return refused("opsState " + base::quote(value) + ": did you mean " + known + "?");
  if (const auto fine = check_label_value(value); !fine) return refused("opsState " + fine.error().text);
  return {};
}

base::Status check_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  const bool fine =
      slash == key.npos ? is_name(key) : is_dns_name(key.substr(0, slash)) && is_name(key.substr(slash + 1));
  if (fine) return {};
  return refused(base::quote(key) + ": no key of a label or annotation: [prefix/]name, as gs-sync/map");
}

base::Status check_object_name(std::string_view name) {
  if (is_dns_name(name)) return {};
  return refused(base::quote(name) + ": no name of an object: a-z, 0-9, - and ., as game-2");
}

base::Status check_annotation_value(std::string_view value) {
  if (value.size() > kMostAnnotation)
    return refused("annotation: " + std::to_string(value.size()) + " bytes: at most 65536");
  if (!base::is_utf8(value)) return refused("annotation " + base::quote(value) + ": no UTF-8");
  return {};
}

base::Status check_priority(std::int64_t value) {
  if (value < 0) return refused("priority " + std::to_string(value) + ": is negative: 0 or more");
  if (value > std::numeric_limits<std::int32_t>::max())
    return refused("priority " + std::to_string(value) + ": at most 2147483647");
  return {};
}

std::string label_safe(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMostName)) out += is_name_character(c) ? c : '-';
  while (!out.empty() && !is_alphanumeric(out.back())) out.pop_back();
  const auto first = std::find_if(out.begin(), out.end(), is_alphanumeric);
  out.erase(out.begin(), first);
  return out;
}

}  // namespace okg::controller
