#include "model/controller/sight.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "controller/keys.hpp"

namespace okg::controller_model {
namespace {

namespace keys = controller::keys;

constexpr const char* kStates[] = {"Ready", "NotReady", "PreUpdate", "Updating", "PreDelete", ""};
constexpr const char* kLives[] = {"Normal", "PreparingUpdate", "Updating", "Updated", "PreparingDelete"};
constexpr const char* kWriters[] = {"manager", "okg", "somebody"};
constexpr const char* kHookKeys[] = {keys::kUpdateHook, keys::kDeleteHook};

// Names of containers with something before and between them.
std::string names(std::uint8_t parts, const char* quote) {
  std::string out;
  for (const auto& [part, name] : {std::pair(kSidecar, "sidecar"), std::pair(kGame, "game")}) {
    if ((parts & part) == 0) continue;
    if (!out.empty()) out += ',';
    out += quote + std::string(name) + quote;
  }
  return out;
}

// A day in 1970 is enough.
std::string time_text(Nanoseconds at) {
  const auto seconds = static_cast<int>(at / kSecond);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "1970-01-%02dT%02d:%02d:%02dZ", 1 + seconds / 86400,
                seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
  return text.data();
}

std::string images(const Revision& revision, std::uint8_t parts) {
  std::string out;
  if ((parts & kSidecar) != 0) out += "\"sidecar\":\"s:" + std::to_string(revision.sidecar) + '"';
  if ((parts & kGame) != 0)
    out += (out.empty() ? "" : ",") + ("\"game\":\"g:" + std::to_string(revision.game)) + '"';
  return out;
}

void annotate(const Pod& pod, controller::Object& object) {
  const std::string revision = "\"revision\":\"r" + std::to_string(pod.revision.number) + '"';
  if (pod.names_updating != 0) object.annotations[keys::kUpdatingContainers] = names(pod.names_updating, "");
  if (pod.was_updated)
    object.annotations[keys::kUpdateState] =
        "{" + revision + ",\"updateTimestamp\":\"" + time_text(pod.updated_at) + '"' +
        (pod.updated_parts == 0
             ? std::string()
             : ",\"containerBatchesRecord\":[{\"containers\":[" + names(pod.updated_parts, "\"") + "]}]") +
        "}";
  if (pod.grace)
    object.annotations[keys::kGrace] = "{" + revision + ",\"containerImages\":{" +
                                       images(*pod.grace, pod.parts) +
                                       "},\"graceSeconds\":" + std::to_string(kGrace / kSecond) + "}";
}

void add_hooks(const Hook (&hooks)[2], controller::Object& object) {
  for (const Kind kind : {kUpdate, kDeletion})
    if (hooks[kind] != Hook::none)
      object.labels[kHookKeys[kind]] = hooks[kind] == Hook::armed ? "true" : "false";
}

Stage stage_of(State state) {
  switch (state) {
    case State::pre_update:
      return Stage::preparing_update;
    case State::pre_delete:
      return Stage::preparing_delete;
    case State::updating:
      return Stage::updating;
    case State::none:
      return Stage::none;
    case State::ready:
    case State::not_ready:
      break;
  }
  return Stage::calm;
}

Stage stage_of(Life life) {
  switch (life) {
    case Life::preparing_update:
      return Stage::preparing_update;
    case Life::preparing_delete:
      return Stage::preparing_delete;
    case Life::updating:
      return Stage::updating;
    case Life::normal:
    case Life::updated:
      break;
  }
  return Stage::calm;
}

}  // namespace

std::string ops_state_text(std::uint16_t value) {
  return value == 0 ? "None" : "s" + std::to_string(value);
}

std::optional<std::uint16_t> ops_state_number(const controller::Value& text) {
  if (!text) return std::nullopt;
  return *text == "None" ? std::uint16_t{0} : static_cast<std::uint16_t>(std::atoi(text->c_str() + 1));
}

std::shared_ptr<const Sighting> make_object(const Setting& setting, const Known& known) {
  auto object = std::make_shared<Sighting>();
  object->of = known;
  if (setting.view == View::volume) {
    const Pod& pod = *known.pod;
    add_hooks(pod.hooks, *object);
    object->state = kStates[static_cast<int>(pod.state)];
    object->lifecycle = kLives[static_cast<int>(pod.life)];
    annotate(pod, *object);
    return object;
  }
  const GameServer& gameserver = *known.gameserver;
  object->uid = "u" + std::to_string(gameserver.uid);
  object->resource_version = std::to_string(gameserver.version);
  if (gameserver.owner != 0) object->owner_pod_uid = "p" + std::to_string(gameserver.owner);
  object->state = kStates[static_cast<int>(gameserver.state)];
  object->ops_state = ops_state_text(gameserver.ops_state);
  add_hooks(gameserver.hooks, *object);
  object->status_writer = kWriters[static_cast<int>(Who::manager)];
  object->writers[controller::kOpsStateField] = kWriters[static_cast<int>(gameserver.ops_writer)];
  for (const Kind kind : {kUpdate, kDeletion})
    if (gameserver.hooks[kind] != Hook::none)
      object->writers[controller::label_field(kHookKeys[kind])] =
          kWriters[static_cast<int>(gameserver.hook_writers[kind])];
  if (setting.view == View::api_and_volume && known.pod) annotate(*known.pod, *object);
  return object;
}

Sight sight_of(const Setting& setting, const Known& known) {
  Sight sight;
  if (setting.view == View::volume) {
    const Pod& pod = *known.pod;
    sight.stage = stage_of(pod.life);
    sight.hooks[0] = pod.hooks[0];
    sight.hooks[1] = pod.hooks[1];
    sight.episode = sight.at_least = pod.episode;
    sight.parts[0] = sight.parts[1] = pod.parts;
    sight.parts[2] = pod.names_updating;
    sight.owner = pod.number;
    if (pod.grace) sight.grace = pod.grace->number;
    return sight;
  }
  const GameServer& gameserver = *known.gameserver;
  sight.stage = stage_of(gameserver.state);
  sight.hooks[0] = gameserver.hooks[0];
  sight.hooks[1] = gameserver.hooks[1];
  sight.episode = sight.at_least = sight.gameserver_episode = gameserver.episode;
  sight.parts[0] = sight.parts[1] = sight.parts[2] = gameserver.parts;
  sight.uid = gameserver.uid;
  sight.version = gameserver.version;
  sight.owner = gameserver.owner;
  sight.ops_state = gameserver.ops_state;
  if (setting.view != View::api_and_volume || !known.pod) return sight;
  const Pod& pod = *known.pod;
  if (pod.grace) {
    sight.grace = pod.grace->number;
    sight.grace_episode = pod.episode;
  }
  if (pod.names_updating != 0) sight.parts[2] = pod.names_updating;
  const bool tells_of_this = sight.stage == Stage::updating && pod.life == Life::updating;
  if (tells_of_this || pod.episode >= gameserver.episode) sight.parts[1] = pod.parts;
  if (tells_of_this) sight.at_least = std::min(pod.episode, sight.episode);
  if (tells_of_this && pod.grace) sight.episode = sight.at_least = pod.episode;
  return sight;
}

}  // namespace okg::controller_model
