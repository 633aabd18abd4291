// What a process gets to see of a cluster, and what the model makes of that itself.
#pragma once

#include <memory>
#include <optional>

#include "controller/object.hpp"
#include "model/controller/cluster.hpp"

namespace okg::controller_model {

// What an adapter knows at some time: versions of two objects, each as old as it may be.
struct Known {
  std::optional<GameServer> gameserver;
  std::optional<Pod> pod;  // of the downward volume
};

// The object that is made of it; it remembers of what.
struct Sighting : controller::Object {
  Known of;
};
std::shared_ptr<const Sighting> make_object(const Setting& setting, const Known& known);

enum class Stage : std::uint8_t { none, calm, preparing_update, preparing_delete, updating };

// The same in the model's words.
struct Sight {
  Stage stage = Stage::none;
  Hook hooks[2] = {Hook::none, Hook::none};
  std::optional<std::uint16_t> grace;  // of which revision
  Episode episode = 0, at_least = 0;   // what it is about; the two objects may not agree
  Episode grace_episode = 0, gameserver_episode = 0;
  std::uint8_t parts[3] = {0, 0, 0};  // what may be told of the containers: as one of the two objects has it
  std::uint16_t uid = 0;
  std::uint32_t version = 0;
  std::uint16_t owner = 0;
  std::uint16_t ops_state = 0;
};
Sight sight_of(const Setting& setting, const Known& known);

std::string ops_state_text(std::uint16_t value);
std::optional<std::uint16_t> ops_state_number(const controller::Value& text);

}  // namespace okg::controller_model
