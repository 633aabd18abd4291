// What the GameServer tells of the payload in use, and of why this process runs: `kubectl get gs -L
// okg-sdk/payload-version` answers who runs what.
#pragma once

#include <map>

#include "server/controller_driver.hpp"
#include "server/reload_driver.hpp"
#include "server/start_reason.hpp"

namespace okg::server {

class Reporter {
 public:
  // io thread. Reports what has changed since the last call.
  void look(const DriverState& state, const StartReport& start, ControllerDriver& controller);

 private:
  std::map<controller::Field, controller::Value> reported_;
};

}  // namespace okg::server
