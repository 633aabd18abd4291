// okg_hot_*: tables in shared memory.
#include <cstdio>
#include <mutex>
#include <vector>

#include "abi/arguments.hpp"
#include "abi/handles.hpp"
#include "base/environment.hpp"
#include "base/text.hpp"
#include "hot/store.hpp"
#include "server/options.hpp"

struct okg_hot_table {
  okg::hot::Store* store = nullptr;
  std::size_t index = 0;
};

struct okg_hot {
  okg::abi::LogAdapter adapter{};
  std::unique_ptr<okg::hot::Store> store;
  std::mutex mutex;  // of `tables`
  std::vector<std::unique_ptr<okg_hot_table>> tables;
};

namespace {

using okg::abi::finish;
using okg::abi::guarded;
using okg::abi::LogAdapter;
using okg::abi::read_options;
using okg::abi::tell;
using okg::abi::tell_ok;
using okg::abi::text_of;
using okg::base::Code;
using okg::base::Error;
using okg::base::Result;
using okg::hot::key_of;
using okg::hot::StoreOptions;

constexpr std::chrono::nanoseconds kLongestWait = std::chrono::hours(24 * 365);

Result<StoreOptions> translate(const okg_hot_options& given, LogAdapter* adapter) {
  StoreOptions options;
  const auto wrong = [](const char* text) { return Error(Code::invalid_argument, text); };
  if (given.name == nullptr) return wrong("okg_hot_open: options.name is required");
  if (given.policy < OKG_HOT_RESUME || given.policy > OKG_HOT_QUARANTINE)
    return wrong("okg_hot_open: options.policy is none of okg_hot_policy");
  std::optional<okg::base::LogLevel> level;
  if (!okg::abi::read_log_level(given.log_level, &level))
    return wrong("okg_hot_open: options.log_level is none of okg_log_level");
  const auto environment = okg::base::process_environment();
  const auto decided = okg::server::log_level(environment, level);
  if (!decided) return decided.error();
  if (adapter->log != nullptr) options.segment.log = okg::base::Log(&LogAdapter::write, adapter, *decided);
  if (given.lock_wait_ns < -1) return wrong("okg_hot_open: options.lock_wait_ns is negative and not -1");
  options.segment.name = given.name;
  options.segment.directory = text_of(given.directory);
  if (options.segment.directory.empty() && given.server != nullptr) {
    options.segment.directory = given.server->game_server->hot_directory();
  } else if (options.segment.directory.empty()) {
    auto directory = okg::server::default_hot_directory(okg::base::Os::real(), environment);
    if (!directory) return directory.error();
    options.segment.directory = *std::move(directory);
  }
  if (given.max_bytes != 0) options.segment.max_bytes = given.max_bytes;
  options.segment.first_bytes = given.first_bytes;
  if (given.shards != 0) options.segment.shards = given.shards;
  if (given.crash_loop_opens != 0) options.crash_loop_opens = given.crash_loop_opens;
  options.on_crash_loop = static_cast<okg::hot::OnCrashLoop>(given.policy);
  if (given.lock_wait_ns != 0)
    options.segment.lock_wait = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::min(std::chrono::nanoseconds(std::max<std::int64_t>(given.lock_wait_ns, 0)), kLongestWait));
  return options;
}

template <std::size_t Size>
void copy_text(const std::string& from, char (&to)[Size]) {
  std::snprintf(to, Size, "%s", from.c_str());
}

bool is_key(const void* key, std::size_t bytes) {
  return key != nullptr || bytes == 0;
}

std::string_view view(const void* data, std::size_t bytes) {
  return {static_cast<const char*>(data), bytes};
}

okg_code put(okg_hot_table* table, std::string_view key, const void* value, std::size_t bytes,
             okg_error* error) noexcept {
  if (table == nullptr || (value == nullptr && bytes != 0))
    return tell(error, Code::invalid_argument, "okg_hot_put: table and value are required");
  return guarded(error,
                 [&] { return finish(error, table->store->put(table->index, key, view(value, bytes))); });
}

okg_code get(const okg_hot_table* table, std::string_view key, void* buffer, std::size_t capacity,
             std::size_t* length, okg_error* error) noexcept {
  if (table == nullptr || (buffer == nullptr && capacity != 0))
    return tell(error, Code::invalid_argument, "okg_hot_get: table and buffer are required");
  return guarded(error, [&]() -> okg_code {
    std::size_t size = 0;
    const auto got = table->store->get(table->index, key, buffer, capacity, &size);
    if (length != nullptr) *length = size;
    switch (got) {
      case okg::hot::Got::found:
        return error == nullptr ? OKG_OK : tell_ok(error);
      case okg::hot::Got::missing:
        return tell(error, Code::not_found, "there is no such record");
      case okg::hot::Got::too_small:
        return tell(error, Code::no_space, "the buffer is smaller than the value");
      case okg::hot::Got::closed:
        return tell(error, Code::closed, "hot state is not there in a forked child");
      case okg::hot::Got::damaged:
        break;
    }
    return tell(error, Code::corrupt, "the record is damaged");
  });
}

okg_code erase(okg_hot_table* table, std::string_view key, okg_error* error) noexcept {
  if (table == nullptr) return tell(error, Code::invalid_argument, "okg_hot_erase: table is required");
  return guarded(error, [&] { return finish(error, table->store->erase(table->index, key)); });
}

}  // namespace

extern "C" {

okg_code okg_hot_open(const okg_hot_options* options, okg_hot** hot, okg_error* error) {
  if (hot == nullptr) return tell(error, Code::invalid_argument, "okg_hot_open: hot is NULL");
  *hot = nullptr;
  return guarded(error, [&]() -> okg_code {
    okg_hot_options given = OKG_HOT_OPTIONS_INIT;
    if (options == nullptr || !read_options(options, &given))
      return tell(error, Code::invalid_argument,
                  "okg_hot_open: options.size is not that of a struct this library knows; begin with "
                  "OKG_HOT_OPTIONS_INIT");
    auto made = std::make_unique<okg_hot>();
    made->adapter = {given.log, given.log_user};
    const auto inside = translate(given, &made->adapter);
    if (!inside) return tell(error, inside.error());
    auto opened = okg::hot::Store::open(okg::base::Os::real(), *inside);
    if (!opened) return tell(error, opened.error());
    made->store = *std::move(opened);
    *hot = made.release();
    return tell_ok(error);
  });
}

void okg_hot_close(okg_hot* hot) {
  delete hot;
}

okg_code okg_hot_get_report(okg_hot* hot, okg_hot_report* report) {
  std::size_t size = 0;
  if (report != nullptr) std::memcpy(&size, report, sizeof size);
  if (hot == nullptr || size < sizeof size || size > 4096) return OKG_INVALID_ARGUMENT;
  const okg::hot::OpenReport& found = hot->store->report();
  okg_hot_report filled = OKG_HOT_REPORT_INIT;
  filled.size = size;
  filled.opened = static_cast<okg_hot_opened>(found.opened);
  filled.was_clean = found.was_clean ? 1 : 0;
  filled.is_crash_loop = found.is_crash_loop ? 1 : 0;
  filled.epoch = found.epoch;
  filled.unclean_opens = found.unclean_opens;
  filled.inherited_bytes = found.inherited_bytes;
  filled.records = found.size.records;
  filled.bytes = found.size.bytes;
  filled.downtime_ns = std::max<std::int64_t>(found.downtime.count(), -1);
  filled.open_ns = found.open_took.count();
  copy_text(found.held_before_by, filled.held_before_by);
  copy_text(found.quarantined_as, filled.quarantined_as);
  // As much as the caller's header knows.
  std::memcpy(report, &filled, std::min(size, sizeof filled));
  return OKG_OK;
}

okg_code okg_hot_open_table(okg_hot* hot, const char* name, const okg_hot_schema* schema,
                            okg_hot_table** table, okg_error* error) {
  if (table != nullptr) *table = nullptr;
  if (hot == nullptr || name == nullptr || table == nullptr)
    return tell(error, Code::invalid_argument, "okg_hot_open_table: hot, name and table are required");
  return guarded(error, [&]() -> okg_code {
    okg_hot_schema given = OKG_HOT_SCHEMA_INIT;
    if (schema != nullptr && !read_options(schema, &given))
      return tell(error, Code::invalid_argument,
                  "okg_hot_open_table: schema.size is not that of a struct this library knows");
    if (given.keys > 1)
      return tell(error, Code::invalid_argument, "okg_hot_open_table: schema.keys is neither 0 nor 1");
    okg::hot::TableOptions options;
    options.key_kind = static_cast<okg::hot::KeyKind>(given.keys);
    options.schema_version = given.version == 0 ? 1 : given.version;
    options.fingerprint = given.fingerprint;
    auto made = std::make_unique<okg_hot_table>();
    const auto index = hot->store->table(name, options);
    if (!index) return tell(error, index.error());
    made->store = hot->store.get();
    made->index = *index;
    const std::lock_guard lock(hot->mutex);
    for (const auto& known : hot->tables)
      if (known->index == *index) {
        *table = known.get();
        return tell_ok(error);
      }
    hot->tables.push_back(std::move(made));
    *table = hot->tables.back().get();
    return tell_ok(error);
  });
}

okg_code okg_hot_put(okg_hot_table* table, const void* key, size_t key_bytes, const void* value,
                     size_t value_bytes, okg_error* error) {
  if (!is_key(key, key_bytes)) return tell(error, Code::invalid_argument, "okg_hot_put: key is NULL");
  return put(table, view(key, key_bytes), value, value_bytes, error);
}
okg_code okg_hot_put_u64(okg_hot_table* table, uint64_t key, const void* value, size_t value_bytes,
                         okg_error* error) {
  return put(table, key_of(key), value, value_bytes, error);
}

okg_code okg_hot_get(const okg_hot_table* table, const void* key, size_t key_bytes, void* buffer,
                     size_t capacity, size_t* length, okg_error* error) {
  if (!is_key(key, key_bytes)) return tell(error, Code::invalid_argument, "okg_hot_get: key is NULL");
  return get(table, view(key, key_bytes), buffer, capacity, length, error);
}
okg_code okg_hot_get_u64(const okg_hot_table* table, uint64_t key, void* buffer, size_t capacity,
                         size_t* length, okg_error* error) {
  return get(table, key_of(key), buffer, capacity, length, error);
}

okg_code okg_hot_erase(okg_hot_table* table, const void* key, size_t key_bytes, okg_error* error) {
  if (!is_key(key, key_bytes)) return tell(error, Code::invalid_argument, "okg_hot_erase: key is NULL");
  return erase(table, view(key, key_bytes), error);
}
okg_code okg_hot_erase_u64(okg_hot_table* table, uint64_t key, okg_error* error) {
  return erase(table, key_of(key), error);
}

okg_code okg_hot_for_each(const okg_hot_table* table, okg_hot_visit_fn visit, void* user, okg_error* error) {
  if (table == nullptr || visit == nullptr)
    return tell(error, Code::invalid_argument, "okg_hot_for_each: table and visit are required");
  return guarded(error, [&]() -> okg_code {
    std::string thrown;
    const auto one = [&](std::string_view key, std::string_view value) {
      try {
        return visit(user, key.data(), key.size(), value.data(), value.size()) != 0;
      } catch (const std::exception& exception) {
        thrown = std::string("okg_hot_for_each: visit threw: ") + exception.what();
      } catch (...) {
        thrown = "okg_hot_for_each: visit threw";
      }
      return false;
    };
    const auto visited = table->store->for_each(table->index, one);
    if (!thrown.empty()) return tell(error, Code::crashed, thrown.c_str());
    return finish(error, visited);
  });
}

okg_code okg_hot_size(const okg_hot_table* table, uint64_t* records, uint64_t* bytes) {
  if (table == nullptr) return OKG_INVALID_ARGUMENT;
  if (!table->store->is_here()) return OKG_CLOSED;
  const okg::hot::Size size = table->store->size_of(table->index);
  if (records != nullptr) *records = size.records;
  if (bytes != nullptr) *bytes = size.bytes;
  return OKG_OK;
}

int okg_hot_poll(okg_hot* hot, int64_t budget_ns) {
  if (hot == nullptr) return 0;
  try {
    return hot->store->poll(std::chrono::nanoseconds(std::max<std::int64_t>(budget_ns, 0))) ? 1 : 0;
  } catch (...) {
    return 0;
  }
}

}  // extern "C"
