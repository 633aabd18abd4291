// okg::Transaction: changes of a HotState that happen together. See okg.h. SPDX-License-Identifier:
// Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "okg/hot_journal.hpp"
#include "okg/hot_table.hpp"

namespace okg {

// Of one thread at a time; of a HotState that has to outlive it. May be used again after a commit.
class Transaction {
 public:
  explicit Transaction(okg_hot_txn* txn) : txn_(txn) {}

  template <HotKey K, HotValue V>
  Result<void> put(const Table<K, V>& table, const K& key, const V& value) {
    okg_error error;
    return detail::status(okg_hot_txn_put(txn_.get(), table.handle(), std::addressof(key), sizeof(K),
                                          std::addressof(value), sizeof(V), &error),
                          error);
  }
  // The commit is OKG_NOT_FOUND when there is no such record.
  template <HotKey K, HotValue V>
  Result<void> erase(const Table<K, V>& table, const K& key) {
    okg_error error;
    return detail::status(
        okg_hot_txn_erase(txn_.get(), table.handle(), std::addressof(key), sizeof(K), &error), error);
  }
  // The commit is OKG_CONFLICT when somebody changed it since, or made one that was not found.
  template <HotKey K, HotValue V>
  Result<V> get(const Table<K, V>& table, const K& key) {
    std::array<std::byte, sizeof(V)> bytes{};
    std::size_t length = 0;
    okg_error error;
    const okg_code code = okg_hot_txn_get(txn_.get(), table.handle(), std::addressof(key), sizeof(K),
                                          bytes.data(), sizeof(V), &length, &error);
    if (code != OKG_OK) return Error(code, error);
    if (length != sizeof(V)) return Error(OKG_SCHEMA_MISMATCH, "the record has another size");
    return std::bit_cast<V>(bytes);
  }
  template <HotValue T>
  Result<void> append(const Journal<T>& journal, const T& message) {
    okg_error error;
    return detail::status(
        okg_hot_txn_append(txn_.get(), journal.handle(), std::addressof(message), sizeof(T), &error), error);
  }
  Result<void> append(const BytesJournal& journal, std::string_view message) {
    okg_error error;
    return detail::status(
        okg_hot_txn_append(txn_.get(), journal.handle(), message.data(), message.size(), &error), error);
  }
  Result<void> commit() {
    okg_error error;
    return detail::status(okg_hot_txn_commit(txn_.get(), &error), error);
  }
  void clear() noexcept { okg_hot_txn_clear(txn_.get()); }

 private:
  struct Free {
    void operator()(okg_hot_txn* txn) const noexcept { okg_hot_txn_free(txn); }
  };
  std::unique_ptr<okg_hot_txn, Free> txn_;
};

}  // namespace okg
