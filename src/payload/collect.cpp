#include "payload/collect.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "payload/read.hpp"
#include "payload/tree.hpp"
#include "payload/volume.hpp"

namespace okg::payload {
namespace {

using base::Os;
using base::UniqueFd;

using Stamp = std::pair<std::int64_t, std::int64_t>;  // seconds, nanoseconds

struct Found {
  VersionName name;
  Stamp published;
};

Stamp stamp_of(const struct stat& info) {
  return {info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

std::vector<Found> list_versions(Os& os, int versions) {
  std::vector<base::DirectoryEntry> entries;
  std::vector<Found> found;
  if (os.list_directory(versions, &entries) < 0) return found;
  for (const auto& entry : entries) {
    const auto name = VersionName::parse(entry.name);
    struct stat info{};
    if (name && os.stat(versions, entry.name.c_str(), &info) == 0) found.push_back({*name, stamp_of(info)});
  }
  return found;
}

// The digests that stay for being new. A damaged copy takes no place of a sound version: what counts is
// digests.
std::set<Digest> newest(std::vector<Found> found, const Digest* current, std::size_t keep) {
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.published > b.published; });
  std::set<Digest> digests;
  if (current != nullptr) digests.insert(*current);
  for (const Found& version : found) {
    if (digests.size() >= keep) break;
    digests.insert(version.name.digest);
  }
  return digests;
}

// Takes it out of v/, so that nobody opens it any more; false when it is in use, or not ours to move.
bool move_away(Os& os, int root, int versions, int staging, const VersionName& name, const std::string& to) {
  const int fd = os.open(versions, name.text().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd == -ELOOP || fd == -ENOTDIR)  // not a version at all
    return os.rename(versions, name.text().c_str(), staging, to.c_str()) == 0;
  if (fd < 0) return false;
  const UniqueFd directory(fd);
  if (os.lock(fd, true) < 0) return false;
  // It was not current when we looked, but whoever does not keep to the lock may have moved the link.
  const auto link = read_current(os, root);
  if (!link || (*link && (*link)->name == name)) return false;
  struct stat info{};
  if (os.fstat(fd, &info) < 0) return false;
  // A directory that is read-only to its owner cannot be given another parent.
  if ((info.st_mode & S_IWUSR) == 0 && os.fchmod(fd, 0755) < 0) return false;
  return os.rename(versions, name.text().c_str(), staging, to.c_str()) == 0;
}

}  // namespace

std::vector<VersionName> collect(Os& os, int root, const CollectOptions& options) {
  std::vector<VersionName> removed;
  const auto link = read_current(os, root);
  if (!link) return removed;  // what we cannot tell to be unused stays
  const auto versions = make_directory(os, root, kVersions, 0755);
  const auto staging = make_directory(os, root, kStaging, 0700);
  if (!versions || !staging) return removed;
  const auto found = list_versions(os, versions->get());
  const auto kept = newest(found, *link ? &(*link)->name.digest : nullptr, options.keep);
  for (const Found& version : found) {
    if (options.stop.stop_requested()) break;
    const VersionName& name = version.name;
    const bool is_current = *link && (*link)->name == name;
    // Of the digest that is current, other copies are damaged or double.
    const bool is_other_copy = *link && (*link)->name.digest == name.digest && !is_current;
    if (is_current || options.sacred.contains(name.digest) || (kept.contains(name.digest) && !is_other_copy))
      continue;
    const std::string aside = "gc." + name.text() + "." + base::random_hex(os);
    if (!move_away(os, root, versions->get(), staging->get(), name, aside)) continue;
    remove_tree(os, staging->get(), aside, options.stop);  // what is left, the next publisher removes
    removed.push_back(name);
  }
  return removed;
}

void stamp_as_newest(Os& os, int versions, int directory) {
  const std::int64_t now = os.realtime_ns();
  Stamp stamp{now / 1'000'000'000, now % 1'000'000'000};
  struct stat own{};
  if (os.fstat(directory, &own) < 0) return;
  std::vector<base::DirectoryEntry> entries;
  if (os.list_directory(versions, &entries) < 0) return;
  for (const auto& entry : entries) {
    struct stat info{};
    if (!VersionName::parse(entry.name) || os.stat(versions, entry.name.c_str(), &info) < 0) continue;
    if (info.st_ino == own.st_ino && info.st_dev == own.st_dev) continue;
    // A whole second: not every file system keeps fractions.
    if (stamp_of(info) >= stamp) stamp = {info.st_mtim.tv_sec + 1, 0};
  }
  os.set_mtime(directory, {stamp.first, stamp.second});
}

}  // namespace okg::payload
