// The invariants (design.md section 7), checked against every event told to a Subject and every action it
// answered with. The bookkeeping is the model's own: nothing is asked of the subject in order to judge it.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/memory.hpp"

namespace okg::model {

class Rules {
 public:
  explicit Rules(Nanoseconds probation) : probation_(probation) {}

  // --- Lives ---
  // A process begins with the guard that die() left; passing refusals are forgotten.
  void start(const std::string& binary);
  void die();
  const Guard& saved() const { return saved_; }

  // --- Every event: before the call, then with what it answered ---
  void before(const Call& call);
  void after(const Call& call, const Actions& actions, const Subject& subject);
  // The game thread asked for the job to commit; it was offered `offered`.
  void begin(const std::optional<JobId>& begun, const std::optional<JobId>& offered, const Subject& subject);

  // --- Carrying out ---
  void carry_out(const Action& action, const Subject& subject);
  // All actions are carried out.
  void rest(const Subject& subject);
  // The world went quiet: nothing is owed, nothing waits.
  void quiet(const Subject& subject) const;

  bool committing() const { return work_ && work_->phase == Phase::committing; }
  const Memory& memory() const { return memory_; }
  std::uint64_t commits() const { return commits_; }  // of all lives, as those below
  std::uint64_t crash_loops() const { return crash_loops_; }
  std::uint64_t restores() const { return restores_; }
  std::uint64_t exhausted() const { return exhausted_; }
  std::uint64_t ended(reload::End end) const { return total_ended_[static_cast<std::size_t>(end)]; }

 private:
  struct Work {
    JobId job = 0;
    Target target;
    Phase phase = Phase::verifying;
    bool restore = false;
    bool answered = false;
  };
  // Tries of one digest that failed and may be tried again.
  struct Tries {
    unsigned failures = 0;
    Nanoseconds from = 0, to = 0;  // when the next try begins
    bool unsure = false;           // something happened after which counting may begin anew
  };
  struct Active {
    Target target;
    std::string version;
    Nanoseconds good_at = 0;
    bool on_probation = false;
    bool bad = false;  // being rolled back
  };
  using Goal = std::optional<payload::Digest>;

  // before(), by kind of event
  void wish(const Target& target);
  void supersede();
  void answered(const Call& call);
  void returned(const Call& call);
  void reported(const Call& call);
  // after(), by kind of action
  void check(const reload::action::Verify& verify, const Call& call);
  void check(const reload::action::Prepare& prepare);
  void check(const reload::action::Cancel& cancel, const Call& call);
  void check(const reload::action::Offer& offer, const Subject& subject);
  void check(const reload::action::Ended& ended, const Call& call);
  void check_failed(const reload::Record& record, const Call& call);
  void check_ended(const Call& call) const;
  void check_last_good(const Call& call, const Guard& guard);
  void check_state(const Subject& subject) const;
  void check_progress(const Call& call) const;
  void check_time(const Call& call, const Subject& subject) const;

  Maybe waiting(const payload::Digest& digest, const Call& call) const;
  Maybe crash_loop(const payload::Digest& digest) const;
  Maybe usable_last_good(const Call& call) const;
  Maybe blocked(const Target& target, const Call& call) const;
  void goals(const Call& call, std::vector<Goal>& out) const;
  void fall_back(const Call& call, std::vector<Goal>& out) const;
  bool held() const { return memory_.hold && desired_ && memory_.hold->desired == desired_->digest(); }
  void survived(const payload::Digest& digest);
  void unsettle();

  Nanoseconds probation_;
  std::string binary_;
  Memory memory_, saved_memory_;
  Guard saved_;

  std::optional<Target> desired_;
  std::optional<Active> active_;
  std::optional<Work> work_;
  std::set<JobId> owed_;  // asked of the worker and not answered, cancelled or not
  std::set<JobId> cancelled_;
  JobId newest_ = 0;
  std::set<payload::Digest> verified_;  // in this life
  std::map<payload::Digest, std::string> versions_;
  std::map<payload::Digest, Tries> tries_;
  // Being taken into use, and not known how it ended: announced; and that prepare could have begun.
  std::set<payload::Digest> announced_, saved_announced_, taking_;
  bool inconsistent_ = false;
  std::optional<reload::Record> last_;
  std::array<std::uint64_t, 4> ended_{};
  std::array<std::uint64_t, 4> total_ended_{};  // of all lives
  std::uint64_t commits_ = 0, crash_loops_ = 0, restores_ = 0, exhausted_ = 0;

  // Of the event being judged.
  std::optional<Work> job_before_;  // the live job it was about
  std::optional<Active> active_before_;
  std::optional<payload::Digest> to_supersede_, may_supersede_;
  std::vector<reload::Record> records_;
  bool saves_ = false, works_ = false;
};

}  // namespace okg::model
