// What the reload driver tells about itself.
#include <algorithm>
#include <chrono>

#include "server/reload_driver.hpp"

namespace okg::server {

using base::Code;
using control::Outcome;
using control::Verdict;
using payload::Digest;

namespace {

std::string name_of(const std::string& version, const std::string& digest) {
  return version.empty() ? digest : version;
}

Verdict verdict_of(const reload::Failure& failure) {
  if (failure.stage == reload::Stage::requirement) return Verdict::unmet;
  switch (failure.code) {
    case Code::digest_mismatch:
    case Code::bad_manifest:
    case Code::bad_list:
    case Code::bad_path:
      return Verdict::damaged;
    default:
      return Verdict::failed;
  }
}

}  // namespace

LivePayloadPtr ReloadDriver::active() {
  const std::lock_guard lock(mutex_);
  return active_;
}

void ReloadDriver::wait_for_change(std::uint64_t* generation, std::int64_t deadline_ns) {
  std::unique_lock lock(mutex_);
  const std::int64_t left = deadline_ns - now();
  if (left > 0)
    change_.wait_for(lock, std::chrono::nanoseconds(left),
                     [&] { return stopping_ || generation_ != *generation; });
  *generation = generation_;
}

Outcome ReloadDriver::outcome(const Digest& digest) {
  std::unique_lock lock(mutex_);
  const auto& desired = reloader_.desired();
  const auto& active = reloader_.active();
  const bool is_desired = desired && desired->digest() == digest;
  const bool is_active = active && active->digest() == digest;
  const reload::Target* work = reloader_.working_on();
  const bool is_worked_on = work != nullptr && work->digest() == digest;
  // In use and whole, it is not judged by another copy of it that was refused.
  const bool is_sound = is_active && !reloader_.inconsistent() && reloader_.refusal_of(*active) == nullptr;
  if (const reload::Refusal* refusal = is_sound ? nullptr : reloader_.refusal(digest);
      refusal != nullptr && !is_worked_on)
    return {verdict_of(refusal->failure),
            describe(refusal->failure, name_of(refusal->version, digest.text()))};
  const auto& hold = reloader_.guard().hold;
  const bool is_wanted =
      hold && desired && hold->desired == desired->digest() ? hold->to.digest == digest : is_desired;
  if (is_active && (is_wanted || !desired)) return {Verdict::active, "in use"};
  if (is_active && is_worked_on) return {Verdict::pending, "being taken into use again"};
  if (is_desired && reloader_.held_back(digest))
    return {Verdict::failed,
            "rolled back on request, to " + hold->to.digest.text() + ", until something newer is published"};
  if (is_wanted || is_worked_on) {
    const bool waits_for_poll = reloader_.phase() == reload::Phase::prepared;
    return {Verdict::pending, waits_for_poll ? "prepared, waiting for the game loop" : "on its way"};
  }
  if (is_active) return {Verdict::active, "in use"};
  if (std::find(once_desired_.begin(), once_desired_.end(), digest) != once_desired_.end())
    return {Verdict::superseded, desired ? "superseded by " + desired->digest().text() : "superseded"};
  lock.unlock();
  if (find_on_volume(digest))
    return {Verdict::not_desired, "on the volume, but `current` leads elsewhere: publish it"};
  return {Verdict::not_found, digest.text() + " is not on the volume"};
}

std::optional<base::Error> ReloadDriver::hopeless() {
  const std::lock_guard lock(mutex_);
  const auto phase = reloader_.phase();
  if (active_ || phase != reload::Phase::idle || !reloader_.desired()) return std::nullopt;
  const auto& last = reloader_.last();
  if (!last || last->result != reload::End::failed || last->failure->retriable ||
      reloader_.retrying(reloader_.desired()->digest())) {
    // Refused by an earlier start: the memory of it is the answer.
    const reload::Refusal* refusal = reloader_.refusal(reloader_.desired()->digest());
    if (refusal == nullptr) return std::nullopt;
    return base::Error(refusal->failure.code,
                       describe(refusal->failure, name_of(refusal->version, refusal->name.digest.text())));
  }
  return base::Error(last->failure->code,
                     describe(*last->failure, name_of(last->version, last->digest.text())));
}

DriverState ReloadDriver::state() {
  const std::lock_guard lock(mutex_);
  DriverState state;
  state.phase = reloader_.phase();
  const auto version_of = [&](const Digest& digest) {
    const auto found = versions_.find(digest);
    return found == versions_.end() ? std::string() : found->second;
  };
  if (reloader_.active()) {
    state.active = reloader_.active()->digest();
    state.active_version = reloader_.active_version();
    state.active_since = active_since_;
    state.unverified = options_.unverified;
  }
  if (reloader_.desired()) {
    state.desired = reloader_.desired()->digest();
    state.desired_version = version_of(*state.desired);
  }
  if (const auto& good = reloader_.guard().last_good) state.last_good = good->name.digest;
  // A job's payload is being looked at, not in use.
  for (const auto& weak : alive_) {
    const LivePayloadPtr payload = weak.lock();
    if (!payload) continue;
    const bool of_job = std::any_of(jobs_.begin(), jobs_.end(),
                                    [&](const auto& job) { return job.second.payload == payload; });
    if (of_job && payload != active_ && payload != kept_payload_) continue;
    if (std::find(state.in_use.begin(), state.in_use.end(), payload->digest) == state.in_use.end())
      state.in_use.push_back(payload->digest);
  }
  for (const reload::Refusal& refusal : reloader_.guard().refusals) state.refused.push_back(refusal);
  state.last = reloader_.last();
  if (state.last && state.last->version.empty()) state.last->version = version_of(state.last->digest);
  state.last_times = last_times_;
  state.ok = reloader_.ok_count();
  state.failed = reloader_.failed_count();
  state.superseded = reloader_.superseded_count();
  state.rolled_back = reloader_.rolled_back_count();
  if (const reload::Target* work = reloader_.working_on()) state.working_on = work->digest();
  if (const auto& hold = reloader_.guard().hold; hold && reloader_.held_back(hold->desired))
    state.hold = hold;
  state.inconsistent = reloader_.inconsistent();
  return state;
}

std::vector<std::pair<std::string, control::PhaseHistogram>> ReloadDriver::histograms() {
  const std::lock_guard lock(mutex_);
  return {histograms_.begin(), histograms_.end()};
}

}  // namespace okg::server
