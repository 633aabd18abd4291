// The polling thread's half of the reload driver: taking a payload into use, going back, discarding.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "server/reload_driver.hpp"

namespace okg::server {

using base::Code;
using base::Error;
using reload::Failure;
using reload::Stage;

// The steps of one commit. The polling thread owns it; nothing in here needs the mutex.
struct ReloadDriver::Commit {
  LivePayloadPtr to, from;
  std::vector<Held> steps;     // what is to be taken into use
  std::vector<Held> replaced;  // what it replaced, step by step
  std::vector<Held> unused;    // what is left over after a failure
  std::optional<Failure> failure;
  bool consistent = true;
  int calls = 0;

  void run() {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      void* previous = nullptr;
      ++calls;
      const auto done = steps[i].handler->commit(std::exchange(steps[i].object, nullptr), to, &previous);
      if (!done) {
        failure = Failure{Stage::commit, steps[i].handler->name(), done.error().code,
                          base::one_line(done.error().text), done.error().retriable};
        for (std::size_t rest = i + 1; rest < steps.size(); ++rest) unused.push_back(std::move(steps[rest]));
        undo();
        return;
      }
      replaced.push_back({steps[i].handler, previous});
    }
  }

  // Newest first, each handler takes its old object back.
  void undo() {
    while (!replaced.empty()) {
      Held old = std::move(replaced.back());
      replaced.pop_back();
      void* staged = nullptr;
      ++calls;
      const auto done = old.handler->commit(old.object, from, &staged);
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
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error(Code::closed, "on_reload: the server is closed");
  for (const HandlerPtr& other : handlers_)
    if (other->name() == handler->name())
      return Error(Code::invalid_argument,
                   "on_reload(" + base::quote(handler->name()) + "): there is a handler already");
  handlers_.push_back(std::move(handler));
  return {};
}

void ReloadDriver::remove(const HandlerPtr& handler) {
  std::vector<Held> mine;
  {
    std::unique_lock lock(mutex_);
    std::erase(handlers_, handler);
    if (!stopping_) {
      current_times_ = {};
      carry_out(reloader_.restart(now()));
    }
    change_.wait(lock, [&] { return preparing_ != handler; });
    const auto take = [&](std::vector<Held>& from) {
      const auto is_mine = [&](const Held& held) { return held.handler == handler; };
      std::copy_if(from.begin(), from.end(), std::back_inserter(mine), is_mine);
      std::erase_if(from, is_mine);
    };
    take(garbage_);
    take(kept_);
    // A cancelled job whose worker is about to hand in what it staged.
    change_.wait(lock, [&] {
      return stopping_ || std::none_of(jobs_.begin(), jobs_.end(), [](const auto& job) {
               return job.second.cancelled && job.second.on_worker;
             });
    });
    take(garbage_);
  }
  for (const Held& held : mine)
    if (held.object != nullptr) handler->discard(held.object);
}

int ReloadDriver::run(std::int64_t budget_ns) {
  pending_.store(false, std::memory_order_relaxed);
  const std::int64_t deadline = budget_ns > 0 ? now() + budget_ns : INT64_MAX;
  bool deferred = false;
  int calls = commit_offered(&deferred);
  if (calls == 0 || now() < deadline) calls += discard_some(deadline);
  const std::lock_guard lock(mutex_);
  if (deferred) {
    deferred_ = true;  // the descriptor stays quiet for a while; a game that polls anyway is asked every time
    pending_.store(true, std::memory_order_release);
    changed_();
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
    if (handler->can_commit()) continue;
    *deferred = true;
    return 0;
  }

  Commit commit;
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
    changed_();
  }

  const std::int64_t began = now();
  commit.run();
  const std::int64_t ended = now();

  const std::lock_guard lock(mutex_);
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
    held.handler->discard(held.object);
    ++calls;
    if (now() >= deadline_ns) return calls;
  }
}

void ReloadDriver::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
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
  for (const Held& held : left)
    if (held.object != nullptr) held.handler->discard(held.object);
}

}  // namespace okg::server
