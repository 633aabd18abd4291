#include "payload/read.hpp"

#include <fcntl.h>

#include <cerrno>
#include <vector>

#include "base/files.hpp"
#include "base/text.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Os;
using base::Result;
using base::UniqueFd;

constexpr int kTries = 8;

int lock_shared(Os& os, int fd) {
  for (;;) {
    const int locked = os.lock(fd, false);
    if (locked == -EINTR) continue;
    // Where there are no locks there is no collector that would honour them either; what is in use is known
    // to it from the server's status.
    return locked == -ENOSYS || locked == -EOPNOTSUPP || locked == -ENOLCK ? 0 : locked;
  }
}

}  // namespace

Result<std::optional<CurrentLink>> read_current(Os& os, int root) {
  // The link itself is opened, so that owner and target are of one and the same link.
  const int fd = os.open(root, kCurrent, O_PATH | O_NOFOLLOW);
  if (fd == -ENOENT) return std::optional<CurrentLink>();
  if (fd < 0) return base::error_from_errno(-fd, "open current");
  const UniqueFd link(fd);
  struct stat info{};
  if (const int failed = os.fstat(link.get(), &info); failed < 0)
    return base::error_from_errno(-failed, "stat current");
  if (!S_ISLNK(info.st_mode))
    return Error(Code::bad_path, "current: not a symbolic link: remove it and publish again");
  char target[256];  // anything longer is not ours
  const ssize_t size = os.readlink(link.get(), "", target, sizeof target);
  if (size < 0) return base::error_from_errno(static_cast<int>(-size), "read link current");
  const std::string_view text(target, static_cast<std::size_t>(size));
  const auto name = VersionName::parse_target(text);
  if (!name)
    return Error(Code::bad_path,
                 "current: leads to " + base::quote(text) + ", not to v/<digest>: publish again");
  return std::optional(CurrentLink{*name, info.st_uid});
}

Result<VersionDirectory> open_version(Os& os, int root, const VersionName& name) {
  const std::string path = name.target();
  for (int i = 0; i < kTries; ++i) {
    auto fd = base::open_beneath(os, root, path, O_RDONLY | O_DIRECTORY);
    if (!fd) {
      struct stat info{};
      const int failed = os.stat(root, path.c_str(), &info);
      if (failed == -ENOENT)
        return Error(Code::io, path + ": not on the volume: wait for the publisher or publish again");
      if (failed == 0 && !S_ISDIR(info.st_mode)) return Error(Code::bad_path, path + ": not a directory");
      return Error(Code::io, fd.error().text);
    }
    const int locked = lock_shared(os, fd->get());
    if (locked == -EWOULDBLOCK) return Error(Code::busy, path + ": is being collected: try again");
    if (locked < 0) return base::error_from_errno(-locked, "lock " + path);
    // A collector that had the lock before us may have moved the directory away and been killed then.
    struct stat held{};
    struct stat named{};
    if (const int failed = os.fstat(fd->get(), &held); failed < 0)
      return base::error_from_errno(-failed, "stat " + path);
    if (os.stat(root, path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
        held.st_ino == named.st_ino && held.st_nlink > 0)
      return VersionDirectory{name, std::move(*fd), held.st_dev, held.st_ino};
  }
  return Error(Code::busy, path + ": keeps being replaced: try again");
}

Result<VersionDirectory> open_current(Os& os, int root) {
  for (int i = 0;; ++i) {
    const auto link = read_current(os, root);
    if (!link) return link.error();
    if (!*link) return Error(Code::not_found, "current: nothing was published yet");
    auto version = open_version(os, root, (*link)->name);
    const auto now = read_current(os, root);
    const bool moved = now && *now && (*now)->name != (*link)->name;
    if (!moved || i + 1 == kTries) return version;
  }
}

Result<std::optional<VersionName>> find_version(Os& os, int root, const Digest& digest) {
  std::optional<VersionName> best;
  const auto fd = base::open_beneath(os, root, kVersions, O_RDONLY | O_DIRECTORY);
  if (!fd) {
    if (fd.error().code == Code::not_found) return best;
    return fd.error();
  }
  std::vector<base::DirectoryEntry> entries;
  if (const int failed = os.list_directory(fd->get(), &entries); failed < 0)
    return base::error_from_errno(-failed, "list v");
  for (const auto& entry : entries) {
    const auto name = VersionName::parse(entry.name);
    if (name && name->digest == digest && (!best || name->copy < best->copy)) best = name;
  }
  return best;
}

}  // namespace okg::payload
