#include "server/reporter.hpp"

#include "base/text.hpp"
#include "controller/keys.hpp"
#include "controller/values.hpp"

namespace okg::server {
namespace {

using controller::Value;
namespace keys = controller::keys;

// What is wanted now is in use, and the last reload was of something else: `current` was put back, and nobody
// wants any more what failed or was superseded.
bool is_put_back(const DriverState& state) {
  return state.last && state.active && state.desired == state.active && state.last->digest != *state.active;
}

// How the last reload ended; a step on the way is not worth a patch.
const char* reload_state(const DriverState& state) {
  if (!state.last) return state.active ? "active" : "none";
  if (is_put_back(state)) return "active";
  switch (state.last->result) {
    case reload::End::active:
      return "active";
    case reload::End::failed:
      return "failed";
    case reload::End::superseded:
      return "superseded";
    case reload::End::rolled_back:
      break;
  }
  return "rolled-back";
}

}  // namespace

void Reporter::look(const DriverState& state, const StartReport& start, ControllerDriver& controller) {
  std::map<controller::Field, Value> now;
  const std::string label = controller::label_safe(state.active_version);
  now[controller::label_field(keys::kPayloadVersion)] = state.active ? Value(label) : std::nullopt;
  now[controller::label_field(keys::kReloadState)] = reload_state(state);
  // A label cannot hold every version.
  now[controller::annotation_field(keys::kPayloadVersionRaw)] =
      state.active && label != state.active_version ? Value(state.active_version) : std::nullopt;
  now[controller::annotation_field(keys::kPayloadDigest)] =
      state.active ? Value(state.active->text()) : std::nullopt;
  const bool failed = state.last && state.last->failure && !is_put_back(state);
  now[controller::annotation_field(keys::kReloadError)] =
      failed ? Value(base::one_line(state.last->failure->text)) : std::nullopt;
  if (start.is_final) now[controller::annotation_field(keys::kStartReason)] = base::dump(start.json());
  for (const auto& [field, value] : now) {
    const auto before = reported_.find(field);
    if (before == reported_.end() ? value.has_value() : before->second != value) {
      controller.report(field, value);
      reported_[field] = value;
    }
  }
}

}  // namespace okg::server
