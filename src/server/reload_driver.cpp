#include "server/reload_driver.hpp"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.hpp"
#include "payload/read.hpp"
#include "payload/requirement.hpp"
#include "payload/verify.hpp"
#include "reload/plan.hpp"

namespace okg::server {

using base::Code;
using base::Error;
using payload::Digest;
using reload::Failure;
using reload::JobId;
using reload::Stage;
using reload::Target;

namespace {

constexpr std::size_t kOnceDesired = 32;
constexpr std::size_t kVersionsKept = 64;
constexpr std::int64_t kDeferral = 100'000'000;  // how often a server that sleeps on poll_fd is asked again

reload::Guard load(base::Os& os, const DriverOptions& options) {
  if (options.run_directory < 0) return {};
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

Failure failure_of(Stage stage, std::string component, const Error& error) {
  return {stage, std::move(component), error.code, base::one_line(error.text), error.retriable};
}

// At this stage a reader may be ahead of the content (Kata copies links first) or of a chmod: worth another
// try.
Failure verify_failure(const Error& error) {
  Failure failure = failure_of(Stage::verify, "", error);
  if (error.code == Code::not_found || error.code == Code::denied) failure.retriable = true;
  if (error.code == Code::not_found) failure.code = Code::io;
  if (error.code == Code::denied) failure.code = Code::io;
  return failure;
}

}  // namespace

ReloadDriver::ReloadDriver(base::Os& os, DriverOptions options, std::function<void()> wake,
                           std::function<void()> changed)
    : os_(os),
      options_(std::move(options)),
      wake_(std::move(wake)),
      changed_(std::move(changed)),
      reloader_({options_.probation, options_.binary, [&os] { return jitter(os); }}, load(os, options_)) {}

ReloadDriver::~ReloadDriver() {
  stop();
}

// ---- Events
// ------------------------------------------------------------------------------------------------------

void ReloadDriver::found(const Target& target, std::int64_t now_ns, std::optional<std::int64_t> stamp_ns) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  if (!noticed_ || noticed_->digest != target.digest()) noticed_ = Noticed{target.digest(), now_ns, stamp_ns};
  std::erase(once_desired_, target.digest());
  once_desired_.push_back(target.digest());
  if (once_desired_.size() > kOnceDesired) once_desired_.erase(once_desired_.begin());
  current_times_ = {};
  carry_out(reloader_.desired(target, now_ns));
}

void ReloadDriver::tick() {
  const std::lock_guard lock(mutex_);
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
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error(Code::closed, "reload: the server is closed");
  current_times_ = {};
  carry_out(reloader_.reload(force, now()));
  return {};
}

base::Status ReloadDriver::rollback(const std::optional<Digest>& to, std::optional<Digest>* target) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error(Code::closed, "rollback: the server is closed");
  std::optional<payload::VersionName> name;
  const auto& last_good = reloader_.guard().last_good;
  if (!to) {
    if (!last_good) return Error(Code::not_found, "rollback: no payload has been good yet");
    name = last_good->name;
  } else if (reloader_.active() && reloader_.active()->digest() == *to) {
    name = reloader_.active()->name;
  } else if (last_good && last_good->name.digest == *to) {
    name = last_good->name;
  } else {
    const base::UniqueFd root(os_.open(AT_FDCWD, options_.payload_directory.c_str(), O_RDONLY | O_DIRECTORY));
    if (!root) return Error(Code::not_found, "rollback: no payload volume at " + options_.payload_directory);
    auto found = payload::find_version(os_, root.get(), *to);
    if (!found) return found.error();
    name = *found;
    if (!name)
      return Error(Code::not_found, "rollback: " + to->text() + " is not on the volume; see `okg status`");
  }
  if (const reload::Refusal* refusal = reloader_.refusal(name->digest); refusal != nullptr)
    return Error(refusal->failure.code,
                 "rollback: " + name->digest.text() + " was refused: " + refusal->failure.text);
  if (target != nullptr) *target = name->digest;
  current_times_ = {};
  carry_out(reloader_.rollback(Target{*name, 0}, now()));
  return {};
}

base::Status ReloadDriver::report_bad(const std::string& text) {
  const std::lock_guard lock(mutex_);
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
  changed_();
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

void ReloadDriver::save_guard() {
  if (options_.run_directory < 0) return;
  const auto saved = reload::save_guard(os_, options_.run_directory, reloader_.guard());
  if (!saved && !guard_trouble_)
    options_.log.warn("reload",
                      "boot guard not saved: " + saved.error().text + "; a crash will not be remembered");
  guard_trouble_ = !saved;
}

void ReloadDriver::ended(const reload::Record& record) {
  const auto& last = reloader_.last();
  if (last && last->digest == record.digest && last->result == record.result) last_times_ = current_times_;
  const std::string name = record.version.empty() ? record.digest.text() : record.version;
  switch (record.result) {
    case reload::End::active:
      options_.log.info("reload", "payload " + name + " is in use");
      break;
    case reload::End::superseded:
      options_.log.info("reload", "payload " + name + " was superseded");
      break;
    case reload::End::rolled_back:
      options_.log.warn("reload", "payload " + name + " was rolled back: " + record.failure->text);
      break;
    case reload::End::failed: {
      const std::string text = describe(*record.failure, name);
      if (record.failure->retriable)
        options_.log.warn("reload",
                          text + " (try " + std::to_string(record.attempt) + "; will be tried again)");
      else
        options_.log.error("reload", text);
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
  pending_.store(true, std::memory_order_release);
  wake_();
}

void ReloadDriver::throw_away(std::vector<Held>& held) {
  for (Held& one : held)
    if (one.object != nullptr) garbage_.push_back(std::move(one));
  held.clear();
  if (!garbage_.empty()) signal_work();
}

// ---- Worker
// ------------------------------------------------------------------------------------------------------

base::Result<LivePayloadPtr> ReloadDriver::open_and_verify(const Target& target, const std::stop_token& stop,
                                                           Failure* failure) {
  const auto failed = [&](const Error& error) {
    *failure = verify_failure(error);
    return error;
  };
  const int root_fd = os_.open(AT_FDCWD, options_.payload_directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (root_fd < 0)
    return failed(base::error_from_errno(-root_fd, "payload volume " + options_.payload_directory));
  const base::UniqueFd root(root_fd);
  auto directory = payload::open_version(os_, root.get(), target.name);
  if (!directory) return failed(directory.error());
  auto verified = payload::verify(os_, directory->fd.get(), target.digest(), stop);
  if (!verified) return failed(verified.error());
  LivePayloadPtr payload = std::make_shared<LivePayload>(std::move(*directory), std::move(*verified));
  if (const auto& wanted = payload->verified.manifest.requires_server; wanted) {
    if (const auto met = payload::require_server(*wanted, options_.server_version); !met)
      *failure = failure_of(Stage::requirement, "", met.error());
  }
  return payload;
}

std::optional<Failure> ReloadDriver::plan_for(const LivePayloadPtr& payload, bool everything,
                                              std::vector<HandlerPtr>* due) {
  const std::lock_guard lock(mutex_);
  std::vector<reload::HandlerInfo> infos;
  infos.reserve(handlers_.size());
  for (const HandlerPtr& handler : handlers_) infos.push_back({handler->name(), handler->after()});
  std::string component;
  const auto order = reload::plan(payload->verified.manifest,
                                  active_ ? active_->component_digests() : reload::ComponentDigests{}, infos,
                                  everything, &component);
  if (!order) return failure_of(Stage::prepare, component, order.error());
  for (const std::string& name : *order)
    for (const HandlerPtr& handler : handlers_)
      if (handler->name() == name) due->push_back(handler);
  return std::nullopt;
}

void ReloadDriver::verify_on_worker(JobId id, Target target, std::stop_token stop) {
  const std::int64_t began = now();
  Failure failure;
  failure.text.clear();
  failure.code = Code::ok;
  LivePayloadPtr payload;
  try {
    if (auto opened = open_and_verify(target, stop, &failure)) payload = *opened;
  } catch (const std::bad_alloc&) {
    failure = failure_of(Stage::verify, "", Error(Code::no_memory, "verify: out of memory"));
  } catch (const std::exception& thrown) {
    failure = failure_of(Stage::verify, "", Error(Code::internal, thrown.what()));
  }
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (stopping_ || found == jobs_.end()) return;
  Job& job = found->second;
  job.on_worker = false;
  job.times.verify = now() - began;
  job.payload = payload;
  std::string version;
  if (payload) {
    version = payload->version();
    std::erase_if(alive_, [](const auto& old) { return old.expired(); });
    alive_.push_back(payload);
    if (versions_.size() >= kVersionsKept) versions_.clear();
    versions_[target.digest()] = version;
  }
  if (job.cancelled)
    jobs_.erase(found);
  else
    current_times_ = job.times;
  const bool failed = failure.code != Code::ok;
  carry_out(reloader_.verified(id, version, failed ? std::optional(failure) : std::nullopt, now()));
}

void ReloadDriver::prepare_on_worker(JobId id, LivePayloadPtr payload, bool everything,
                                     std::stop_token stop) {
  const std::int64_t began = now();
  std::vector<Held> staged;
  std::vector<HandlerPtr> due;
  std::optional<Failure> failure = plan_for(payload, everything, &due);
  for (const HandlerPtr& handler : due) {
    {
      const std::lock_guard lock(mutex_);
      if (stop.stop_requested()) break;
      preparing_ = handler;
    }
    void* object = nullptr;
    const auto done = handler->prepare(payload, stop, &object);
    const std::lock_guard lock(mutex_);
    preparing_.reset();
    change_.notify_all();
    if (done) {
      staged.push_back({handler, object});
    } else {
      failure = failure_of(Stage::prepare, handler->name(), done.error());
      break;
    }
  }
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) {
    throw_away(staged);
    return;
  }
  Job& job = found->second;
  job.on_worker = false;
  job.times.prepare = now() - began;
  job.staged = std::move(staged);
  if (stopping_) return;  // stop() discards
  if (job.cancelled) {
    throw_away(job.staged);
    jobs_.erase(found);
  } else {
    current_times_ = job.times;
  }
  carry_out(reloader_.prepared(id, failure, now()));
}

}  // namespace okg::server
