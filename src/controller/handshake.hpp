// The conversation about an in-place update (or the deletion) of our pod: a pure state machine, without I/O
// or a clock. docs/controller-protocol.md has its states and what it relies on.
//
// It is level-triggered: what is told is compared with what was known, so that a skipped or repeated version
// of the object changes nothing. A new process begins without a memory, and finds its way from the object
// alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/update_facts.hpp"
#include "controller/writer.hpp"

namespace okg::controller {

struct Notice {
  enum class Kind { update, deletion };
  enum class Phase {
    coming,    // it is about to happen: to be answered with allow(), where it waits for that
    started,   // containers are being replaced; which ones is known by now, if ever
    finished,  // it is over, and this process lived through it
    withdrawn  // it will not happen after all
  };
  std::uint64_t id = 0;  // of one update; the same in each phase
  Kind kind = Kind::update;
  Phase phase = Phase::coming;
  bool waits = false;  // for allow(), until the deadline; else it happens at the deadline, whatever we say
  std::optional<Nanoseconds> deadline;
  // Which containers, by name, with their new images where they are known. nullopt: not known, as with a hook
  // alone on OKG 1.0.0.
  std::optional<std::vector<std::pair<std::string, std::string>>> containers;
  std::string revision;  // "" not known
  bool allowed_by_deadline = false;
};

namespace handshake_action {
struct Tell {
  Notice notice;
};
struct SetHook {
  Field field;
  bool armed = false;  // false: released
};
}  // namespace handshake_action
using HandshakeAction = std::variant<handshake_action::Tell, handshake_action::SetHook>;
using HandshakeActions = std::vector<HandshakeAction>;

struct HandshakeOptions {
  std::string update_hook, delete_hook;   // labels; "" none
  Nanoseconds patience = 60'000'000'000;  // how long allow() is waited for
};

class Handshake {
 public:
  explicit Handshake(HandshakeOptions options) : options_(std::move(options)) {}

  struct Clock {
    Nanoseconds monotonic = 0;
    std::int64_t realtime = 0;
  };
  HandshakeActions seen(const Object& object, Clock clock);
  // The game is ready for it. Anything but the notice that waits is ignored: false.
  bool allow(std::uint64_t id, HandshakeActions* actions);
  HandshakeActions tick(Nanoseconds now);
  // Does somebody want to be asked? If not, everything is allowed at once.
  void asks(bool somebody) { somebody_ = somebody; }

  std::optional<Nanoseconds> next_deadline() const;
  // What goes on, for the status; nullopt: nothing.
  const std::optional<Notice>& notice() const { return notice_; }
  bool allowed() const { return allowed_; }

 private:
  void begin(Notice::Kind kind, bool last_happened, const UpdateFacts& facts, Clock clock,
             HandshakeActions& actions);
  void started(const UpdateFacts& facts, Clock clock, HandshakeActions& actions);
  void arm(const UpdateFacts& facts, HandshakeActions& actions) const;
  void end(bool happened, HandshakeActions& actions);
  void learn(const UpdateFacts& facts, Clock clock);
  void release(HandshakeActions& actions);
  void tell(Notice::Phase phase, HandshakeActions& actions);
  Field hook_of(Notice::Kind kind) const;

  HandshakeOptions options_;
  bool somebody_ = false;
  bool only_updating_ =
      true;  // since the start nothing was seen but an update under way, which brought it about
  std::optional<Notice> notice_;
  bool allowed_ = false;
  bool began_updating_ = false;  // the notice: nobody was asked
  // The annotation of an earlier update, which stays: until it changes it tells nothing of this one.
  std::optional<std::optional<UpdateState>> earlier_;
  std::optional<UpdateState> state_;  // the same annotation, as it was seen last
  std::string over_;  // the revision whose update is over, as long as a grace period of it can be seen
  std::optional<std::int64_t> began_, over_began_;  // when the newest grace period began; and that of `over_`
  std::uint64_t last_id_ = 0;
};

}  // namespace okg::controller
