// Whose hot state it is: a server's, or nobody's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "hot/commit_times.hpp"
#include "okg/okg.h"

namespace okg::abi {

// What a hot state tells of itself: as an object of the status, and for metrics.
struct Said {
  base::OrderedJson json;
  hot::CommitTimes::Counts commits;
};
using Say = std::function<Said()>;
// Status and metrics say it until this ends, which waits for a status that is being made.
using Shown = std::shared_ptr<void>;

struct Home {
  std::string directory;
  std::function<Shown(Say)> show;
};
// In the library of hot state alone there are no servers: no_server.cpp.
Home home_of(const okg_server& server);

}  // namespace okg::abi
