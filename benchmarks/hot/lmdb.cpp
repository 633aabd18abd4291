// LMDB: survives a kill, too. WRITEMAP writes through the mapping, the other way by pwrite.
#include <lmdb.h>

#include <cstring>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

class Lmdb final : public Subject {
 public:
  Lmdb(const Place& place, unsigned flags) {
    check(mdb_env_create(&environment_));
    check(mdb_env_set_mapsize(environment_, place.bytes));
    check(mdb_env_open(environment_, place.directory.c_str(), flags, 0600));
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(environment_, nullptr, 0, &transaction));
    check(mdb_dbi_open(transaction, nullptr, MDB_CREATE | MDB_INTEGERKEY, &table_));
    check(mdb_txn_commit(transaction));
    check(mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &reader_));
    mdb_txn_reset(reader_);
  }
  ~Lmdb() override {
    mdb_txn_abort(reader_);
    mdb_env_close(environment_);
  }
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(environment_, nullptr, 0, &transaction));
    MDB_val k{sizeof key, &key}, v{size, const_cast<char*>(value)};
    check(mdb_put(transaction, table_, &k, &v, 0));
    check(mdb_txn_commit(transaction));
  }
  void erase(std::uint64_t key) override {
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(environment_, nullptr, 0, &transaction));
    MDB_val k{sizeof key, &key};
    check(mdb_del(transaction, table_, &k, nullptr));
    check(mdb_txn_commit(transaction));
  }
  bool get(std::uint64_t key, char* value, std::size_t size) override {
    check(mdb_txn_renew(reader_));
    MDB_val k{sizeof key, &key}, v{};
    const int code = mdb_get(reader_, table_, &k, &v);
    if (code != MDB_NOTFOUND) check(code);
    if (code == 0) std::memcpy(value, v.mv_data, size);
    mdb_txn_reset(reader_);
    return code == 0;
  }

 private:
  static void check(int code) {
    if (code != 0) stop(mdb_strerror(code));
  }
  MDB_env* environment_ = nullptr;
  MDB_dbi table_ = 0;
  MDB_txn* reader_ = nullptr;
};

const NamedSubject kWritemap("lmdb_writemap", [](const Place& place) {
  return std::make_unique<Lmdb>(place, MDB_WRITEMAP | MDB_NOSYNC);
});
const NamedSubject kNosync("lmdb_nosync",
                           [](const Place& place) { return std::make_unique<Lmdb>(place, MDB_NOSYNC); });

}  // namespace
}  // namespace okg::benchmarks
