// Every action, as it is announced: may it come now?
#include <algorithm>

#include "model/rules.hpp"

namespace okg::model {

using payload::Digest;
using reload::End;
using reload::Stage;

void Rules::check(const reload::action::Verify& verify, const Call& call) {
  works_ = true;
  require(verify.job > newest_, "a job has the number of another");
  require(!work_, "a job begins while another is under way");
  newest_ = verify.job;
  const Digest& digest = verify.target.digest();
  const bool wanted =
      desired_ && desired_->digest() == digest && !held() &&
      memory_.refuses(*desired_, binary_) == Maybe::no;  // else last-good may be another copy of it
  if (wanted)
    require(same_target(*desired_, verify.target), "another directory is verified than the desired one");
  require(memory_.refuses(verify.target, binary_) != Maybe::yes, "what was refused is tried again");
  require(waiting(digest, call) != Maybe::yes, "a retry begins before its time");
  require(!active_ || active_->target.digest() != digest || inconsistent_, "what is in use is loaded again");
  work_ = Work{verify.job, verify.target, Phase::verifying, false, false};
  owed_.insert(verify.job);
  if (const auto found = tries_.find(digest); found != tries_.end())
    found->second.from = found->second.to = 0;
}

void Rules::check(const reload::action::Prepare& prepare) {
  works_ = true;
  require(work_ && work_->job == prepare.job && work_->phase == Phase::verifying && work_->answered,
          "prepare of what was not verified");
  require(prepare.everything == inconsistent_, "everything is prepared, or not, without a reason");
  work_->phase = Phase::preparing;
  work_->answered = false;
  owed_.insert(prepare.job);
  const Digest& digest = work_->target.digest();
  require(crash_loop(digest) != Maybe::yes, "what killed the server three times is taken again");
  if (!(memory_.last_good_is(digest) && memory_.last_good->binary == binary_)) announced_.insert(digest);
}

void Rules::check(const reload::action::Cancel& cancel, const Call& call) {
  require(cancelled_.insert(cancel.job).second, "a job is cancelled twice");
  if (job_before_ && job_before_->job == cancel.job && call.event == Event::committed) return;
  require(work_ && work_->job == cancel.job, "a job is cancelled that is not under way");
  require(work_->phase != Phase::committing, "a commit is cancelled");
  const Digest& digest = work_->target.digest();
  if (!active_ || active_->target.digest() != digest || inconsistent_) survived(digest);
  work_.reset();
}

void Rules::check(const reload::action::Offer& offer, const Subject& subject) {
  works_ = true;
  if (!offer.restore) {
    require(work_ && work_->job == offer.job && work_->phase == Phase::preparing && work_->answered,
            "an offer of what is not prepared");
    work_->phase = Phase::prepared;
    return;
  }
  require(offer.job > newest_, "a job has the number of another");
  require(!work_, "a job begins while another is under way");
  newest_ = offer.job;
  const Target* target = subject.real().working_on();
  require(target != nullptr && memory_.last_good_is(target->digest()),
          "something else than last-good is restored");
  require(verified_.count(target->digest()) == 1,
          "last-good is restored that was not in use in this process");
  work_ = Work{offer.job, *target, Phase::prepared, true, true};
}

void Rules::check(const reload::action::Ended& ended, const Call& call) {
  const reload::Record& record = ended.record;
  for (const reload::Record& other : records_)
    require(other.digest != record.digest || other.result != record.result, "a reload ends twice");
  records_.push_back(record);
  // When last-good stands in for what failed, that failure stays the last word.
  const bool stands_in = record.result == End::active && desired_ && desired_->digest() != record.digest;
  if (!stands_in) last_ = record;
  const bool again =
      record.result == End::failed && (record.failure->retriable || (job_before_ && job_before_->restore));
  if (!again) ++ended_[static_cast<std::size_t>(record.result)];  // a failure that will be retried is none
  ++total_ended_[static_cast<std::size_t>(record.result)];
  require(record.failure.has_value() == (record.result == End::failed || record.result == End::rolled_back),
          "a reload ends without its reason, or with one too many");
  const auto version = versions_.find(record.digest);
  if (!record.version.empty())
    require(version != versions_.end() && version->second == record.version,
            "a reload ends with a wrong version");
  switch (record.result) {
    case End::active:
      require(
          call.event == Event::committed && !call.failure && record.digest == job_before_->target.digest(),
          "active is said of what did not commit");
      break;
    case End::superseded:
      require(may_supersede_ == record.digest, "something is superseded that was not under way");
      break;
    case End::rolled_back:
      require(active_before_ && active_before_->target.digest() == record.digest,
              "something is rolled back that was not in use");
      break;
    case End::failed:
      if (record.failure->code == base::Code::crash_loop) {
        require(crash_loop(record.digest) != Maybe::no, "a crash loop is called that is none");
        ++crash_loops_;
        memory_.cannot_go_back_to(record.digest);
        memory_.refuse({{{record.digest}, 0}, record.failure->stage, binary_, false});
      } else {
        check_failed(record, call);
      }
  }
}

void Rules::check_failed(const reload::Record& record, const Call& call) {
  if (call.event == Event::report_bad) {
    require(call.answer && record.digest == active_->target.digest() &&
                record.failure->stage == Stage::probation && record.failure->code == base::Code::report_bad,
            "a failure is told that was not reported");
    return;
  }
  require(job_before_ && call.failure && record.digest == job_before_->target.digest(),
          "a failure is told that did not happen");
  require(record.failure->stage == call.failure->stage && record.failure->code == call.failure->code &&
              record.failure->text == call.failure->text &&
              record.failure->component == call.failure->component,
          "a failure is told other than it happened");
  if (job_before_->restore) {  // last-good is not to blame: it is loaded from the volume next
    require(!record.failure->retriable && record.attempt == 1, "a way back that failed is told wrongly");
    return;
  }
  Tries& tries = tries_[record.digest];
  require(record.attempt == tries.failures + 1 || (tries.unsure && record.attempt == 1),
          "attempts are counted wrongly");
  const bool again = call.failure->retriable && record.attempt < 5;
  require(record.failure->retriable == again,
          "a retry is promised that will not come, or the other way round");
  survived(record.digest);
  if (again) {
    const Nanoseconds second = 1'000'000'000;
    const Nanoseconds delay = std::min(second << (record.attempt - 1), 60 * second);
    tries = Tries{record.attempt, call.now + delay * 8 / 10, call.now + delay * 12 / 10 + 1, false};
  } else {
    memory_.cannot_go_back_to(record.digest);
    memory_.refuse({job_before_->target, call.failure->stage, binary_, call.failure->retriable});
    if (call.failure->retriable) ++exhausted_;
    tries_.erase(record.digest);
  }
}

void Rules::check_ended(const Call& call) const {
  const auto told = [&](End result, const Digest& digest) {
    return std::any_of(records_.begin(), records_.end(), [&](const reload::Record& record) {
      return record.result == result && record.digest == digest;
    });
  };
  if (job_before_ && call.failure) {
    require(told(End::failed, job_before_->target.digest()), "a failure is not told");
    if (call.event != Event::committed)
      require(cancelled_.count(job_before_->job) == 1,
              "a job that failed is not ended: what it staged leaks");
  }
  if (job_before_ && call.event == Event::committed && !call.failure) {
    const bool active = told(End::active, job_before_->target.digest());
    const bool rolled_back = active_before_ && told(End::rolled_back, active_before_->target.digest());
    require(active || rolled_back, "a commit is not told");
    require(!(active && rolled_back), "a commit is told twice");
    require(!rolled_back || active_before_->target.digest() != job_before_->target.digest(),
            "what is in use again is called rolled back");
  }
  if (call.event == Event::report_bad && call.answer)
    require(told(End::failed, active_->target.digest()), "a report is not told");
  if (to_supersede_) require(told(End::superseded, *to_supersede_), "what was superseded is not told");
}

}  // namespace okg::model
