// okg::Table: records of a HotState. See okg.h. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>

#include "okg/hot_value.hpp"
#include "okg/result.hpp"

namespace okg {

struct TableOptions {
  // Records are written as the version that was there, until finalize(): see okg_hot_schema.
  bool writes_older = false;
};

namespace detail {

template <class T>
T from_bytes(const void* bytes) {
  std::array<std::byte, sizeof(T)> copy;
  std::memcpy(copy.data(), bytes, sizeof(T));
  return std::bit_cast<T>(copy);
}

template <class From, class To, To (*Convert)(const From&)>
okg_code convert(void*, const void* from, std::size_t from_bytes_count, void* to, std::size_t capacity,
                 std::size_t* to_bytes) {
  *to_bytes = sizeof(To);
  if (from_bytes_count != sizeof(From)) return OKG_SCHEMA_MISMATCH;
  if (capacity < sizeof(To)) return OKG_NO_SPACE;
  const To made = Convert(from_bytes<From>(from));
  std::memcpy(to, std::addressof(made), sizeof(To));
  return OKG_OK;
}

}  // namespace detail

// From one version of a struct to the next, by a function of each direction:
//   hot.table<uint64_t, PlayerV2>("players", {okg::migration<PlayerV1, PlayerV2, &upgrade>()})
template <HotValue From, HotValue To, To (*Up)(const From&)>
okg_hot_migration migration() {
  static_assert(HotSchema<From>::kVersion + 1 == HotSchema<To>::kVersion,
                "migrations lead to the next version");
  return {HotSchema<From>::kVersion, 0, &detail::convert<From, To, Up>, nullptr, nullptr};
}
template <HotValue From, HotValue To, To (*Up)(const From&), From (*Down)(const To&)>
okg_hot_migration migration() {
  static_assert(HotSchema<From>::kVersion + 1 == HotSchema<To>::kVersion,
                "migrations lead to the next version");
  return {HotSchema<From>::kVersion, 0, &detail::convert<From, To, Up>, &detail::convert<To, From, Down>,
          nullptr};
}

// A record where it lies, unchanged while this lives. Movable.
template <HotValue V>
class RecordView {
 public:
  RecordView(okg_hot_table* table, okg_hot_view view) : table_(table), view_(view) {}
  RecordView(RecordView&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)), view_(other.view_) {}
  RecordView& operator=(RecordView&&) = delete;
  ~RecordView() { okg_hot_view_end(table_, &view_); }

  const V& operator*() const noexcept { return *static_cast<const V*>(view_.data); }
  const V* operator->() const noexcept { return static_cast<const V*>(view_.data); }

 private:
  okg_hot_table* table_;
  okg_hot_view view_;
};

// A table of a HotState, which has to outlive it. Any thread.
template <HotKey K, HotValue V>
class Table {
 public:
  explicit Table(okg_hot_table* table) : table_(table) {}

  // Committed when it returns without an error.
  Result<void> put(const K& key, const V& value) {
    okg_error error;
    return detail::status(
        okg_hot_put(table_, std::addressof(key), sizeof(K), std::addressof(value), sizeof(V), &error), error);
  }
  // Gone when `after` is over. A later put() keeps that.
  Result<void> put_for(const K& key, const V& value, std::chrono::nanoseconds after) {
    okg_error error;
    return detail::status(okg_hot_put_for(table_, std::addressof(key), sizeof(K), std::addressof(value),
                                          sizeof(V), after.count(), &error),
                          error);
  }
  // 0: it stays.
  Result<void> set_deadline(const K& key, std::chrono::nanoseconds after) {
    okg_error error;
    return detail::status(okg_hot_set_deadline(table_, std::addressof(key), sizeof(K), after.count(), &error),
                          error);
  }
  // OKG_NOT_FOUND when there is none.
  Result<V> get(const K& key) const {
    std::array<std::byte, sizeof(V)> bytes{};
    okg_error error;
    const okg_code code = read(key, bytes.data(), &error);
    if (code != OKG_OK) return Error(code, error);
    return std::bit_cast<V>(bytes);
  }
  // The same for loops: no text is made of a miss. `value` is anything where this is not OKG_OK.
  [[nodiscard]] okg_code get(const K& key, V& value) const noexcept {
    return read(key, std::addressof(value), nullptr);
  }
  // Without a copy. Of a value whose alignment is 8 or less.
  Result<RecordView<V>> view(const K& key) const {
    static_assert(alignof(V) <= 8, "values lie at multiples of 8");
    okg_hot_view view;
    okg_error error;
    const okg_code code = okg_hot_view_begin(table_, std::addressof(key), sizeof(K), &view, &error);
    if (code != OKG_OK) return Error(code, error);
    RecordView<V> found(table_, view);
    if (view.length != sizeof(V)) return Error(OKG_SCHEMA_MISMATCH, "the record has another size");
    return found;
  }
  Result<void> erase(const K& key) {
    okg_error error;
    return detail::status(okg_hot_erase(table_, std::addressof(key), sizeof(K), &error), error);
  }
  // `visit(const K&, const V&)`; it may return false to end. See okg_hot_for_each().
  template <class Visit>
  Result<void> for_each(Visit&& visit) const {
    using Kept = std::remove_reference_t<Visit>;
    okg_error error;
    void* const user = const_cast<void*>(static_cast<const void*>(std::addressof(visit)));
    return detail::status(okg_hot_for_each(table_, &visit_one<Kept>, user, &error), error);
  }
  std::uint64_t size() const noexcept {
    std::uint64_t records = 0;
    (void)okg_hot_size(table_, &records, nullptr);
    return records;
  }
  // Ends TableOptions::writes_older.
  Result<void> finalize() {
    okg_error error;
    return detail::status(okg_hot_finalize(table_, &error), error);
  }
  okg_hot_table* handle() const noexcept { return table_; }

 private:
  okg_code read(const K& key, void* value, okg_error* error) const noexcept {
    std::size_t length = 0;
    const okg_code code =
        okg_hot_get(table_, std::addressof(key), sizeof(K), value, sizeof(V), &length, error);
    if (code != OKG_OK || length == sizeof(V)) return code;
    return okg_fail(error, OKG_SCHEMA_MISMATCH, "the record has another size");
  }
  template <class Visit>
  static int visit_one(void* user, const void* key, std::size_t key_bytes, const void* value,
                       std::size_t value_bytes) {
    if (key_bytes != sizeof(K) || value_bytes != sizeof(V)) return 1;
    const K k = detail::from_bytes<K>(key);
    const V v = detail::from_bytes<V>(value);
    if constexpr (std::is_void_v<std::invoke_result_t<Visit&, const K&, const V&>>) {
      (*static_cast<Visit*>(user))(k, v);
      return 1;
    } else {
      return (*static_cast<Visit*>(user))(k, v) ? 1 : 0;
    }
  }

  okg_hot_table* table_;
};

}  // namespace okg
