// The schemas of hot state that a segment holds or a program was built with, and how two sets of them differ.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os.hpp"
#include "cli/fields.hpp"

namespace okg::cli {

struct Schema {
  std::string name;  // a table's, a journal's, a region's; a struct's
  std::uint64_t version = 0;
  std::uint64_t bytes = 0;        // of a value; 0: not known, or they differ
  std::uint64_t fingerprint = 0;  // 0: not known
  std::string fields;
};

struct Schemas {
  bool is_segment = false;  // else a program, whose names are those of its structs
  std::vector<Schema> all;  // by name
};

// Of a segment, or of any other file in whose bytes OKG_HOT_SCHEMA left its texts.
base::Result<Schemas> schemas_of(base::Os& os, const std::string& path, std::stop_token stop);

struct FieldChange {
  enum class What { added, removed, changed, moved };
  What what;
  std::string name;      // "in.a" inside of a struct
  std::string from, to;  // "u32@8"
};

struct SchemaChange {
  enum class What { added, removed, changed };
  What what;
  std::string name;                // of the second set where it is in both
  std::uint64_t from = 0, to = 0;  // versions
  // It looks different under the same version: no program can tell the two apart.
  bool needs_version = false;
  std::vector<FieldChange> fields;
  bool fields_known = true;
};

std::vector<FieldChange> compare_fields(const std::vector<Field>& from, const std::vector<Field>& to);
// None: they are the same. A struct and what a segment keeps of it go by other names: they are matched by
// what they look like.
std::vector<SchemaChange> compare_schemas(const Schemas& from, const Schemas& to);

}  // namespace okg::cli
