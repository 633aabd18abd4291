#include "hot/table.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

Result<std::unique_ptr<Table>> Table::open(Engine& engine, std::string_view name, TableSchema schema,
                                           bool may_make) {
  TableOptions& options = schema.options;
  const auto about = [&](const Error& error) {
    return Error(error.code, "table " + base::quote(name) + ": " + error.text);
  };
  if (auto ordered = order_migrations(schema.migrations, options.schema_version); !ordered)
    return about(ordered.error());
  for (const Migration& one : schema.migrations)
    if (options.writes_older && !one.down)
      return about({Code::invalid_argument, "the migration from version " + std::to_string(one.from) +
                                                " has no way back, so that older records cannot be written"});
  options.oldest_version = options.schema_version - schema.migrations.size();
  const auto entry = engine.table(name, options, may_make);
  if (!entry) return entry.error();
  std::unique_ptr<Table> table(new Table(engine, *entry, std::move(schema)));
  return table;
}

std::uint64_t Table::written() const {
  if (!engine_.is_here()) return own();  // the commit will say so
  return std::min(own(), ordered::load(&engine_.image().entry(entry_).newest_version));
}

Result<Change> Table::change_to_put(std::string_view key, std::string_view value, Deadline deadline,
                                    std::string* kept) const {
  const std::uint64_t version = written();
  if (version != own()) {
    auto older = convert(schema_.migrations, value, own(), version);
    if (!older) return older.error();
    *kept = *std::move(older);
    value = *kept;
  }
  return Change{Change::Kind::put,
                entry_,
                key,
                value,
                static_cast<std::uint16_t>(version),
                deadline,
                static_cast<std::uint16_t>(own())};
}

Change Table::change_to_erase(std::string_view key) const {
  return {Change::Kind::erase, entry_, key, {}, 0, {}, static_cast<std::uint16_t>(own())};
}

Status Table::put(std::string_view key, std::string_view value, Deadline deadline) {
  const auto version = static_cast<std::uint16_t>(own());
  if (written() == own())
    return engine_.commit({Change::Kind::put, entry_, key, value, version, deadline, version});
  std::string kept;
  const auto change = change_to_put(key, value, deadline, &kept);
  if (!change) return change.error();
  return engine_.commit(*change);
}

Status Table::erase(std::string_view key) {
  return engine_.commit(change_to_erase(key));
}

Status Table::set_deadline(std::string_view key, std::int64_t at_ns) {
  return engine_.set_deadline(entry_, key, at_ns, static_cast<std::uint16_t>(own()));
}

Got Table::get_of_other_version(std::string_view key, Engine::Value value, void* buffer, std::size_t capacity,
                                std::size_t* size) const {
  if (value.schema > own()) return Got::mismatch;
  std::string bytes;
  if (const Got got = engine_.read(entry_, key, &bytes, &value); got != Got::found) return got;
  const auto now = as_own(bytes, value.schema);
  if (!now) return Got::mismatch;
  *size = now->size();
  if (now->size() > capacity) return Got::too_small;
  if (!now->empty()) std::memcpy(buffer, now->data(), now->size());
  return Got::found;
}

Got Table::view(std::string_view key, Engine::View* view) {
  const Got got = engine_.view(entry_, key, view);
  if (got != Got::found || view->schema == own()) return got;
  engine_.end_view(*view);
  return Got::mismatch;
}

Status Table::finalize() {
  if (auto may = engine_.check_writable(); !may) return may;
  if (auto done = engine_.finalize(entry_, schema_.options); !done) return done;
  const std::lock_guard lock(migrate_mutex_);
  place_ = {};
  has_left_ = false;
  return {};
}

// An ordinary put of what is there, unless somebody is faster.
Status Table::migrate_record(std::string_view key) {
  std::string bytes;
  Engine::Value value;
  const Got got = engine_.read(entry_, key, &bytes, &value);
  if (got == Got::missing) return {};
  if (got != Got::found) return Error(Code::corrupt, "the record is damaged");
  if (value.schema >= own()) return {};
  const auto now = as_own(bytes, value.schema);
  if (!now) return now.error();
  const std::array<Change, 2> changes = {
      Change{Change::Kind::expect, entry_, key, bytes, value.schema},
      Change{Change::Kind::put, entry_, key, *now, static_cast<std::uint16_t>(own())}};
  auto done = engine_.commit(changes);
  if (!done && done.error().code == Code::conflict) return {};
  return done;
}

bool Table::migrate() {
  if (schema_.migrations.empty()) return false;
  const std::unique_lock lock(migrate_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return true;
  if (written() != own() || ordered::load(&engine_.image().entry(entry_).oldest_version) >= own())
    return false;
  // One at a time; what cannot be converted, or read, stays as it is.
  if (!keys_.empty()) {
    if (!migrate_record(keys_.back())) has_left_ = true;
    keys_.pop_back();
    return true;
  }
  if (engine_.is_at_end(place_)) {
    if (!has_left_) engine_.note_oldest(entry_, own());
    return false;
  }
  auto keys = engine_.keys_of(entry_, &place_, static_cast<std::uint32_t>(own()));
  if (keys)
    keys_ = *std::move(keys);
  else
    has_left_ = true;
  return true;
}

}  // namespace okg::hot
