// The directory of tables.
#include <cstring>

#include "base/text.hpp"
#include "hot/engine.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;

Result<std::size_t> Engine::table(std::string_view name, const TableOptions& options, bool may_make) {
  if (name.empty() || name.size() > kMostNameBytes || !base::is_utf8(name))
    return Error(Code::invalid_argument,
                 "table " + base::quote(name) + ": a name has 1 to 63 bytes of UTF-8");
  const std::lock_guard lock(tables_mutex_);
  std::size_t unused = kMostTables;
  for (std::size_t i = 0; i < kMostTables; ++i) {
    const TableEntry& entry = image_.table(i);
    if (ordered::load(&entry.state) == 0) {
      unused = std::min(unused, i);
      continue;
    }
    if (name_of(i) != name) continue;
    if (entry.key_kind != static_cast<std::uint64_t>(options.key_kind))
      return Error(Code::schema_mismatch, "table " + base::quote(name) + ": its keys are of another kind");
    if (entry.schema_version != options.schema_version || entry.fingerprint != options.fingerprint)
      return Error(Code::schema_mismatch,
                   "table " + base::quote(name) + ": holds schema " + std::to_string(entry.schema_version) +
                       ", this program has " + std::to_string(options.schema_version) +
                       (entry.schema_version == options.schema_version ? " with another layout" : ""));
    return i;
  }
  if (!may_make) return Error(Code::not_found, "table " + base::quote(name) + ": there is none");
  if (unused == kMostTables)
    return Error(Code::no_space, "table " + base::quote(name) + ": there are 64 tables already");
  // Complete before the one store that makes it a table.
  TableEntry entry{};
  entry.key_kind = static_cast<std::uint64_t>(options.key_kind);
  entry.name_bytes = name.size();
  std::memcpy(entry.name.data(), name.data(), name.size());
  entry.schema_version = options.schema_version;
  entry.fingerprint = options.fingerprint;
  TableEntry& at = image_.table(unused);
  ordered::fill(&at.key_kind, &entry.key_kind, sizeof entry - offsetof(TableEntry, key_kind));
  ordered::store(&at.state, 1);
  return unused;
}

}  // namespace okg::hot
