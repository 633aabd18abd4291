// What the controller's side has to say, told to the game on the polling thread.
#include <algorithm>
#include <utility>

#include "controller/keys.hpp"
#include "server/controller_driver.hpp"

namespace okg::server {

using controller::ObjectPtr;

namespace {

// Everything of it that the game can see.
bool same(const controller::Object& a, const controller::Object& b) {
  return a.ops_state == b.ops_state && a.update_priority == b.update_priority &&
         a.deletion_priority == b.deletion_priority && a.network_disabled == b.network_disabled &&
         a.state == b.state && a.deleting == b.deleting && a.labels == b.labels &&
         a.annotations == b.annotations && a.network == b.network;
}

}  // namespace

void ControllerDriver::add(ListenerPtr listener) {
  listeners_.push_back(std::move(listener));
  const std::lock_guard lock(mutex_);
  const bool asks = std::any_of(listeners_.begin(), listeners_.end(),
                                [](const ListenerPtr& one) { return one->topic == Topic::update; });
  conversation_.asks_before_updates(asks);
}

void ControllerDriver::remove(const ListenerPtr& listener) {
  listener->retired = true;
  std::erase(listeners_, listener);
  const std::lock_guard lock(mutex_);
  const bool asks = std::any_of(listeners_.begin(), listeners_.end(),
                                [](const ListenerPtr& one) { return one->topic == Topic::update; });
  conversation_.asks_before_updates(asks);
}

int ControllerDriver::run(std::int64_t budget_ns) {
  signal_.lower(PollSignal::kController);
  const std::int64_t began = os_.monotonic_ns();
  int calls = 0;
  while (tell_next(&calls))
    if (budget_ns > 0 && os_.monotonic_ns() - began >= budget_ns) {
      signal_.raise(PollSignal::kController);  // the rest in the next poll
      break;
    }
  return calls;
}

// One thing; false: there is none.
bool ControllerDriver::tell_next(int* calls) {
  std::vector<ControllerEvent> events;
  Done done;
  {
    const std::lock_guard lock(mutex_);
    if (!done_.empty()) {
      done = std::move(done_.front());
      done_.pop_front();
    } else if (!links_.empty()) {
      events.push_back({Topic::connection, delivered_, "", "", {}, links_.front()});
      links_.pop_front();
    } else if (std::exchange(view_is_new_, false)) {
      compare(conversation_.view(), &events);
    } else if (!notices_.empty()) {
      events.push_back({Topic::update, delivered_, "", "", std::move(notices_.front()), {}});
      notices_.pop_front();
    } else {
      return false;
    }
  }
  if (done.call) {
    ++*calls;
    done.call(done.error);
  }
  for (const ControllerEvent& event : events) call(event, calls);
  return true;
}

// What is new in `view` for the game; mutex held.
bool ControllerDriver::compare(const ObjectPtr& view, std::vector<ControllerEvent>* events) {
  static const controller::Object kNothing;
  const ObjectPtr before = std::exchange(delivered_, view);
  const controller::Object& old = before ? *before : kNothing;
  const auto add = [&](Topic topic, std::string value = {}, std::string was = {}) {
    events->push_back({topic, view, std::move(value), std::move(was), {}, {}});
  };
  const auto believed = believed_.find(controller::kOpsStateField);
  const controller::Value thought = believed != believed_.end() ? believed->second : old.ops_state;
  // What the game set itself is no news to it, nor is what stands there until that has arrived. Once it has,
  // what stood there before is news again.
  const bool is_on_its_way = newest_.contains(controller::kOpsStateField);
  if (view->ops_state != thought && (view->ops_state != old.ops_state || !is_on_its_way)) {
    add(Topic::ops_state, view->ops_state.value_or(""), thought.value_or(""));
    if (view->ops_state == controller::keys::kKill) add(Topic::kill, "opsState");
  }
  // From here on the game knows what stands there, unless its own is still on the way.
  std::erase_if(believed_, [&](const auto& one) { return newest_.count(one.first) == 0; });
  if (view->deleting && !old.deleting) add(Topic::kill, "deletion");
  if (!(view->network == old.network)) add(Topic::network);
  if (!before || !same(*view, old)) add(Topic::change);
  return !events->empty();
}

void ControllerDriver::call(const ControllerEvent& event, int* calls) {
  // A listener may remove itself, or others.
  const std::vector<ListenerPtr> listeners = listeners_;
  for (const ListenerPtr& listener : listeners) {
    if (listener->retired || listener->topic != event.topic) continue;
    ++*calls;
    listener->call(event);
  }
}

void ControllerDriver::finish() {
  std::deque<Done> done;
  {
    const std::lock_guard lock(mutex_);
    done = std::exchange(done_, {});
  }
  for (Done& one : done) one.call(one.error);
  listeners_.clear();
}

}  // namespace okg::server
