#include "server/reload_driver.hpp"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.hpp"
#include "payload/read.hpp"
#include "server/driver_section.hpp"

namespace okg::server {

using base::Code;
using base::Error;
using payload::Digest;
using reload::failure_of;
using reload::JobId;
using reload::Stage;
using reload::Target;

namespace {

constexpr std::size_t kOnceDesired = 32;
constexpr std::int64_t kDeferral = 100'000'000;  // how often a server that sleeps on poll_fd is asked again

reload::Guard load(base::Os& os, const DriverOptions& options) {
  if (options.run_directory < 0 || options.unverified) return {};
  auto guard = reload::load_guard(os, options.run_directory);
  if (guard) return std::move(*guard);
  if (guard.error().code != Code::not_found)
    options.log.warn("reload", guard.error().text + ": starting without a memory of earlier payloads");
  return {};
}

double jitter(base::Os& os) {
  std::uint16_t bits = 0;
  os.random(&bits, sizeof bits);
  return bits / 65536.0;
}

}  // namespace

ReloadDriver::ReloadDriver(base::Os& os, DriverOptions options, Signals signals)
    : os_(os),
      options_(std::move(options)),
      signals_(std::move(signals)),
      reloader_({options_.probation, options_.binary, [&os] { return jitter(os); }, !options_.unverified},
                load(os, options_)) {}

ReloadDriver::~ReloadDriver() {
  stop(true);
}

// ---- Events
// ------------------------------------------------------------------------------------------------------

void ReloadDriver::found(const Target& target, std::int64_t now_ns, std::optional<std::int64_t> stamp_ns) {
  const Section section(*this);
  if (stopping_) return;
  if (!noticed_ || noticed_->digest != target.digest()) noticed_ = Noticed{target.digest(), now_ns, stamp_ns};
  std::erase(once_desired_, target.digest());
  once_desired_.push_back(target.digest());
  if (once_desired_.size() > kOnceDesired) once_desired_.erase(once_desired_.begin());
  current_times_ = {};
  carry_out(reloader_.desired(target, now_ns));
}

void ReloadDriver::tick() {
  const Section section(*this);
  if (stopping_) return;
  if (deferred_) {
    deferred_ = false;
    signal_work();
  }
  const auto deadline = reloader_.next_deadline();
  const std::int64_t time = now();
  if (!deadline || time < *deadline) return;
  current_times_ = {};
  carry_out(reloader_.tick(time));
}

std::optional<std::int64_t> ReloadDriver::next_deadline() {
  const std::lock_guard lock(mutex_);
  auto next = reloader_.next_deadline();
  if (deferred_) {
    const std::int64_t again = now() + kDeferral;
    if (!next || again < *next) next = again;
  }
  return next;
}

base::Status ReloadDriver::reload(bool force) {
  const Section section(*this);
  if (stopping_) return Error(Code::closed, "reload: the server is closed");
  current_times_ = {};
  carry_out(reloader_.reload(force, now()));
  return {};
}

base::Result<Target> ReloadDriver::find_on_volume(const Digest& digest) {
  const base::UniqueFd root(os_.open(AT_FDCWD, options_.payload_directory.c_str(), O_RDONLY | O_DIRECTORY));
  if (!root) return Error(Code::not_found, "no payload volume at " + options_.payload_directory);
  const auto found = payload::find_version(os_, root.get(), digest);
  if (!found) return found.error();
  if (!*found) return Error(Code::not_found, digest.text() + " is not on the volume; see `okg status`");
  const auto opened = payload::open_version(os_, root.get(), **found);
  return Target{**found, opened ? opened->inode : 0};
}

base::Status ReloadDriver::rollback(const std::optional<Digest>& to, bool force,
                                    std::optional<Digest>* target) {
  if (options_.unverified)
    return Error(
        Code::unsupported,
        "rollback: the files came without a manifest and are written in place: there is nothing to go "
        "back to; `okg publish` keeps the versions before");
  const auto on_volume = to ? std::optional(find_on_volume(*to)) : std::nullopt;  // not under the mutex
  const Section section(*this);
  if (stopping_) return Error(Code::closed, "rollback: the server is closed");
  std::optional<Target> there;
  const auto& last_good = reloader_.guard().last_good;
  if (to && reloader_.active() && reloader_.active()->digest() == *to)
    there = reloader_.active();
  else if (last_good && (!to || last_good->name.digest == *to))
    there = Target{last_good->name, 0};
  else if (!to)
    return Error(Code::not_found, "rollback: no payload has been good yet");
  else if (*on_volume)
    there = **on_volume;
  else
    return Error(on_volume->error().code, "rollback: " + on_volume->error().text);
  const reload::Refusal* refusal = reloader_.refusal_of(*there);
  if (refusal != nullptr && !force)
    return Error(refusal->failure.code, "rollback: " + there->digest().text() + " was refused: " +
                                            refusal->failure.text + "; --force tries it again");
  if (target != nullptr) *target = there->digest();
  current_times_ = {};
  carry_out(reloader_.rollback(*there, now(), refusal != nullptr));
  return {};
}

base::Status ReloadDriver::report_bad(const std::string& text) {
  const Section section(*this);
  if (stopping_) return Error(Code::closed, "report_bad: the server is closed");
  reload::Actions actions;
  current_times_ = {};
  if (!reloader_.report_bad(base::one_line(text), now(), &actions))
    return Error(Code::not_found,
                 "report_bad: no payload is on probation with an older good one to go back to");
  carry_out(std::move(actions));
  return {};
}

// ---- Actions (mutex held)
// ----------------------------------------------------------------------------------------

void ReloadDriver::carry_out(reload::Actions actions) {
  for (const reload::Action& action : actions) carry_out_one(action);
  ++generation_;
  change_.notify_all();
  signals_.changed();
}

void ReloadDriver::carry_out_one(const reload::Action& action) {
  namespace act = reload::action;
  if (const auto* verify = std::get_if<act::Verify>(&action)) start_verify(*verify);
  if (const auto* prepare = std::get_if<act::Prepare>(&action)) start_prepare(*prepare);
  if (const auto* cancelled = std::get_if<act::Cancel>(&action)) cancel(cancelled->job);
  if (const auto* offer = std::get_if<act::Offer>(&action)) {
    offered_ = Offered{offer->job, offer->restore};
    signal_work();
  }
  if (std::holds_alternative<act::DropKept>(action)) {
    throw_away(kept_);
    kept_payload_.reset();
  }
  if (std::holds_alternative<act::SaveGuard>(action)) save_guard();
  if (const auto* end = std::get_if<act::Ended>(&action)) ended(end->record);
}

void ReloadDriver::start_verify(const reload::action::Verify& action) {
  Job& job = jobs_[action.job];
  job.target = action.target;
  job.on_worker = true;
  if (noticed_ && noticed_->digest == action.target.digest() && noticed_->stamp)
    job.times.detect = noticed_->at - *noticed_->stamp;
  const auto started = worker_.run([this, id = action.job, target = action.target,
                                    stop = job.stop.get_token()] { verify_on_worker(id, target, stop); });
  if (started) return;
  jobs_.erase(action.job);
  carry_out(reloader_.verified(action.job, "", failure_of(Stage::verify, "", started.error()), now()));
}

void ReloadDriver::start_prepare(const reload::action::Prepare& action) {
  Job& job = jobs_.at(action.job);
  job.on_worker = true;
  const auto started =
      worker_.run([this, id = action.job, payload = job.payload, everything = action.everything,
                   stop = job.stop.get_token()] { prepare_on_worker(id, payload, everything, stop); });
  if (started) return;
  jobs_.erase(action.job);
  carry_out(reloader_.prepared(action.job, failure_of(Stage::prepare, "", started.error()), now()));
}

void ReloadDriver::cancel(JobId id) {
  if (offered_ && offered_->job == id) offered_.reset();
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  found->second.stop.request_stop();
  found->second.cancelled = true;
  if (found->second.on_worker) return;  // its answer is on the way
  throw_away(found->second.staged);
  jobs_.erase(found);
}

void ReloadDriver::log(base::LogLevel level, std::string text) {
  if (options_.log.enabled(level)) log_lines_.push_back({level, std::move(text)});
}

void ReloadDriver::save_guard() {
  if (options_.run_directory < 0 || options_.unverified) return;
  const auto saved = reload::save_guard(os_, options_.run_directory, reloader_.guard());
  if (!saved && !guard_trouble_)
    log(base::LogLevel::warn,
        "boot guard not saved: " + saved.error().text + "; a crash will not be remembered");
  guard_trouble_ = !saved;
}

void ReloadDriver::ended(const reload::Record& record) {
  const auto& last = reloader_.last();
  if (last && last->digest == record.digest && last->result == record.result) last_times_ = current_times_;
  const std::string name = record.version.empty() ? record.digest.text() : record.version;
  switch (record.result) {
    case reload::End::active:
      log(base::LogLevel::info, "payload " + name + " is in use");
      break;
    case reload::End::superseded:
      log(base::LogLevel::info, "payload " + name + " was superseded");
      break;
    case reload::End::rolled_back:
      log(base::LogLevel::warn, "payload " + name + " was rolled back: " + record.failure->text);
      break;
    case reload::End::failed: {
      const std::string text = describe(*record.failure, name);
      if (record.failure->retriable)
        log(base::LogLevel::warn,
            text + " (try " + std::to_string(record.attempt) + "; will be tried again)");
      else
        log(base::LogLevel::error, text);
    }
  }
  const auto add = [&](const char* phase, const std::optional<std::int64_t>& ns) {
    if (ns) histograms_[phase].add(static_cast<double>(*ns) / 1e9);
  };
  add("detect", current_times_.detect);
  add("verify", current_times_.verify);
  add("prepare", current_times_.prepare);
  add("commit", current_times_.commit);
  add("total", current_times_.total);
}

void ReloadDriver::signal_work() {
  signals_.poll.raise(PollSignal::kReload);
}

void ReloadDriver::nudge() {
  const std::lock_guard lock(mutex_);
  signal_work();
}

void ReloadDriver::throw_away(std::vector<Held>& held) {
  for (Held& one : held)
    if (one.object != nullptr) garbage_.push_back(std::move(one));
  held.clear();
  if (!garbage_.empty()) signal_work();
}

}  // namespace okg::server
