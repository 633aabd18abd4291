#include "payload/requirement.hpp"

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

constexpr std::size_t kMostBytes = 256;
constexpr std::string_view kBlanks = " \t,";

struct Version {
  std::vector<std::uint64_t> numbers;
  std::vector<std::string_view> prerelease;  // empty: a release
};

enum class Operator { less, less_equal, equal, greater_equal, greater };

struct Condition {
  Operator op = Operator::equal;
  Version version;
};

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

std::optional<Version> parse_version(std::string_view text) {
  Version version;
  text = text.substr(0, text.find('+'));
  const std::size_t dash = text.find('-');
  for (const std::string_view part : split(text.substr(0, dash), '.')) {
    std::uint64_t number = 0;
    if (!is_digits(part) || std::from_chars(part.data(), part.data() + part.size(), number).ec != std::errc{})
      return std::nullopt;
    version.numbers.push_back(number);
  }
  if (dash != text.npos) {
    version.prerelease = split(text.substr(dash + 1), '.');
    if (!std::all_of(version.prerelease.begin(), version.prerelease.end(), is_identifier))
      return std::nullopt;
  }
  return version;
}

// As semver.org has it: numbers by value and before words, words bytewise.
std::strong_ordering compare_identifiers(std::string_view a, std::string_view b) {
  const bool a_number = is_digits(a);
  const bool b_number = is_digits(b);
  if (a_number != b_number) return a_number ? std::strong_ordering::less : std::strong_ordering::greater;
  if (a_number) {  // of any length: without leading zeros, the longer one is the larger one
    a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
    b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
    if (a.size() != b.size()) return a.size() <=> b.size();
  }
  return a.compare(b) <=> 0;
}

std::strong_ordering compare(const Version& a, const Version& b) {
  for (std::size_t i = 0; i < std::max(a.numbers.size(), b.numbers.size()); ++i) {
    const std::uint64_t left = i < a.numbers.size() ? a.numbers[i] : 0;
    const std::uint64_t right = i < b.numbers.size() ? b.numbers[i] : 0;
    if (left != right) return left <=> right;
  }
  if (a.prerelease.empty() != b.prerelease.empty())
    return a.prerelease.empty() ? std::strong_ordering::greater : std::strong_ordering::less;
  for (std::size_t i = 0; i < std::min(a.prerelease.size(), b.prerelease.size()); ++i) {
    const auto order = compare_identifiers(a.prerelease[i], b.prerelease[i]);
    if (order != 0) return order;
  }
  return a.prerelease.size() <=> b.prerelease.size();
}

bool holds(const Condition& condition, const Version& version) {
  const auto order = compare(version, condition.version);
  switch (condition.op) {
    case Operator::less:
      return order < 0;
    case Operator::less_equal:
      return order <= 0;
    case Operator::equal:
      return order == 0;
    case Operator::greater_equal:
      return order >= 0;
    case Operator::greater:
      return order > 0;
  }
  return false;
}

Operator take_operator(std::string_view* text) {
  static constexpr struct {
    std::string_view sign;
    Operator op;
  } kSigns[] = {{">=", Operator::greater_equal}, {"<=", Operator::less_equal}, {"==", Operator::equal},
                {">", Operator::greater},        {"<", Operator::less},        {"=", Operator::equal}};
  for (const auto& [sign, op] : kSigns) {
    if (text->substr(0, sign.size()) != sign) continue;
    text->remove_prefix(sign.size());
    return op;
  }
  return Operator::equal;
}

Result<std::vector<Condition>> parse_requirement(std::string_view requirement) {
  const auto bad = [&] {
    return Error(Code::invalid_argument,
                 "requirement " + base::quote(requirement) + ": write it like \">=2.4 <2.5\"");
  };
  if (requirement.size() > kMostBytes) return bad();
  std::vector<Condition> conditions;
  std::string_view rest = requirement;
  const auto skip_blanks = [&] {
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  };
  for (skip_blanks(); !rest.empty(); skip_blanks()) {
    Condition condition;
    condition.op = take_operator(&rest);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::size_t end = std::min(rest.find_first_of(kBlanks), rest.size());
    const auto version = parse_version(rest.substr(0, end));
    if (!version) return bad();
    condition.version = *version;
    conditions.push_back(std::move(condition));
    rest.remove_prefix(end);
  }
  if (conditions.empty()) return bad();
  return conditions;
}

}  // namespace

Status check_requirement(std::string_view requirement) {
  if (auto conditions = parse_requirement(requirement); !conditions) return conditions.error();
  return {};
}

Status require_server(std::string_view requirement, std::string_view version) {
  const auto conditions = parse_requirement(requirement);
  if (!conditions) return conditions.error();
  const auto unmet = [&](const std::string& what) {
    return Error(Code::requires_unmet, "requires server " + base::one_line(requirement) + ": " + what);
  };
  if (version.empty()) return unmet("this server does not say its version");
  const auto parsed = parse_version(version);
  if (!parsed)
    return unmet("this server's version " + base::quote(version) + " is not made of dotted numbers");
  for (const Condition& condition : *conditions)
    if (!holds(condition, *parsed)) return unmet("this server is " + base::one_line(version));
  return {};
}

}  // namespace okg::payload
