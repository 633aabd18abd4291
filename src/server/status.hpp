// Status as JSON: schema okg.status/v1, docs/interface.md section 5.
#pragma once

#include <string>

#include "base/json.hpp"
#include "server/reload_driver.hpp"

namespace okg::server {

struct StatusInput {
  std::string instance, server_version;
  bool started = false;
  bool ready = false;
  std::string not_ready_reason;
  bool stalled = false;
  bool polling_watch = false;
  std::int64_t tick_age_ms = 0;
  std::string trouble;  // why nothing is desired
  DriverState reload;
  base::OrderedJson hot;  // of HotStates
  base::OrderedJson controller, start;
};

std::string status_json(const StatusInput& input);

}  // namespace okg::server
