#include "reload/reloader.hpp"

#include <algorithm>
#include <utility>

namespace okg::reload {
namespace {

using base::Code;
using payload::Digest;

constexpr unsigned kMostTries = 5;
constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr Nanoseconds kLongestBackoff = 60 * kSecond;
constexpr Nanoseconds kLongestProbation = Nanoseconds{36'500} * 86'400 * kSecond;  // so that no sum overflows

// 1 s, doubled with every try, ±20 %, at most a minute.
Nanoseconds backoff(unsigned attempt, double random) {
  const Nanoseconds base = std::min(kSecond << std::min(attempt - 1, 10U), kLongestBackoff);
  return base * 8 / 10 + static_cast<Nanoseconds>(static_cast<double>(base) * 0.4 * random);
}

}  // namespace

Reloader::Reloader(ReloaderOptions options, Guard guard)
    : options_(std::move(options)), guard_(std::move(guard)) {
  options_.probation = std::min(options_.probation, kLongestProbation);
}

// ---- What ought to be in use
// -------------------------------------------------------------------------------------

bool Reloader::last_good_is(const Digest& digest) const {
  return guard_.last_good && guard_.last_good->name.digest == digest;
}

bool Reloader::usable_last_good(const Digest& except) const {
  return guard_.last_good && !last_good_is(except) &&
         refusal_of(Target{guard_.last_good->name, 0}) == nullptr;
}

bool Reloader::held_back(const Digest& digest) const {
  return guard_.hold && guard_.hold->desired == digest && desired_ && desired_->digest() == digest;
}

const Reloader::Retry* Reloader::retry_of(const Digest& digest) const {
  for (const Retry& retry : retries_)
    if (retry.digest == digest) return &retry;
  return nullptr;
}

bool Reloader::may_begin(const Target& target) const {
  const Retry* retry = retry_of(target.digest());
  return refusal_of(target) == nullptr && (retry == nullptr || !retry->at);
}

std::optional<Target> Reloader::goal() const {
  const bool held = desired_ && held_back(desired_->digest());
  const std::optional<Target> wanted = held ? Target{guard_.hold->to, 0} : desired_;
  if (wanted && may_begin(*wanted)) return wanted;

  // While a retry waits and after a refusal alike: what is in use and whole, else last-good. At boot that is
  // at once: better an old payload than none.
  if (active_ && !bad_ && (!inconsistent_ || may_begin(*active_))) return active_;
  if (const auto& good = guard_.last_good; good && !(active_ && last_good_is(active_->digest()))) {
    const Target back{good->name, 0};
    if (may_begin(back)) return back;
  }
  return active_;
}

// ---- The next step towards it
// ------------------------------------------------------------------------------------

void Reloader::advance(Actions& actions, Nanoseconds now) {
  for (Retry& retry : retries_)
    if (retry.at && *retry.at <= now) retry.at.reset();
  if (job_ && job_->phase == Phase::committing) return;  // it is finished first
  const std::optional<Target> wanted = goal();

  if (job_ && (!wanted || job_->target.name != wanted->name)) drop_job(actions);
  if (job_ || !wanted) return;
  const bool is_whole = !inconsistent_ || !options_.has_way_back;
  if (active_ && active_->digest() == wanted->digest() && is_whole) return;

  if (kept_ && active_ && !inconsistent_ && last_good_is(wanted->digest())) {
    job_ = Job{next_job_++, *wanted, Phase::prepared, true, 1, guard_.last_good->version};
    actions.push_back(action::Offer{job_->id, true});
    return;
  }
  if (stopping_) return;  // one worker: its answer brings us here again
  if (!may_begin(*wanted)) return;
  begin(*wanted, actions);
}

void Reloader::drop_job(Actions& actions) {
  actions.push_back(action::Cancel{job_->id});
  if (job_->phase != Phase::prepared) stopping_ = job_->id;
  if (!job_->restore) take_back_attempt(job_->target.digest(), actions);
  job_.reset();
}

void Reloader::begin(const Target& target, Actions& actions) {
  const Retry* retry = retry_of(target.digest());
  job_ = Job{next_job_++, target, Phase::verifying, false, retry == nullptr ? 1 : retry->attempt, {}};
  actions.push_back(action::Verify{job_->id, target});
}

// ---- Events
// ------------------------------------------------------------------------------------------------------

Actions Reloader::desired(const Target& target, Nanoseconds now) {
  Actions actions;
  const std::optional<Target> before = std::exchange(desired_, target);
  if (!before || before->digest() != target.digest()) {
    const bool held = before && guard_.hold && guard_.hold->desired == before->digest();
    if (guard_.hold && guard_.hold->desired != target.digest()) {
      guard_.hold.reset();  // this is newer, published before our time or now
      actions.push_back(action::SaveGuard{});
    }
    retries_.clear();
    if (before && !held) supersede(*before, actions);
  } else if (before->name != target.name || before->inode != target.inode) {
    for (Retry& retry : retries_)
      if (retry.digest == target.digest()) retry.at.reset();  // a new copy is worth a try at once
  }
  advance(actions, now);
  return actions;
}

Actions Reloader::verified(JobId job, const std::string& version, const std::optional<Failure>& failure,
                           Nanoseconds now, std::uint64_t inode) {
  Actions actions;
  if (stopping_ == job) {
    stopping_.reset();
    advance(actions, now);
    return actions;
  }
  if (!job_ || job_->id != job || job_->phase != Phase::verifying) return actions;
  if (!version.empty()) job_->version = version;
  if (job_->target.inode == 0) job_->target.inode = inode;
  if (failure) {
    fail(*failure, actions, now);
    return actions;
  }
  found_whole(job_->target.name, actions);
  const Digest digest = job_->target.digest();
  const Attempt* starts = attempts_of(digest);
  if (starts != nullptr && starts->count >= kMostStarts && usable_last_good(digest)) {
    fail({Stage::prepare, "", Code::crash_loop,
          "the server ended " + std::to_string(starts->count) + " times while it took this payload into use",
          false},
         actions, now);
    return actions;
  }
  if (!last_good_is(digest) || guard_.last_good->binary != options_.binary) count_attempt(digest, actions);
  job_->phase = Phase::preparing;
  actions.push_back(action::Prepare{job, inconsistent_});
  return actions;
}

Actions Reloader::prepared(JobId job, const std::optional<Failure>& failure, Nanoseconds now) {
  Actions actions;
  if (stopping_ == job) {
    stopping_.reset();
    advance(actions, now);
    return actions;
  }
  if (!job_ || job_->id != job || job_->phase != Phase::preparing) return actions;
  if (failure) {
    fail(*failure, actions, now);
    return actions;
  }
  job_->phase = Phase::prepared;
  actions.push_back(action::Offer{job, false});
  return actions;
}

std::optional<JobId> Reloader::begin_commit() {
  if (!job_ || job_->phase != Phase::prepared) return std::nullopt;
  job_->phase = Phase::committing;
  return job_->id;
}

Actions Reloader::committed(JobId job, const std::optional<Failure>& failure, bool consistent,
                            Nanoseconds now) {
  Actions actions;
  if (!job_ || job_->id != job || job_->phase != Phase::committing) return actions;
  if (failure) {
    if (!consistent || job_->restore) {
      // What last-good consisted of is no longer all here: the way back leads over the volume from now on.
      if (!consistent) {
        inconsistent_ = true;
        probation_until_.reset();  // what is in use in parts cannot become good
      }
      kept_ = false;
      actions.push_back(action::DropKept{});
    }
    fail(*failure, actions, now);
    return actions;
  }

  const Job done = *job_;
  job_.reset();
  const std::optional<Target> left = active_;
  const std::string left_version = active_version_;
  const bool on_request = desired_ && held_back(desired_->digest());
  active_ = done.target;
  active_version_ = done.version;
  inconsistent_ = false;
  probation_until_.reset();
  std::erase_if(retries_, [&](const Retry& one) { return one.digest == done.target.digest(); });
  const bool another = left && left->digest() != done.target.digest();
  if (another) take_back_attempt(left->digest(), actions);

  const bool back =
      another && (bad_ || on_request) && (!desired_ || desired_->digest() != done.target.digest());
  if (back) {
    std::optional<Failure> why = bad_;
    if (!why) why = Failure{Stage::probation, "", Code::superseded, "on request, to " + done.version, false};
    ++rolled_back_;
    end({left->digest(), left_version, End::rolled_back, why, 1}, actions);
  } else {
    ++ok_;
    const Record record{done.target.digest(), done.version, End::active, std::nullopt, done.attempt};
    // When last-good stands in for a payload that failed, that failure stays the last word.
    if (desired_ && desired_->digest() != done.target.digest())
      actions.push_back(action::Ended{record});
    else
      end(record, actions);
  }
  bad_.reset();

  if (last_good_is(done.target.digest()) || options_.probation <= 0)
    bless(actions);
  else
    probation_until_ = now + options_.probation;
  advance(actions, now);
  return actions;
}

Actions Reloader::tick(Nanoseconds now) {
  Actions actions;
  if (probation_until_ && now >= *probation_until_ && !(job_ && job_->phase == Phase::committing))
    bless(actions);
  advance(actions, now);
  return actions;
}

Actions Reloader::reload(bool force, Nanoseconds now) {
  Actions actions;
  if (desired_) {
    const Digest digest = desired_->digest();
    if (force) {
      guard_.hold.reset();
      forgive(digest, actions);
      if (bad_ && active_->digest() == digest) {  // on its way out: it stays, and has to prove itself anew
        bad_.reset();
        if (!inconsistent_) {  // else it is loaded anew first
          count_attempt(digest, actions);
          probation_until_ = now + options_.probation;
        }
      }
    } else {
      forgive_passing(digest, actions);
    }
    for (Retry& retry : retries_) retry.at.reset();
  }
  advance(actions, now);
  return actions;
}

Actions Reloader::rollback(const Target& to, Nanoseconds now, bool force) {
  Actions actions;
  if (force) forgive(to.digest(), actions);
  const std::optional<Digest> from = desired_  ? std::optional(desired_->digest())
                                     : active_ ? std::optional(active_->digest())
                                               : std::nullopt;
  if (from && *from != to.digest())
    guard_.hold = Hold{*from, to.name};
  else
    guard_.hold.reset();
  actions.push_back(action::SaveGuard{});
  advance(actions, now);
  return actions;
}

Actions Reloader::restart(Nanoseconds now) {
  Actions actions;
  if (job_ && job_->phase != Phase::committing) drop_job(actions);
  if (kept_) {
    kept_ = false;
    actions.push_back(action::DropKept{});
  }
  if (!actions.empty()) advance(actions, now);  // at the very start, nothing is known of what is desired yet
  return actions;
}

bool Reloader::report_bad(const std::string& text, Nanoseconds now, Actions* actions) {
  if (!probation_until_ || !active_ || !usable_last_good(active_->digest())) return false;
  probation_until_.reset();
  bad_ = Failure{Stage::probation, "", Code::report_bad, text, false};
  take_back_attempt(active_->digest(), *actions);
  refuse(*active_, active_version_, *bad_, false, *actions);
  ++failed_;
  end({active_->digest(), active_version_, End::failed, bad_, 1}, *actions);
  advance(*actions, now);
  return true;
}

// ---- Ends
// --------------------------------------------------------------------------------------------------------

void Reloader::fail(const Failure& failure, Actions& actions, Nanoseconds now) {
  const Job job = *job_;
  job_.reset();
  Record record{job.target.digest(), job.version, End::failed, failure, job.attempt};
  if (job.restore) {
    record.failure->retriable = false;
    end(record, actions);  // last-good itself is not to blame: it is loaded from the volume next
    advance(actions, now);
    return;
  }
  take_back_attempt(job.target.digest(), actions);  // the process lived through it
  actions.push_back(action::Cancel{job.id});        // what other components have staged is dropped
  std::erase_if(retries_, [&](const Retry& one) { return one.digest == job.target.digest(); });
  if (failure.retriable && job.attempt < kMostTries) {
    const double random = options_.random ? options_.random() : 0.5;
    retries_.push_back({job.target.digest(), job.attempt + 1, now + backoff(job.attempt, random)});
    end(record, actions);
  } else {
    record.failure->retriable = false;
    ++failed_;
    // There is no going back to what was asked for: the request is over, and does not stand in the way.
    if (guard_.hold && guard_.hold->to.digest == job.target.digest()) guard_.hold.reset();
    refuse(job.target, job.version, *record.failure, failure.retriable, actions);
    end(record, actions);
  }
  advance(actions, now);
}

void Reloader::end(Record record, Actions& actions) {
  last_ = record;
  actions.push_back(action::Ended{std::move(record)});
}

// What is desired no more ends here, unless it ended before.
void Reloader::supersede(const Target& old, Actions& actions) {
  const bool in_use = active_ && active_->digest() == old.digest();
  const bool ours = job_ && job_->target.digest() == old.digest();
  if (in_use || (ours && job_->phase == Phase::committing) || refusal_of(old) != nullptr) return;
  ++superseded_;
  end({old.digest(), ours ? job_->version : std::string(), End::superseded, std::nullopt, 1}, actions);
}

void Reloader::bless(Actions& actions) {
  if (job_ && job_->restore) drop_job(actions);  // what it would restore is dropped below
  probation_until_.reset();
  counted_.erase(active_->digest());
  set_attempts(active_->digest(), 0);
  if (options_.has_way_back) {
    guard_.last_good = LastGood{active_->name, active_version_, options_.binary};
    kept_ = true;
  }
  actions.push_back(action::DropKept{});
  actions.push_back(action::SaveGuard{});
}

// ---- What is
// -----------------------------------------------------------------------------------------------------

Phase Reloader::phase() const {
  if (job_) return job_->phase;
  if (stopping_) return Phase::preparing;
  return probation_until_ ? Phase::probation : Phase::idle;
}

unsigned Reloader::attempt() const {
  if (job_) return job_->attempt;
  const Retry* retry = desired_ ? retry_of(desired_->digest()) : nullptr;
  return retry == nullptr ? 1 : retry->attempt;
}

std::optional<Nanoseconds> Reloader::next_deadline() const {
  std::optional<Nanoseconds> next;
  const bool committing = job_ && job_->phase == Phase::committing;  // what is due waits for its end
  if (!committing) next = probation_until_;
  for (const Retry& retry : retries_)
    if (retry.at && (!next || *retry.at < *next)) next = retry.at;
  return next;
}

}  // namespace okg::reload
