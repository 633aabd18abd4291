// SQLite with a write-ahead log that is not synced; prepared statements, each a transaction of its own.
#include <sqlite3.h>

#include <algorithm>
#include <cstring>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

class Sqlite final : public Subject {
 public:
  explicit Sqlite(const Place& place) {
    check(sqlite3_open((place.directory + "/sqlite").c_str(), &db_));
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=OFF");
    run("CREATE TABLE IF NOT EXISTS record (key INTEGER PRIMARY KEY, value BLOB) STRICT");
    put_ =
        prepare("INSERT INTO record VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    get_ = prepare("SELECT value FROM record WHERE key = ?1");
    erase_ = prepare("DELETE FROM record WHERE key = ?1");
  }
  ~Sqlite() override {
    for (sqlite3_stmt* statement : {put_, get_, erase_}) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    check(sqlite3_bind_blob64(put_, 2, value, size, SQLITE_STATIC));
    if (step(put_, key) != SQLITE_DONE) stop(sqlite3_errmsg(db_));
    check(sqlite3_reset(put_));
  }
  void erase(std::uint64_t key) override {
    if (step(erase_, key) != SQLITE_DONE) stop(sqlite3_errmsg(db_));
    check(sqlite3_reset(erase_));
  }
  bool get(std::uint64_t key, char* value, std::size_t size) override {
    const int code = step(get_, key);
    if (code != SQLITE_ROW && code != SQLITE_DONE) stop(sqlite3_errmsg(db_));
    if (code == SQLITE_ROW) {
      const void* found = sqlite3_column_blob(get_, 0);
      std::memcpy(value, found, std::min(size, static_cast<std::size_t>(sqlite3_column_bytes(get_, 0))));
    }
    check(sqlite3_reset(get_));
    return code == SQLITE_ROW;
  }
  void gather(bool on) override { run(on ? "BEGIN" : "COMMIT"); }

 private:
  void check(int code) {
    if (code != SQLITE_OK) stop(sqlite3_errmsg(db_));
  }
  void run(const char* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
    return statement;
  }
  int step(sqlite3_stmt* statement, std::uint64_t key) {
    check(sqlite3_bind_int64(statement, 1, static_cast<sqlite3_int64>(key)));
    return sqlite3_step(statement);
  }
  sqlite3* db_ = nullptr;
  sqlite3_stmt* put_ = nullptr;
  sqlite3_stmt* get_ = nullptr;
  sqlite3_stmt* erase_ = nullptr;
};

const NamedSubject kSqlite("sqlite", [](const Place& place) { return std::make_unique<Sqlite>(place); });

}  // namespace
}  // namespace okg::benchmarks
