// What a put, an update and a get of one record cost, in okg and in what somebody would otherwise pick. One
// subject, one kind of operation, one size per run; prints the nanoseconds per operation of each chunk.
//
//   bench-hot-table SUBJECT OPERATION VALUE_BYTES KEYS OPERATIONS DIRECTORY
//   SUBJECT: okg | unordered_map | lmdb_writemap | lmdb_nosync | boost      OPERATION: put | update | get
//
// Keys are scrambled 64-bit numbers in random order (dense ones would flatter an identity hash); every
// operation is a commit of its own; everything lies on the same tmpfs.
#include <lmdb.h>
#include <okg/okg.h>

#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/vector.hpp>
#include <boost/interprocess/managed_mapped_file.hpp>
#include <boost/unordered_map.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

constexpr std::size_t kChunks = 25;

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "bench-hot-table: %s\n", why.c_str());
  std::exit(1);
}

// A bijection: no key comes twice.
std::uint64_t scramble(std::uint64_t number) {
  number ^= number >> 30;
  number *= 0xBF58476D1CE4E5B9;
  number ^= number >> 27;
  number *= 0x94D049BB133111EB;
  return number ^ number >> 31;
}

class Subject {
 public:
  virtual ~Subject() = default;
  virtual void put(std::uint64_t key, const char* value, std::size_t size) = 0;
  virtual void get(std::uint64_t key, char* value, std::size_t size) = 0;
};

class Okg final : public Subject {
 public:
  Okg(const std::string& directory, std::uint64_t bytes) {
    okg_hot_options options = OKG_HOT_OPTIONS_INIT;
    options.directory = directory.c_str();
    options.name = "bench";
    options.max_bytes = bytes;
    okg_error error;
    if (okg_hot_open(&options, &hot_, &error) != OKG_OK) stop(error.text);
    if (okg_hot_open_table(hot_, "table", nullptr, &table_, &error) != OKG_OK) stop(error.text);
  }
  ~Okg() override { okg_hot_close(hot_); }
  Okg(const Okg&) = delete;
  Okg& operator=(const Okg&) = delete;
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    okg_error error;
    if (okg_hot_put_u64(table_, key, value, size, &error) != OKG_OK) stop(error.text);
  }
  void get(std::uint64_t key, char* value, std::size_t size) override {
    if (okg_hot_get_u64(table_, key, value, size, nullptr, nullptr) != OKG_OK) stop("a record is missing");
  }

 private:
  okg_hot* hot_ = nullptr;
  okg_hot_table* table_ = nullptr;
};

// No persistence at all: what a game does today.
class UnorderedMap final : public Subject {
 public:
  explicit UnorderedMap(std::size_t keys) { map_.reserve(keys); }
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    auto& kept = map_[key];
    if (!kept) kept = std::make_unique_for_overwrite<char[]>(size);
    std::memcpy(kept.get(), value, size);
  }
  void get(std::uint64_t key, char* value, std::size_t size) override {
    const auto found = map_.find(key);
    if (found == map_.end()) stop("a record is missing");
    std::memcpy(value, found->second.get(), size);
  }

 private:
  std::unordered_map<std::uint64_t, std::unique_ptr<char[]>> map_;
};

class Lmdb final : public Subject {
 public:
  Lmdb(const std::string& directory, std::uint64_t bytes, unsigned flags) {
    check(mdb_env_create(&environment_));
    check(mdb_env_set_mapsize(environment_, bytes));
    check(mdb_env_open(environment_, directory.c_str(), flags, 0600));
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
  Lmdb(const Lmdb&) = delete;
  Lmdb& operator=(const Lmdb&) = delete;
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(environment_, nullptr, 0, &transaction));
    MDB_val k{sizeof key, &key}, v{size, const_cast<char*>(value)};
    check(mdb_put(transaction, table_, &k, &v, 0));
    check(mdb_txn_commit(transaction));
  }
  void get(std::uint64_t key, char* value, std::size_t size) override {
    check(mdb_txn_renew(reader_));
    MDB_val k{sizeof key, &key}, v{};
    check(mdb_get(reader_, table_, &k, &v));
    std::memcpy(value, v.mv_data, size);
    mdb_txn_reset(reader_);
  }

 private:
  static void check(int code) {
    if (code != 0) stop(mdb_strerror(code));
  }
  MDB_env* environment_ = nullptr;
  MDB_dbi table_ = 0;
  MDB_txn* reader_ = nullptr;
};

// In shared memory, but a kill within an operation leaves a lock that is held or a heap that is broken.
class Boost final : public Subject {
  using Segment = boost::interprocess::managed_mapped_file;
  using Bytes =
      boost::interprocess::vector<char, boost::interprocess::allocator<char, Segment::segment_manager>>;
  using Pair = std::pair<const std::uint64_t, Bytes>;
  using Map = boost::unordered_map<std::uint64_t, Bytes, boost::hash<std::uint64_t>, std::equal_to<>,
                                   boost::interprocess::allocator<Pair, Segment::segment_manager>>;

 public:
  Boost(const std::string& directory, std::uint64_t bytes, std::size_t keys)
      : segment_(boost::interprocess::create_only, (directory + "/boost").c_str(), bytes),
        map_(segment_.construct<Map>("map")(keys, boost::hash<std::uint64_t>(), std::equal_to<>(),
                                            segment_.get_segment_manager())) {}
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    const auto [at, is_new] = map_->emplace(key, Bytes(segment_.get_segment_manager()));
    if (is_new) at->second.resize(size);
    std::memcpy(at->second.data(), value, size);
  }
  void get(std::uint64_t key, char* value, std::size_t size) override {
    const auto found = map_->find(key);
    if (found == map_->end()) stop("a record is missing");
    std::memcpy(value, found->second.data(), size);
  }

 private:
  Segment segment_;
  Map* map_;
};

std::unique_ptr<Subject> make(const std::string& name, const std::string& directory, std::uint64_t bytes,
                              std::size_t keys) {
  if (name == "okg") return std::make_unique<Okg>(directory, bytes);
  if (name == "unordered_map") return std::make_unique<UnorderedMap>(keys);
  if (name == "lmdb_writemap") return std::make_unique<Lmdb>(directory, bytes, MDB_WRITEMAP | MDB_NOSYNC);
  if (name == "lmdb_nosync") return std::make_unique<Lmdb>(directory, bytes, MDB_NOSYNC);
  if (name == "boost") return std::make_unique<Boost>(directory, bytes, keys);
  stop(name + ": no such subject");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) stop("SUBJECT OPERATION VALUE_BYTES KEYS OPERATIONS DIRECTORY");
  const std::string operation = argv[2];
  const std::size_t size = std::strtoul(argv[3], nullptr, 10), keys = std::strtoul(argv[4], nullptr, 10);
  const std::size_t operations = std::strtoul(argv[5], nullptr, 10) / kChunks * kChunks;
  if (size == 0 || keys == 0 || operations == 0) stop("sizes and numbers are not 0");
  const std::uint64_t bytes = (keys * (size * 9 / 4 + 256) + (256ULL << 20)) / 4096 * 4096;
  const auto subject = make(argv[1], argv[6], bytes, keys);
  std::string value(size, 'v'), out(size, '\0');
  const auto put = [&](std::uint64_t key, std::uint64_t stamp) {
    std::memcpy(value.data(), &stamp, std::min(size, sizeof stamp));
    subject->put(key, value.data(), size);
  };
  if (operation != "put")
    for (std::uint64_t i = 0; i < keys; ++i) put(scramble(i), i);
  // Pages that were never touched are the kernel's time, not the table's: a second pass over all keys has
  // them there.
  if (operation == "update")
    for (std::uint64_t i = 0; i < keys; ++i) put(scramble(i), i);
  std::uint64_t next = 1;
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < operations / kChunks; ++i, ++next) {
      if (operation == "put") {
        put(scramble(next % keys), next);
      } else if (operation == "update") {
        put(scramble(scramble(next) % keys), next);
      } else {
        subject->get(scramble(scramble(next) % keys), out.data(), size);
      }
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    std::printf("%.2f\n", took.count() / static_cast<double>(operations / kChunks));
  }
  return 0;
}
