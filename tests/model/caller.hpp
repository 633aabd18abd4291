// Carries out what the reloader says, as server/reload_driver.cpp does: one worker, one polling thread, the
// guard on disk. It adds no will of its own: when what happens is the world's business (world.hpp).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/objects.hpp"
#include "model/rules.hpp"

namespace okg::model {

// Thrown in the middle of carrying out actions: SIGKILL.
struct Killed {};

class Caller {
 public:
  struct Surroundings {
    std::function<Content(const payload::Digest&)> content;  // what a payload consists of
    std::function<bool()> can_start;                         // a thread can be made
    std::function<void()> maybe_kill;                        // before each action; may throw Killed
    std::function<void(const std::string&)> log;             // may be empty: then nothing is described
  };

  Caller(Subject& subject, Rules& rules, Surroundings around);

  // --- Events from outside ---
  void found(const Target& target, Nanoseconds now);
  void tick(Nanoseconds now);
  void reload(bool force, Nanoseconds now);
  bool rollback(const Target& to, Nanoseconds now);  // false: refused, as the driver does
  void restart(Nanoseconds now);
  void report_bad(Nanoseconds now);

  // --- The worker ---
  bool worker_busy() const { return !tasks_.empty(); }
  const payload::Digest& working_on() const { return tasks_.front().target.digest(); }
  bool verifying() const { return tasks_.front().verify; }
  // The task at the front begins (a prepare is planned then) or ends.
  void work_begins();
  void work_ends(const std::optional<Failure>& failure, Nanoseconds now);

  // --- The polling thread ---
  bool offered() const { return offered_.has_value(); }
  bool committing() const { return commit_.has_value(); }
  const payload::Digest& committing_to() const { return commit_->to; }
  // The steps that the commit under way consists of.
  std::size_t steps() const { return commit_->steps.size(); }
  void poll_begins();
  // Fails at step `fail_at`; of the steps before it, going back fails where `stuck` says so.
  void poll_ends(const std::optional<Failure>& failure, std::size_t fail_at, unsigned stuck, Nanoseconds now);

 private:
  struct Job {
    Target target;
    bool on_worker = false;
    bool cancelled = false;
    std::vector<Object> staged;
  };
  struct Task {
    JobId job = 0;
    Target target;
    bool verify = true;
    bool everything = false;
    bool begun = false;
    std::vector<std::size_t> due;  // components
  };
  struct Offered {
    JobId job = 0;
    bool restore = false;
  };
  struct Commit {
    JobId job = 0;
    bool restore = false;
    payload::Digest to;
    std::optional<payload::Digest> from;
    std::vector<Object> steps;
  };

  template <class Tell>
  void deliver(Call call, Tell tell);
  void carry_out(const Actions& actions, Nanoseconds now);
  void cancel(JobId id);
  bool undo(const std::vector<Object>& done, std::vector<std::optional<Object>>& replaced, unsigned stuck);
  void keep(std::vector<std::optional<Object>>& replaced, const payload::Digest& from);
  void check_objects();

  Subject& subject_;
  Rules& rules_;
  Surroundings around_;
  Objects objects_;
  std::map<JobId, Job> jobs_;
  std::deque<Task> tasks_;
  std::optional<Offered> offered_;
  std::optional<Commit> commit_;
  std::optional<payload::Digest> active_;
  std::array<std::optional<Object>, kComponents> in_use_;
  bool mixed_ = false;  // what is in use does not make up one payload
  std::vector<Object> kept_;
  std::optional<payload::Digest> kept_payload_;
  int depth_ = 0;
};

}  // namespace okg::model
