#include "cli/yaml.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace okg::cli {
namespace {

using base::OrderedJson;

constexpr std::size_t kLine = 120;

bool is_comment(std::string_view key) {
  return key.starts_with('#');
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Some readers take these for something else than a text, in any case.
bool is_word_of_yaml(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  static constexpr std::array<std::string_view, 9> words = {"null", "true", "false", "yes", "no",
                                                            "on",   "off",  "y",     "n"};
  return std::find(words.begin(), words.end(), lower) != words.end();
}

// As it stands where nobody could read it as anything but a text; else as JSON writes it, which YAML reads.
std::string scalar(const OrderedJson& value) {
  if (!value.is_string()) return base::dump(value);
  const std::string text = value.get<std::string>();
  const bool plain = !text.empty() && (is_letter(text.front()) || text.front() == '/') &&
                     std::all_of(text.begin(), text.end(),
                                 [](char c) {
                                   return is_letter(c) || (c >= '0' && c <= '9') ||
                                          std::string_view("-_./").find(c) != std::string_view::npos;
                                 }) &&
                     !is_word_of_yaml(text);
  return plain ? text : base::dump(value);
}

// In one line; nothing where that cannot be, because of a comment.
std::optional<std::string> flow(const OrderedJson& value) {
  if (value.is_primitive()) return scalar(value);
  std::string out;
  for (const auto& [key, member] : value.items()) {
    if (value.is_object() && is_comment(key)) return std::nullopt;
    const auto text = flow(member);
    if (!text) return std::nullopt;
    if (!out.empty()) out += ", ";
    if (value.is_object()) out += scalar(key) + ": ";
    out += *text;
  }
  return value.is_object() ? "{" + out + "}" : "[" + out + "]";
}

bool is_deep(const OrderedJson& value) {
  return std::any_of(value.begin(), value.end(), [](const OrderedJson& member) {
    return member.is_structured() && std::any_of(member.begin(), member.end(), [](const OrderedJson& inner) {
             return inner.is_structured() && !inner.empty() &&
                    std::any_of(inner.begin(), inner.end(),
                                [](const auto& one) { return one.is_structured(); });
           });
  });
}

void write(const OrderedJson& value, std::size_t indent, std::string& out);

// What stands behind "key:" or "-". `taken`: how much of the line is.
std::optional<std::string> in_line(const OrderedJson& value, std::size_t taken) {
  auto text = flow(value);
  if (text && (value.is_primitive() || value.empty() || (taken + text->size() < kLine && !is_deep(value))))
    return text;
  return std::nullopt;
}

void write_comment(std::string_view text, std::size_t indent, std::string& out) {
  while (!text.empty()) {
    std::size_t end = text.size();
    if (indent + 2 + end > kLine) {
      end = text.rfind(' ', kLine - indent - 2);
      if (end == text.npos) end = text.size();
    }
    out.append(indent, ' ').append("# ").append(text.substr(0, end)).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void write_array(const OrderedJson& array, std::size_t indent, std::string& out) {
  for (const OrderedJson& member : array) {
    OrderedJson rest = member;
    while (rest.is_object() && !rest.empty() && is_comment(rest.begin().key())) {
      write_comment(std::string_view(rest.begin().key()).substr(1), indent, out);
      rest.erase(rest.begin());
    }
    if (const auto text = in_line(rest, indent + 2)) {
      out.append(indent, ' ').append("- ").append(*text).append("\n");
      continue;
    }
    std::string block;
    write(rest, indent + 2, block);
    block[indent] = '-';
    out += block;
  }
}

void write(const OrderedJson& value, std::size_t indent, std::string& out) {
  if (value.is_array()) return write_array(value, indent, out);
  for (const auto& [key, member] : value.items()) {
    if (is_comment(key)) {
      write_comment(std::string_view(key).substr(1), indent, out);
      continue;
    }
    const std::string name = scalar(key);
    out.append(indent, ' ').append(name).append(":");
    // A list of things is a line a thing.
    const bool listed = member.is_array() && std::any_of(member.begin(), member.end(),
                                                         [](const auto& one) { return one.is_structured(); });
    if (const auto text = listed ? std::nullopt : in_line(member, indent + name.size() + 2)) {
      out.append(" ").append(*text).append("\n");
      continue;
    }
    out += "\n";
    write(member, member.is_array() ? indent : indent + 2, out);
  }
}

}  // namespace

void comment(OrderedJson& object, std::string_view text) {
  object["#" + std::string(text)] = nullptr;
}

OrderedJson without_comments(const OrderedJson& value) {
  if (value.is_array()) {
    OrderedJson out = OrderedJson::array();
    for (const OrderedJson& member : value) out.push_back(without_comments(member));
    return out;
  }
  if (!value.is_object()) return value;
  OrderedJson out = OrderedJson::object();
  for (const auto& [key, member] : value.items())
    if (!is_comment(key)) out[key] = without_comments(member);
  return out;
}

std::string to_yaml(const OrderedJson& object) {
  std::string out;
  write(object, 0, out);
  return out;
}

}  // namespace okg::cli
