// Collecting outside of a publish: once the server has said what it made of the new payload, or nobody
// answers.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "payload/collect.hpp"

namespace okg::payload {

// collect() on the volume at `path`, under its lock. busy when a publisher is at work: it collects itself.
base::Result<std::vector<VersionName>> collect_volume(base::Os& os, const std::string& path,
                                                      const CollectOptions& options,
                                                      const std::stop_token& stop = {},
                                                      const base::Log& log = {});

}  // namespace okg::payload
