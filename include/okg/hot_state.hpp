// okg::HotState: typed tables in shared memory that survive SIGKILL at any instruction. See okg.h for
// threads, errors and what is promised. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "okg/result.hpp"

namespace okg {

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;

// Bytes that mean the same in the next process, at another address. What the compiler can tell is looked at:
// no pointer, no reference, no virtual function, nothing that a constructor or destructor has to look after.
// A pointer that is a member (of std::string_view, say) it cannot tell: there must be none.
template <class T>
concept HotValue = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && !std::is_pointer_v<T> &&
                   !std::is_member_pointer_v<T> && !std::is_reference_v<T> && !std::is_polymorphic_v<T> &&
                   !std::is_const_v<T> && !std::is_volatile_v<T>;

// A key is compared by its bytes, so equal keys have to have equal ones: integers, enums, and structs of them
// without padding; no floating point (0.0 is -0.0).
template <class K>
concept HotKey = HotValue<K> && std::has_unique_object_representations_v<K> && sizeof(K) <= 64;

enum class HotPolicy {
  resume = OKG_HOT_RESUME,
  read_only = OKG_HOT_READ_ONLY,
  quarantine = OKG_HOT_QUARANTINE
};

// A zero or empty field takes its default: see okg_hot_options.
struct HotOptions {
  std::string directory = {};
  std::uint64_t max_bytes = 0;
  std::uint64_t first_bytes = 0;
  std::uint32_t shards = 0;
  std::uint32_t crash_loop_opens = 0;
  HotPolicy policy = HotPolicy::resume;
  std::chrono::nanoseconds lock_wait{0};
};

struct TableSchema {
  std::uint32_t version = 1;
  std::uint64_t fingerprint = 0;  // 0: of the sizes of key and value and the value's alignment
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
  // OKG_NOT_FOUND when there is none.
  Result<V> get(const K& key) const {
    std::array<std::byte, sizeof(V)> bytes{};
    okg_error error;
    const okg_code code = read(key, bytes.data(), &error);
    if (code != OKG_OK) return Error(code, error);
    return std::bit_cast<V>(bytes);
  }
  // The same for loops: no text is made of a miss. `value` is anything where this is not OKG_OK.
  okg_code get(const K& key, V& value) const noexcept { return read(key, std::addressof(value), nullptr); }
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
    std::array<std::byte, sizeof(K)> key_copy;
    std::array<std::byte, sizeof(V)> value_copy;
    std::memcpy(key_copy.data(), key, sizeof(K));
    std::memcpy(value_copy.data(), value, sizeof(V));
    const K k = std::bit_cast<K>(key_copy);
    const V v = std::bit_cast<V>(value_copy);
    if constexpr (std::is_void_v<std::invoke_result_t<Visit&, const K&, const V&>>) {
      (*static_cast<Visit*>(user))(k, v);
      return 1;
    } else {
      return (*static_cast<Visit*>(user))(k, v) ? 1 : 0;
    }
  }

  okg_hot_table* table_;
};

// An open segment. Movable; the destructor closes it in good order.
class HotState {
 public:
  static Result<HotState> open(const std::string& name, const HotOptions& options = {},
                               okg_server* server = nullptr) {
    okg_hot_options c = OKG_HOT_OPTIONS_INIT;
    c.server = server;
    c.directory = options.directory.empty() ? nullptr : options.directory.c_str();
    c.name = name.c_str();
    c.max_bytes = options.max_bytes;
    c.first_bytes = options.first_bytes;
    c.shards = options.shards;
    c.crash_loop_opens = options.crash_loop_opens;
    c.policy = static_cast<okg_hot_policy>(options.policy);
    c.lock_wait_ns = options.lock_wait.count();
    okg_hot* handle = nullptr;
    okg_error error;
    const okg_code code = okg_hot_open(&c, &handle, &error);
    if (code != OKG_OK) return Error(code, error);
    return HotState(handle);
  }

  okg_hot_report report() const noexcept {
    okg_hot_report report = OKG_HOT_REPORT_INIT;
    (void)okg_hot_get_report(hot_.get(), &report);
    return report;
  }

  template <HotKey K, HotValue V>
  Result<Table<K, V>> table(const std::string& name, TableSchema schema = {}) {
    okg_hot_schema c = OKG_HOT_SCHEMA_INIT;
    c.keys = std::is_same_v<K, std::uint64_t> ? 0 : 1;
    c.version = schema.version;
    c.fingerprint = schema.fingerprint;
    if (c.fingerprint == 0)
      c.fingerprint = std::uint64_t{sizeof(K)} << 56 | std::uint64_t{alignof(V)} << 40 | sizeof(V);
    okg_hot_table* table = nullptr;
    okg_error error;
    const okg_code code = okg_hot_open_table(hot_.get(), name.c_str(), &c, &table, &error);
    if (code != OKG_OK) return Error(code, error);
    return Table<K, V>(table);
  }

  // Work that can wait, within `budget`; true: there is more.
  bool poll(std::chrono::nanoseconds budget) noexcept {
    return okg_hot_poll(hot_.get(), budget.count()) != 0;
  }
  okg_hot* handle() const noexcept { return hot_.get(); }

 private:
  struct Close {
    void operator()(okg_hot* hot) const noexcept { okg_hot_close(hot); }
  };
  explicit HotState(okg_hot* handle) : hot_(handle) {}

  std::unique_ptr<okg_hot, Close> hot_;
};

}  // namespace okg
