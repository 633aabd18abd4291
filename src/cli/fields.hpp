// What a value of hot state looks like, as its program wrote it down ("hp:u32@0 name:char[16]@4"): read, and
// values shown by it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace okg::cli {

struct Field;

struct Kind {
  std::string name;                      // "u32", "char", "bytes"; "" for a struct
  std::vector<Field> fields;             // of a struct
  std::vector<std::uint64_t> extents;    // of arrays, the innermost first
  std::uint64_t element = 0, align = 1;  // bytes of what there is an array of
  std::uint64_t values = 1;              // that are shown, all arrays counted
};

struct Field {
  std::string name;
  std::string text;  // of its kind, as it stood there
  Kind kind;
  std::uint64_t offset = 0;
};

// Nothing when it is no such text: cut off, empty, or of a newer okg.
std::optional<std::vector<Field>> parse_fields(std::string_view text);

// Each field of the value; nothing when `text` cannot be read, or speaks of more than there is, or of a
// million.
std::optional<base::OrderedJson> show_fields(std::string_view text, std::string_view value);

// The same, or {"hex": "…"}.
base::OrderedJson show_value(std::string_view text, std::string_view value);

std::string hex(std::string_view bytes);

}  // namespace okg::cli
