#include "hot/segment.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/files.hpp"
#include "base/fork.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "hot/headroom.hpp"
#include "hot/layout.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

namespace {

constexpr std::size_t kMostOwnerText = 4096;
constexpr int kLockPauseMs = 2;
constexpr std::uint64_t kAllocationStep = 64ULL << 20;
constexpr int kMostInterrupted = 1000;
// What large pages may take, each and besides: beyond it memory is in too small pieces.
constexpr std::int64_t kLargePageNs = 5'000'000, kLargePagePatienceNs = 50'000'000;
constexpr std::uint64_t kReserve = 4ULL << 20;  // for the rest of the process, while we allocate

// A file's name is made of it. Without a dot: what sweep() removes is then never another segment's.
bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMostNameBytes) return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
      return false;
  return true;
}

// For people: nothing is decided by it.
std::string own_description(base::Os& os) {
  base::OrderedJson json;
  json["pid"] = ::getpid();
  std::array<char, 65> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) json["host"] = host.data();
  json["since"] = base::format_time(os.realtime_ns());
  return base::dump(json) + "\n";
}

}  // namespace

Error Segment::error(Code code, const std::string& text) const {
  return {code, "hot state " + path_ + ": " + text};
}

Result<std::unique_ptr<Segment>> Segment::open(base::Os& os, const SegmentOptions& options) {
  std::unique_ptr<Segment> segment(new Segment(os, options));
  segment->path_ = options.directory + "/" + options.name + ".okghot";
  if (!is_name(options.name))
    return Error(Code::invalid_argument, "hot state " + base::quote(options.name) +
                                             ": a name has 1 to 63 letters, digits, '-' and '_'");
  if (auto opened = segment->open_directory(); !opened) return opened.error();
  if (auto locked = segment->lock(); !locked) return locked.error();
  auto found = segment->find();
  if (!found && found.error().code == Code::not_found) {
    segment->sweep();
    found = segment->make("");
  }
  if (!found) return found.error();
  return segment;
}

Segment::~Segment() {
  // Not in a forked child, which has neither memory nor lock.
  if (generation_ != base::fork_generation()) {
    (void)lock_.release();
    return;
  }
  // The mapping first: who gets the lock is alone.
  if (memory_ != nullptr) os_.unmap(memory_, mapped_);
  // Not only closed: a helper that is being forked may have the descriptor for a moment.
  os_.unlock_open_file(lock_.get());
  base::forget_descriptor(lock_.get());
}

Status Segment::open_directory() {
  if (auto made = base::make_private_directories(os_, options_.directory); !made) return made;
  const int fd = os_.open(AT_FDCWD, options_.directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return base::error_from_errno(-fd, "hot state directory " + options_.directory);
  directory_.reset(fd);
  struct statfs info{};
  if (os_.fstatfs(fd, &info) == 0 && info.f_type != TMPFS_MAGIC && info.f_type != HUGETLBFS_MAGIC)
    options_.log.warn("hot", options_.directory + ": is no memory: an emptyDir with medium Memory is faster");
  return {};
}

// Never unlinked, so that two processes cannot hold two files of one name. The kernel gives the lock up when
// the last descriptor of that open file is closed, which is after a dying process's memory is gone.
Status Segment::lock() {
  const std::string name = options_.name + ".lock";
  const int fd = os_.open(directory_.get(), name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return base::error_from_errno(-fd, "hot state lock " + options_.directory + "/" + name);
  lock_.reset(fd);
  // Or a helper that the game forks would hold the lock when the game is gone.
  base::close_in_children(fd);
  const std::int64_t deadline = os_.monotonic_ns() + std::chrono::nanoseconds(options_.lock_wait).count();
  for (;;) {
    const int locked = os_.lock_open_file(fd);
    if (locked == 0) break;
    if (locked == -EINTR) continue;
    if (locked != -EAGAIN && locked != -EACCES) return base::error_from_errno(-locked, "lock " + path_);
    if (os_.monotonic_ns() >= deadline || options_.stop.stop_requested()) {
      const auto owner = base::read_small_file(os_, fd, kMostOwnerText, name);
      const std::string who =
          owner && !owner->empty() ? base::one_line(*owner, 200) : "a process that did not say who it is";
      return error(Code::in_use, "is held by " + who + "; it was waited for " +
                                     base::format_duration(options_.lock_wait) +
                                     ": end that process, or wait longer");
    }
    os_.sleep_ms(kLockPauseMs);
  }
  if (auto before = base::read_small_file(os_, fd, kMostOwnerText, name))
    held_before_by_ = base::one_line(*before, 200);
  // Best effort: it only helps whoever reads an error. Through a file opened anew, whose end gives up no
  // lock.
  if (const base::UniqueFd out(os_.open(directory_.get(), name.c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW));
      out)
    (void)base::write_all(os_, out.get(), own_description(os_), name);
  return {};
}

Status Segment::find() {
  const std::string name = options_.name + ".okghot";
  const int fd = os_.open(directory_.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  if (fd == -ENOENT) return error(Code::not_found, "is not there");
  if (fd == -ELOOP) return error(Code::denied, "is a link: remove it");
  if (fd < 0) return base::error_from_errno(-fd, "hot state " + path_);
  file_.reset(fd);
  struct stat info{};
  if (const int failed = os_.fstat(fd, &info); failed < 0)
    return base::error_from_errno(-failed, "hot state " + path_);
  if (!S_ISREG(info.st_mode)) return error(Code::denied, "is no regular file: remove it");
  if (info.st_uid != os_.effective_uid())
    return error(Code::denied, "belongs to uid " + std::to_string(info.st_uid) + ", we are " +
                                   std::to_string(os_.effective_uid()) +
                                   ": run as the same user as before, or remove it");
  if ((info.st_mode & 077) != 0) return error(Code::denied, "may be read by others: chmod 600");
  if (info.st_nlink != 1) return error(Code::denied, "has another name too: remove that");

  std::array<std::byte, sizeof(Header)> bytes{};
  ssize_t size = 0;
  do size = os_.pread(fd, bytes.data(), bytes.size(), 0);
  while (size == -EINTR);
  if (size < 0) return base::error_from_errno(static_cast<int>(-size), "hot state " + path_);
  const auto header = check_header(bytes.data(), static_cast<std::size_t>(size));
  if (!header) return error(header.error().code, header.error().text);
  header_ = *header;
  const auto file_bytes = static_cast<std::uint64_t>(info.st_size);
  if (file_bytes < header_.data_offset)
    return error(Code::corrupt, "is cut off: it ends before its data begins");
  inherited_bytes_ = static_cast<std::uint64_t>(info.st_blocks) * 512;
  if (auto mapped = map(fd, header_.max_bytes); !mapped) return mapped;
  // Behind the end of the file a load is a SIGBUS.
  const std::uint64_t allocated = ordered::load(&Image(memory(), header_).state().bytes.word);
  if (const auto checked = check_extent(header_, allocated, file_bytes); !checked)
    return error(checked.error().code, checked.error().text);
  // A copy may have lost what was empty: it is there again before somebody touches it.
  const std::uint64_t given_back = ordered::load(&Image(memory(), header_).state().given_back.word);
  if (inherited_bytes_ < allocated - std::min(allocated, given_back)) return allocate(0, allocated);
  return {};
}

bool Segment::give_back(std::uint64_t from, std::uint64_t to) {
  return os_.punch_hole(file_.get(), static_cast<off_t>(from), static_cast<off_t>(to - from)) == 0;
}

// Under another name until it is complete.
Status Segment::make(const std::string& aside) {
  if (options_.max_bytes == 0) return error(Code::invalid_argument, "say how large it may become");
  std::array<std::uint8_t, 16> id{};
  std::uint64_t seed = 0;
  if (const int got = os_.random(id.data(), id.size()); got < 0)
    return base::error_from_errno(-got, "random numbers");
  if (const int got = os_.random(&seed, sizeof seed); got < 0)
    return base::error_from_errno(-got, "random numbers");
  const auto header = lay_out(options_.max_bytes, options_.shards, options_.log_words, id, seed);
  if (!header) return error(header.error().code, header.error().text);
  header_ = *header;
  std::uint64_t bytes = header_.max_bytes;
  if (options_.first_bytes != 0)
    bytes = std::min(header_.max_bytes, std::max(padded(options_.first_bytes, kPageBytes),
                                                 header_.data_offset + 64 * kPageBytes));

  const std::string name = "." + options_.name + ".okghot." + base::random_hex(os_);
  const int fd = os_.open(directory_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (fd < 0) return base::error_from_errno(-fd, "make " + options_.directory + "/" + name);
  file_.reset(fd);
  auto made = [&]() -> Status {
    if (auto mapped = map(fd, header_.max_bytes); !mapped) return mapped;
    if (auto room = allocate(0, bytes); !room) return room;
    format(memory(), header_, bytes);
    const std::string final_name = options_.name + ".okghot";
    if (!aside.empty())
      if (auto moved = rename(final_name, aside); !moved) return moved;
    auto named = rename(name, final_name);
    // A kill in between has the next open begin anew; the old file is aside then as well.
    if (!named && !aside.empty()) (void)rename(aside, final_name);
    return named;
  }();
  if (!made) {
    if (memory_ != nullptr) os_.unmap(std::exchange(memory_, nullptr), mapped_);
    os_.unlink(directory_.get(), name.c_str(), false);
    return made;
  }
  was_created_ = true;
  return {};
}

// Where nothing is. The lock makes us the only one who names segments of this name.
Status Segment::rename(const std::string& from, const std::string& to) {
  int renamed = os_.rename_noreplace(directory_.get(), from.c_str(), directory_.get(), to.c_str());
  if (renamed == -ENOSYS || renamed == -EINVAL)
    renamed = os_.rename(directory_.get(), from.c_str(), directory_.get(), to.c_str());
  if (renamed < 0) return base::error_from_errno(-renamed, "rename " + from + " to " + to + " for " + path_);
  return {};
}

// What a killed process was making. Nobody else is: the lock is ours.
void Segment::sweep() {
  std::vector<base::DirectoryEntry> entries;
  if (os_.list_directory(directory_.get(), &entries) < 0) return;
  const std::string prefix = "." + options_.name + ".okghot.";
  for (const auto& entry : entries)
    if (entry.name.starts_with(prefix)) os_.unlink(directory_.get(), entry.name.c_str(), false);
}

Result<std::string> Segment::begin_anew() {
  const std::string aside =
      options_.name + ".okghot.quarantine." + base::to_hex(header_.id.data(), header_.id.size());
  // What was asked for when the old one was made is asked for again.
  void* const old_memory = std::exchange(memory_, nullptr);
  const std::size_t old_mapped = mapped_;
  base::UniqueFd old_file = std::move(file_);
  const Header old_header = header_;
  options_.max_bytes = header_.max_bytes;
  if (auto made = make(aside); !made) {
    memory_ = old_memory;
    mapped_ = old_mapped;
    file_ = std::move(old_file);
    header_ = old_header;
    return made.error();
  }
  os_.unmap(old_memory, old_mapped);
  return options_.directory + "/" + aside;
}

Status Segment::map(int fd, std::uint64_t bytes) {
  // All that it may become, in one piece: addresses stay when it grows.
  if (const int failed = os_.map(fd, bytes, &memory_); failed < 0)
    return base::error_from_errno(-failed, "map " + base::format_size(bytes) + " of " + path_);
  mapped_ = bytes;
  return {};
}

// A random access costs a third less in a large page, and the next process has all of it with one fault; so
// do it where the kernel can, whatever it does by itself. Nothing is promised: what stays is allocated as
// small ones.
void Segment::make_large_pages(std::uint64_t from, std::uint64_t to) {
  const std::int64_t begin = os_.monotonic_ns();
  std::int64_t patience = kLargePagePatienceNs;
  for (std::uint64_t at = padded(from, base::kLargePageBytes); at + base::kLargePageBytes <= to;
       at += base::kLargePageBytes) {
    // Before it is touched: where there is no room, that is a signal.
    if (os_.fallocate(file_.get(), static_cast<off_t>(at), static_cast<off_t>(kPageBytes)) < 0) return;
    if (os_.make_large_page(memory() + at) < 0) return;
    patience += kLargePageNs;
    if (os_.monotonic_ns() - begin > patience) return;
  }
}

Status Segment::allocate(std::uint64_t from, std::uint64_t bytes) {
  const std::uint64_t more = bytes - from;
  // What was there before this container is charged to the pod all the same, but not seen in our own counter.
  if (auto left = headroom(os_, options_.cgroup_root)) {
    *left -= std::min(*left, inherited_bytes_ + kReserve);
    if (more > *left)
      return error(Code::no_headroom, "needs " + base::format_size(more) +
                                          ", but the container's memory limit leaves " +
                                          base::format_size(*left) + ": raise the limit, or lower max_bytes");
  }
  // Beyond this limit the kernel sends a signal that ends the process.
  if (rlimit limit{};
      ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur)
    return error(Code::no_space, "needs a file of " + base::format_size(bytes) + ", but RLIMIT_FSIZE is " +
                                     base::format_size(limit.rlim_cur) + ": raise it (ulimit -f)");
  make_large_pages(from, bytes);
  // By steps: where a signal ends a call, what it did is undone.
  int interrupted = 0;
  for (std::uint64_t at = from; at < bytes;) {
    const std::uint64_t step = std::min(kAllocationStep, bytes - at);
    const int failed = os_.fallocate(file_.get(), static_cast<off_t>(at), static_cast<off_t>(step));
    if (failed == -EINTR && ++interrupted < kMostInterrupted) continue;
    if (failed == -ENOSPC || failed == -EDQUOT) {
      struct statfs info{};
      std::string room;
      if (os_.fstatfs(directory_.get(), &info) == 0)
        room = ", of which " + options_.directory + " has " +
               base::format_size(static_cast<std::uint64_t>(info.f_bavail) *
                                 static_cast<std::uint64_t>(info.f_bsize)) +
               " left";
      return error(Code::no_space, "needs " + base::format_size(more) + room +
                                       ": raise the volume's sizeLimit (/dev/shm is 64 MiB unless told "
                                       "otherwise), or lower max_bytes");
    }
    if (failed < 0)
      return base::error_from_errno(-failed, "allocate " + base::format_size(more) + " for " + path_);
    at += step;
  }
  return {};
}

}  // namespace okg::hot
