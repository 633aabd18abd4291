// A hot-state segment as a file: found or made whole, held by one writer, mapped.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "base/fork.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "hot/format.hpp"

namespace okg::hot {

struct SegmentOptions {
  std::string directory;  // made 0700 where it is not there
  std::string name;       // the file is <name>.okghot, beside it <name>.lock
  std::uint64_t max_bytes = 64ULL << 20;
  std::uint64_t first_bytes = 0;  // allocated at once; 0: all
  std::uint64_t shards = 8;
  std::uint64_t log_words = 8192;
  std::chrono::milliseconds lock_wait{5000};  // for the process before us to be gone
  std::stop_token stop;
  std::string cgroup_root = "/sys/fs/cgroup";
  base::Log log;
};

class Segment {
 public:
  // The name stays the segment's for as long as this lives. in_use names who holds it; no_space and
  // no_headroom when there is no room to make it; denied when the file is not ours alone; corrupt and
  // unsupported when it is none of this okg's. None of them changes a file that was there.
  static base::Result<std::unique_ptr<Segment>> open(base::Os& os, const SegmentOptions& options);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  std::byte* memory() const { return static_cast<std::byte*>(memory_); }
  std::size_t mapped_bytes() const { return mapped_; }
  const Header& header() const { return header_; }
  const std::string& path() const { return path_; }
  bool was_created() const { return was_created_; }
  std::uint64_t inherited_bytes() const { return inherited_bytes_; }
  // Who had it before us, as that process said of itself; "" when nobody did.
  const std::string& held_before_by() const { return held_before_by_; }
  base::Os& os() const { return os_; }

  // Makes a new, empty one in its place; nothing may use memory() meanwhile. The old file stays under another
  // name, which is returned. When there is no room for both the old one stays where it is.
  base::Result<std::string> begin_anew();

  // Room up to `bytes` of the file. no_space and no_headroom change nothing.
  base::Status allocate(std::uint64_t from, std::uint64_t bytes);
  // Their memory, until they are allocated again. False: the system does not do that.
  bool give_back(std::uint64_t from, std::uint64_t to);

 private:
  Segment(base::Os& os, const SegmentOptions& options) : os_(os), options_(options) {}
  base::Status open_directory();
  base::Status lock();
  base::Status find();
  base::Status make(const std::string& aside);
  base::Status map(int fd, std::uint64_t bytes);
  void make_large_pages(std::uint64_t from, std::uint64_t to);
  base::Status rename(const std::string& from, const std::string& to);
  void sweep();
  base::Error error(base::Code code, const std::string& text) const;

  base::Os& os_;
  SegmentOptions options_;
  std::string path_;
  base::UniqueFd directory_, lock_, file_;
  void* memory_ = nullptr;
  std::size_t mapped_ = 0;
  Header header_{};
  bool was_created_ = false;
  std::uint64_t inherited_bytes_ = 0;
  std::string held_before_by_;
  unsigned generation_ = base::fork_generation();
};

}  // namespace okg::hot
