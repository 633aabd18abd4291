// What the status tells of the controller and of the start of the process: "controller" and "start" of
// okg.status/v1. As hostile as the rest of it: texts are made fit for one line, what is malformed is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace okg::cli {

// An in-place update, or a deletion, that is coming or going on.
struct UpdateStatus {
  std::string kind, phase, revision;
  bool waits = false, allowed = false;  // for the game, by the game
  std::optional<std::int64_t> deadline_ms;
  std::optional<std::vector<std::pair<std::string, std::string>>> containers;  // name, image; not known
};

// The end of what was asked for by POST /v1/gameserver.
struct WriteStatus {
  std::uint64_t write = 0;
  std::string result, text;  // "pending" "written", else the code of what is in its way
};

struct ControllerStatus {
  std::string kind, link, trouble, name;
  std::optional<std::string> ops_state, state, update_priority, deletion_priority, network;
  std::vector<std::string> addresses;  // for players: "203.0.113.7:7777/UDP"
  std::optional<UpdateStatus> update;
  std::vector<WriteStatus> writes;
};

struct StartStatus {
  std::string reason, image_from, image_to, instance_before;
  bool final = false;
  std::optional<std::uint64_t> downtime_ms;
  std::optional<bool> same_pod, same_ip, same_network;
};

// Of a whole status.
std::optional<ControllerStatus> controller_of(const base::Json& status);
std::optional<StartStatus> start_of(const base::Json& status);

// For people, one line each: "local, connected: opsState None, state Ready, network Ready", "coming for game
// to game:2: waits for the game, at most 59.0 s more", "in-place update, game:1 to game:2; 0.80 s down; same
// pod, address and network".
std::string describe(const ControllerStatus& controller);
std::string describe(const UpdateStatus& update);
std::string describe(const StartStatus& start);

}  // namespace okg::cli
