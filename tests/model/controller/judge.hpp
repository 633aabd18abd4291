// The invariants, checked against everything told to a Conversation and everything it says. The bookkeeping
// is the model's own: nothing is asked of the conversation in order to judge it.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "controller/conversation.hpp"
#include "model/controller/digest.hpp"
#include "model/controller/sight.hpp"

namespace okg::controller_model {

// Thrown when an invariant does not hold.
struct Broken {
  std::string text;
};
inline void require(bool holds, const char* rule) {
  if (!holds) throw Broken{rule};
}

// What a patch writes.
struct Write {
  controller::PatchId id = 0;
  std::string based_on;  // resourceVersion
  std::optional<bool> hooks[2];
  std::optional<std::uint16_t> ops_state;
};
Write read_patch(const controller::Patch& patch);

class Judge {
 public:
  Judge(const Setting& setting, Nanoseconds patience) : setting_(setting), patience_(patience) {}

  // --- A process ---
  void born(std::uint16_t pod);
  void died() { is_alive_ = false; }

  // --- What it is told: before the call ---
  void shows(const Known& known, Nanoseconds now);
  void answers(const Write& write);  // the patch arrived
  void allows(std::uint64_t notice);
  void ticks(Nanoseconds now);
  // The game sets a value; it had heard `belief` last.
  void sets(std::uint16_t value, std::optional<std::uint16_t> belief, std::optional<controller::Value> expect,
            controller::Ticket ticket);
  // Anything that a patch may be an answer to.
  void stirs() { patches_since_ = 0; }
  // A patch failed: what it was based on may not be the newest; or it was refused for good.
  void fails() { is_stale_ = true; }
  void refuses() { owed_.reset(); }

  // --- What it says ---
  void tells(const controller::Notice& notice, Nanoseconds now);
  void sends(const Write& write, Nanoseconds now);
  void finishes(controller::Ticket ticket, const std::optional<base::Error>& error);
  void views(const controller::Object& object) const;
  // All is said that follows from what it was shown.
  void rests() const;

  // --- What becomes of it at the API server ---
  void writes(const GameServer& before, const Write& write, Nanoseconds now);
  void changed(const GameServer& before, const GameServer& after, Who who, Nanoseconds now);

  // --- Nobody has anything to do ---
  void quiet(const Cluster& cluster, const controller::ObjectPtr& view) const;

  bool has_open_notice() const { return open_.has_value(); }
  void add_to(Digest& digest) const;
  // What happened in all lives.
  void count(std::uint64_t (&notices)[2][4], std::uint64_t& conflicts, std::uint64_t& taken_back) const;

 private:
  struct Open {
    std::uint64_t id = 0;
    Kind kind = kUpdate;
    controller::Notice::Phase phase = controller::Notice::Phase::coming;
    bool may_release = false;
    bool was_asked = false;    // it began with a question
    Nanoseconds deadline = 0;  // when it may without asking; 0: never
    bool is_late = false;      // it passed, and nobody had allowed anything
  };
  void check_containers(const controller::Notice& notice) const;
  bool is_ours(const Sight& sight) const { return sight.owner == 0 || sight.owner == pod_; }

  Setting setting_;
  Nanoseconds patience_;
  bool is_alive_ = false;
  std::uint16_t pod_ = 0;
  std::optional<Sight> sight_;  // the newest that it was shown, of our pod
  bool is_stale_ = false;
  bool is_behind_ = false;    // its state is older than a grace period that the game was told of
  std::uint32_t newest_ = 0;  // version that it was shown
  bool has_seen_ = false;
  bool found_going_on_ = false;  // its first sight was an update under way
  std::optional<Open> open_;
  std::uint64_t last_id_ = 0;
  Episode told_[2] = {0, 0};  // the newest that it was told of
  unsigned patches_since_ = 0;

  std::set<controller::Ticket> tickets_;
  controller::Ticket newest_ticket_ = 0;
  bool undecided_ = false;         // the newest wish has not come to an end
  std::set<std::uint16_t> own_;    // what this process ever set: it has heard of that
  std::set<std::uint16_t> basis_;  // what the newest wish may be written over
  std::optional<controller::Value> expect_;
  std::set<std::uint16_t> sent_basis_;  // the same of what is on its way
  std::optional<controller::Value> sent_expect_;
  std::optional<std::uint16_t> wish_, arrived_, replaced_;  // ours: wanted; last written, over what, when
  // By that write and those before it, back to the one whose answer was heard last. The process need not know
  // of more than that one: the controller's copy may have taken back all of them at once.
  std::set<std::uint16_t> replaced_since_;
  Nanoseconds arrived_at_ = 0;
  bool is_answered_ = false;  // the process knows that it arrived
  unsigned taken_back_ = 0, written_again_ = 0;
  std::optional<std::uint16_t>
      owed_;  // was taken back, and seen so in time: has to be there again in the end
  bool owed_was_seen_ = false;

  struct Counts {
    std::uint64_t notices[2][4] = {};
    std::uint64_t conflicts = 0, taken_back = 0;
  };
  Counts counts_;
};

}  // namespace okg::controller_model
