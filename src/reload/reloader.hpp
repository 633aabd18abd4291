// The reload state machine, pure: events in, actions out, no I/O, no clock, no thread of its own. The caller
// serialises calls and carries out the actions; docs/reload-protocol.md describes states and rules.
//
// It is level-triggered: after every event it compares what ought to be in use (the goal) with what is, and
// does the next step towards it. Duplicate, lost or reordered triggers therefore change nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "payload/layout.hpp"
#include "reload/failure.hpp"
#include "reload/guard.hpp"

namespace okg::reload {

using JobId = std::uint64_t;
using Nanoseconds = std::int64_t;  // of CLOCK_MONOTONIC

// A version directory that may be taken into use.
struct Target {
  payload::VersionName name;
  std::uint64_t inode = 0;  // 0: not known

  const payload::Digest& digest() const { return name.digest; }
};

enum class Phase { idle, verifying, preparing, prepared, committing, probation };
enum class End { active, failed, superseded, rolled_back };

// How the last reload ended.
struct Record {
  payload::Digest digest;
  std::string version;
  End result = End::active;
  std::optional<Failure> failure;  // of failed and rolled_back
  unsigned attempt = 1;
};

namespace action {
// Worker: verify the target, check `requires` and handlers; answer with verified(). Exactly one answer for
// each.
struct Verify {
  JobId job;
  Target target;
};
// Worker: let the handlers prepare; answer with prepared(). `everything`: as if every component had changed.
struct Prepare {
  JobId job;
  bool everything;
};
// The job's result is no longer wanted: stop what runs (its answer still has to come), drop what is staged.
struct Cancel {
  JobId job;
};
// Game thread: a commit may begin in the next poll (begin_commit()). `restore`: the kept objects of
// last-good.
struct Offer {
  JobId job;
  bool restore;
};
// The kept objects of the former last-good are not needed any more.
struct DropKept {};
// Persist guard() before anything else is done.
struct SaveGuard {};
// A reload ended; for log and metrics.
struct Ended {
  Record record;
};
}  // namespace action
using Action = std::variant<action::Verify, action::Prepare, action::Cancel, action::Offer, action::DropKept,
                            action::SaveGuard, action::Ended>;
using Actions = std::vector<Action>;

struct ReloaderOptions {
  Nanoseconds probation = 10'000'000'000;
  std::string binary;                   // who we are: server version and build id
  std::function<double()> random = {};  // [0, 1), for the jitter of retries; null: 0.5
  bool has_way_back = true;             // false: what was good is nowhere any more
};

class Reloader {
 public:
  Reloader(ReloaderOptions options, Guard guard);

  // --- Events ---
  // `current` leads to this directory.
  Actions desired(const Target& target, Nanoseconds now);
  // `inode`: of the directory that was opened, as far as one was.
  Actions verified(JobId job, const std::string& version, const std::optional<Failure>& failure,
                   Nanoseconds now, std::uint64_t inode = 0);
  Actions prepared(JobId job, const std::optional<Failure>& failure, Nanoseconds now);
  // Game thread, at a safe point: the job to commit now, if it is still wanted. committed() must follow.
  std::optional<JobId> begin_commit();
  // `consistent`: after a failure the old objects are all in use again.
  Actions committed(JobId job, const std::optional<Failure>& failure, bool consistent, Nanoseconds now);
  Actions tick(Nanoseconds now);  // when next_deadline() has come
  // Ask for the desired payload now: a wait for a retry ends; `force` forgets its refusal and a hold.
  Actions reload(bool force, Nanoseconds now);
  // `force` forgets what stands against it.
  Actions rollback(const Target& to, Nanoseconds now, bool force = false);
  // The handlers changed: what is being prepared begins anew, and what is kept is no longer all of last-good.
  Actions restart(Nanoseconds now);
  // An orderly end: what is being taken into use did not kill this process.
  Actions stop();
  // False: there is nothing to go back to. Only what is on probation can be reported.
  bool report_bad(const std::string& text, Nanoseconds now, Actions* actions);

  // --- What is ---
  Phase phase() const;
  std::optional<Nanoseconds> next_deadline() const;
  const std::optional<Target>& desired() const { return desired_; }
  const std::optional<Target>& active() const { return active_; }
  const std::string& active_version() const { return active_version_; }
  // What is being worked on: its version is known once it is verified.
  const Target* working_on() const { return job_ ? &job_->target : nullptr; }
  unsigned attempt() const;
  const std::optional<Record>& last() const { return last_; }
  const Guard& guard() const { return guard_; }
  bool inconsistent() const { return inconsistent_; }
  // Last-good was in use in this process: the objects it consisted of are in use or have to be kept.
  bool keeps_last_good() const { return kept_; }
  // What stands against this very directory under this binary.
  const Refusal* refusal_of(const Target& target) const;
  // The same of a digest: of what is desired or in use, else the newest against any directory of it.
  const Refusal* refusal(const payload::Digest& digest) const;
  // A rollback on request keeps this digest out.
  bool held_back(const payload::Digest& digest) const;
  bool retrying(const payload::Digest& digest) const { return retry_of(digest) != nullptr; }
  std::uint64_t ok_count() const { return ok_; }
  std::uint64_t failed_count() const { return failed_; }
  std::uint64_t superseded_count() const { return superseded_; }
  std::uint64_t rolled_back_count() const { return rolled_back_; }

 private:
  struct Job {
    JobId id = 0;
    Target target;
    Phase phase = Phase::verifying;
    bool restore = false;
    unsigned attempt = 1;
    std::string version;
  };
  struct Retry {
    payload::Digest digest;
    unsigned attempt = 1;           // of the next try
    std::optional<Nanoseconds> at;  // nullopt: it is due
  };

  std::optional<Target> goal() const;
  bool usable_last_good(const payload::Digest& except) const;
  // Neither refused nor waiting for its retry.
  bool may_begin(const Target& target) const;
  const Retry* retry_of(const payload::Digest& digest) const;
  void advance(Actions& actions, Nanoseconds now);
  void begin(const Target& target, Actions& actions);
  void drop_job(Actions& actions);
  void fail(const Failure& failure, Actions& actions, Nanoseconds now);
  void refuse(const Target& target, const std::string& version, const Failure& failure, bool passing,
              Actions& actions);
  void found_whole(const payload::VersionName& name, Actions& actions);
  void forgive_passing(const payload::Digest& digest, Actions& actions);
  void forgive(const payload::Digest& digest, Actions& actions);
  void end(Record record, Actions& actions);
  void supersede(const Target& old, Actions& actions);
  void bless(Actions& actions);
  const Attempt* attempts_of(const payload::Digest& digest) const;
  void set_attempts(const payload::Digest& digest, unsigned count);
  void count_attempt(const payload::Digest& digest, Actions& actions);
  void take_back_attempt(const payload::Digest& digest, Actions& actions);
  bool last_good_is(const payload::Digest& digest) const;

  ReloaderOptions options_;
  Guard guard_;
  std::optional<Target> desired_;
  std::optional<Target> active_;
  std::string active_version_;
  std::optional<Job> job_;
  std::optional<JobId> stopping_;  // a cancelled job whose worker has not answered yet
  std::vector<Retry> retries_;     // at most one a digest
  std::optional<Nanoseconds> probation_until_;
  std::set<payload::Digest> counted_;  // whose attempt this process has counted and not taken back
  std::optional<Failure> bad_;         // why the active payload is being rolled back
  bool kept_ = false;  // last-good was in use in this process: its objects are here, or in use
  bool inconsistent_ = false;
  std::optional<Record> last_;
  JobId next_job_ = 1;
  std::uint64_t ok_ = 0, failed_ = 0, superseded_ = 0, rolled_back_ = 0;
};

}  // namespace okg::reload
