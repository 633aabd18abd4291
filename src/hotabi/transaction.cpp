// okg_hot_*: transactions.
#include <deque>
#include <map>

#include "hotabi/handles.hpp"

namespace {

using okg::abi::guarded;
using okg::abi::is_given;
using okg::abi::tell;
using okg::abi::tell_got;
using okg::abi::tell_ok;
using okg::abi::view;
using okg::base::Code;
using okg::base::Result;
using okg::hot::Change;
using okg::hot::Got;
using okg::hot::key_of;

using Record = std::pair<okg_hot_table*, std::string>;

// What is to become of a record, and what it was when it was looked at.
struct Wanted {
  enum class Kind { nothing, put, erase };
  Kind kind = Kind::nothing;
  std::string value;
  bool was_looked_at = false;
  bool was_there = false;
  std::string found;  // as it lies there
  std::uint16_t schema = 0;
};

}  // namespace

struct okg_hot_txn {
  okg_hot* hot = nullptr;
  std::map<Record, Wanted> records;
  std::vector<std::pair<okg_hot_journal*, std::string>> messages;
};

namespace {

bool is_whole(const okg_hot_txn* txn, const okg_hot_table* table, std::string_view key) {
  return txn != nullptr && table != nullptr && table->store == txn->hot->store.get() &&
         is_given(key.data(), key.size());
}

okg_code put(okg_hot_txn* txn, okg_hot_table* table, std::string_view key, const void* value,
             std::size_t bytes, okg_error* error) noexcept {
  if (!is_whole(txn, table, key) || !is_given(value, bytes))
    return tell(error, Code::invalid_argument,
                "okg_hot_txn_put: txn, a table of the same segment, key and value are required");
  return guarded(error, [&] {
    Wanted& wanted = txn->records[{table, std::string(key)}];
    wanted.value = view(value, bytes);
    wanted.kind = Wanted::Kind::put;
    return tell_ok(error);
  });
}

okg_code erase(okg_hot_txn* txn, okg_hot_table* table, std::string_view key, okg_error* error) noexcept {
  if (!is_whole(txn, table, key))
    return tell(error, Code::invalid_argument,
                "okg_hot_txn_erase: txn, a table of the same segment and key are required");
  return guarded(error, [&] {
    txn->records[{table, std::string(key)}].kind = Wanted::Kind::erase;
    return tell_ok(error);
  });
}

// Remembers what is there, for the commit to compare.
Got look_at(const Record& record, Wanted* wanted) {
  std::string bytes;
  okg::hot::Engine::Value value;
  const Got got =
      record.first->store->engine().read(record.first->table->entry(), record.second, &bytes, &value);
  if (got != Got::found && got != Got::missing) return got;
  wanted->was_looked_at = true;
  wanted->was_there = got == Got::found;
  wanted->found = std::move(bytes);
  wanted->schema = value.schema;
  return got;
}

okg_code get(okg_hot_txn* txn, okg_hot_table* table, std::string_view key, void* buffer, std::size_t capacity,
             std::size_t* length, okg_error* error) noexcept {
  if (!is_whole(txn, table, key) || !is_given(buffer, capacity))
    return tell(error, Code::invalid_argument,
                "okg_hot_txn_get: txn, a table of the same segment, key and buffer are required");
  return guarded(error, [&]() -> okg_code {
    const Record record{table, std::string(key)};
    Wanted& wanted = txn->records[record];
    const auto give = [&](std::string_view value) {
      if (value.size() <= capacity && !value.empty()) std::memcpy(buffer, value.data(), value.size());
      return tell_got(value.size() <= capacity ? Got::found : Got::too_small, value.size(), length, error);
    };
    if (wanted.kind == Wanted::Kind::put) return give(wanted.value);
    if (wanted.kind == Wanted::Kind::erase) return tell_got(Got::missing, 0, length, error);
    if (!wanted.was_looked_at) {
      const Got got = look_at(record, &wanted);
      if (got != Got::found && got != Got::missing) return tell_got(got, 0, length, error);
    }
    if (!wanted.was_there) return tell_got(Got::missing, 0, length, error);
    const auto value = table->table->as_own(wanted.found, wanted.schema);
    if (!value) return tell(error, value.error());
    return give(*value);
  });
}

Result<std::vector<Change>> changes_of(const okg_hot_txn& txn, std::deque<std::string>* kept) {
  std::vector<Change> changes;
  for (const auto& [record, wanted] : txn.records) {
    okg::hot::Table& table = *record.first->table;
    if (wanted.was_looked_at)
      changes.push_back({wanted.was_there ? Change::Kind::expect : Change::Kind::expect_missing,
                         table.entry(), record.second, wanted.found, wanted.schema});
    if (wanted.kind == Wanted::Kind::erase) changes.push_back(table.change_to_erase(record.second));
    if (wanted.kind != Wanted::Kind::put) continue;
    const auto change = table.change_to_put(record.second, wanted.value, {}, &kept->emplace_back());
    if (!change) return change.error();
    changes.push_back(*change);
  }
  for (const auto& [journal, message] : txn.messages)
    changes.push_back({Change::Kind::append, journal->entry, {}, message});
  return changes;
}

}  // namespace

extern "C" {

okg_code okg_hot_txn_begin(okg_hot* hot, okg_hot_txn** txn, okg_error* error) {
  if (txn != nullptr) *txn = nullptr;
  if (hot == nullptr || txn == nullptr)
    return tell(error, Code::invalid_argument, "okg_hot_txn_begin: hot and txn are required");
  return guarded(error, [&] {
    auto made = std::make_unique<okg_hot_txn>();
    made->hot = hot;
    *txn = made.release();
    return tell_ok(error);
  });
}

okg_code okg_hot_txn_put(okg_hot_txn* txn, okg_hot_table* table, const void* key, size_t key_bytes,
                         const void* value, size_t value_bytes, okg_error* error) {
  return put(txn, table, view(key, key_bytes), value, value_bytes, error);
}
okg_code okg_hot_txn_put_u64(okg_hot_txn* txn, okg_hot_table* table, uint64_t key, const void* value,
                             size_t value_bytes, okg_error* error) {
  return put(txn, table, key_of(key), value, value_bytes, error);
}
okg_code okg_hot_txn_erase(okg_hot_txn* txn, okg_hot_table* table, const void* key, size_t key_bytes,
                           okg_error* error) {
  return erase(txn, table, view(key, key_bytes), error);
}
okg_code okg_hot_txn_erase_u64(okg_hot_txn* txn, okg_hot_table* table, uint64_t key, okg_error* error) {
  return erase(txn, table, key_of(key), error);
}
okg_code okg_hot_txn_get(okg_hot_txn* txn, okg_hot_table* table, const void* key, size_t key_bytes,
                         void* buffer, size_t capacity, size_t* length, okg_error* error) {
  return get(txn, table, view(key, key_bytes), buffer, capacity, length, error);
}
okg_code okg_hot_txn_get_u64(okg_hot_txn* txn, okg_hot_table* table, uint64_t key, void* buffer,
                             size_t capacity, size_t* length, okg_error* error) {
  return get(txn, table, key_of(key), buffer, capacity, length, error);
}

okg_code okg_hot_txn_append(okg_hot_txn* txn, okg_hot_journal* journal, const void* message, size_t bytes,
                            okg_error* error) {
  if (txn == nullptr || journal == nullptr || journal->engine != &txn->hot->store->engine() ||
      !is_given(message, bytes))
    return tell(error, Code::invalid_argument,
                "okg_hot_txn_append: txn, a journal of the same segment and message are required");
  return guarded(error, [&] {
    txn->messages.emplace_back(journal, view(message, bytes));
    return tell_ok(error);
  });
}

okg_code okg_hot_txn_commit(okg_hot_txn* txn, okg_error* error) {
  if (txn == nullptr) return tell(error, Code::invalid_argument, "okg_hot_txn_commit: txn is required");
  return guarded(error, [&]() -> okg_code {
    std::deque<std::string> kept;
    const auto changes = changes_of(*txn, &kept);
    if (!changes) return tell(error, changes.error());
    auto& hot = *txn->hot;
    if (auto done = okg::abi::timed(hot.commits, [&] { return hot.store->engine().commit(*changes); }); !done)
      return tell(error, done.error());
    okg_hot_txn_clear(txn);
    return tell_ok(error);
  });
}

void okg_hot_txn_clear(okg_hot_txn* txn) {
  if (txn == nullptr) return;
  txn->records.clear();
  txn->messages.clear();
}

void okg_hot_txn_free(okg_hot_txn* txn) {
  delete txn;
}

}  // extern "C"
