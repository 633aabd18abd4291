// What a commit of a region costs: a piece of memory of which a part was written since the last one.
//
//   bench-hot-region SUBJECT MEBIBYTES PER_MILLE PIECE DIRECTORY
//   SUBJECT: in_place, diff; or memcpy, which copies all of it into the other half of a file: what keeps a
//   whole
//            state without a library
//   PIECE:   bytes that are written together, at random places
//
// Prints 25 lines of nanoseconds for a commit, announcing and writing what is written included.
#include <fcntl.h>
#include <okg/okg.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

constexpr int kCommits = 25, kWarm = 3;

class State {
 public:
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  virtual ~State() = default;
  char* data = nullptr;
  virtual void touch(char* /*at*/, std::size_t /*bytes*/) {}
  virtual void commit() = 0;
};

class Region final : public State {
 public:
  Region(const std::string& directory, std::size_t bytes, okg_hot_region_mode mode) {
    okg_hot_options options = OKG_HOT_OPTIONS_INIT;
    options.directory = directory.c_str();
    options.name = "bench";
    options.max_bytes = bytes * 3 + (64U << 20);
    okg_error error;
    if (okg_hot_open(&options, &hot_, &error) != OKG_OK) stop(error.text);
    okg_hot_region_options region = OKG_HOT_REGION_OPTIONS_INIT;
    region.bytes = bytes;
    region.mode = mode;
    void* memory = nullptr;
    if (okg_hot_open_region(hot_, "state", &region, &region_, &memory, &error) != OKG_OK) stop(error.text);
    data = static_cast<char*>(memory);
    is_in_place_ = mode == OKG_HOT_IN_PLACE;
  }
  ~Region() override { okg_hot_close(hot_); }
  void touch(char* at, std::size_t bytes) override {
    okg_error error;
    if (is_in_place_ && okg_hot_region_touch(region_, at, bytes, &error) != OKG_OK) stop(error.text);
  }
  void commit() override {
    okg_error error;
    if (okg_hot_region_commit(region_, &error) != OKG_OK) stop(error.text);
  }

 private:
  okg_hot* hot_ = nullptr;
  okg_hot_region* region_ = nullptr;
  bool is_in_place_ = false;
};

class Copies final : public State {
 public:
  Copies(const std::string& directory, std::size_t bytes)
      : bytes_(bytes), memory_(std::make_unique<char[]>(bytes)) {
    const int fd = ::open((directory + "/copies").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ::posix_fallocate(fd, 0, static_cast<off_t>(bytes * 2)) != 0) stop("no file");
    void* mapped = ::mmap(nullptr, bytes * 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) stop("no mapping");
    ::close(fd);
    file_ = static_cast<char*>(mapped);
    data = memory_.get();
  }
  ~Copies() override { ::munmap(file_, bytes_ * 2); }
  void commit() override {
    std::memcpy(file_ + (turn_ ? bytes_ : 0), data, bytes_);
    turn_ = !turn_;
  }

 private:
  std::size_t bytes_;
  std::unique_ptr<char[]> memory_;
  char* file_ = nullptr;
  bool turn_ = false;
};

std::unique_ptr<State> make(std::string_view name, const std::string& directory, std::size_t bytes) {
  if (name == "in_place") return std::make_unique<Region>(directory, bytes, OKG_HOT_IN_PLACE);
  if (name == "diff") return std::make_unique<Region>(directory, bytes, OKG_HOT_DIFF);
  if (name == "memcpy") return std::make_unique<Copies>(directory, bytes);
  stop("no such subject");
}

}  // namespace
}  // namespace okg::benchmarks

int main(int argc, char** argv) {
  using namespace okg::benchmarks;
  if (argc != 6) stop("SUBJECT MEBIBYTES PER_MILLE PIECE DIRECTORY");
  const std::size_t bytes = std::strtoul(argv[2], nullptr, 10) << 20;
  const std::size_t per_mille = std::strtoul(argv[3], nullptr, 10),
                    piece = std::strtoul(argv[4], nullptr, 10);
  if (bytes == 0 || piece == 0 || piece > bytes || per_mille > 1000) stop("sizes and numbers");
  const auto state = make(argv[1], argv[5], bytes);
  const std::size_t places = bytes / piece, written = bytes / 1000 * per_mille / piece;
  std::uint64_t number = 0;
  for (int i = 0; i < kWarm + kCommits; ++i) {
    const std::int64_t begin = monotonic_ns();
    for (std::size_t n = 0; n < written; ++n) {
      char* const at = state->data + scramble(++number) % places * piece;
      state->touch(at, piece);
      std::memset(at, i + 1, piece);
    }
    state->commit();
    if (i >= kWarm) std::printf("%lld\n", static_cast<long long>(monotonic_ns() - begin));
  }
  return 0;
}
