#include "cli/controller_status.hpp"

#include <chrono>

#include "base/text.hpp"

namespace okg::cli {
namespace {

using base::Json;

constexpr std::size_t kMostOf = 16;  // containers, addresses, writes

const Json* object_of(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found == json.end() || !found->is_object() ? nullptr : &*found;
}

// Calls `take` for each object of a list, up to kMostOf.
template <class Take>
void each_of(const Json& json, const char* key, Take take) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array()) return;
  std::size_t count = 0;
  for (const Json& one : *found)
    if (one.is_object() && count++ < kMostOf) take(one);
}

std::optional<std::string> some_text(const Json& object, const char* key) {
  const auto text = base::get_string(object, key);
  return text ? std::optional(base::one_line(*text, 256)) : std::nullopt;
}
std::string text_of(const Json& object, const char* key) {
  return some_text(object, key).value_or("");
}

UpdateStatus update_of(const Json& json) {
  UpdateStatus update;
  update.kind = text_of(json, "kind");
  update.phase = text_of(json, "phase");
  update.revision = text_of(json, "revision");
  update.waits = base::get_bool(json, "waits").value_or(false);
  update.allowed = base::get_bool(json, "allowed").value_or(false);
  update.deadline_ms = base::get_int(json, "deadline_ms");
  if (const auto list = json.find("containers"); list != json.end() && list->is_array()) {
    update.containers.emplace();
    each_of(json, "containers", [&](const Json& one) {
      update.containers->emplace_back(text_of(one, "name"), text_of(one, "image"));
    });
  }
  return update;
}

void add_addresses(const Json& address, std::vector<std::string>& out) {
  std::string host = text_of(address, "ip");
  if (host.empty()) host = text_of(address, "end_point");
  bool has_ports = false;
  each_of(address, "ports", [&](const Json& port) {
    has_ports = true;
    const std::string protocol = text_of(port, "protocol");
    out.push_back(host + ":" + text_of(port, "port") + (protocol.empty() ? "" : "/" + protocol));
  });
  if (!has_ports && !host.empty()) out.push_back(host);
}

// A number of the server's, as far as a duration in nanoseconds can hold it.
std::string duration(std::int64_t milliseconds) {
  constexpr std::int64_t kMost = 1'000'000'000'000;
  return base::format_duration(std::chrono::milliseconds(std::clamp<std::int64_t>(milliseconds, 0, kMost)));
}

std::string spoken(const std::string& reason) {
  if (reason == "fresh_pod") return "fresh pod";
  if (reason == "in_place_update") return "in-place update";
  return reason;
}

}  // namespace

std::optional<ControllerStatus> controller_of(const Json& status) {
  const Json* json = object_of(status, "controller");
  if (json == nullptr) return std::nullopt;
  ControllerStatus controller;
  controller.kind = text_of(*json, "kind");
  controller.link = text_of(*json, "link");
  controller.trouble = text_of(*json, "trouble");
  controller.name = text_of(*json, "name");
  controller.ops_state = some_text(*json, "ops_state");
  controller.state = some_text(*json, "state");
  controller.update_priority = some_text(*json, "update_priority");
  controller.deletion_priority = some_text(*json, "deletion_priority");
  if (const Json* network = object_of(*json, "network")) {
    controller.network = some_text(*network, "state");
    each_of(*network, "external", [&](const Json& one) { add_addresses(one, controller.addresses); });
  }
  if (const Json* update = object_of(*json, "update")) controller.update = update_of(*update);
  each_of(*json, "writes", [&](const Json& one) {
    const auto number = base::get_uint(one, "write");
    if (number) controller.writes.push_back({*number, text_of(one, "result"), text_of(one, "text")});
  });
  return controller;
}

std::optional<StartStatus> start_of(const Json& status) {
  const Json* json = object_of(status, "start");
  if (json == nullptr) return std::nullopt;
  StartStatus start;
  start.reason = text_of(*json, "reason");
  start.final = base::get_bool(*json, "final").value_or(false);
  start.image_from = text_of(*json, "image_from");
  start.image_to = text_of(*json, "image_to");
  start.instance_before = text_of(*json, "instance_before");
  start.downtime_ms = base::get_uint(*json, "downtime_ms");
  start.same_pod = base::get_bool(*json, "same_pod");
  start.same_ip = base::get_bool(*json, "same_ip");
  start.same_network = base::get_bool(*json, "same_network");
  return start;
}

std::string describe(const ControllerStatus& controller) {
  if (controller.kind == "off" || controller.link == "off") return "off";
  std::string out = controller.kind + ", " + controller.link;
  std::string object;
  const auto add = [&](const char* what, const std::optional<std::string>& value) {
    if (value) object += std::string(object.empty() ? "" : ", ") + what + " " + *value;
  };
  add("opsState", controller.ops_state);
  add("state", controller.state);
  add("network", controller.network);
  for (const std::string& address : controller.addresses) object += " " + address;
  if (!object.empty()) out += ": " + object;
  if (!controller.trouble.empty()) out += "; trouble: " + controller.trouble;
  return out;
}

std::string describe(const UpdateStatus& update) {
  std::string out = (update.kind == "deletion" ? "deletion " : "") + update.phase;
  if (!update.containers && update.kind != "deletion") out += ", of which containers is not known";
  if (update.containers && !update.containers->empty()) {
    out += " for ";
    for (const auto& [name, image] : *update.containers)
      out += std::string(out.ends_with(" for ") ? "" : ", ") + name + (image.empty() ? "" : " to " + image);
  }
  if (!update.revision.empty()) out += " (" + update.revision + ")";
  // In a grace period it has begun, and nothing is stopped yet.
  if (update.phase != "coming" && update.deadline_ms && *update.deadline_ms > 0)
    return out + ", in " + duration(*update.deadline_ms);
  if (update.phase != "coming") return out;
  if (update.waits && update.allowed) return out + ": allowed";
  out += update.waits ? ": waits for the game" : ": waits for nobody";
  if (!update.deadline_ms) return out;
  if (*update.deadline_ms <= 0) return out + ", whose time is up";
  out += ", at most " + duration(*update.deadline_ms) + " more";
  return out;
}

std::string describe(const StartStatus& start) {
  std::string out = spoken(start.reason);
  if (!start.image_to.empty() && start.image_from != start.image_to)
    out += ", " + (start.image_from.empty() ? "?" : start.image_from) + " to " + start.image_to;
  if (start.downtime_ms)
    out += ", " +
           duration(static_cast<std::int64_t>(std::min<std::uint64_t>(*start.downtime_ms, INT64_MAX))) +
           " down";
  std::string same, other;
  const auto add = [&](const char* what, const std::optional<bool>& value) {
    if (!value) return;
    std::string& list = *value ? same : other;
    list += std::string(list.empty() ? "" : ", ") + what;
  };
  add("pod", start.same_pod);
  add("IP", start.same_ip);
  add("network", start.same_network);
  if (!same.empty()) out += "; same " + same;
  if (!other.empty()) out += "; another " + other;
  if (!start.final && start.reason != "fresh_pod") out += " (the controller has not been heard yet)";
  return out;
}

}  // namespace okg::cli
