// okg_hot_*: tables.
#include "hotabi/handles.hpp"

namespace {

using okg::abi::deadline_in;
using okg::abi::finish;
using okg::abi::guarded;
using okg::abi::is_given;
using okg::abi::read_options;
using okg::abi::tell;
using okg::abi::tell_got;
using okg::abi::tell_ok;
using okg::abi::text_of;
using okg::abi::view;
using okg::base::Code;
using okg::base::Result;
using okg::hot::Deadline;
using okg::hot::Engine;
using okg::hot::Got;
using okg::hot::key_of;
using okg::hot::TableSchema;

Result<TableSchema> translate(const okg_hot_schema& given) {
  if (given.keys > 1) return okg::base::Error(Code::invalid_argument, "schema.keys is neither 0 nor 1");
  TableSchema schema;
  schema.options.key_kind = static_cast<okg::hot::KeyKind>(given.keys);
  schema.options.schema_version = given.version == 0 ? 1 : given.version;
  schema.options.fingerprint = given.fingerprint;
  schema.options.value_bytes = given.value_bytes;
  schema.options.fields = text_of(given.fields);
  schema.options.writes_older = given.writes_older != 0;
  auto migrations = okg::abi::migrations_of(given.migrations, given.migration_count);
  if (!migrations) return migrations.error();
  schema.migrations = *std::move(migrations);
  return schema;
}

okg_code put(okg_hot_table* table, std::string_view key, const void* value, std::size_t bytes,
             Deadline deadline, okg_error* error) noexcept {
  if (table == nullptr || !is_given(value, bytes) || !is_given(key.data(), key.size()))
    return tell(error, Code::invalid_argument, "okg_hot_put: table, key and value are required");
  return guarded(error, [&] { return finish(error, table->table->put(key, view(value, bytes), deadline)); });
}

template <class Key>
okg_code get(const okg_hot_table* table, Key key, void* buffer, std::size_t capacity, std::size_t* length,
             okg_error* error) noexcept {
  return guarded(error, [&]() -> okg_code {
    std::size_t size = 0;
    const Got got = table->table->get(key, buffer, capacity, &size);
    if (got != Got::found || error != nullptr) return tell_got(got, size, length, error);
    if (length != nullptr) *length = size;
    return OKG_OK;
  });
}
okg_code wrong_get(okg_error* error) noexcept {
  return tell(error, Code::invalid_argument, "okg_hot_get: table, key and buffer are required");
}

okg_code erase(okg_hot_table* table, std::string_view key, okg_error* error) noexcept {
  if (table == nullptr || !is_given(key.data(), key.size()))
    return tell(error, Code::invalid_argument, "okg_hot_erase: table and key are required");
  return guarded(error, [&] { return finish(error, table->table->erase(key)); });
}

okg_code set_deadline(okg_hot_table* table, std::string_view key, std::int64_t after_ns,
                      okg_error* error) noexcept {
  if (table == nullptr || !is_given(key.data(), key.size()))
    return tell(error, Code::invalid_argument, "okg_hot_set_deadline: table and key are required");
  return guarded(error,
                 [&] { return finish(error, table->table->set_deadline(key, deadline_in(after_ns))); });
}

okg_code view_begin(okg_hot_table* table, std::string_view key, okg_hot_view* out,
                    okg_error* error) noexcept {
  if (table == nullptr || out == nullptr || !is_given(key.data(), key.size()))
    return tell(error, Code::invalid_argument, "okg_hot_view_begin: table, key and view are required");
  *out = {};
  return guarded(error, [&]() -> okg_code {
    Engine::View found;
    const Got got = table->table->view(key, &found);
    if (got == Got::found) *out = {found.value, found.size, {found.shard + 1U, found.generation}};
    return tell_got(got, found.size, nullptr, error);
  });
}

}  // namespace

namespace okg::abi {

okg_code tell_got(Got got, std::size_t size, std::size_t* length, okg_error* error) noexcept {
  if (length != nullptr) *length = size;
  switch (got) {
    case Got::found:
      return error == nullptr ? OKG_OK : tell_ok(error);
    case Got::missing:
      return tell(error, Code::not_found, "there is no such record");
    case Got::too_small:
      return tell(error, Code::no_space, "the buffer is smaller than the value");
    case Got::closed:
      return tell(error, Code::closed, "hot state is not there in a forked child");
    case Got::mismatch:
      return tell(error, Code::schema_mismatch, "the record is of a version that cannot be converted");
    case Got::damaged:
      break;
  }
  return tell(error, Code::corrupt, "the record is damaged");
}

}  // namespace okg::abi

extern "C" {

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
    auto wanted = translate(given);
    if (!wanted) return tell(error, wanted.error());
    auto made = std::make_unique<okg_hot_table>();
    const auto opened = hot->store->table(name, *std::move(wanted));
    if (!opened) return tell(error, opened.error());
    made->store = hot->store.get();
    made->table = *opened;
    const std::lock_guard lock(hot->mutex);
    for (const auto& known : hot->tables)
      if (known->table == *opened) {
        *table = known.get();
        return tell_ok(error);
      }
    hot->tables.push_back(std::move(made));
    *table = hot->tables.back().get();
    return tell_ok(error);
  });
}

okg_code okg_hot_finalize(okg_hot_table* table, okg_error* error) {
  if (table == nullptr) return tell(error, Code::invalid_argument, "okg_hot_finalize: table is required");
  return guarded(error, [&]() -> okg_code {
    if (auto may = table->store->engine().check_writable(); !may) return finish(error, may);
    return finish(error, table->table->finalize());
  });
}

okg_code okg_hot_put(okg_hot_table* table, const void* key, size_t key_bytes, const void* value,
                     size_t value_bytes, okg_error* error) {
  return put(table, view(key, key_bytes), value, value_bytes, {}, error);
}
okg_code okg_hot_put_u64(okg_hot_table* table, uint64_t key, const void* value, size_t value_bytes,
                         okg_error* error) {
  return put(table, key_of(key), value, value_bytes, {}, error);
}

okg_code okg_hot_put_for(okg_hot_table* table, const void* key, size_t key_bytes, const void* value,
                         size_t value_bytes, int64_t after_ns, okg_error* error) {
  return put(table, view(key, key_bytes), value, value_bytes, {false, deadline_in(after_ns)}, error);
}
okg_code okg_hot_put_for_u64(okg_hot_table* table, uint64_t key, const void* value, size_t value_bytes,
                             int64_t after_ns, okg_error* error) {
  return put(table, key_of(key), value, value_bytes, {false, deadline_in(after_ns)}, error);
}

okg_code okg_hot_set_deadline(okg_hot_table* table, const void* key, size_t key_bytes, int64_t after_ns,
                              okg_error* error) {
  return set_deadline(table, view(key, key_bytes), after_ns, error);
}
okg_code okg_hot_set_deadline_u64(okg_hot_table* table, uint64_t key, int64_t after_ns, okg_error* error) {
  return set_deadline(table, key_of(key), after_ns, error);
}

okg_code okg_hot_get(const okg_hot_table* table, const void* key, size_t key_bytes, void* buffer,
                     size_t capacity, size_t* length, okg_error* error) {
  if (table == nullptr || !is_given(buffer, capacity) || !is_given(key, key_bytes)) return wrong_get(error);
  if (key_bytes != sizeof(std::uint64_t))
    return get(table, view(key, key_bytes), buffer, capacity, length, error);
  std::uint64_t number = 0;
  std::memcpy(&number, key, sizeof number);
  return get(table, number, buffer, capacity, length, error);
}
okg_code okg_hot_get_u64(const okg_hot_table* table, uint64_t key, void* buffer, size_t capacity,
                         size_t* length, okg_error* error) {
  if (table == nullptr || !is_given(buffer, capacity)) return wrong_get(error);
  return get(table, key, buffer, capacity, length, error);
}

okg_code okg_hot_erase(okg_hot_table* table, const void* key, size_t key_bytes, okg_error* error) {
  return erase(table, view(key, key_bytes), error);
}
okg_code okg_hot_erase_u64(okg_hot_table* table, uint64_t key, okg_error* error) {
  return erase(table, key_of(key), error);
}

okg_code okg_hot_view_begin(okg_hot_table* table, const void* key, size_t key_bytes, okg_hot_view* out,
                            okg_error* error) {
  return view_begin(table, view(key, key_bytes), out, error);
}
okg_code okg_hot_view_begin_u64(okg_hot_table* table, uint64_t key, okg_hot_view* out, okg_error* error) {
  return view_begin(table, key_of(key), out, error);
}
void okg_hot_view_end(okg_hot_table* table, okg_hot_view* out) {
  if (table == nullptr || out == nullptr || out->reserved[0] == 0) return;
  Engine::View ended;
  ended.shard = static_cast<std::uint8_t>(out->reserved[0] - 1);
  ended.generation = out->reserved[1];
  *out = {};
  Engine& engine = table->store->engine();
  try {
    if (engine.is_here()) engine.end_view(ended);
  } catch (...) {
    // Out of memory: what it held is had again when the next view ends.
  }
}

okg_code okg_hot_for_each(const okg_hot_table* table, okg_hot_visit_fn visit, void* user, okg_error* error) {
  if (table == nullptr || visit == nullptr)
    return tell(error, Code::invalid_argument, "okg_hot_for_each: table and visit are required");
  return guarded(error, [&]() -> okg_code {
    if (!table->store->engine().is_here()) return finish(error, table->store->engine().check_writable());
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
    const auto visited = table->table->for_each(one);
    if (!thrown.empty()) return tell(error, Code::crashed, thrown.c_str());
    return finish(error, visited);
  });
}

okg_code okg_hot_size(const okg_hot_table* table, uint64_t* records, uint64_t* bytes) {
  if (table == nullptr) return OKG_INVALID_ARGUMENT;
  const Engine& engine = table->store->engine();
  if (!engine.is_here()) return OKG_CLOSED;
  const okg::hot::Size size = engine.size_of(table->table->entry());
  if (records != nullptr) *records = size.records;
  if (bytes != nullptr) *bytes = size.bytes;
  return OKG_OK;
}

}  // extern "C"
