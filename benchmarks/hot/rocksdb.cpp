// RocksDB: the log is written (a kill of the process loses nothing), not synced.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstring>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

class RocksDb final : public Subject {
 public:
  explicit RocksDb(const Place& place) {
    rocksdb::Options options;
    options.create_if_missing = !place.is_there;
    options.error_if_exists = !place.is_there;
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(options, place.directory + "/rocksdb", &opened));
    db_.reset(opened);
  }
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    const rocksdb::Slice k = slice(&key), v(value, size);
    if (!is_gathering_) {
      check(db_->Put(rocksdb::WriteOptions(), k, v));
    } else {
      check(batch_.Put(k, v));
      if (batch_.GetDataSize() > 1 << 20) write_batch();
    }
  }
  void erase(std::uint64_t key) override { check(db_->Delete(rocksdb::WriteOptions(), slice(&key))); }
  bool get(std::uint64_t key, char* value, std::size_t size) override {
    const rocksdb::Status got =
        db_->Get(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), slice(&key), &pinned_);
    if (!got.IsNotFound()) check(got);
    if (got.ok()) std::memcpy(value, pinned_.data(), std::min(size, pinned_.size()));
    pinned_.Reset();
    return got.ok();
  }
  void gather(bool on) override {
    if (!on) write_batch();
    is_gathering_ = on;
  }

 private:
  static rocksdb::Slice slice(const std::uint64_t* key) {
    return {reinterpret_cast<const char*>(key), sizeof *key};
  }
  static void check(const rocksdb::Status& status) {
    if (!status.ok()) stop(status.ToString());
  }
  void write_batch() {
    check(db_->Write(rocksdb::WriteOptions(), &batch_));
    batch_.Clear();
  }
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteBatch batch_;
  rocksdb::PinnableSlice pinned_;
  bool is_gathering_ = false;
};

const NamedSubject kRocksDb("rocksdb", [](const Place& place) { return std::make_unique<RocksDb>(place); });

}  // namespace
}  // namespace okg::benchmarks
