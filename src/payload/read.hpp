// Reading a volume: from `current` to an open, locked version directory.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "payload/layout.hpp"

namespace okg::payload {

// What `current` is, without opening what it points to.
struct CurrentLink {
  VersionName name;
  uid_t owner = 0;
};

// nullopt when there is no `current` (yet). bad_path when it is something else than a link to v/<digest>[.N].
// `root` is the volume's root directory.
base::Result<std::optional<CurrentLink>> read_current(base::Os& os, int root);

// An open version directory under LOCK_SH: nobody collects it while this lives. Nothing in it is verified
// yet.
struct VersionDirectory {
  VersionName name;
  base::UniqueFd fd;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

// Opens v/<name> beneath `root` without following links, takes LOCK_SH and makes sure that the name still
// leads to the very directory that was locked (a collector may have been killed between its steps). busy
// (retriable) when a collector holds it, io (retriable) when it is not there: on some shared volumes the link
// is seen before the content.
base::Result<VersionDirectory> open_version(base::Os& os, int root, const VersionName& name);

// read_current + open_version, again when `current` moved in between. not_found when there is no `current`.
base::Result<VersionDirectory> open_current(base::Os& os, int root);

// The lowest-numbered directory of that digest on the volume, without opening it.
base::Result<std::optional<VersionName>> find_version(base::Os& os, int root, const Digest& digest);

}  // namespace okg::payload
