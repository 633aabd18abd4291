// Carries out what the reload state machine says: verification and prepare on the worker, commits and
// discards on the polling thread, the boot guard on disk. One mutex guards all of it; no user code runs under
// it, the log sink included: what is logged is written when the mutex is free again.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/os.hpp"
#include "control/backend.hpp"
#include "reload/reloader.hpp"
#include "reload/worker.hpp"
#include "server/handler.hpp"
#include "server/poll_signal.hpp"

namespace okg::server {

struct DriverOptions {
  std::string payload_directory;
  int run_directory = -1;  // -1: there is none, nothing is remembered
  std::string server_version;
  std::string binary;
  reload::Nanoseconds probation = 0;
  // Files that a plain copy writes in place: nothing can be verified, kept or gone back to.
  bool unverified = false;
  base::Log log;
};

// How long the parts of a reload took, in nanoseconds; nullopt: not reached, or not known.
struct Times {
  std::optional<std::int64_t> detect, verify, prepare, commit, total;
};

// What the driver knows, copied at one instant.
struct DriverState {
  reload::Phase phase = reload::Phase::idle;
  std::optional<payload::Digest> active, desired;
  std::string active_version, desired_version, active_since;
  std::optional<payload::Digest> last_good;
  std::vector<std::string> in_use;  // digests
  std::vector<reload::Refusal> refused;
  std::optional<reload::Record> last;
  Times last_times;
  std::uint64_t ok = 0, failed = 0, superseded = 0, rolled_back = 0;
  std::optional<payload::Digest> working_on;
  std::optional<reload::Hold> hold;
  bool inconsistent = false;
  bool unverified = false;  // what is in use came without a manifest
};

class ReloadDriver {
 public:
  struct Signals {
    PollSignal& poll;
    // Any thread, with the mutex held, so it must only signal: outcomes may have changed.
    std::function<void()> changed;
  };
  ReloadDriver(base::Os& os, DriverOptions options, Signals signals);
  ~ReloadDriver();

  // --- Polling thread ---
  base::Status add(HandlerPtr handler);
  // Objects of the handler are discarded here; those of a handler that is being called right now, after that.
  void remove(const HandlerPtr& handler);
  // Commits what is offered and allowed, then discards until `budget_ns` (0: no bound) is used up; at least
  // one piece. Returns the number of callbacks made.
  int run(std::int64_t budget_ns);
  // Ends everything; remaining objects are discarded here. Idempotent. Not `in_order`: what is in use may be
  // the reason, as in a crash.
  void stop(bool in_order);
  // Waits until a payload is in use, its reload failed for good, `generation` of changes moved on, or the
  // deadline.
  void wait_for_change(std::uint64_t* generation, std::int64_t deadline_ns);

  // --- io thread ---
  // `current` leads to `target`; noticed at `now_ns`, published at `stamp_ns` as far as that is known.
  void found(const reload::Target& target, std::int64_t now_ns, std::optional<std::int64_t> stamp_ns);
  void tick();
  std::optional<std::int64_t> next_deadline();

  // --- Any thread ---
  LivePayloadPtr active();
  base::Status reload(bool force);
  // `force`: also to what was refused before.
  base::Status rollback(const std::optional<payload::Digest>& to, bool force,
                        std::optional<payload::Digest>* target);
  base::Status report_bad(const std::string& text);
  control::Outcome outcome(const payload::Digest& digest);
  // Called from a prepare.
  bool on_worker() { return worker_.is_current(); }
  // Makes the next poll() look, though nothing is offered.
  void nudge();
  // Why there is no payload in use and none on its way: the last failure that will not be retried.
  std::optional<base::Error> hopeless();
  DriverState state();
  std::vector<std::pair<std::string, control::PhaseHistogram>> histograms();

 private:
  struct Job {
    std::stop_source stop;
    reload::Target target;
    bool on_worker = false;
    bool cancelled = false;
    LivePayloadPtr payload;
    std::vector<Held> staged;
    Times times;
  };
  struct Offered {
    reload::JobId job = 0;
    bool restore = false;
  };
  struct Noticed {
    payload::Digest digest;
    std::int64_t at = 0;
    std::optional<std::int64_t> stamp;
  };
  struct Commit;  // one attempt to take a payload into use; commit.cpp
  class Section;  // holds the mutex, then writes what was logged
  struct LogLine {
    base::LogLevel level;
    std::string text;
  };

  std::int64_t now() { return os_.monotonic_ns(); }
  base::Result<reload::Target> find_on_volume(const payload::Digest& digest);
  void carry_out(reload::Actions actions);
  void carry_out_one(const reload::Action& action);
  void start_verify(const reload::action::Verify& action);
  void start_prepare(const reload::action::Prepare& action);
  void cancel(reload::JobId id);
  void log(base::LogLevel level, std::string text);
  void save_guard();
  void ended(const reload::Record& record);
  void signal_work();

  void verify_on_worker(reload::JobId id, reload::Target target, std::stop_token stop);
  base::Result<LivePayloadPtr> open_and_verify(const reload::Target& target, const std::stop_token& stop,
                                               std::uint64_t* inode, reload::Failure* failure);
  std::optional<reload::Failure> plan_for(const LivePayloadPtr& payload, bool everything,
                                          std::vector<HandlerPtr>* due);
  std::optional<reload::Failure> prepare_all(const LivePayloadPtr& payload, bool everything,
                                             const std::stop_token& stop, std::vector<Held>* staged);
  void prepare_on_worker(reload::JobId id, LivePayloadPtr payload, bool everything, std::stop_token stop);

  int commit_offered(bool* deferred);
  int discard_some(std::int64_t deadline_ns);
  void discard(const Held& held);
  void throw_away(std::vector<Held>& held);

  base::Os& os_;
  DriverOptions options_;
  Signals signals_;

  std::mutex mutex_;
  std::condition_variable change_;
  std::uint64_t generation_ = 0;
  std::vector<LogLine> log_lines_;
  bool stopping_ = false;
  bool guard_trouble_ = false;
  reload::Reloader reloader_;
  std::vector<HandlerPtr> handlers_;
  HandlerPtr preparing_;  // whose prepare runs now
  std::map<reload::JobId, Job> jobs_;
  std::optional<Offered> offered_;
  bool deferred_ = false;        // can_commit said no; asked again in the next poll
  std::vector<Held> kept_;       // what last-good consisted of, in the order it was replaced
  LivePayloadPtr kept_payload_;  // last-good, while something else is in use
  std::vector<Held> garbage_;
  LivePayloadPtr active_;
  std::string active_since_;
  std::vector<std::weak_ptr<const LivePayload>> alive_;
  std::optional<Noticed> noticed_;
  std::map<payload::Digest, std::string> versions_;  // labels of digests seen, for status
  std::vector<payload::Digest> once_desired_;        // the newest, for "superseded"
  Times current_times_, last_times_;
  std::map<std::string, control::PhaseHistogram> histograms_;

  // The polling thread's own.
  Commit* commit_ = nullptr;  // that runs now
  HandlerPtr calling_;        // whose callback runs now

  reload::Worker worker_;  // last: joined first
};

}  // namespace okg::server
