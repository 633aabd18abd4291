// "ops-state Allocated", "label gs-sync/map dust-2": a field of the GameServer, as `okg set` and `okg local
// set` take it.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "controller/object.hpp"

namespace okg::cli {

struct Setting {
  controller::Field field;  // "opsState", "label/gs-sync/map"
  controller::Value value;  // nullopt: it is removed
  // "opsState Allocated"
  std::string text() const;
};

// `words`: ops-state S, update-priority N, deletion-priority N, label K V or annotation K V; with `remove`
// label K or annotation K. invalid_argument says what is wrong, or what would be right.
base::Result<Setting> parse_setting(const std::vector<std::string>& words, bool remove);

// The body of POST /v1/gameserver.
base::OrderedJson to_body(const Setting& setting);

}  // namespace okg::cli
