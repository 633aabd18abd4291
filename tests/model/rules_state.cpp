// What must be so after every event: what is in use, what is under way, what is remembered.
#include <algorithm>

#include "model/rules.hpp"

namespace okg::model {

using payload::Digest;
using reload::End;

void Rules::check_last_good(const Call& call, const Guard& guard) {
  const auto& theirs = guard.last_good;
  auto& ours = memory_.last_good;
  require(theirs.has_value() || !ours.has_value(), "last-good is forgotten");
  const bool changed = theirs && (!ours || ours->name != theirs->name || ours->binary != theirs->binary);
  if (changed) {
    require(active_ && theirs->name == active_->target.name && theirs->binary == binary_ &&
                theirs->version == active_->version,
            "last-good is not what is in use");
    require(!active_->bad, "what was reported bad becomes last-good");
    require(!inconsistent_, "what is in use in parts only becomes last-good");
    require(memory_.refuses(active_->target, binary_) != Maybe::yes, "what is refused becomes last-good");
    const bool again = ours && ours->name.digest == theirs->name.digest;
    require(again || call.now >= active_->good_at, "last-good changes before probation is over");
    ours = theirs;
  }
  const bool is_good = active_ && memory_.last_good_is(active_->target.digest()) && ours->binary == binary_;
  if (is_good && (active_->on_probation || call.event == Event::committed)) {
    active_->on_probation = false;
    taking_.erase(active_->target.digest());
    announced_.erase(active_->target.digest());
    memory_.deaths.erase({active_->target.digest(), binary_});
  }
  const bool due = call.event == Event::tick || (call.event == Event::committed && probation_ == 0);
  if (active_ && due && call.now >= active_->good_at && !active_->bad && !inconsistent_ && !committing())
    require(is_good, "probation is over and nothing became of it");
}

void Rules::check_state(const Subject& subject) const {
  const reload::Reloader& real = subject.real();
  Phase phase = active_ && active_->on_probation && !active_->bad ? Phase::probation : Phase::idle;
  if (!owed_.empty()) phase = Phase::preparing;  // a cancelled job: the worker has to come back from it
  if (work_) phase = work_->phase;
  require(subject.phase() == phase, "the phase is not what goes on");
  require(subject.active().has_value() == active_.has_value(), "something is in use that is not, or is not");
  if (active_) {
    require(subject.active()->name == active_->target.name, "something else is in use");
    require(real.active_version() == active_->version, "what is in use has another version");
  }
  require(real.desired().has_value() == desired_.has_value() &&
              (!desired_ || same_target(*real.desired(), *desired_)),
          "something else is desired");
  require((real.working_on() != nullptr) == work_.has_value(), "work goes on that does not, or does not");
  if (work_) require(same_target(*real.working_on(), work_->target), "something else is worked on");
  require(real.inconsistent() == inconsistent_, "consistency is told wrongly");
  for (std::size_t i = 0; i < ended_.size(); ++i)
    require(subject.count(static_cast<End>(i)) == ended_[i], "a counter is wrong");
  require(real.last().has_value() == last_.has_value() &&
              (!last_ || (real.last()->digest == last_->digest && real.last()->result == last_->result)),
          "the last reload is another");
  if (!desired_) return;
  const Digest& digest = desired_->digest();
  require(real.held_back(digest) == held(), "held back, or not, without a reason");
  const Maybe refused = memory_.refuses(*desired_, binary_);
  if (refused == Maybe::yes) require(real.refusal(digest) != nullptr, "a refusal is not shown");
  const bool none = std::none_of(memory_.refused.begin(), memory_.refused.end(),
                                 [&](const Refused& one) { return one.target.digest() == digest; });
  if (none) require(real.refusal(digest) == nullptr, "a refusal is shown that is none");
}

// ---- What ought to be in use

Maybe Rules::waiting(const Digest& digest, const Call& call) const {
  const auto found = tries_.find(digest);
  if (found == tries_.end() || found->second.to == 0) return Maybe::no;
  if (found->second.unsure) return Maybe::maybe;
  if (call.now < found->second.from) return Maybe::yes;
  return call.event == Event::tick && call.now >= found->second.to ? Maybe::no : Maybe::maybe;
}

Maybe Rules::usable_last_good(const Call& call) const {
  const auto& good = memory_.last_good;
  if (!good) return Maybe::no;
  if (active_ && good->name.digest == active_->target.digest()) return Maybe::no;
  const Maybe unusable = either(memory_.refuses({good->name, 0}, binary_), waiting(good->name.digest, call));
  return unusable == Maybe::yes ? Maybe::no : unusable == Maybe::no ? Maybe::yes : Maybe::maybe;
}

Maybe Rules::crash_loop(const Digest& digest) const {
  const auto found = memory_.deaths.find({digest, binary_});
  if (found == memory_.deaths.end() || found->second.most < reload::kMostStarts) return Maybe::no;
  if (!memory_.last_good || memory_.last_good_is(digest)) return Maybe::no;
  const Maybe refused = memory_.refuses({memory_.last_good->name, 0}, binary_);
  if (refused == Maybe::yes) return Maybe::no;
  const bool sure = found->second.sure >= reload::kMostStarts && refused == Maybe::no;
  return sure ? Maybe::yes : Maybe::maybe;
}

Maybe Rules::blocked(const Target& target, const Call& call) const {
  // A crash loop is called at the end of verification at the latest.
  const Maybe loop = crash_loop(target.digest()) == Maybe::no ? Maybe::no : Maybe::maybe;
  return either(either(memory_.refuses(target, binary_), waiting(target.digest(), call)), loop);
}

void Rules::fall_back(const Call& call, std::vector<Goal>& out) const {
  if (active_ && !active_->bad) {
    const Maybe no = inconsistent_ ? blocked(active_->target, call) : Maybe::no;
    // A whole copy of it that was found while it was desired goes on: it mends what is in use.
    const bool mending = work_ && work_->target.name == active_->target.name &&
                         memory_.refuses(work_->target, binary_) != Maybe::yes;
    if (no != Maybe::yes || mending) out.push_back(active_->target.digest());
    if (no == Maybe::no) return;
  }
  const Maybe usable = usable_last_good(call);
  if (usable != Maybe::no) out.push_back(memory_.last_good->name.digest);
  if (usable != Maybe::yes) out.push_back(std::nullopt);
}

void Rules::goals(const Call& call, std::vector<Goal>& out) const {
  const Target wanted = held() ? Target{memory_.hold->to, 0} : *desired_;
  const bool there =
      active_ && !active_->bad && !inconsistent_ && active_->target.digest() == wanted.digest();
  const Maybe no = there ? Maybe::no : blocked(wanted, call);
  if (no != Maybe::yes) out.push_back(wanted.digest());
  if (no != Maybe::no) fall_back(call, out);
}

// Level-triggered: after every event, either what ought to be in use is, or it is worked on.
void Rules::check_progress(const Call& call) const {
  if (!desired_ || committing()) return;
  const bool stopping = !work_ && !owed_.empty();  // the worker has to come back from a cancelled job
  if (stopping) return;
  std::vector<Goal> wanted;
  goals(call, wanted);
  const bool fits = std::any_of(wanted.begin(), wanted.end(), [&](const Goal& goal) {
    if (!goal) return !work_;
    if (work_) return work_->target.digest() == *goal;
    return active_ && !inconsistent_ && active_->target.digest() == *goal;
  });
  require(fits, work_ ? "something is worked on that nobody wants"
                      : "nothing is done although something should be");
}

void Rules::check_time(const Call& call, const Subject& subject) const {
  const auto deadline = subject.next_deadline();
  if (call.event == Event::tick)
    require(!deadline || *deadline > call.now, "a tick did not move the deadline");
  if (committing()) return;
  if (active_ && active_->on_probation && !active_->bad && !inconsistent_)
    require(deadline && *deadline <= std::max(active_->good_at, call.now),
            "the end of probation will be missed");
  if (!desired_ || work_ || !owed_.empty() || held()) return;
  const auto tries = tries_.find(desired_->digest());
  if (tries != tries_.end() && !tries->second.unsure && tries->second.to != 0)
    require(deadline && *deadline <= std::max(tries->second.to, call.now), "a retry will be missed");
}

void Rules::rest(const Subject& subject) {
  require(same_guard(subject.real().guard(), saved_), "the guard changed and was not saved");
}

void Rules::quiet(const Subject& subject) const {
  require(!work_ && owed_.empty(), "something goes on in a quiet world");
  require(subject.phase() == Phase::idle, "a quiet world is not idle");
  require(!subject.next_deadline(), "a quiet world waits for something");
  if (!desired_) return;
  const Call now{.event = Event::tick, .now = INT64_MAX};
  const Maybe refused = memory_.refuses(*desired_, binary_);
  const bool is_active = active_ && active_->target.digest() == desired_->digest();
  if (refused == Maybe::no && !held())
    require(is_active && !inconsistent_, "the newest desired is not in use");
  if (!active_) {
    require(usable_last_good(now) != Maybe::yes, "last-good is there and not in use");
    return;
  }
  if (active_->bad || inconsistent_) {
    require(usable_last_good(now) != Maybe::yes, "there is no way back to last-good");
    return;
  }
  require(memory_.last_good_is(active_->target.digest()), "what is in use did not become good");
}

}  // namespace okg::model
