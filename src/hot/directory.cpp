// The directory: what has a name.
#include <cstring>

#include "base/text.hpp"
#include "hot/engine.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;
using faults::Mutant;

namespace {

constexpr const char* what(EntryKind kind) {
  return kind == EntryKind::table ? "table" : kind == EntryKind::journal ? "journal" : "region";
}

std::string named(EntryKind kind, std::string_view name) {
  return std::string(what(kind)) + " " + base::quote(name) + ": ";
}

std::uint64_t* print_of(Entry& entry, std::uint64_t version) {
  for (SchemaPrint& print : entry.schemas)
    if (print.version == version) return &print.fingerprint;
  return nullptr;
}

void set_text(std::string_view from, std::span<char> to) {
  std::memcpy(to.data(), from.data(), std::min(from.size(), to.size() - 1));
}

}  // namespace

// Where it is; else *unused is where one can be made.
Result<std::optional<std::size_t>> Engine::find_named(std::string_view name, EntryKind kind,
                                                      std::size_t* unused) const {
  if (name.empty() || name.size() > kMostNameBytes || !base::is_utf8(name))
    return Error(Code::invalid_argument, named(kind, name) + "a name has 1 to 63 bytes of UTF-8");
  *unused = kMostTables;
  for (std::size_t i = 0; i < kMostTables; ++i) {
    const EntryKind found = image_.kind(i);
    if (found == EntryKind::free) {
      *unused = std::min(*unused, i);
      continue;
    }
    if (name_of(i) != name) continue;
    if (found != kind) return Error(Code::schema_mismatch, named(kind, name) + "is a " + what(found));
    return std::optional(i);
  }
  return std::optional<std::size_t>();
}

// Complete before the one store that gives it a kind.
Result<std::size_t> Engine::make_named(std::size_t at, std::string_view name, Entry entry,
                                       std::uint64_t data_pages, std::uint64_t log_pages) {
  const auto kind = static_cast<EntryKind>(entry.kind);
  if (at == kMostTables) return Error(Code::no_space, named(kind, name) + "there are 64 names already");
  constexpr std::uint64_t kMostRun = UINT32_MAX;
  if (data_pages > kMostRun || log_pages > kMostRun)
    return Error(Code::invalid_argument, named(kind, name) + "is too large");
  entry.name_bytes = name.size();
  std::memcpy(entry.name.data(), name.data(), name.size());
  Shard& shard = *shards_[0];
  const std::lock_guard lock(shard.mutex);
  Operation operation(image_, pages_, shard);
  if (data_pages != 0) {
    const auto data = operation.take_pages(shard, static_cast<std::uint32_t>(data_pages), PageKind::named);
    if (!data) return Error(data.error().code, named(kind, name) + data.error().text);
    entry.data_offset = *data;
    entry.data_bytes = data_pages * kPageBytes;
    ordered::zero(image_.word(*data), entry.data_bytes);
  }
  if (log_pages != 0) {
    const auto log = operation.take_pages(shard, static_cast<std::uint32_t>(log_pages), PageKind::named);
    if (!log) return Error(log.error().code, named(kind, name) + log.error().text);
    entry.log_offset = *log;
    entry.log_words = log_pages * kPageBytes / 8;
  }
  Entry& to = image_.entry(at);
  const std::uint64_t kind_offset = image_.offset_of(&to.kind);
  operation.redo().set(kind_offset, entry.kind, Mutant::named_before_filled);
  ordered::fill(&to.flavor, &entry.flavor, sizeof entry - offsetof(Entry, flavor));
  if (auto done = operation.commit(); !done) return done.error();
  return at;
}

Status Engine::check_schema(std::size_t table, std::string_view name, const TableOptions& options) const {
  Entry& entry = image_.entry(table);
  const auto mismatch = [&](const std::string& text) {
    return Error(Code::schema_mismatch, named(EntryKind::table, name) + text);
  };
  if (entry.flavor != static_cast<std::uint64_t>(options.key_kind))
    return mismatch("its keys are of another kind");
  const std::uint64_t* print = print_of(entry, options.schema_version);
  if (print != nullptr && *print != options.fingerprint)
    return mismatch("version " + std::to_string(options.schema_version) +
                    " of its schema has another layout in this program: give what changed a new version");
  const std::uint64_t understood =
      options.oldest_version == 0 ? options.schema_version : options.oldest_version;
  if (entry.oldest_version < understood)
    return mismatch("holds records of schema " + std::to_string(entry.oldest_version) +
                    ", from which no migration leads to " + std::to_string(options.schema_version));
  return {};
}

// Each field a store of its own; a version counts once its fingerprint is there.
void Engine::note_schema(std::size_t table, const TableOptions& options) {
  Entry& entry = image_.entry(table);
  if (print_of(entry, options.schema_version) != nullptr) return;
  SchemaPrint* place = &entry.schemas[0];  // the oldest one is forgotten
  for (SchemaPrint& print : entry.schemas)
    if (print.version < place->version) place = &print;
  ordered::store(&place->version, 0);
  ordered::store(&place->fingerprint, options.fingerprint);
  ordered::store(&place->version, options.schema_version);
}

void Engine::note_oldest(std::size_t table, std::uint64_t version) {
  const std::lock_guard lock(named_mutex_);
  ordered::store(&image_.entry(table).oldest_version, version);
}

Status Engine::finalize(std::size_t table, const TableOptions& options) {
  const std::lock_guard lock(named_mutex_);
  Entry& entry = image_.entry(table);
  if (entry.newest_version >= options.schema_version) return {};
  // For people; a kill in between leaves a text of both.
  std::array<char, kMostFieldBytes> text{};
  set_text(options.fields, text);
  ordered::fill(entry.fields.data(), text.data(), text.size());
  ordered::store(&entry.value_bytes, options.value_bytes);
  ordered::store(&entry.newest_version, options.schema_version);
  return {};
}

Result<std::size_t> Engine::table(std::string_view name, const TableOptions& options, bool may_make) {
  if (options.schema_version == 0 || options.schema_version > UINT16_MAX)
    return Error(Code::invalid_argument, named(EntryKind::table, name) + "a schema's version is 1 to 65535");
  std::size_t at = 0;
  {
    const std::lock_guard lock(named_mutex_);
    std::size_t unused = 0;
    const auto found = find_named(name, EntryKind::table, &unused);
    if (!found) return found.error();
    if (!*found) {
      if (!may_make) return Error(Code::not_found, named(EntryKind::table, name) + "there is none");
      Entry entry{};
      entry.kind = static_cast<std::uint64_t>(EntryKind::table);
      entry.flavor = static_cast<std::uint64_t>(options.key_kind);
      entry.newest_version = entry.oldest_version = options.schema_version;
      entry.value_bytes = options.value_bytes;
      entry.schemas[0] = {options.schema_version, options.fingerprint};
      set_text(options.fields, entry.fields);
      return make_named(unused, name, entry, 0, 0);
    }
    at = **found;
    if (auto checked = check_schema(at, name, options); !checked) return checked.error();
    if (may_make) note_schema(at, options);
    // An older program writes older records again.
    if (may_make && image_.entry(at).oldest_version > options.schema_version)
      ordered::store(&image_.entry(at).oldest_version, options.schema_version);
  }
  if (may_make && !options.writes_older)
    if (auto done = finalize(at, options); !done) return done.error();
  return at;
}

Result<std::size_t> Engine::journal(std::string_view name, const JournalOptions& options, bool may_make) {
  const std::lock_guard lock(named_mutex_);
  std::size_t unused = 0;
  const auto found = find_named(name, EntryKind::journal, &unused);
  if (!found) return found.error();
  std::size_t at = 0;
  if (*found) {
    at = **found;
    const SchemaPrint& print = image_.entry(at).schemas[0];
    if (print.version != options.schema_version || print.fingerprint != options.fingerprint)
      return Error(Code::schema_mismatch,
                   named(EntryKind::journal, name) + "holds messages of schema " +
                       std::to_string(print.version) +
                       (print.version == options.schema_version ? " with another layout" : ""));
  } else {
    if (!may_make) return Error(Code::not_found, named(EntryKind::journal, name) + "there is none");
    if (options.bytes < kPageBytes || options.bytes > kMostBytes)
      return Error(Code::invalid_argument, named(EntryKind::journal, name) + "its ring has 4 KiB at least");
    Entry entry{};
    entry.kind = static_cast<std::uint64_t>(EntryKind::journal);
    entry.newest_version = options.schema_version;
    entry.schemas[0] = {options.schema_version, options.fingerprint};
    // Not 0: a sequence of 0 is none.
    entry.journal.head.word = entry.journal.tail.word = kFrameUnit;
    const auto made = make_named(unused, name, entry, padded(options.bytes, kPageBytes) / kPageBytes, 0);
    if (!made) return made.error();
    at = *made;
  }
  if (journals_[at] == nullptr) {
    auto opened = Journal::open(image_, at);
    if (!opened) return opened.error();
    journals_[at] = *std::move(opened);
  }
  return at;
}

// Written elsewhere, and then one record that the entry leads there.
Status Engine::migrate_region(std::size_t at, std::string_view name, const RegionOptions& options) {
  Entry& entry = image_.entry(at);
  const auto about = [&](const Error& error) {
    return Error(error.code, named(EntryKind::region, name) + error.text);
  };
  auto migrations = options.migrations;
  if (auto ordered = order_migrations(migrations, options.schema_version); !ordered)
    return about(ordered.error());
  if (auto checked = Region::check(image_, at); !checked) return about(checked.error());
  const auto bytes = convert(migrations, {image_.at<char>(entry.data_offset), entry.value_bytes},
                             entry.schemas[0].version, options.schema_version);
  if (!bytes) return about(bytes.error());
  if (bytes->size() != options.bytes)
    return about({Code::schema_mismatch, "the migration made " + std::to_string(bytes->size()) +
                                             " bytes of it, not " + std::to_string(options.bytes)});
  Shard& shard = *shards_[0];
  const std::lock_guard lock(shard.mutex);
  Operation operation(image_, pages_, shard);
  const auto pages = [](std::uint64_t size) {
    return static_cast<std::uint32_t>(padded(size, kPageBytes) / kPageBytes);
  };
  const std::uint32_t log_pages = pages(region_log_words(options.mode, options.bytes) * 8);
  const auto data = operation.take_pages(shard, pages(options.bytes), PageKind::named);
  if (!data) return about(data.error());
  const auto log = operation.take_pages(shard, log_pages, PageKind::named);
  if (!log) return about(log.error());
  ordered::zero(image_.word(*data), padded(options.bytes, kPageBytes));
  ordered::fill(image_.word(*data), bytes->data(), bytes->size());
  const auto set = [&](const std::uint64_t& word, std::uint64_t value) {
    operation.redo().set(image_.offset_of(&word), value);
  };
  set(entry.value_bytes, options.bytes);
  set(entry.data_offset, *data);
  set(entry.data_bytes, padded(options.bytes, kPageBytes));
  set(entry.log_offset, *log);
  set(entry.log_words, log_pages * kPageBytes / 8);
  set(entry.newest_version, options.schema_version);
  set(entry.schemas[0].version, options.schema_version);
  set(entry.schemas[0].fingerprint, options.fingerprint);
  operation.free_pages(shard, {entry.data_offset / kPageBytes, pages(entry.data_bytes)});
  operation.free_pages(shard, {entry.log_offset / kPageBytes, pages(entry.log_words * 8)});
  std::array<char, kMostFieldBytes> text{};
  set_text(options.fields, text);
  if (auto done = operation.commit(); !done) return about(done.error());
  ordered::fill(entry.fields.data(), text.data(), text.size());
  return {};
}

Result<std::size_t> Engine::region(std::string_view name, const RegionOptions& options, bool may_make) {
  const std::lock_guard lock(named_mutex_);
  std::size_t unused = 0;
  const auto found = find_named(name, EntryKind::region, &unused);
  if (!found) return found.error();
  std::size_t at = 0;
  if (*found) {
    at = **found;
    const Entry& entry = image_.entry(at);
    const auto mismatch = [&](const std::string& text) {
      return Error(Code::schema_mismatch, named(EntryKind::region, name) + text);
    };
    if (entry.flavor != static_cast<std::uint64_t>(options.mode)) return mismatch("is of the other mode");
    if (entry.schemas[0].version < options.schema_version && may_make &&
        leads_from(options.migrations, entry.schemas[0].version)) {
      if (regions_[at] != nullptr)
        return Error(Code::in_use, named(EntryKind::region, name) + "is open as schema " +
                                       std::to_string(entry.schemas[0].version));
      if (auto migrated = migrate_region(at, name, options); !migrated) return migrated.error();
    }
    if (entry.schemas[0].version != options.schema_version)
      return mismatch("holds schema " + std::to_string(entry.schemas[0].version) + ", this program has " +
                      std::to_string(options.schema_version));
    if (entry.value_bytes != options.bytes || entry.schemas[0].fingerprint != options.fingerprint)
      return mismatch("version " + std::to_string(options.schema_version) +
                      " of its schema has another layout in this program");
  } else {
    if (!may_make) return Error(Code::not_found, named(EntryKind::region, name) + "there is none");
    constexpr std::uint64_t kMostRegion = 8ULL << 30;
    if (options.bytes == 0 || options.bytes > kMostRegion)
      return Error(Code::invalid_argument, named(EntryKind::region, name) + "has 1 byte to 8 GiB");
    Entry entry{};
    entry.kind = static_cast<std::uint64_t>(EntryKind::region);
    entry.flavor = static_cast<std::uint64_t>(options.mode);
    entry.newest_version = options.schema_version;
    entry.value_bytes = options.bytes;
    entry.schemas[0] = {options.schema_version, options.fingerprint};
    set_text(options.fields, entry.fields);
    const std::uint64_t log_bytes = region_log_words(options.mode, options.bytes) * 8;
    const auto made = make_named(unused, name, entry, padded(options.bytes, kPageBytes) / kPageBytes,
                                 padded(log_bytes, kPageBytes) / kPageBytes);
    if (!made) return made.error();
    at = *made;
  }
  if (regions_[at] == nullptr) {
    auto opened = Region::open(image_, at);
    if (!opened) return opened.error();
    regions_[at] = *std::move(opened);
  }
  return at;
}

}  // namespace okg::hot
