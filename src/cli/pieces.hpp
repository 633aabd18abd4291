// What a GameServerSet of a user's own needs for okg: the pieces that `okg manifest` prints. They say what
// examples/kubernetes says, which tests/cluster/suite_manifests.py compares.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace okg::cli {

struct PieceOptions {
  std::string name = "game-server";  // of the set, and of the servers' account
  std::string name_space;            // "": the user's choice
  std::string game = "game", sidecar = "payload";
  std::string hook = "gs-sync/update-block";  // "" none
  std::vector<std::string> ops_states;        // the game's own, besides those that OKG knows
  bool rbac = true;
};

// Objects, or parts of them, with comments (cli/yaml.hpp).
base::OrderedJson game_server_set(const PieceOptions& options);
std::vector<base::OrderedJson> role(const PieceOptions& options);  // with account and binding
std::vector<base::OrderedJson> policy(const PieceOptions& options);
base::OrderedJson service_qualities(const PieceOptions& options);  // {"serviceQualities":[…]}
base::OrderedJson volumes(const PieceOptions& options);            // and each container's mounts of them
base::OrderedJson environment(const PieceOptions& options);        // {"env":[…]} of the game container

}  // namespace okg::cli
