// The polling thread's half of the reload driver: taking a payload into use, going back, discarding.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/scoped_value.hpp"
#include "base/text.hpp"
#include "server/driver_section.hpp"

namespace okg::server {

using base::Code;
using base::Error;
using reload::Failure;
using reload::Stage;

// The steps of one commit. The polling thread owns it; nothing in here needs the mutex. A callback may
// unsubscribe any handler meanwhile: remove() then takes that one's objects out of here.
struct ReloadDriver::Commit {
  ReloadDriver& driver;
  LivePayloadPtr to, from;
  std::vector<Held> steps;     // what is to be taken into use
  std::vector<Held> replaced;  // what it replaced, step by step
  std::vector<Held> unused;    // what is left over after a failure
  std::optional<Failure> failure;
  bool consistent = true;
  int calls = 0;

  base::Status commit(const HandlerPtr& handler, void* staged, const LivePayloadPtr& payload,
                      void** previous) {
    const base::ScopedValue calling(driver.calling_, handler);
    ++calls;
    return handler->commit(staged, payload, previous);
  }

  void run() {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const HandlerPtr handler = steps[i].handler;
      if (handler->retired()) continue;
      void* previous = nullptr;
      const auto done = commit(handler, std::exchange(steps[i].object, nullptr), to, &previous);
      if (!done) {
        // Only who runs commands knows the difference.
        const bool was_proof = done.error().code == Code::confirm;
        failure =
            reload::failure_of(was_proof ? Stage::confirm : Stage::commit, handler->name(), done.error());
        consistent = handler->is_consistent();
        for (std::size_t rest = i + 1; rest < steps.size(); ++rest) unused.push_back(std::move(steps[rest]));
        steps.clear();
        undo();
        return;
      }
      replaced.push_back({handler, previous});
    }
  }

  // Newest first, each handler takes its old object back.
  void undo() {
    while (!replaced.empty()) {
      Held old = std::move(replaced.back());
      replaced.pop_back();
      if (old.handler->retired()) {
        unused.push_back(std::move(old));
        continue;
      }
      void* staged = nullptr;
      const auto done = commit(old.handler, old.object, from, &staged);
      if (done) {
        unused.push_back({old.handler, staged});
      } else {
        consistent = false;
        failure->text +=
            "; and going back failed in " + old.handler->name() + ": " + base::one_line(done.error().text);
      }
    }
  }
};

base::Status ReloadDriver::add(HandlerPtr handler) {
  if (on_worker()) return Error(Code::busy, "on_reload: called from a prepare");
  const Section section(*this);
  if (stopping_) return Error(Code::closed, "on_reload: the server is closed");
  for (const HandlerPtr& other : handlers_)
    if (other->name() == handler->name())
      return Error(Code::invalid_argument,
                   "on_reload(" + base::quote(handler->name()) + "): there is a handler already");
  handlers_.push_back(std::move(handler));
  current_times_ = {};
  carry_out(reloader_.restart(now()));
  return {};
}

void ReloadDriver::remove(const HandlerPtr& handler) {
  if (on_worker() || handler->retired()) return;
  handler->retire();
  std::vector<Held> mine;
  {
    Section section(*this);
    std::erase(handlers_, handler);
    if (!stopping_) {
      current_times_ = {};
      carry_out(reloader_.restart(now()));
    }
    change_.wait(section.lock(), [&] { return preparing_ != handler; });
    if (calling_ == handler) return;  // the rest of its objects is garbage by now, or will be after this call
    const auto take = [&](std::vector<Held>& from) {
      const auto is_mine = [&](const Held& held) { return held.handler == handler; };
      std::copy_if(from.begin(), from.end(), std::back_inserter(mine), is_mine);
      std::erase_if(from, is_mine);
    };
    take(kept_);
    // A cancelled job whose worker is about to hand in what it staged.
    change_.wait(section.lock(), [&] {
      return stopping_ || std::none_of(jobs_.begin(), jobs_.end(), [](const auto& job) {
               return job.second.cancelled && job.second.on_worker;
             });
    });
    take(garbage_);
    if (commit_ != nullptr) {
      for (Held& step : commit_->steps)  // it goes through these by number
        if (step.handler == handler) mine.push_back({handler, std::exchange(step.object, nullptr)});
      take(commit_->replaced);
      take(commit_->unused);
    }
  }
  for (const Held& held : mine) discard(held);
}

void ReloadDriver::discard(const Held& held) {
  if (held.object == nullptr) return;
  const base::ScopedValue calling(calling_, held.handler);
  held.handler->discard(held.object);
}

int ReloadDriver::run(std::int64_t budget_ns) {
  {
    const std::lock_guard lock(mutex_);  // so that a signal comes before both or after both
    signals_.poll.lower(PollSignal::kReload);
  }
  const std::int64_t began = now();
  const std::int64_t deadline =
      budget_ns > 0 && budget_ns < INT64_MAX - began ? began + budget_ns : INT64_MAX;
  bool deferred = false;
  int calls = commit_offered(&deferred);
  if (calls == 0 || now() < deadline) calls += discard_some(deadline);
  const std::lock_guard lock(mutex_);
  if (deferred) {
    // The descriptor stays quiet for a while; a game that polls anyway is asked every time.
    signals_.poll.mark(PollSignal::kReload);
    if (!std::exchange(deferred_, true)) signals_.changed();
  }
  if (!garbage_.empty()) signal_work();
  return calls;
}

int ReloadDriver::commit_offered(bool* deferred) {
  Offered offer;
  std::vector<HandlerPtr> handlers;
  {
    const std::lock_guard lock(mutex_);
    if (!offered_ || stopping_) return 0;
    offer = *offered_;
    const auto& involved = offer.restore ? kept_ : jobs_.at(offer.job).staged;
    for (const Held& held : involved) handlers.push_back(held.handler);
  }
  for (const HandlerPtr& handler : handlers) {
    const base::ScopedValue calling(calling_, handler);
    if (handler->retired() || handler->can_commit()) continue;
    *deferred = true;
    return 0;
  }

  Commit commit{.driver = *this};
  reload::JobId id = 0;
  Times times;
  {
    const std::lock_guard lock(mutex_);
    if (!offered_ || offered_->job != offer.job) return 0;  // withdrawn while can_commit was asked
    const auto begun = reloader_.begin_commit();
    if (!begun) return 0;
    id = *begun;
    offered_.reset();
    commit.from = active_;
    if (offer.restore) {
      commit.to = kept_payload_;
      commit.steps = std::exchange(kept_, {});
    } else {
      Job& job = jobs_.at(id);
      commit.to = job.payload;
      commit.steps = std::exchange(job.staged, {});
      times = job.times;
      jobs_.erase(id);
    }
    signals_.changed();
  }

  const std::int64_t began = now();
  commit_ = &commit;
  commit.run();
  commit_ = nullptr;
  const std::int64_t ended = now();

  const Section section(*this);
  times.commit = ended - began;
  if (noticed_ && commit.to && noticed_->digest == commit.to->verified.digest)
    times.total = ended - noticed_->stamp.value_or(noticed_->at);
  current_times_ = times;
  throw_away(commit.unused);
  if (!commit.failure) {
    if (offer.restore || !reloader_.keeps_last_good()) {
      throw_away(commit.replaced);
    } else {
      // The first object that replaces one of last-good's sets that aside; what came between is not needed.
      if (!kept_payload_) kept_payload_ = commit.from;
      std::vector<Held> between;
      for (Held& old : commit.replaced) {
        const bool have = std::any_of(kept_.begin(), kept_.end(),
                                      [&](const Held& held) { return held.handler == old.handler; });
        (have ? between : kept_).push_back(std::move(old));
      }
      throw_away(between);
    }
    if (offer.restore) kept_payload_.reset();
    active_ = commit.to;
    active_since_ = base::format_time(os_.realtime_ns());
  }
  carry_out(reloader_.committed(id, commit.failure, commit.consistent, ended));
  return std::max(commit.calls, 1);
}

int ReloadDriver::discard_some(std::int64_t deadline_ns) {
  int calls = 0;
  for (;;) {
    Held held;
    {
      const std::lock_guard lock(mutex_);
      if (garbage_.empty()) return calls;
      held = std::move(garbage_.front());
      garbage_.erase(garbage_.begin());
    }
    discard(held);
    ++calls;
    if (now() >= deadline_ns) return calls;
  }
}

void ReloadDriver::stop(bool in_order) {
  {
    const Section section(*this);
    if (!std::exchange(stopping_, true) && in_order)
      for (const reload::Action& action : reloader_.stop()) carry_out_one(action);
    for (auto& [id, job] : jobs_) job.stop.request_stop();
    change_.notify_all();
  }
  worker_.stop();
  std::vector<Held> left;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, job] : jobs_) std::move(job.staged.begin(), job.staged.end(), std::back_inserter(left));
    for (std::vector<Held>* held : {&kept_, &garbage_}) {
      std::move(held->begin(), held->end(), std::back_inserter(left));
      held->clear();
    }
    jobs_.clear();
    offered_.reset();
    handlers_.clear();
    kept_payload_.reset();
    active_.reset();
  }
  for (const Held& held : left) discard(held);
}

}  // namespace okg::server
