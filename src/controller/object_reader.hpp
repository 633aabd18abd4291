// GameServers as JSON. They come from outside and may be large (a GameServer holds a copy of its pod's
// status) or hostile: what okg does not look at is dropped while it is parsed, what is malformed is absent.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "controller/object.hpp"

namespace okg::controller {

// io when it is no JSON object.
base::Result<ObjectPtr> read_object(std::string_view json);

// A line of a watch.
struct WatchEvent {
  enum class Kind { changed, deleted, bookmark, error, unknown };
  Kind kind = Kind::unknown;
  ObjectPtr object;              // of changed and deleted
  std::string resource_version;  // of bookmark
  int code = 0;                  // of error: 410 when what was asked for is too old
  std::string message;
};
base::Result<WatchEvent> read_watch_event(std::string_view line);

// NetworkStatus, as in GameServer.status.networkStatus and in the pod's annotation.
Network read_network(const base::Json& status);

}  // namespace okg::controller
