// What forgets everything when the process ends: the floors.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <unordered_map>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

// Values of any size, each in a block of its own: what a map of strings or vectors is.
class UnorderedMap final : public Subject {
 public:
  explicit UnorderedMap(const Place& place) { map_.reserve(place.keys); }
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    auto& kept = map_[key];
    if (!kept) kept = std::make_unique_for_overwrite<char[]>(size);
    std::memcpy(kept.get(), value, size);
  }
  void erase(std::uint64_t key) override {
    if (map_.erase(key) == 0) stop("a record is missing");
  }
  bool get(std::uint64_t key, char* value, std::size_t size) override {
    const auto found = map_.find(key);
    if (found == map_.end()) return false;
    std::memcpy(value, found->second.get(), size);
    return true;
  }

 private:
  std::unordered_map<std::uint64_t, std::unique_ptr<char[]>> map_;
};

// Values of one size, known when it is compiled: what a map of structs is. One miss of the cache fewer.
template <std::size_t kBytes>
class MapOfStructs final : public Subject {
 public:
  explicit MapOfStructs(const Place& place) { map_.reserve(place.keys); }
  void put(std::uint64_t key, const char* value, std::size_t) override {
    std::memcpy(map_[key].bytes, value, kBytes);
  }
  void erase(std::uint64_t key) override {
    if (map_.erase(key) == 0) stop("a record is missing");
  }
  bool get(std::uint64_t key, char* value, std::size_t) override {
    const auto found = map_.find(key);
    if (found == map_.end()) return false;
    std::memcpy(value, found->second.bytes, kBytes);
    return true;
  }

 private:
  struct Value {
    Value() {}  // NOLINT(modernize-use-equals-default): not zeroed first
    char bytes[kBytes];
  };
  std::unordered_map<std::uint64_t, Value> map_;
};

std::unique_ptr<Subject> make_map_of_structs(const Place& place) {
  switch (place.value_bytes) {
    case 16:
      return std::make_unique<MapOfStructs<16>>(place);
    case 64:
      return std::make_unique<MapOfStructs<64>>(place);
    case 256:
      return std::make_unique<MapOfStructs<256>>(place);
    case 1024:
      return std::make_unique<MapOfStructs<1024>>(place);
    case 4096:
      return std::make_unique<MapOfStructs<4096>>(place);
    default:
      stop("a map of structs of that size was not compiled");
  }
}

// Nothing is looked up: a copy to or from a random place of an array. In memory of its own, or in a file on
// the same tmpfs, whose pages are as small as the other subjects'.
class Array final : public Subject {
 public:
  Array(const Place& place, bool is_shared)
      : keys_(place.keys), mapped_bytes_(place.keys * place.value_bytes) {
    int fd = -1;
    if (is_shared) {
      fd = ::open((place.directory + "/array").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (fd < 0 || ::posix_fallocate(fd, 0, static_cast<off_t>(mapped_bytes_)) != 0) stop("no array");
    }
    void* mapped = ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                          is_shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
    if (mapped == MAP_FAILED) stop("no array");
    if (fd >= 0) ::close(fd);
    bytes_ = static_cast<char*>(mapped);
  }
  ~Array() override { ::munmap(bytes_, mapped_bytes_); }
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    std::memcpy(bytes_ + key % keys_ * size, value, size);
  }
  void erase(std::uint64_t) override { stop("an array has nothing to erase"); }
  bool get(std::uint64_t key, char* value, std::size_t size) override {
    std::memcpy(value, bytes_ + key % keys_ * size, size);
    return true;
  }
  [[nodiscard]] bool is_for_threads() const override { return true; }

 private:
  std::size_t keys_, mapped_bytes_;
  char* bytes_ = nullptr;
};

const NamedSubject kUnorderedMap("unordered_map",
                                 [](const Place& place) { return std::make_unique<UnorderedMap>(place); });
const NamedSubject kMapOfStructs("unordered_map_of_structs", make_map_of_structs);
const NamedSubject kArray("memcpy", [](const Place& place) { return std::make_unique<Array>(place, false); });
const NamedSubject kSharedArray("memcpy_tmpfs",
                                [](const Place& place) { return std::make_unique<Array>(place, true); });

}  // namespace
}  // namespace okg::benchmarks
