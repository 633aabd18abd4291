#include "controller/object_reader.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/text.hpp"

namespace okg::controller {
namespace {

using base::Json;

constexpr int kMostDepth = 24;

// What is looked at; "*" is any key, "#" any element of an array. What lies below is kept, too.
constexpr std::array kWanted = {
    "metadata/name", "metadata/namespace", "metadata/uid", "metadata/resourceVersion",
    "metadata/deletionTimestamp", "metadata/labels", "metadata/annotations",
    "metadata/ownerReferences/#/kind", "metadata/ownerReferences/#/uid", "metadata/managedFields/#/manager",
    "metadata/managedFields/#/subresource", "metadata/managedFields/#/fieldsV1/f:spec",
    "metadata/managedFields/#/fieldsV1/f:metadata/f:labels",
    "metadata/managedFields/#/fieldsV1/f:metadata/f:annotations", "spec/opsState", "spec/updatePriority",
    "spec/deletionPriority", "spec/networkDisabled", "status/currentState", "status/networkStatus",
    "status/podStatus/podIP", "status/podStatus/containerStatuses/#/name",
    "status/podStatus/containerStatuses/#/image", "status/podStatus/containerStatuses/#/imageID",
    "status/podStatus/containerStatuses/#/containerID", "status/podStatus/containerStatuses/#/restartCount",
    // of a Status, which an API server answers with, and which a watch ends with
    "code", "message", "reason"};

// Does one of the two lead to the other?
bool leads(std::string_view pattern, std::span<const std::string> path) {
  for (const std::string& part : path) {
    if (pattern.empty()) return true;
    const std::string_view want = pattern.substr(0, pattern.find('/'));
    if (want != "*" && want != part) return false;
    pattern.remove_prefix(std::min(want.size() + 1, pattern.size()));
  }
  return true;
}

// Decides key by key what is kept.
class Filter {
 public:
  explicit Filter(std::size_t skip) : skip_(skip) {}

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > kMostDepth) return false;
    if (event != Event::key) return true;
    const auto length = static_cast<std::size_t>(depth);
    path_.resize(length, "#");  // a level without a key is an array's
    path_[length - 1] = parsed.get_ref<const std::string&>();
    if (length <= skip_) return path_[0] == "type" || path_[0] == "object";
    const auto inner = std::span(path_).subspan(skip_);
    return std::any_of(kWanted.begin(), kWanted.end(),
                       [&](std::string_view wanted) { return leads(wanted, inner); });
  }

 private:
  std::size_t skip_;  // levels around the object
  std::vector<std::string> path_;
};

base::Result<Json> parse(std::string_view text, std::size_t skip) {
  Json out = Json::parse(text, Filter(skip), false);
  if (!out.is_object()) return base::Error(base::Code::io, "no JSON object: " + base::quote(text));
  return out;
}

const Json& at(const Json& object, const char* key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string text(const Json& object, const char* key) {
  return base::get_string(object, key).value_or("");
}

// An IntOrString.
Value number_or_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  return std::nullopt;
}

std::map<std::string, std::string> texts(const Json& object) {
  std::map<std::string, std::string> out;
  if (object.is_object())
    for (const auto& [key, value] : object.items())
      if (value.is_string()) out.emplace(key, value.get<std::string>());
  return out;
}

std::vector<Address> read_addresses(const Json& list) {
  std::vector<Address> out;
  if (!list.is_array()) return out;
  for (const Json& one : list) {
    Address address{text(one, "ip"), text(one, "endPoint"), {}, {}};
    if (const Json& ports = at(one, "ports"); ports.is_array())
      for (const Json& port : ports)
        address.ports.push_back(
            {text(port, "name"), text(port, "protocol"), number_or_text(at(port, "port")).value_or("")});
    if (const Json& range = at(one, "portRange"); range.is_object())
      address.range = PortRange{text(range, "protocol"), text(range, "portRange")};
    out.push_back(std::move(address));
  }
  return out;
}

// Keys of fieldsV1 are "f:<name>".
void note_writers(const Json& fields, std::string_view prefix, const std::string& manager,
                  std::map<Field, std::string>& writers) {
  if (!fields.is_object()) return;
  for (const auto& [key, below] : fields.items())
    if (key.starts_with("f:")) writers[std::string(prefix) + key.substr(2)] = manager;
}

void read_writers(const Json& managed, Object& object) {
  if (!managed.is_array()) return;
  for (const Json& entry : managed) {
    const std::string manager = text(entry, "manager");
    if (text(entry, "subresource") == "status") {
      object.status_writer = manager;
      continue;
    }
    const Json& fields = at(entry, "fieldsV1");
    note_writers(at(fields, "f:spec"), "", manager, object.writers);
    note_writers(at(at(fields, "f:metadata"), "f:labels"), "label/", manager, object.writers);
    note_writers(at(at(fields, "f:metadata"), "f:annotations"), "annotation/", manager, object.writers);
  }
}

ObjectPtr build(const Json& json) {
  auto object = std::make_shared<Object>();
  const Json& metadata = at(json, "metadata");
  object->name = text(metadata, "name");
  object->name_space = text(metadata, "namespace");
  object->uid = text(metadata, "uid");
  object->resource_version = text(metadata, "resourceVersion");
  object->deleting = at(metadata, "deletionTimestamp").is_string();
  object->labels = texts(at(metadata, "labels"));
  object->annotations = texts(at(metadata, "annotations"));
  if (const Json& owners = at(metadata, "ownerReferences"); owners.is_array())
    for (const Json& owner : owners)
      if (text(owner, "kind") == "Pod") object->owner_pod_uid = text(owner, "uid");
  read_writers(at(metadata, "managedFields"), *object);

  const Json& spec = at(json, "spec");
  object->ops_state = base::get_string(spec, "opsState");
  object->update_priority = number_or_text(at(spec, "updatePriority"));
  object->deletion_priority = number_or_text(at(spec, "deletionPriority"));
  object->network_disabled = base::get_bool(spec, "networkDisabled");

  const Json& status = at(json, "status");
  object->state = text(status, "currentState");
  object->network = read_network(at(status, "networkStatus"));
  const Json& pod = at(status, "podStatus");
  object->pod_ip = text(pod, "podIP");
  if (const Json& containers = at(pod, "containerStatuses"); containers.is_array())
    for (const Json& one : containers)
      object->containers[text(one, "name")] = {text(one, "image"), text(one, "imageID"),
                                               text(one, "containerID"),
                                               base::get_int(one, "restartCount").value_or(0)};
  return object;
}

}  // namespace

Network read_network(const Json& status) {
  Network network;
  if (!status.is_object()) return network;
  network.type = text(status, "networkType");
  network.current = text(status, "currentNetworkState");
  network.desired = text(status, "desiredNetworkState");
  network.internal = read_addresses(at(status, "internalAddresses"));
  network.external = read_addresses(at(status, "externalAddresses"));
  return network;
}

base::Result<ObjectPtr> read_object(std::string_view json) {
  const auto parsed = parse(json, 0);
  if (!parsed) return parsed.error();
  return build(*parsed);
}

base::Result<WatchEvent> read_watch_event(std::string_view line) {
  const auto parsed = parse(line, 1);
  if (!parsed) return parsed.error();
  const std::string type = text(*parsed, "type");
  const Json& object = at(*parsed, "object");
  WatchEvent event;
  if (type == "ADDED" || type == "MODIFIED" || type == "DELETED") {
    event.kind = type == "DELETED" ? WatchEvent::Kind::deleted : WatchEvent::Kind::changed;
    event.object = build(object);
  } else if (type == "BOOKMARK") {
    event.kind = WatchEvent::Kind::bookmark;
    event.resource_version = text(at(object, "metadata"), "resourceVersion");
  } else if (type == "ERROR") {
    event.kind = WatchEvent::Kind::error;
    event.code = static_cast<int>(base::get_int(object, "code").value_or(0));
    event.message = base::one_line(text(object, "message"));
  }
  return event;
}

}  // namespace okg::controller
