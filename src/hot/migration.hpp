// From version to version of a schema, by functions that the program brings.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace okg::hot {

// From version `from` to the next one, and back where that is possible.
struct Migration {
  using Convert = std::function<base::Result<std::string>(std::string_view)>;
  std::uint64_t from = 0;
  Convert up;
  Convert down;  // may be empty
};

// Sorts them. invalid_argument unless they lead without a gap to `version`.
base::Status order_migrations(std::vector<Migration>& migrations, std::uint64_t version);
// Does a way lead from that version?
bool leads_from(const std::vector<Migration>& migrations, std::uint64_t version);
// schema_mismatch when no way leads there; else what a migration said.
base::Result<std::string> convert(const std::vector<Migration>& migrations, std::string_view value,
                                  std::uint64_t from, std::uint64_t to);

}  // namespace okg::hot
