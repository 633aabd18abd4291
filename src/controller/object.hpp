// A GameServer as far as okg looks at it, whoever told of it: the API server, the pod's downward volume, or a
// file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace okg::controller {

struct Port {
  std::string name, protocol, number;  // a number or a name, as the network plugin has it
};

struct PortRange {
  std::string protocol, range;  // "512-520"
};

struct Address {
  std::string ip, end_point;
  std::vector<Port> ports;
  std::optional<PortRange> range;
};

struct Network {
  std::string type, current, desired;  // states: "Ready" "NotReady" "Waiting" ""
  std::vector<Address> internal, external;

  bool ready() const { return current == "Ready"; }
  bool operator==(const Network&) const;
};

// A container of the pod, as the kubelet last reported it.
struct Container {
  std::string image, image_id, id;
  std::int64_t restarts = 0;
};

// A field that can be written: "opsState", "updatePriority", "deletionPriority", "label/<key>"
// or "annotation/<key>". Values are texts; nullopt: it is not there.
using Field = std::string;
using Value = std::optional<std::string>;

inline constexpr char kOpsStateField[] = "opsState";
inline constexpr char kUpdatePriorityField[] = "updatePriority";
inline constexpr char kDeletionPriorityField[] = "deletionPriority";
inline Field label_field(std::string_view key) {
  return "label/" + std::string(key);
}
inline Field annotation_field(std::string_view key) {
  return "annotation/" + std::string(key);
}

struct Object {
  std::string name, name_space, uid, resource_version;
  std::string owner_pod_uid;  // "" when it belongs to no pod
  Value ops_state, update_priority, deletion_priority;
  std::optional<bool> network_disabled;
  std::string state;      // "Ready", "PreUpdate", …; "" not known
  std::string lifecycle;  // of the pod: "Normal", "PreparingUpdate", …; "" not known
  bool deleting = false;
  Network network;
  std::map<std::string, std::string> labels, annotations;
  std::string pod_ip;
  std::map<std::string, Container> containers;

  // Who wrote a field last (metadata.managedFields), and who writes the status, which is the controller. ""
  // not known.
  std::map<Field, std::string> writers;
  std::string status_writer;

  Value get(std::string_view field) const;
  bool written_by_controller(const Field& field) const;
  // Of the pod or the GameServer; nullptr: it is not there.
  const std::string* label(const std::string& key) const;
  const std::string* annotation(const std::string& key) const;
};

using ObjectPtr = std::shared_ptr<const Object>;

// Is `a` an older version of the object than `b`? Resource versions are numbers in every API server there is;
// of others it is not known, and false.
bool is_older(std::string_view a, std::string_view b);

}  // namespace okg::controller
