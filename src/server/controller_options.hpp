// Who the controller is, and how to reach it (docs/interface.md, section 3).
#pragma once

#include <string>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/os.hpp"
#include "controller/handshake.hpp"

namespace okg::server {

struct ControllerOptions {
  enum class Kind { off, local, downward, kubernetes };
  Kind kind = Kind::off;
  std::string podinfo_directory;
  std::string pod_name, pod_namespace, pod_uid, pod_ip, container;  // "" not known
  controller::HandshakeOptions handshake;
  // What says where the API is, as it was when the server was made. The game may change its environment while
  // threads of ours run, and nobody may read it meanwhile; and one process may hold servers of several pods.
  base::Environment api;
};

// `given`: "", or what OKG_CONTROLLER may hold. `patience`: 0, or how long an update waits for the game.
base::Result<ControllerOptions> resolve_controller(base::Os& os, const base::Environment& environment,
                                                   const std::string& podinfo_directory,
                                                   const std::string& given, std::int64_t patience_ns);

}  // namespace okg::server
