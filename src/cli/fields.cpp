#include "cli/fields.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.hpp"

namespace okg::cli {
namespace {

constexpr std::uint64_t kMostBytes = 64ULL << 20;
constexpr std::uint64_t kMostValues = 1ULL << 20;  // that anybody wants to see
constexpr int kMostDepth = 16;

std::uint64_t sum_of_values(const std::vector<Field>& fields) {
  std::uint64_t values = 0;
  for (const Field& field : fields) values += field.kind.values;
  return values;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  bool fields(std::vector<Field>* fields, int depth) {
    for (;;) {
      Field& field = fields->emplace_back();
      const std::size_t end = rest_.find_first_of(":@{}[] ");
      if (end == rest_.npos || end == 0 || rest_[end] != ':') return false;
      field.name = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      const std::string_view from = rest_;
      if (!kind(&field.kind, depth)) return false;
      field.text = from.substr(0, from.size() - rest_.size());
      if (!take('@') || !number(&field.offset)) return false;
      if (!take(' ')) return true;
    }
  }
  bool at_end() const { return rest_.empty(); }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool number(std::uint64_t* number) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), *number);
    if (error != std::errc() || *number > kMostBytes) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }
  bool kind(Kind* kind, int depth) {
    if (take('{')) {
      if (depth == kMostDepth || !fields(&kind->fields, depth + 1) || !take('}')) return false;
      measure(kind);
    } else if (!word(kind)) {
      return false;
    }
    std::uint64_t bytes = kind->element;
    while (take('[')) {
      std::uint64_t extent = 0;
      if (!number(&extent) || !take(']') || extent == 0) return false;
      bytes *= extent;
      if (bytes > kMostBytes) return false;
      kind->extents.push_back(extent);
      kind->values = std::min(kind->values * extent, kMostValues + 1);
    }
    return kind->name != "bytes" || !kind->extents.empty();
  }
  bool word(Kind* kind) {
    const std::size_t end = std::min(rest_.find_first_of(":@{}[] "), rest_.size());
    kind->name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    constexpr std::pair<std::string_view, std::uint64_t> kinds[] = {
        {"u8", 1},  {"i8", 1},  {"char", 1}, {"bool", 1}, {"bytes", 1}, {"u16", 2}, {"i16", 2},
        {"u32", 4}, {"i32", 4}, {"f32", 4},  {"u64", 8},  {"i64", 8},   {"f64", 8}, {"f128", 16}};
    const auto* const known =
        std::ranges::find(kinds, kind->name, &std::pair<std::string_view, std::uint64_t>::first);
    if (known == std::end(kinds)) return false;
    kind->element = kind->align = known->second;
    return true;
  }
  // What the compiler makes of a struct's members.
  static void measure(Kind* kind) {
    std::uint64_t end = 0;
    for (const Field& field : kind->fields) {
      std::uint64_t bytes = field.kind.element;
      for (const std::uint64_t extent : field.kind.extents) bytes *= extent;
      end = std::max(end, field.offset + bytes);
      kind->align = std::max(kind->align, field.kind.align);
    }
    kind->values = std::min(sum_of_values(kind->fields), kMostValues + 1);
    kind->element = (end + kind->align - 1) / kind->align * kind->align;
  }

  std::string_view rest_;
};

template <class T>
T as(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

bool show(const std::vector<Field>& fields, std::string_view value, base::OrderedJson* shown);

bool show_one(const Kind& kind, std::string_view value, base::OrderedJson* shown) {
  if (kind.name.empty()) return show(kind.fields, value, shown);
  if (kind.name == "u8") *shown = as<std::uint8_t>(value);
  if (kind.name == "u16") *shown = as<std::uint16_t>(value);
  if (kind.name == "u32") *shown = as<std::uint32_t>(value);
  if (kind.name == "u64") *shown = as<std::uint64_t>(value);
  if (kind.name == "i8") *shown = as<std::int8_t>(value);
  if (kind.name == "i16") *shown = as<std::int16_t>(value);
  if (kind.name == "i32") *shown = as<std::int32_t>(value);
  if (kind.name == "i64") *shown = as<std::int64_t>(value);
  if (kind.name == "f32") *shown = as<float>(value);
  if (kind.name == "f64") *shown = as<double>(value);
  if (kind.name == "char") *shown = as<std::int8_t>(value);
  if (kind.name == "f128") *shown = "0x" + hex(value.substr(0, 16));
  if (kind.name == "bool") {
    // Memory may hold anything.
    if (const auto byte = as<std::uint8_t>(value); byte <= 1)
      *shown = byte == 1;
    else
      *shown = byte;
  }
  return true;
}

// `extents` are those that are left, the outermost last.
bool show_array(const Kind& kind, std::size_t extents, std::string_view value, base::OrderedJson* shown) {
  if (extents == 0) return show_one(kind, value, shown);
  const std::uint64_t count = kind.extents[extents - 1];
  std::uint64_t step = kind.element;
  for (std::size_t i = 0; i + 1 < extents; ++i) step *= kind.extents[i];
  if (step * count > value.size()) return false;
  if (extents == 1 && kind.name == "bytes") {
    *shown = "0x" + hex(value.substr(0, count));
    return true;
  }
  if (extents == 1 && kind.name == "char") {
    const std::string_view text = value.substr(0, std::min<std::size_t>(value.find('\0'), count));
    *shown = base::is_utf8(text) ? std::string(text) : "0x" + hex(value.substr(0, count));
    return true;
  }
  *shown = base::OrderedJson::array();
  for (std::uint64_t i = 0; i < count; ++i) {
    base::OrderedJson element;
    if (!show_array(kind, extents - 1, value.substr(i * step), &element)) return false;
    shown->push_back(std::move(element));
  }
  return true;
}

bool show(const std::vector<Field>& fields, std::string_view value, base::OrderedJson* shown) {
  *shown = base::OrderedJson::object();
  for (const Field& field : fields) {
    if (field.offset > value.size() || field.kind.element > value.size() - field.offset) return false;
    base::OrderedJson member;
    if (!show_array(field.kind, field.kind.extents.size(), value.substr(field.offset), &member)) return false;
    (*shown)[field.name] = std::move(member);
  }
  return true;
}

}  // namespace

std::optional<std::vector<Field>> parse_fields(std::string_view text) {
  Parser parser(text);
  std::vector<Field> fields;
  if (!parser.fields(&fields, 0) || !parser.at_end()) return std::nullopt;
  return fields;
}

std::optional<base::OrderedJson> show_fields(std::string_view text, std::string_view value) {
  const auto fields = parse_fields(text);
  base::OrderedJson shown;
  if (!fields || sum_of_values(*fields) > kMostValues || !show(*fields, value, &shown)) return std::nullopt;
  return shown;
}

base::OrderedJson show_value(std::string_view text, std::string_view value) {
  if (auto shown = show_fields(text, value)) return *std::move(shown);
  return {{"hex", hex(value)}};
}

std::string hex(std::string_view bytes) {
  return base::to_hex(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace okg::cli
