// okg::HotState: typed tables, journals and regions in shared memory that survive SIGKILL at any instruction.
// See okg.h for threads, errors and what is promised. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "okg/hot_journal.hpp"
#include "okg/hot_region.hpp"
#include "okg/hot_table.hpp"
#include "okg/hot_transaction.hpp"

namespace okg {

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;

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

  // The version of the schema is V's own: see OKG_HOT_SCHEMA. `migrations`, made by Migration<From, To>, lead
  // there from version to version.
  template <HotKey K, HotValue V>
  Result<Table<K, V>> table(const std::string& name, std::vector<okg_hot_migration> migrations = {},
                            TableOptions options = {}) {
    okg_hot_schema c = OKG_HOT_SCHEMA_INIT;
    c.keys = std::is_same_v<K, std::uint64_t> ? 0 : 1;
    c.version = HotSchema<V>::kVersion;
    c.fingerprint = hot_fingerprint<V>;
    c.value_bytes = sizeof(V);
    c.fields = hot_description<V>.bytes.data();
    c.migrations = migrations.data();
    c.migration_count = migrations.size();
    c.writes_older = options.writes_older ? 1 : 0;
    okg_hot_table* table = nullptr;
    okg_error error;
    const okg_code code = okg_hot_open_table(hot_.get(), name.c_str(), &c, &table, &error);
    if (code != OKG_OK) return Error(code, error);
    return Table<K, V>(table);
  }

  template <HotValue T>
  Result<Journal<T>> journal(const std::string& name, std::uint64_t bytes = 0) {
    okg_hot_journal_options c = OKG_HOT_JOURNAL_OPTIONS_INIT;
    c.bytes = bytes;
    c.version = HotSchema<T>::kVersion;
    c.fingerprint = hot_fingerprint<T>;
    okg_hot_journal* journal = nullptr;
    okg_error error;
    const okg_code code = okg_hot_open_journal(hot_.get(), name.c_str(), &c, &journal, &error);
    if (code != OKG_OK) return Error(code, error);
    return Journal<T>(journal);
  }

  // Of bytes: messages that are not structs.
  Result<BytesJournal> bytes_journal(const std::string& name, std::uint64_t bytes = 0) {
    okg_hot_journal_options c = OKG_HOT_JOURNAL_OPTIONS_INIT;
    c.bytes = bytes;
    okg_hot_journal* journal = nullptr;
    okg_error error;
    const okg_code code = okg_hot_open_journal(hot_.get(), name.c_str(), &c, &journal, &error);
    if (code != OKG_OK) return Error(code, error);
    return BytesJournal(journal);
  }

  template <HotValue T>
  Result<Region<T>> region(const std::string& name, RegionOptions options = {},
                           std::vector<okg_hot_migration> migrations = {}) {
    okg_hot_region_options c = OKG_HOT_REGION_OPTIONS_INIT;
    c.bytes = sizeof(T);
    c.mode = options.is_in_place ? OKG_HOT_IN_PLACE : OKG_HOT_DIFF;
    c.version = HotSchema<T>::kVersion;
    c.fingerprint = hot_fingerprint<T>;
    c.fields = hot_description<T>.bytes.data();
    c.migrations = migrations.data();
    c.migration_count = migrations.size();
    c.checks_touches = options.checks_touches ? 1 : 0;
    okg_hot_region* region = nullptr;
    void* data = nullptr;
    okg_error error;
    const okg_code code = okg_hot_open_region(hot_.get(), name.c_str(), &c, &region, &data, &error);
    if (code != OKG_OK) return Error(code, error);
    return Region<T>(region, static_cast<T*>(data));
  }

  Result<Transaction> transaction() {
    okg_hot_txn* txn = nullptr;
    okg_error error;
    const okg_code code = okg_hot_txn_begin(hot_.get(), &txn, &error);
    if (code != OKG_OK) return Error(code, error);
    return Transaction(txn);
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
