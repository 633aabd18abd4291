#include "payload/space.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "base/unique_fd.hpp"
#include "payload/hash_file.hpp"
#include "payload/layout.hpp"
#include "payload/tree.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Os;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr std::uint64_t kStatBlock = 512;

using Inodes = std::set<std::pair<std::uint64_t, std::uint64_t>>;

// What kubelet will count against the volume's size limit too.
Status add_usage(Os& os, int root, const char* name, const std::stop_token& stop, Inodes* seen,
                 std::uint64_t* bytes) {
  const int fd = os.open(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd == -ENOENT) return {};
  if (fd < 0) return base::error_from_errno(-fd, std::string("open ") + name);
  const UniqueFd top(fd);
  DirectoryStack directories(os, fd, DirectoryStack::Mode::read);
  const auto add = [&](const TreeEntry& found) -> Status {
    if (stop.stop_requested()) return interrupted();
    const auto directory = directories.parent_of(found.path);
    if (!directory) return directory.error();
    struct stat info{};
    const int failed = os.stat(*directory, std::string(leaf_of(found.path)).c_str(), &info);
    if (failed < 0) return base::error_from_errno(-failed, "stat " + base::quote(found.path));
    if (info.st_nlink > 1 && found.type != DT_DIR && !seen->emplace(info.st_dev, info.st_ino).second)
      return {};
    *bytes += static_cast<std::uint64_t>(info.st_blocks) * kStatBlock;
    return {};
  };
  // A version's own files lie below its directory and files/. What somebody made deeper than we ever do is
  // not worth failing for.
  auto walked = walk_tree(os, fd, add, kMostDepth + 2);
  if (!walked && walked.error().code != Code::bad_path) return walked;
  return {};
}

}  // namespace

Result<std::uint64_t> Space::on_disk(std::uint64_t size) {
  if (block_ == 0) {
    struct statvfs info{};
    if (const int failed = os_.fstatvfs(root_, &info); failed < 0)
      return base::error_from_errno(-failed, "statvfs of the volume");
    block_ = std::clamp<std::uint64_t>(info.f_frsize, kStatBlock, 65536);
  }
  return size > UINT64_MAX - block_ ? size : (size + block_ - 1) / block_ * block_;
}

Status Space::measure() {
  taken_ = 0;
  if (budget_ == 0) return {};
  Inodes seen;
  for (const char* name : {kVersions, kStaging, kProgramDirectory})
    if (auto added = add_usage(os_, root_, name, stop_, &seen, &taken_); !added) return added;
  return {};
}

Status Space::check(const Need& need) {
  struct statvfs info{};
  if (const int failed = os_.fstatvfs(root_, &info); failed < 0)
    return base::error_from_errno(-failed, "statvfs of the volume");
  const auto short_of = [&](const std::string& what) {
    return Error(Code::no_space, "needs " + base::format_size(need.bytes) + " for " +
                                     std::to_string(need.inodes) + " files and directories, but " + what);
  };
  // A file system without limits reports zeros.
  const std::uint64_t free = info.f_bavail * info.f_frsize;
  if (info.f_blocks != 0 && need.bytes > free)
    return short_of("the volume has " + base::format_size(free) + " left: enlarge it");
  if (info.f_files != 0 && need.inodes > info.f_favail)
    return short_of("the volume has " + std::to_string(info.f_favail) + " inodes left: enlarge it");
  if (auto measured = measure(); !measured) return measured;
  return claim(need.bytes);
}

Status Space::claim(std::uint64_t bytes) {
  if (budget_ == 0) return {};
  if (taken_ > budget_ || bytes > budget_ - taken_)
    return Error(Code::no_space, "needs " + base::format_size(bytes) + ", but " + base::format_size(taken_) +
                                     " of the budget of " + base::format_size(budget_) +
                                     " are taken: raise the budget and the volume's size");
  taken_ += bytes;
  return {};
}

}  // namespace okg::payload
