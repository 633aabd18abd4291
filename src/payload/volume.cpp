#include "payload/volume.hpp"

#include <fcntl.h>
#include <linux/magic.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/text.hpp"
#include "payload/hash_file.hpp"
#include "payload/tree.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Log;
using base::Os;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr char kRoom[] = "payload";
constexpr char kTemporaryLink[] = ".current.";
constexpr char kTemporaryProgram[] = ".okg.";
constexpr int kLockPollMs = 20;

// Is the directory part of the container's own root, and that an overlay: gone with the container, and seen
// by nobody else?
Result<bool> is_image_layer(Os& os, int root, const struct stat& info) {
  struct statfs system{};
  if (const int failed = os.fstatfs(root, &system); failed < 0)
    return base::error_from_errno(-failed, "statfs of the volume");
  struct stat top{};
  return system.f_type == OVERLAYFS_SUPER_MAGIC && os.stat(AT_FDCWD, "/", &top) == 0 &&
         top.st_dev == info.st_dev;
}

Status flock_within(Os& os, int fd, std::int64_t deadline_ns, const std::stop_token& stop) {
  for (;;) {
    if (stop.stop_requested()) return interrupted();
    const int locked = os.lock(fd, true);
    if (locked == 0) return {};
    if (locked == -EINTR) continue;
    if (locked != -EWOULDBLOCK) return base::error_from_errno(-locked, "lock .lock");
    if (os.monotonic_ns() >= deadline_ns)
      return Error(Code::busy, "another publisher is at work on this volume: try again later");
    os.sleep_ms(kLockPollMs);
  }
}

// The mode that keeps others out of .staging is on purpose, so chmod is no advice to give.
Error cannot_open(Os& os, int parent, const char* name, int error) {
  Error told = base::error_from_errno(error, std::string("open directory ") + name);
  struct stat info{};
  if (error != EACCES || os.stat(parent, name, &info) < 0 || info.st_uid == os.effective_uid()) return told;
  const std::string owner = "uid " + std::to_string(info.st_uid);
  told.text += ": it belongs to " + owner + ", and this is uid " + std::to_string(os.effective_uid()) +
               ": publish as " + owner + " again, or empty the volume";
  return told;
}

// Whatever is in the way of nobody may stay: the next start tries again.
Status tidy(Os& os, const Volume& volume, const std::stop_token& stop, const Log& log) {
  remove_temporaries(os, volume.root.get(), kTemporaryLink);
  const UniqueFd programs(
      std::max(os.open(volume.root.get(), kProgramDirectory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), -1));
  if (programs) remove_temporaries(os, programs.get(), kTemporaryProgram);
  std::vector<base::DirectoryEntry> entries;
  if (const int failed = os.list_directory(volume.staging.get(), &entries); failed < 0)
    return base::error_from_errno(-failed, "list .staging");
  for (const auto& entry : entries) {
    if (stop.stop_requested()) return interrupted();
    if (auto removed = remove_tree(os, volume.staging.get(), entry.name, stop); !removed)
      log.warn(kRoom, "leftover .staging/" + base::one_line(entry.name) + ": " + removed.error().text);
  }
  return {};
}

}  // namespace

Result<UniqueFd> open_root(Os& os, const std::string& path, const Log& log) {
  const int fd = os.open(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd == -ENOTDIR)
    return Error(Code::invalid_argument, path + ": not a directory: name the payload volume");
  if (fd < 0) return base::error_from_errno(-fd, "open payload volume " + path);
  UniqueFd root(fd);
  struct stat info{};
  if (const int failed = os.fstat(fd, &info); failed < 0)
    return base::error_from_errno(-failed, "stat payload volume " + path);
  if (info.st_nlink == 0) return Error(Code::io, path + ": was removed: mount the volume again");
  const auto layer = is_image_layer(os, fd, info);
  if (!layer) return layer.error();
  if (*layer) {
    const char* hint = ": not a volume but the container's own file system: mount the payload volume there";
    if (std::getenv("KUBERNETES_SERVICE_HOST") != nullptr || path.starts_with("/okg/"))
      return Error(Code::invalid_argument, path + hint);
    log.warn(kRoom, path + hint);
  }
  return root;
}

Result<UniqueFd> lock_volume(Os& os, int root, std::chrono::milliseconds wait, const std::stop_token& stop) {
  const std::int64_t deadline = os.monotonic_ns() + std::chrono::nanoseconds(wait).count();
  for (;;) {
    // Read-only is enough for a lock, and lets a publisher of another uid take it too.
    const int fd = os.open(root, kLock, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644);
    if (fd < 0) return base::error_from_errno(-fd, "open .lock");
    UniqueFd lock(fd);
    struct stat held{};
    if (const int failed = os.fstat(fd, &held); failed < 0)
      return base::error_from_errno(-failed, "stat .lock");
    if (!S_ISREG(held.st_mode)) return Error(Code::bad_path, ".lock: not a regular file: remove it");
    if ((held.st_mode & 07777) != 0644 && held.st_uid == os.effective_uid()) os.fchmod(fd, 0644);
    if (auto locked = flock_within(os, fd, deadline, stop); !locked) return locked.error();
    // Somebody may have removed the file meanwhile; a lock on what has no name keeps nobody out.
    struct stat named{};
    const int failed = os.stat(root, kLock, &named);
    if (failed < 0 && failed != -ENOENT) return base::error_from_errno(-failed, "stat .lock");
    if (failed == 0 && named.st_dev == held.st_dev && named.st_ino == held.st_ino) return lock;
  }
}

Result<UniqueFd> make_directory(Os& os, int parent, const char* name, mode_t mode) {
  const int made = os.mkdir(parent, name, mode);
  if (made < 0 && made != -EEXIST)
    return base::error_from_errno(-made, std::string("make directory ") + name);
  const int fd = os.open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd == -ELOOP || fd == -ENOTDIR)
    return Error(Code::bad_path, std::string(name) + ": not a directory: remove it");
  if (fd < 0) return cannot_open(os, parent, name, -fd);
  UniqueFd directory(fd);
  struct stat info{};
  if (const int failed = os.fstat(fd, &info); failed < 0)
    return base::error_from_errno(-failed, std::string("stat directory ") + name);
  // Of a directory that is somebody else's we only use what we may.
  if ((info.st_mode & 0777) != mode && info.st_uid == os.effective_uid()) {
    if (const int failed = os.fchmod(fd, mode); failed < 0)
      return base::error_from_errno(-failed, std::string("chmod directory ") + name);
  }
  return directory;
}

Result<Volume> open_volume(Os& os, const std::string& path, std::chrono::milliseconds lock_wait,
                           const std::stop_token& stop, const Log& log) {
  Volume volume;
  auto root = open_root(os, path, log);
  if (!root) return root.error();
  volume.root = std::move(*root);
  const auto at_path = [&](const Error& error) { return Error(error.code, path + ": " + error.text); };
  auto lock = lock_volume(os, volume.root.get(), lock_wait, stop);
  if (!lock) return at_path(lock.error());
  volume.lock = std::move(*lock);
  auto versions = make_directory(os, volume.root.get(), kVersions, 0755);
  if (!versions) return at_path(versions.error());
  volume.versions = std::move(*versions);
  auto staging = make_directory(os, volume.root.get(), kStaging, 0700);
  if (!staging) return at_path(staging.error());
  volume.staging = std::move(*staging);
  if (auto tidied = tidy(os, volume, stop, log); !tidied) return at_path(tidied.error());
  return volume;
}

Status move_current(Os& os, int root, const VersionName& name) {
  const std::string temporary = kTemporaryLink + base::random_hex(os);
  if (const int failed = os.symlink(name.target().c_str(), root, temporary.c_str()); failed < 0)
    return base::error_from_errno(-failed, "make link " + temporary);
  if (const int failed = os.rename(root, temporary.c_str(), root, kCurrent); failed < 0) {
    os.unlink(root, temporary.c_str(), false);
    return base::error_from_errno(-failed, "move link current");
  }
  return {};
}

}  // namespace okg::payload
