#include "payload/copy.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/files.hpp"
#include "base/text.hpp"
#include "payload/layout.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Os;
using base::Result;
using base::Status;
using base::UniqueFd;

// 1980-01-02: what zip, Bazel, Nix and the like set every file to lies before.
constexpr std::time_t kOldestRealTime = 315'619'200;
// Asking for the blocks first costs more than it saves below this, and above this it can take long in memory,
// where the pages are cleared, without a chance to stop.
constexpr std::uint64_t kLeastPreallocated = kBufferBytes;
constexpr std::uint64_t kMostPreallocated = 64 << 20;

mode_t sealed_mode(const ListEntry& entry) {
  return entry.executable ? 0555 : 0444;
}

Status preallocate(Os& os, int fd, std::uint64_t size, const std::string& path) {
  if (size < kLeastPreallocated || size > kMostPreallocated) return {};
  for (;;) {
    const int failed = os.fallocate(fd, 0, static_cast<off_t>(size));
    if (failed == -EINTR) continue;
    if (failed == -ENOSPC || failed == -EDQUOT)
      return base::error_from_errno(-failed, "allocate " + base::quote(path));
    return {};  // not every file system can, and none has to
  }
}

Result<UniqueFd> create_file(Os& os, int directory, const char* name) {
  const int fd = os.open(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (fd < 0) return base::error_from_errno(-fd, "create " + base::quote(name));
  return UniqueFd(fd);
}

// Mode last: until then nobody but us can open it.
Status finish_file(Os& os, UniqueFd fd, const char* name, mode_t mode) {
  if (const int failed = os.fchmod(fd.get(), mode); failed < 0)
    return base::error_from_errno(-failed, "chmod " + base::quote(name));
  // Some file systems report only now that they could not write.
  if (const int failed = os.close(fd.release()); failed < 0)
    return base::error_from_errno(-failed, "close " + base::quote(name));
  return {};
}

}  // namespace

Copier::Copier(Os& os, int source, const FileList& list, const VerifiedPayload* previous,
               std::stop_token stop)
    : os_(os),
      source_(source),
      list_(list),
      previous_(previous),
      stop_(std::move(stop)),
      source_directories_(os, source_, DirectoryStack::Mode::read) {
  if (previous == nullptr) return;
  previous_directories_.emplace(os, previous->files.get(), DirectoryStack::Mode::read);
  for (const ListEntry& entry : previous->list.entries())
    by_content_.emplace(std::pair(entry.digest, entry.executable), &entry);
}

Status Copier::plan() {
  bool all_equal = true;
  std::optional<timespec> first;
  for (const ListEntry& entry : list_.entries()) {
    if (stop_.stop_requested()) return interrupted();
    const auto directory = source_directories_.parent_of(entry.path);
    if (!directory) return directory.error();
    struct stat info{};
    const int failed = os_.stat(*directory, std::string(leaf_of(entry.path)).c_str(), &info);
    if (failed < 0) return base::error_from_errno(-failed, "stat " + base::quote(entry.path));
    if (!S_ISREG(info.st_mode))
      return Error(Code::bad_path, base::quote(entry.path) + ": not a regular file");
    if (!first) first = info.st_mtim;
    all_equal = all_equal && info.st_mtim.tv_sec == first->tv_sec && info.st_mtim.tv_nsec == first->tv_nsec;
    Plan plan{&entry, nullptr, info.st_mtim, taken_second(entry)};
    plan.link_from = choose_link(plan);
    plans_.push_back(plan);
  }
  // Of what is to be linked too: a link can turn out to be impossible.
  for (Plan& plan : plans_) plan.mtime = choose_mtime(all_equal ? timespec{} : *plan.mtime, plan.taken);
  return {};
}

// Web servers make a file's ETag of size and the second of the mtime: the second with which clients know
// other content of this size at this path.
std::optional<std::time_t> Copier::taken_second(const ListEntry& entry) {
  const ListEntry* before = previous_ == nullptr ? nullptr : previous_->list.find(entry.path);
  if (before == nullptr || before->size != entry.size || before->digest == entry.digest) return {};
  const auto directory = previous_directories_->parent_of(before->path);
  struct stat info{};
  if (!directory || os_.stat(*directory, std::string(leaf_of(before->path)).c_str(), &info) < 0) return {};
  return info.st_mtim.tv_sec;
}

// The same path first: what did not change keeps its time.
const ListEntry* Copier::choose_link(const Plan& plan) {
  if (previous_ == nullptr) return nullptr;
  const ListEntry& entry = *plan.entry;
  struct stat info{};
  const ListEntry* before = previous_->list.find(entry.path);
  if (before != nullptr && before->digest == entry.digest && before->executable == entry.executable &&
      may_link(*before, &info))
    return before;
  const auto same = by_content_.find({entry.digest, entry.executable});
  if (same == by_content_.end() || !may_link(*same->second, &info)) return nullptr;
  return plan.taken == info.st_mtim.tv_sec ? nullptr : same->second;
}

// A build that sets all mtimes to one value would have clients keep the old content: such files get the time
// of publishing instead. A real mtime is kept, so that ETags are the same on every pod.
std::optional<timespec> Copier::choose_mtime(const timespec& source, std::optional<std::time_t> taken) {
  const std::time_t now = os_.realtime_ns() / 1'000'000'000;
  if (source.tv_sec >= kOldestRealTime && source.tv_sec <= now)
    return source.tv_sec == taken ? timespec{*taken + 1, 0} : source;
  if (!taken) return {};
  // Not left to the file system, whose clock may be a moment behind or ahead of what we compared.
  return timespec{std::max(now, *taken + 1), 0};
}

// A link shares owner, mode and time with the version in place: they must be what a copy of ours would have.
bool Copier::may_link(const ListEntry& from, struct stat* info) {
  const auto directory = previous_directories_->parent_of(from.path);
  if (!directory) return false;
  return os_.stat(*directory, std::string(leaf_of(from.path)).c_str(), info) == 0 && S_ISREG(info->st_mode) &&
         (info->st_mode & 07777) == sealed_mode(from) && info->st_uid == os_.effective_uid() &&
         static_cast<std::uint64_t>(info->st_size) == from.size;
}

Result<Need> Copier::need(Space& space) const {
  Need need;
  std::string_view directory;
  const auto add = [&](std::uint64_t size) -> Status {
    const auto bytes = space.on_disk(size);
    if (!bytes) return bytes.error();
    if (*bytes > UINT64_MAX - need.bytes) return Error(Code::no_space, "the payload is larger than any disk");
    need.bytes += *bytes;
    ++need.inodes;
    return {};
  };
  for (const Plan& plan : plans_) {
    const std::string_view path = plan.entry->path;
    const std::string_view parent = path.substr(0, path.size() - leaf_of(path).size());
    // Each level that the file before did not lie in is a directory more.
    for (std::size_t slash = parent.find('/'); slash != parent.npos; slash = parent.find('/', slash + 1)) {
      if (directory.substr(0, slash + 1) == parent.substr(0, slash + 1)) continue;
      if (auto added = add(1); !added) return added.error();
    }
    directory = parent;
    if (plan.link_from != nullptr) continue;
    if (auto added = add(plan.entry->size); !added) return added.error();
  }
  return need;
}

Status Copier::run(int files, Space& space,
                   const std::function<void(std::uint64_t files, std::uint64_t bytes)>& copied) {
  DirectoryStack targets(os_, files, DirectoryStack::Mode::create);
  const auto on_bytes = [&](std::uint64_t bytes) { copied(0, bytes); };
  for (const Plan& plan : plans_) {
    if (stop_.stop_requested()) return interrupted();
    const auto target = targets.parent_of(plan.entry->path);
    if (!target) return target.error();
    const std::string leaf(leaf_of(plan.entry->path));
    if (plan.link_from != nullptr) {
      if (link(plan, *target, leaf.c_str())) {
        linked_bytes_ += plan.entry->size;
        copied(1, plan.entry->size);
        continue;
      }
      if (stop_.stop_requested()) return interrupted();
      const auto bytes = space.on_disk(plan.entry->size);
      if (!bytes) return bytes.error();
      if (auto granted = space.claim(*bytes); !granted) return granted;
    }
    if (auto done = copy(plan, *target, leaf.c_str(), on_bytes); !done) return done;
    copied(1, 0);
  }
  return targets.finish();
}

// False: copy it instead, whatever the reason (EPERM for another uid's file, EMLINK, EXDEV, content that
// changed).
bool Copier::link(const Plan& plan, int target, const char* leaf) {
  const ListEntry& from = *plan.link_from;
  const auto directory = previous_directories_->parent_of(from.path);
  if (!directory) return false;
  const std::string name(leaf_of(from.path));
  const auto file = open_regular(os_, *directory, name.c_str(), from.path);
  struct stat info{};
  // The time may have changed since it was planned with.
  if (!file || !may_link(from, &info) || plan.taken == info.st_mtim.tv_sec) return false;
  const auto digest = hash_file(os_, file->fd.get(), from.size, buffer_, stop_, from.path);
  if (!digest || *digest != from.digest) return false;
  if (os_.link(*directory, name.c_str(), target, leaf) < 0) return false;
  // A name can lead to another file than the one that was hashed a moment ago.
  if (os_.stat(target, leaf, &info) == 0 && info.st_dev == file->info.st_dev &&
      info.st_ino == file->info.st_ino)
    return true;
  os_.unlink(target, leaf, false);
  return false;
}

Status Copier::copy(const Plan& plan, int target, const char* leaf,
                    const std::function<void(std::uint64_t bytes)>& copied) {
  const ListEntry& entry = *plan.entry;
  const auto directory = source_directories_.parent_of(entry.path);
  if (!directory) return directory.error();
  const auto from = open_regular(os_, *directory, std::string(leaf_of(entry.path)).c_str(), entry.path);
  if (!from) return from.error();
  auto to = create_file(os_, target, leaf);
  if (!to) return to.error();
  if (auto done = copy_content(plan, from->fd.get(), to->get(), copied); !done) return done;
  if (plan.mtime) {
    if (const int failed = os_.set_mtime(to->get(), *plan.mtime); failed < 0)
      return base::error_from_errno(-failed, "set mtime of " + base::quote(entry.path));
  }
  return finish_file(os_, std::move(*to), leaf, sealed_mode(entry));
}

Status Copier::copy_content(const Plan& plan, int from, int to,
                            const std::function<void(std::uint64_t bytes)>& copied) {
  const ListEntry& entry = *plan.entry;
  if (auto done = preallocate(os_, to, entry.size, entry.path); !done) return done;
  const auto digest =
      hash_file(os_, from, entry.size, buffer_, stop_, entry.path, [&](std::string_view piece) {
        auto written = base::write_all(os_, to, piece, base::quote(entry.path));
        if (written) copied(piece.size());
        return written;
      });
  if (!digest) return digest.error();
  if (*digest != entry.digest)
    return Error(Code::digest_mismatch,
                 base::quote(entry.path) + ": its content is not what files.list says: pack again");
  return {};
}

Status write_new_file(Os& os, int directory, const char* name, std::string_view content, mode_t mode) {
  auto fd = create_file(os, directory, name);
  if (!fd) return fd.error();
  if (auto written = base::write_all(os, fd->get(), content, name); !written) return written;
  return finish_file(os, std::move(*fd), name, mode);
}

}  // namespace okg::payload
