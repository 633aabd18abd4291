// How much more memory this container may take before the kernel kills it. tmpfs does not refuse what goes
// over the limit of the cgroup: it is the process that dies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/os.hpp"

namespace okg::hot {

// Bytes to the nearest limit of the cgroup (v2 and v1) that this process sees, file cache that can be dropped
// not counted; nothing where there is no limit, or none to be seen. `root`: /sys/fs/cgroup.
std::optional<std::uint64_t> headroom(base::Os& os, const std::string& root);

}  // namespace okg::hot
