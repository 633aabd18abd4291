// A patch as JSON merge patch (RFC 7396) of a GameServer.
#pragma once

#include "base/json.hpp"
#include "controller/writer.hpp"

namespace okg::controller {

base::OrderedJson to_merge_patch(const Patch& patch);

}  // namespace okg::controller
