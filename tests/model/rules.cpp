#include "model/rules.hpp"

#include <algorithm>

namespace okg::model {

using payload::Digest;
using reload::End;
using reload::Stage;

// ---- Lives

void Rules::start(const std::string& binary) {
  binary_ = binary;
  std::erase_if(memory_.refused, [](const Refused& one) { return one.passing; });
  saved_memory_ = memory_;
}

void Rules::die() {
  // What was not saved did not happen, and what was taken back may not be.
  std::set<Digest> maybe = announced_;
  maybe.insert(saved_announced_.begin(), saved_announced_.end());
  auto deaths = memory_.deaths;
  for (const auto& [key, count] : saved_memory_.deaths) {
    auto& mine = deaths[key];
    mine.most = std::max(mine.most, count.most);
  }
  for (const Digest& digest : maybe) ++deaths[{digest, binary_}].most;
  for (const Digest& digest : taking_) ++deaths[{digest, binary_}].sure;
  memory_ = saved_memory_;
  memory_.deaths = deaths;
  desired_.reset();
  active_.reset();
  work_.reset();
  owed_.clear();
  cancelled_.clear();
  newest_ = 0;
  verified_.clear();
  versions_.clear();
  tries_.clear();
  announced_.clear();
  saved_announced_.clear();
  taking_.clear();
  inconsistent_ = false;
  last_.reset();
  ended_ = {};
}

// An attempt ended in this life.
void Rules::survived(const Digest& digest) {
  taking_.erase(digest);
  // Loaded anew in the midst of its probation: nobody can say which attempt that was.
  if (!active_ || active_->target.digest() != digest) announced_.erase(digest);
}

void Rules::unsettle() {
  for (auto& [digest, tries] : tries_) tries.unsure = true;
}

// ---- Events

void Rules::before(const Call& call) {
  records_.clear();
  saves_ = works_ = false;
  to_supersede_.reset();
  may_supersede_.reset();
  active_before_ = active_;
  job_before_.reset();
  if (call.job != 0 && work_ && work_->job == call.job) job_before_ = work_;
  switch (call.event) {
    case Event::desired:
      wish(*call.target);
      break;
    case Event::verified:
    case Event::prepared:
      answered(call);
      break;
    case Event::committed:
      returned(call);
      break;
    case Event::force:
    case Event::reload:
      if (!desired_) break;
      unsettle();
      if (const auto found = tries_.find(desired_->digest()); found != tries_.end()) found->second.to = 0;
      if (call.event == Event::force) memory_.hold.reset();
      memory_.forgive(*desired_, binary_, call.event == Event::force);
      if (call.event == Event::force && active_ && active_->bad &&
          active_->target.digest() == desired_->digest())
        active_ = Active{active_->target, active_->version, call.now + probation_, !inconsistent_, false};
      break;
    case Event::rollback:
      unsettle();
      memory_.hold.reset();
      // Away from what is published, or, where nobody can see that, from what is in use.
      if (const Target* from = desired_  ? &*desired_
                               : active_ ? &active_->target
                                         : nullptr;
          from != nullptr && from->digest() != call.target->digest())
        memory_.hold = reload::Hold{from->digest(), call.target->name};
      break;
    case Event::restart:
      unsettle();
      break;
    default:
      break;
  }
}

void Rules::wish(const Target& target) {
  const bool newer = !desired_ || desired_->digest() != target.digest();
  if (!newer) {
    if (!same_target(*desired_, target)) unsettle();  // a new copy
    desired_ = target;
    return;
  }
  if (desired_) supersede();
  if (memory_.hold && memory_.hold->desired != target.digest()) memory_.hold.reset();
  unsettle();
  if (const auto found = tries_.find(target.digest()); found != tries_.end()) found->second.to = 0;
  desired_ = target;
}

// What is desired no more ends as superseded, unless it ended before: in use, refused, held back.
void Rules::supersede() {
  const Digest& old = desired_->digest();
  const bool in_use = active_ && active_->target.digest() == old;
  const bool committing_it = committing() && work_->target.digest() == old;
  const Maybe refused = memory_.refuses(*desired_, binary_);
  if (in_use || committing_it || held() || refused == Maybe::yes) return;
  may_supersede_ = old;
  if (refused == Maybe::no) to_supersede_ = old;
}

void Rules::answered(const Call& call) {
  require(owed_.erase(call.job) == 1, "the test itself: an answer nobody waits for");
  if (!job_before_) return;
  work_->answered = true;
  // Also of what failed on its `requires`: its manifest was read.
  if (call.event == Event::verified && !call.version.empty())
    versions_[work_->target.digest()] = call.version;
  if (call.event == Event::prepared || call.failure) return;
  memory_.found_well(work_->target.name);
  verified_.insert(work_->target.digest());
}

void Rules::returned(const Call& call) {
  require(job_before_ && job_before_->phase == Phase::committing, "the test itself: a commit nobody began");
  work_.reset();
  if (call.failure) {
    if (!call.consistent) inconsistent_ = true;
    if (inconsistent_ && active_)
      active_->on_probation = false;  // in use in parts only: it cannot become good
    return;
  }
  ++commits_;
  if (job_before_->restore) ++restores_;
  const Digest& digest = job_before_->target.digest();
  if (active_ && active_->target.digest() != digest) {
    const Digest left = active_->target.digest();
    active_.reset();
    survived(left);
  }
  const bool again = memory_.last_good_is(digest);
  active_ = Active{job_before_->target, versions_[digest], call.now + probation_, !again, false};
  inconsistent_ = false;
  tries_.erase(digest);
}

void Rules::begin(const std::optional<JobId>& begun, const std::optional<JobId>& offered,
                  const Subject& subject) {
  if (!begun) {
    require(!offered, "an offer that stands is not honoured");
    return;
  }
  require(cancelled_.count(*begun) == 0, "a cancelled job commits");
  require(offered == begun, "a job commits that was not offered");
  require(work_ && work_->job == *begun && work_->phase == Phase::prepared,
          "a job commits that is not prepared");
  require(verified_.count(work_->target.digest()) == 1, "a payload commits that was not verified");
  require(!active_ || active_->target.digest() != work_->target.digest() || inconsistent_,
          "a second commit of what is in use");
  work_->phase = Phase::committing;
  check_state(subject);
}

void Rules::after(const Call& call, const Actions& actions, const Subject& subject) {
  const Guard& guard = subject.real().guard();
  check_last_good(call, guard);
  if (call.event == Event::report_bad) reported(call);
  for (const Action& action : actions) {
    if (std::holds_alternative<reload::action::SaveGuard>(action)) {
      require(!works_, "work begins before the guard is saved");
      saves_ = true;
    }
    if (const auto* verify = std::get_if<reload::action::Verify>(&action)) check(*verify, call);
    if (const auto* prepare = std::get_if<reload::action::Prepare>(&action)) check(*prepare);
    if (const auto* cancel = std::get_if<reload::action::Cancel>(&action)) check(*cancel, call);
    if (const auto* offer = std::get_if<reload::action::Offer>(&action)) check(*offer, subject);
    if (const auto* ended = std::get_if<reload::action::Ended>(&action)) check(*ended, call);
  }
  check_ended(call);
  memory_.compare(guard);
  check_state(subject);
  check_progress(call);
  check_time(call, subject);
}

void Rules::reported(const Call& call) {
  const bool on_probation = active_ && active_->on_probation && !active_->bad;
  if (!call.answer) {
    const bool must = on_probation && call.now < active_->good_at && !committing() && !inconsistent_;
    require(!must || usable_last_good(call) != Maybe::yes, "a report is not taken");
    return;
  }
  require(on_probation, "something is reported that is not on probation");
  require(memory_.last_good && !memory_.last_good_is(active_->target.digest()) &&
              memory_.refuses({memory_.last_good->name, 0}, binary_) != Maybe::yes,
          "there is nothing to go back to");
  active_->bad = true;
  taking_.erase(active_->target.digest());
  memory_.refuse({active_->target, Stage::probation, binary_, false});
}

// ---- Carrying out

void Rules::carry_out(const Action& action, const Subject& subject) {
  if (std::holds_alternative<reload::action::SaveGuard>(action)) {
    saved_ = subject.real().guard();
    saved_memory_ = memory_;
    saved_announced_ = announced_;
  }
  const auto* prepare = std::get_if<reload::action::Prepare>(&action);
  if (prepare == nullptr || !work_ || work_->job != prepare->job) return;
  const Digest& digest = work_->target.digest();
  if (announced_.count(digest) == 0) return;
  taking_.insert(digest);
  const unsigned sure =
      std::min(memory_.deaths[{digest, binary_}].sure, reload::kMostStarts);  // counted no further
  const auto& attempts = saved_.attempts;
  require(std::any_of(attempts.begin(), attempts.end(),
                      [&](const reload::Attempt& one) {
                        return one.digest == digest && one.binary == binary_ && one.count > sure;
                      }),
          "prepare begins before the attempt is counted");
}

}  // namespace okg::model
