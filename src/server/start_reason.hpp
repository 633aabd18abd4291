// Why this process was started, from what the one before it left in <run>/instance.json and from what the
// controller tells: a new pod, an in-place update of this container, a crash, or a plain restart; and whether
// pod, address and network are the same, which an in-place update promises.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "controller/object.hpp"

namespace okg::server {

enum class StartReason { fresh_pod, in_place_update, crash, restart };
const char* start_reason_name(StartReason reason);

// One life of a server, as it stands in instance.json ("okg.instance/v1").
struct Life {
  std::string instance, server_version, binary, boot_id;
  std::int64_t pid = 0, started_ns = 0;                                 // CLOCK_REALTIME
  std::string pod_uid, pod_ip, network, image, image_id, container_id;  // "" not known
  bool ended = false;                                                   // in order
};

struct StartReport {
  StartReason reason = StartReason::fresh_pod;
  bool is_final = false;  // the controller has been heard: an update is no longer taken for a restart
  std::string image_from, image_to;
  std::int64_t downtime_ns = -1;  // -1: not known
  std::optional<bool> same_pod, same_ip, same_network;
  std::string instance_before;

  base::OrderedJson json() const;
};

// Pure. `now` is our own life as far as it is known; `object`: null, or the first that was heard.
StartReport decide_start(const std::optional<Life>& before, const Life& now, const std::string& container,
                         const controller::Object* object);

class StartWatch {
 public:
  // Reads what the last life left and writes ours. `run_directory`: -1 for none; it stays the caller's.
  StartWatch(base::Os& os, int run_directory, Life now, std::string container);

  // Says in instance.json who runs now.
  base::Status begin();
  void see(const controller::Object& object);  // io thread
  // io thread, about once a second. True: the report has become final by the time that has passed.
  bool alive();
  void ended();
  StartReport report() const;

 private:
  base::Status write();
  bool is_of_the_life_before(const controller::Container& own) const;

  base::Os& os_;
  int run_;
  std::string container_;
  mutable std::mutex mutex_;
  std::optional<Life> before_;
  Life now_;
  StartReport report_;
  std::int64_t downtime_ns_ = -1;
  std::int64_t begun_ns_;           // CLOCK_BOOTTIME
  bool waits_for_the_pod_ = false;  // what was heard so far is of the container before us
  base::UniqueFd alive_;
};

}  // namespace okg::server
