// Whose hot state it is: a server's, or nobody's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "okg/okg.h"

namespace okg::abi {

using Say = std::function<base::OrderedJson()>;
// The status says it until this ends, which waits for a status that is being made.
using Shown = std::shared_ptr<void>;

struct Home {
  std::string directory;
  std::function<Shown(Say)> show;
};
// In the library of hot state alone there are no servers: no_server.cpp.
Home home_of(const okg_server& server);

}  // namespace okg::abi
