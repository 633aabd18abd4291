// What an object tells about an update of its pod, or about its deletion.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/object.hpp"

namespace okg::controller {

// Where the pod stands, as far as it matters here.
enum class Stage {
  unknown,          // the object does not tell
  calm,             // neither of the following
  updated,          // calm, and Kruise waits for the hook to be there again
  preparing,        // an update waits for the hook to be released
  updating,         // containers are being replaced, or will be when the grace period is over
  preparing_delete  // the deletion waits for the hook to be released
};

// The annotation apps.kruise.io/inplace-update-grace.
struct Grace {
  std::string revision;
  std::map<std::string, std::string> images;  // by container
  std::int64_t seconds = 0;
};

// The annotation apps.kruise.io/inplace-update-state: it stays after the update.
struct UpdateState {
  std::string revision;
  std::optional<std::int64_t> updated_at;  // CLOCK_REALTIME, ns
  std::vector<std::string> containers;     // that were replaced, or are being replaced

  bool is_of_same(const UpdateState& other) const {
    return revision == other.revision && updated_at == other.updated_at;
  }
};

struct UpdateFacts {
  Stage stage = Stage::unknown;
  Value update_hook,
      delete_hook;  // "true": it holds the update back; "false": released; nullopt: there is none
  std::optional<Grace> grace;
  std::optional<UpdateState> state;
  std::optional<std::vector<std::string>> updating;  // OKG after 1.0.0
};

UpdateFacts read_update_facts(const Object& object, const std::string& update_hook,
                              const std::string& delete_hook);

// RFC 3339 with a zone, as Kubernetes writes times; nanoseconds of CLOCK_REALTIME.
std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace okg::controller
