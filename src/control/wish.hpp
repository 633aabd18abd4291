// The body of POST /v1/gameserver: what somebody wants to be written to the GameServer.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "control/backend.hpp"

namespace okg::control {

// {"ops_state":"Allocated"}, {"update_priority":5}, {"deletion_priority":5},
// {"label":{"key":"k","value":"v"}} or {"annotation":{…}}: one of them; a value of null removes the label or
// annotation. Whether the value can be one is the backend's affair.
base::Result<GameServerWish> parse_wish(std::string_view body);

}  // namespace okg::control
