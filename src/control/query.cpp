#include "control/query.hpp"

#include <strings.h>

#include <algorithm>

#include "base/text.hpp"

namespace okg::control {
namespace {

using base::Code;
using base::Error;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `use` for each part between separators.
template <class Use>
void split(std::string_view text, char separator, Use use) {
  for (;;) {
    const std::size_t at = text.find(separator);
    use(text.substr(0, at));
    if (at == text.npos) return;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

base::Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> out;
  std::optional<Error> bad;
  split(query, '&', [&](std::string_view pair) {
    if (pair.empty() || bad) return;
    const std::size_t equals = pair.find('=');
    auto key = decode(pair.substr(0, equals));
    auto value = decode(equals == pair.npos ? std::string_view() : pair.substr(equals + 1));
    if (!key || !value) {
      bad = Error(Code::invalid_argument, "the query holds a broken %-escape");
    } else if (!out.emplace(*key, *value).second) {
      bad = Error(Code::invalid_argument, "the query holds " + base::quote(*key) + " twice");
    }
  });
  if (bad) return *bad;
  return out;
}

std::optional<std::chrono::seconds> preferred_wait(std::string_view prefer) {
  std::optional<std::chrono::seconds> wait;
  split(prefer, ',', [&](std::string_view preference) {
    preference = trim(preference.substr(0, preference.find(';')));
    const std::size_t equals = preference.find('=');
    if (wait || equals == preference.npos) return;
    const std::string_view name = trim(preference.substr(0, equals));
    std::string_view value = trim(preference.substr(equals + 1));
    if (name.size() != 4 || ::strncasecmp(name.data(), "wait", 4) != 0) return;
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    const auto seconds = base::parse_number(value, 1'000'000'000);
    if (seconds) wait = std::chrono::seconds(std::min<std::uint64_t>(*seconds, 300));
  });
  return wait;
}

}  // namespace okg::control
