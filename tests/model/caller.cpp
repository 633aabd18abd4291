#include "model/caller.hpp"

#include <algorithm>

namespace okg::model {

using payload::Digest;

Caller::Caller(Subject& subject, Rules& rules, Surroundings around)
    : subject_(subject), rules_(rules), around_(std::move(around)) {}

template <class Tell>
void Caller::deliver(Call call, Tell tell) {
  if (around_.log) around_.log(describe(call));
  rules_.before(call);
  const Actions actions = tell(call);
  if (around_.log)
    for (const Action& action : actions) around_.log("    " + describe(action));
  rules_.after(call, actions, subject_);
  ++depth_;
  carry_out(actions, call.now);
  --depth_;
  if (depth_ > 0) return;
  rules_.rest(subject_);
  check_objects();
}

void Caller::carry_out(const Actions& actions, Nanoseconds now) {
  using namespace reload::action;
  for (const Action& action : actions) {
    around_.maybe_kill();
    rules_.carry_out(action, subject_);
    if (const auto* verify = std::get_if<Verify>(&action)) {
      if (around_.can_start()) {
        jobs_[verify->job] = Job{verify->target, true, false, {}};
        tasks_.push_back({verify->job, verify->target, true, false, false, {}});
      } else {
        const Failure failure{reload::Stage::verify, "", base::Code::no_memory, "no thread", true};
        deliver({.event = Event::verified, .now = now, .job = verify->job, .failure = failure},
                [&](const Call& call) { return subject_.verified(call.job, "", call.failure, call.now); });
      }
    }
    if (const auto* prepare = std::get_if<Prepare>(&action)) {
      Job& job = jobs_.at(prepare->job);
      job.on_worker = true;
      tasks_.push_back({prepare->job, job.target, false, prepare->everything, false, {}});
    }
    if (const auto* cancelled = std::get_if<Cancel>(&action)) cancel(cancelled->job);
    if (const auto* offer = std::get_if<Offer>(&action)) offered_ = Offered{offer->job, offer->restore};
    if (std::holds_alternative<DropKept>(action)) {
      objects_.discard_all(kept_, Place::kept);
      kept_payload_.reset();
    }
  }
}

void Caller::cancel(JobId id) {
  if (offered_ && offered_->job == id) offered_.reset();
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  found->second.cancelled = true;
  if (found->second.on_worker) return;
  objects_.discard_all(found->second.staged, Place::staged);
  jobs_.erase(found);
}

// ---- Events from outside

void Caller::found(const Target& target, Nanoseconds now) {
  deliver({.event = Event::desired, .now = now, .target = target},
          [&](const Call& call) { return subject_.desired(*call.target, call.now); });
}

void Caller::tick(Nanoseconds now) {
  deliver({.event = Event::tick, .now = now}, [&](const Call& call) { return subject_.tick(call.now); });
}

void Caller::reload(bool force, Nanoseconds now) {
  deliver({.event = force ? Event::force : Event::reload, .now = now},
          [&](const Call& call) { return subject_.reload(force, call.now); });
}

bool Caller::rollback(const Target& to, Nanoseconds now) {
  if (subject_.real().refusal(to.digest()) != nullptr) return false;
  deliver({.event = Event::rollback, .now = now, .target = to},
          [&](const Call& call) { return subject_.rollback(*call.target, call.now); });
  return true;
}

void Caller::restart(Nanoseconds now) {
  deliver({.event = Event::restart, .now = now},
          [&](const Call& call) { return subject_.restart(call.now); });
}

void Caller::report_bad(Nanoseconds now) {
  Actions actions;
  Call call{.event = Event::report_bad, .now = now};
  call.answer = subject_.report_bad("the game says so", now, &actions);
  require(call.answer || actions.empty(), "a report that is not taken does something");
  deliver(call, [&](const Call&) { return std::move(actions); });
}

// ---- The worker

void Caller::work_begins() {
  Task& task = tasks_.front();
  if (std::exchange(task.begun, true) || task.verify) return;
  const Content content = around_.content(task.target.digest());
  for (std::size_t component = 0; component < kComponents; ++component) {
    const bool changed = !active_ || around_.content(*active_)[component] != content[component];
    if (changed || task.everything) task.due.push_back(component);
  }
}

void Caller::work_ends(const std::optional<Failure>& failure, Nanoseconds now) {
  work_begins();
  const Task task = std::move(tasks_.front());
  tasks_.pop_front();
  Job& job = jobs_.at(task.job);
  job.on_worker = false;
  if (!task.verify) {
    const Content content = around_.content(task.target.digest());
    std::size_t staged = failure ? task.due.size() / 2 : task.due.size();  // where it fails there is a part
    for (std::size_t i = 0; i < staged; ++i)
      job.staged.push_back(objects_.make(task.due[i], content[task.due[i]]));
  }
  if (job.cancelled) {
    objects_.discard_all(job.staged, Place::staged);
    jobs_.erase(task.job);
  }
  Call call{.event = task.verify ? Event::verified : Event::prepared, .now = now, .job = task.job};
  call.failure = failure;
  if (!failure || failure->stage != reload::Stage::verify) call.version = "v" + name_of(task.target.digest());
  deliver(call, [&](const Call& told) {
    return task.verify ? subject_.verified(told.job, told.version, told.failure, told.now)
                       : subject_.prepared(told.job, told.failure, told.now);
  });
}

// ---- The polling thread

void Caller::poll_begins() {
  const auto offered = offered_ ? std::optional(offered_->job) : std::nullopt;
  const auto begun = subject_.begin_commit();
  if (around_.log && begun) around_.log("poll begins to commit " + std::to_string(*begun));
  rules_.begin(begun, offered, subject_);
  if (!begun) return;
  commit_ = Commit{*begun, offered_->restore, {}, active_, {}};
  offered_.reset();
  if (commit_->restore) {
    require(kept_payload_.has_value(), "a restore without anything kept");
    commit_->to = *kept_payload_;
    commit_->steps = std::exchange(kept_, {});
    for (const Object& object : commit_->steps) objects_.move(object, Place::kept, Place::committing);
  } else {
    Job& job = jobs_.at(*begun);
    commit_->to = job.target.digest();
    commit_->steps = std::move(job.staged);
    jobs_.erase(*begun);
    for (const Object& object : commit_->steps) objects_.move(object, Place::staged, Place::committing);
  }
}

bool Caller::undo(const std::vector<Object>& done, std::vector<std::optional<Object>>& replaced,
                  unsigned stuck) {
  bool consistent = true;
  for (std::size_t i = done.size(); i-- > 0;) {
    auto& slot = in_use_[done[i].component];
    if ((stuck >> i & 1) != 0) {  // the old object is gone, the new one stays
      if (replaced[i]) objects_.discard(*replaced[i], Place::committing);
      consistent = false;
      continue;
    }
    objects_.discard(*slot, Place::in_use);
    slot = replaced[i];
    if (slot) objects_.move(*slot, Place::committing, Place::in_use);
  }
  return consistent;
}

void Caller::keep(std::vector<std::optional<Object>>& replaced, const Digest& from) {
  if (!kept_payload_) kept_payload_ = from;
  for (const auto& old : replaced) {
    if (!old) continue;
    const bool have = std::any_of(kept_.begin(), kept_.end(),
                                  [&](const Object& held) { return held.component == old->component; });
    if (have) {
      objects_.discard(*old, Place::committing);
    } else {
      objects_.move(*old, Place::committing, Place::kept);
      kept_.push_back(*old);
    }
  }
}

void Caller::poll_ends(const std::optional<Failure>& failure, std::size_t fail_at, unsigned stuck,
                       Nanoseconds now) {
  Commit commit = std::move(*commit_);
  commit_.reset();
  std::vector<Object> done;
  std::vector<std::optional<Object>> replaced;
  for (std::size_t i = 0; i < commit.steps.size(); ++i) {
    const Object& step = commit.steps[i];
    if (failure && i >= fail_at) {
      objects_.discard(step, Place::committing);
      continue;
    }
    auto& slot = in_use_[step.component];
    if (slot) objects_.move(*slot, Place::in_use, Place::committing);
    replaced.push_back(std::exchange(slot, step));
    objects_.move(step, Place::committing, Place::in_use);
    done.push_back(step);
  }
  bool consistent = true;
  if (failure) {
    consistent = undo(done, replaced, stuck);
    mixed_ = mixed_ || !consistent;
  } else {
    if (commit.restore || !subject_.real().keeps_last_good() || !commit.from) {
      for (const auto& old : replaced)
        if (old) objects_.discard(*old, Place::committing);
    } else {
      keep(replaced, *commit.from);
    }
    if (commit.restore) kept_payload_.reset();
    active_ = commit.to;
    mixed_ = false;
  }
  const Call call{
      .event = Event::committed, .now = now, .job = commit.job, .failure = failure, .consistent = consistent};
  deliver(call, [&](const Call& told) {
    return subject_.committed(told.job, told.failure, told.consistent, told.now);
  });
}

// ---- What lies where

void Caller::check_objects() {
  std::size_t held = kept_.size() + (commit_ ? commit_->steps.size() : 0);
  for (const auto& object : in_use_) held += object ? 1U : 0U;
  std::size_t idle = 0;
  for (const auto& [id, job] : jobs_) {
    held += job.staged.size();
    if (!job.on_worker) ++idle;
  }
  require(held == objects_.alive(), "an object is lost");
  require(idle <= 1, "a job is forgotten with what it staged");
  if (commit_) return;
  require(active_.has_value() == subject_.active().has_value() &&
              (!active_ || *active_ == subject_.active()->digest()),
          "what is in use is not what is said to be");
  if (active_ && !mixed_) {
    const Content content = around_.content(*active_);
    for (std::size_t i = 0; i < content.size(); ++i)
      require(in_use_[i] && in_use_[i]->content == content[i],
              "a component of what is in use is of something else");
  }
  const auto& good = rules_.memory().last_good;
  const bool is_good = good && active_ && good->name.digest == *active_;
  if (!subject_.real().keeps_last_good()) {
    require(kept_.empty() && !kept_payload_, "objects are kept that nobody will need");
    return;
  }
  require(good.has_value(), "something is kept and nothing was ever good");
  if (is_good) {
    require(kept_.empty() && !kept_payload_, "objects of last-good are kept although it is in use");
    return;
  }
  require(kept_payload_ == good->name.digest, "something else than last-good is kept");
  std::array<std::optional<Object>, kComponents> restored = in_use_;
  for (const Object& object : kept_) restored[object.component] = object;
  const Content content = around_.content(good->name.digest);
  for (std::size_t i = 0; i < content.size(); ++i)
    require(restored[i] && restored[i]->content == content[i], "what is kept would not restore last-good");
}

}  // namespace okg::model
