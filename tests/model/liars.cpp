#include "model/liars.hpp"

#include <algorithm>

namespace okg::model {

namespace {

using namespace reload::action;

constexpr Nanoseconds kHour = 3'600'000'000'000;

template <class Kind>
bool is(const Action& action) {
  return std::holds_alternative<Kind>(action);
}

// Everything that comes out goes through one hand.
class Tampering : public Subject {
 public:
  using Subject::Subject;

  Actions desired(const Target& target, Nanoseconds now) override {
    return tamper(Subject::desired(target, now));
  }
  Actions verified(JobId job, const std::string& version, const std::optional<Failure>& failure,
                   Nanoseconds now) override {
    return tamper(Subject::verified(job, version, failure, now));
  }
  Actions prepared(JobId job, const std::optional<Failure>& failure, Nanoseconds now) override {
    return tamper(Subject::prepared(job, failure, now));
  }
  Actions committed(JobId job, const std::optional<Failure>& failure, bool consistent,
                    Nanoseconds now) override {
    return tamper(Subject::committed(job, failure, consistent, now));
  }
  Actions tick(Nanoseconds now) override { return tamper(Subject::tick(now)); }
  Actions reload(bool force, Nanoseconds now) override { return tamper(Subject::reload(force, now)); }
  Actions rollback(const Target& to, Nanoseconds now) override { return tamper(Subject::rollback(to, now)); }
  Actions restart(Nanoseconds now) override { return tamper(Subject::restart(now)); }
  bool report_bad(const std::string& text, Nanoseconds now, Actions* actions) override {
    const bool taken = Subject::report_bad(text, now, actions);
    *actions = tamper(std::move(*actions));
    return taken;
  }

 protected:
  virtual Actions tamper(Actions actions) = 0;
};

template <class Kind>
class Forgets : public Tampering {
 public:
  using Tampering::Tampering;

 protected:
  Actions tamper(Actions actions) override {
    std::erase_if(actions, is<Kind>);
    return actions;
  }
};

template <class Kind>
class Doubles : public Tampering {
 public:
  using Tampering::Tampering;

 protected:
  Actions tamper(Actions actions) override {
    Actions doubled;
    for (const Action& action : actions) {
      doubled.push_back(action);
      if (is<Kind>(action)) doubled.push_back(action);
    }
    return doubled;
  }
};

class SavesLate : public Tampering {
 public:
  using Tampering::Tampering;

 protected:
  Actions tamper(Actions actions) override {
    std::stable_partition(actions.begin(), actions.end(),
                          [](const Action& one) { return !is<SaveGuard>(one); });
    return actions;
  }
};

class OffersAgain : public Tampering {
 public:
  using Tampering::Tampering;

  std::optional<JobId> begin_commit() override {
    const auto begun = Subject::begin_commit();
    if (begun) last_ = begun;
    return begun ? begun : last_;
  }

 protected:
  Actions tamper(Actions actions) override {
    if (last_ && phase() != Phase::committing) actions.push_back(Offer{*last_, false});
    return actions;
  }

 private:
  std::optional<JobId> last_;
};

class CommitsCancelled : public Tampering {
 public:
  using Tampering::Tampering;

  std::optional<JobId> begin_commit() override {
    const auto begun = Subject::begin_commit();
    return begun ? begun : cancelled_;
  }

 protected:
  Actions tamper(Actions actions) override {
    for (const Action& one : actions)
      if (const auto* cancel = std::get_if<Cancel>(&one)) cancelled_ = cancel->job;
    return actions;
  }

 private:
  std::optional<JobId> cancelled_;
};

class CommitsUnprepared : public Tampering {
 public:
  using Tampering::Tampering;

  std::optional<JobId> begin_commit() override {
    const auto begun = Subject::begin_commit();
    return begun ? begun : verifying_;
  }

 protected:
  Actions tamper(Actions actions) override {
    for (const Action& one : actions)
      if (const auto* verify = std::get_if<Verify>(&one)) verifying_ = verify->job;
    return actions;
  }

 private:
  std::optional<JobId> verifying_;
};

class DropsKeptAtOnce : public Tampering {
 public:
  using Tampering::Tampering;

 protected:
  Actions tamper(Actions actions) override {
    actions.push_back(DropKept{});
    return actions;
  }
};

class RestoresAlways : public Tampering {
 public:
  using Tampering::Tampering;

 protected:
  Actions tamper(Actions actions) override {
    for (Action& one : actions)
      if (auto* offer = std::get_if<Offer>(&one)) offer->restore = true;
    return actions;
  }
};

class PreparesHalf : public Tampering {
 public:
  using Tampering::Tampering;

 protected:
  Actions tamper(Actions actions) override {
    for (Action& one : actions)
      if (auto* prepare = std::get_if<Prepare>(&one)) prepare->everything = false;
    return actions;
  }
};

class VerifiesAnother : public Tampering {
 public:
  using Tampering::Tampering;

 protected:
  Actions tamper(Actions actions) override {
    for (Action& one : actions)
      if (auto* verify = std::get_if<Verify>(&one)) ++verify->target.name.copy;
    return actions;
  }
};

class BelievesEveryPayload : public Subject {
 public:
  using Subject::Subject;
  Actions verified(JobId job, const std::string& version, const std::optional<Failure>&,
                   Nanoseconds now) override {
    return Subject::verified(job, version, std::nullopt, now);
  }
};

class BelievesEveryHandler : public Subject {
 public:
  using Subject::Subject;
  Actions prepared(JobId job, const std::optional<Failure>&, Nanoseconds now) override {
    return Subject::prepared(job, std::nullopt, now);
  }
};

class BelievesEveryCommit : public Subject {
 public:
  using Subject::Subject;
  Actions committed(JobId job, const std::optional<Failure>&, bool, Nanoseconds now) override {
    return Subject::committed(job, std::nullopt, true, now);
  }
};

class HidesInconsistency : public Subject {
 public:
  using Subject::Subject;
  Actions committed(JobId job, const std::optional<Failure>& failure, bool, Nanoseconds now) override {
    return Subject::committed(job, failure, true, now);
  }
};

class LosesTriggers : public Subject {
 public:
  using Subject::Subject;
  Actions desired(const Target& target, Nanoseconds now) override {
    return ++told_ % 10 == 0 ? Actions{} : Subject::desired(target, now);
  }

 private:
  int told_ = 0;
};

class LosesTicks : public Subject {
 public:
  using Subject::Subject;
  Actions tick(Nanoseconds) override { return {}; }
  std::optional<Nanoseconds> next_deadline() const override { return std::nullopt; }
};

class RetriesAtOnce : public Subject {
 public:
  using Subject::Subject;
  Actions verified(JobId job, const std::string& version, const std::optional<Failure>& failure,
                   Nanoseconds now) override {
    Actions actions = Subject::verified(job, version, failure, now);
    for (Action& one : Subject::reload(false, now)) actions.push_back(std::move(one));
    return actions;
  }
};

class LivesInTheFuture : public Subject {
 public:
  using Subject::Subject;
  Actions tick(Nanoseconds now) override { return Subject::tick(now + kHour); }
};

class IgnoresForce : public Subject {
 public:
  using Subject::Subject;
  Actions reload(bool, Nanoseconds now) override { return Subject::reload(false, now); }
};

class IgnoresReports : public Subject {
 public:
  using Subject::Subject;
  bool report_bad(const std::string&, Nanoseconds, Actions*) override { return true; }
};

class IgnoresRollback : public Subject {
 public:
  using Subject::Subject;
  Actions rollback(const Target&, Nanoseconds) override { return {}; }
};

class NeverCommits : public Subject {
 public:
  using Subject::Subject;
  std::optional<JobId> begin_commit() override { return std::nullopt; }
};

class CountsTwice : public Subject {
 public:
  using Subject::Subject;
  std::uint64_t count(reload::End end) const override {
    return end == reload::End::active ? 2 * Subject::count(end) : Subject::count(end);
  }
};

class CallsACommitIdle : public Subject {
 public:
  using Subject::Subject;
  Phase phase() const override {
    return Subject::phase() == Phase::committing ? Phase::idle : Subject::phase();
  }
};

class SaysActiveTooSoon : public Subject {
 public:
  using Subject::Subject;
  const std::optional<Target>& active() const override {
    if (phase() != Phase::committing) return Subject::active();
    soon_ = *real_.working_on();
    return soon_;
  }

 private:
  mutable std::optional<Target> soon_;
};

template <class Kind>
Liar liar(const char* name, const char* broken) {
  return {name, broken, [](reload::ReloaderOptions options, Guard guard) -> std::unique_ptr<Subject> {
            return std::make_unique<Kind>(std::move(options), std::move(guard));
          }};
}

// An honest one with other eyes.
template <class Change>
Liar deluded(const char* name, const char* broken, Change change) {
  return {name, broken, [change](reload::ReloaderOptions options, Guard guard) {
            change(options, guard);
            return std::make_unique<Subject>(std::move(options), std::move(guard));
          }};
}

}  // namespace

std::vector<Liar> liars() {
  using Options = reload::ReloaderOptions;
  return {
      liar<OffersAgain>("OffersAgain", ""),
      liar<Doubles<Offer>>("OffersTwice", ""),
      liar<Doubles<Ended>>("TellsTwice", ""),
      liar<Doubles<Prepare>>("PreparesTwice", ""),
      liar<Doubles<Cancel>>("CancelsTwice", ""),
      liar<Forgets<Cancel>>("ForgetsToCancel", ""),
      liar<Forgets<Offer>>("ForgetsToOffer", ""),
      liar<Forgets<SaveGuard>>("ForgetsToSave", ""),
      liar<Forgets<DropKept>>("ForgetsToDropKept", ""),
      liar<Forgets<Ended>>("ForgetsToTell", ""),
      liar<SavesLate>("SavesLate", ""),
      liar<CommitsCancelled>("CommitsCancelled", ""),
      liar<CommitsUnprepared>("CommitsUnprepared", ""),
      liar<DropsKeptAtOnce>("DropsKeptAtOnce", ""),
      liar<RestoresAlways>("RestoresAlways", ""),
      liar<PreparesHalf>("PreparesHalf", ""),
      liar<VerifiesAnother>("VerifiesAnother", ""),
      liar<BelievesEveryPayload>("BelievesEveryPayload", ""),
      liar<BelievesEveryHandler>("BelievesEveryHandler", ""),
      liar<BelievesEveryCommit>("BelievesEveryCommit", ""),
      liar<HidesInconsistency>("HidesInconsistency", ""),
      liar<LosesTriggers>("LosesTriggers", ""),
      liar<LosesTicks>("LosesTicks", ""),
      liar<RetriesAtOnce>("RetriesAtOnce", ""),
      liar<LivesInTheFuture>("LivesInTheFuture", ""),
      liar<IgnoresForce>("IgnoresForce", ""),
      liar<IgnoresReports>("IgnoresReports", ""),
      liar<IgnoresRollback>("IgnoresRollback", ""),
      liar<NeverCommits>("NeverCommits", ""),
      liar<CountsTwice>("CountsTwice", ""),
      liar<CallsACommitIdle>("CallsACommitIdle", ""),
      liar<SaysActiveTooSoon>("SaysActiveTooSoon", ""),
      deluded("ForgetsRefusals", "", [](Options&, Guard& guard) { guard.refusals.clear(); }),
      deluded("ForgetsHolds", "", [](Options&, Guard& guard) { guard.hold.reset(); }),
      deluded("ForgetsDeaths", "", [](Options&, Guard& guard) { guard.attempts.clear(); }),
      deluded("ForgetsLastGood", "", [](Options&, Guard& guard) { guard.last_good.reset(); }),
      deluded("TrustsAtOnce", "", [](Options& options, Guard&) { options.probation /= 2; }),
      deluded("KnowsNoBinary", "", [](Options& options, Guard&) { options.binary = "one for all"; }),
      deluded("CountsDeathsTwice", "",
              [](Options&, Guard& guard) {
                for (reload::Attempt& attempt : guard.attempts) attempt.count *= 2;
              }),
  };
}

}  // namespace okg::model
