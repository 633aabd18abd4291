// What the endpoint needs from the server it speaks for. All calls are made on the io thread, return at once
// and do not throw.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "payload/digest.hpp"

namespace okg::control {

// Where a digest stands.
enum class Verdict {
  active,       // in use
  pending,      // on its way; also a failure that will be retried
  failed,       // refused, or rolled back
  unmet,        // failed: `requires` is not met
  damaged,      // failed: content, list or manifest are not what they should be
  superseded,   // something newer is desired
  not_found,    // not on the volume
  not_desired,  // on the volume, but something else is desired and this was never asked for here
  starting,     // the server has not got so far yet
  stalled,      // the game loop does not poll: nothing can be taken into use
  busy,         // cannot be asked for now
};

struct Outcome {
  Verdict verdict = Verdict::pending;
  std::string text;  // one line: why
};

// One phase of a reload, as the histogram okg_reload_duration_seconds{phase} wants it.
struct PhaseHistogram {
  static constexpr std::array<double, 12> kBounds = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05,
                                                     0.1,    0.5,    1,     5,     30,   120};  // seconds
  std::array<std::uint64_t, kBounds.size() + 1> counts{};  // not cumulative; the last is +Inf
  double sum = 0;

  void add(double seconds);
};

struct PayloadInfo {
  std::string digest, version, role;  // role: "active" or "desired"
};

struct Histogram {
  std::vector<double> bounds;         // seconds
  std::vector<std::uint64_t> counts;  // one more than bounds, not cumulative
  double sum = 0;
};

struct HotMetrics {
  std::string name;
  std::uint64_t records = 0, bytes = 0, file_bytes = 0, max_bytes = 0;
  Histogram commits;
};

struct ControllerMetrics {
  std::string kind;  // "kubernetes" "downward" "local"
  bool connected = false, waits_for_update = false;
  std::uint64_t requests = 0, errors = 0;
  std::string ops_state, state;
};

struct Metrics {
  std::uint64_t reloads_active = 0, reloads_failed = 0, reloads_superseded = 0, reloads_rolled_back = 0;
  std::vector<std::pair<std::string, PhaseHistogram>> phases;  // "detect" "verify" "prepare" "commit" "total"
  std::vector<PayloadInfo> payloads;
  bool ready = false;
  double tick_age_seconds = 0;
  bool watch_fallback = false;
  std::uint64_t watch_overflows = 0;
  std::vector<HotMetrics> hot;
  std::optional<ControllerMetrics> controller;  // nullopt: there is none
};

// A field of the GameServer, as somebody at the endpoint wants it.
struct GameServerWish {
  enum class Field { ops_state, update_priority, deletion_priority, label, annotation };
  Field field = Field::ops_state;
  std::string key;                   // of a label or annotation
  std::optional<std::string> value;  // of a priority its digits; nullopt: label or annotation are removed
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string status_json() = 0;
  virtual Metrics metrics() = 0;
  virtual bool live() = 0;
  virtual bool ready() = 0;
  // May this user id, the peer of a Unix socket, use the endpoint? uid 0, the server's own, the owner of
  // `current`.
  virtual bool peer_allowed(uid_t uid) = 0;

  // Looks at the volume now, so that what was published before a request is known when it is answered.
  virtual void look_now() = 0;
  virtual std::optional<payload::Digest> desired() = 0;
  virtual Outcome outcome(const payload::Digest& digest) = 0;
  // Ask for the desired digest (or this one, if it is the desired one), or for a rollback (nullopt:
  // last-good). The answer is where the digest stands right after asking: `pending` when it is under way.
  // `force`: also what was refused before. `target`, if not null, gets the digest whose outcome() tells the
  // rest.
  virtual Outcome request_reload(const std::optional<payload::Digest>& digest, bool force,
                                 std::optional<payload::Digest>* target) = 0;
  virtual Outcome request_rollback(const std::optional<payload::Digest>& to, bool force,
                                   std::optional<payload::Digest>* target) = 0;
  // Has it written over what is there now. The number under which the status tells the end of it
  // (controller.writes). invalid_argument: it cannot be that; unsupported: there is no controller; busy: it
  // has not been heard yet.
  virtual base::Result<std::uint64_t> request_write(const GameServerWish& wish) = 0;
};

}  // namespace okg::control
