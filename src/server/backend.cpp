// The server as its endpoint sees it: control::Backend.
#include <utility>

#include "base/text.hpp"
#include "controller/values.hpp"
#include "server/game_server.hpp"
#include "server/status.hpp"

namespace okg::server {

using base::Code;

namespace {

// What is not a value is refused here: one that the controller stumbles over would stop all that it does for
// this server.
base::Status check(const control::GameServerWish& wish) {
  using Field = control::GameServerWish::Field;
  const std::string value = wish.value.value_or("");
  switch (wish.field) {
    case Field::ops_state:
      return controller::check_ops_state(value);
    case Field::update_priority:
    case Field::deletion_priority:
      return controller::check_priority(std::strtoll(value.c_str(), nullptr, 10));
    case Field::label:
    case Field::annotation:
      break;
  }
  if (const auto fine = controller::check_key(wish.key); !fine) return fine;
  if (wish.key.starts_with("okg-sdk/"))
    return base::Error(Code::invalid_argument,
                       base::quote(wish.key) + ": is okg's own report: it would be written over at once");
  if (!wish.value) return {};
  return wish.field == Field::label ? controller::check_label_value(value)
                                    : controller::check_annotation_value(value);
}

controller::Field field_of(const control::GameServerWish& wish) {
  using Field = control::GameServerWish::Field;
  switch (wish.field) {
    case Field::ops_state:
      return controller::kOpsStateField;
    case Field::update_priority:
      return controller::kUpdatePriorityField;
    case Field::deletion_priority:
      return controller::kDeletionPriorityField;
    case Field::label:
      return controller::label_field(wish.key);
    case Field::annotation:
      break;
  }
  return controller::annotation_field(wish.key);
}

}  // namespace

bool GameServer::live() {
  return !stalled(os_.monotonic_ns());
}

bool GameServer::ready() {
  const bool inconsistent = driver_->state().inconsistent;
  const std::lock_guard lock(ready_mutex_);
  return started_.load(std::memory_order_acquire) && ready_said_.value_or(true) &&
         !stalled(os_.monotonic_ns()) && !inconsistent;
}

std::string GameServer::status_json() {
  if (closed()) return {};
  const std::int64_t now = os_.monotonic_ns();
  StatusInput input;
  input.instance = uuid_;
  input.server_version = options_.server_version;
  input.started = started_.load(std::memory_order_acquire);
  input.stalled = stalled(now);
  input.tick_age_ms = running_.load(std::memory_order_acquire) ? tick_age_ns(now) / 1'000'000 : 0;
  input.polling_watch = io_->watch_is_polling();
  input.trouble = io_->trouble();
  input.reload = driver_->state();
  input.hot = base::OrderedJson::array();
  for (auto& said : hot_states_->say_all()) input.hot.push_back(std::move(said.json));
  input.controller = controller_->json();
  input.start = start_->report().json();
  const std::lock_guard lock(ready_mutex_);
  if (!input.started)
    input.not_ready_reason = "starting";
  else if (!ready_said_.value_or(true))
    input.not_ready_reason = not_ready_reason_.empty() ? "said by the game" : not_ready_reason_;
  else if (input.stalled)
    input.not_ready_reason = "the game loop does not poll";
  else if (input.reload.inconsistent)
    input.not_ready_reason = "a commit failed and could not be undone";
  input.ready = input.not_ready_reason.empty();
  return server::status_json(input);
}

control::Metrics GameServer::metrics() {
  const std::int64_t now = os_.monotonic_ns();
  const DriverState state = driver_->state();
  control::Metrics metrics;
  metrics.reloads_active = state.ok;
  metrics.reloads_failed = state.failed;
  metrics.reloads_superseded = state.superseded;
  metrics.reloads_rolled_back = state.rolled_back;
  metrics.phases = driver_->histograms();
  if (state.active) metrics.payloads.push_back({state.active->text(), state.active_version, "active"});
  if (state.desired) metrics.payloads.push_back({state.desired->text(), state.desired_version, "desired"});
  metrics.ready = ready();
  metrics.tick_age_seconds = static_cast<double>(tick_age_ns(now)) / 1e9;
  metrics.watch_fallback = io_->watch_is_polling();
  metrics.watch_overflows = io_->overflows();
  for (const auto& said : hot_states_->say_all()) {
    control::HotMetrics hot;
    hot.name = said.json.value("name", std::string());
    hot.records = said.json.value<std::uint64_t>("records", 0);
    hot.bytes = said.json.value<std::uint64_t>("bytes", 0);
    hot.file_bytes = said.json.value<std::uint64_t>("file_bytes", 0);
    hot.max_bytes = said.json.value<std::uint64_t>("max_bytes", 0);
    hot.commits = {{hot::CommitTimes::kBounds.begin(), hot::CommitTimes::kBounds.end()},
                   {said.commits.counts.begin(), said.commits.counts.end()},
                   said.commits.sum};
    metrics.hot.push_back(std::move(hot));
  }
  controller_->describe(metrics);
  return metrics;
}

bool GameServer::peer_allowed(uid_t uid) {
  if (uid == 0 || uid == os_.effective_uid()) return true;
  if (io_->volume() < 0) return false;
  const auto current = payload::read_current(os_, io_->volume());
  return current && *current && (*current)->owner == uid;
}

void GameServer::look_now() {
  io_->look_now();
}

std::optional<payload::Digest> GameServer::desired() {
  return driver_->state().desired;
}

control::Outcome GameServer::outcome(const payload::Digest& digest) {
  control::Outcome outcome = driver_->outcome(digest);
  if (outcome.verdict == control::Verdict::pending) {
    if (stalled(os_.monotonic_ns())) return {control::Verdict::stalled, "the game loop does not poll"};
    if (!outcome.text.empty()) outcome.text = "reload is " + outcome.text;
  }
  return outcome;
}

control::Outcome GameServer::request_reload(const std::optional<payload::Digest>& digest, bool force,
                                            std::optional<payload::Digest>* target) {
  io_->look_now();
  const auto wanted = desired();
  if (!wanted) {
    if (!started_.load(std::memory_order_acquire))
      return {control::Verdict::starting, "the server is starting"};
    return {control::Verdict::not_found, io_->trouble().empty() ? "nothing is published" : io_->trouble()};
  }
  if (digest && *digest != *wanted) {
    auto now = driver_->outcome(*digest);
    if (now.verdict == control::Verdict::not_found) return now;
    return {control::Verdict::not_desired, "only the desired payload can be asked for: " + wanted->text()};
  }
  if (target != nullptr) *target = *wanted;
  if (const auto done = driver_->reload(force); !done) return {control::Verdict::busy, done.error().text};
  return outcome(*wanted);
}

control::Outcome GameServer::request_rollback(const std::optional<payload::Digest>& digest, bool force,
                                              std::optional<payload::Digest>* target) {
  std::optional<payload::Digest> to;
  if (const auto done = driver_->rollback(digest, force, &to); !done) {
    const bool missing = done.error().code == Code::not_found;
    return {missing ? control::Verdict::not_found : control::Verdict::failed, done.error().text};
  }
  if (target != nullptr) *target = to;
  return outcome(*to);
}

base::Result<std::uint64_t> GameServer::request_write(const control::GameServerWish& wish) {
  if (const auto fine = check(wish); !fine) return fine.error();
  return controller_->order(field_of(wish), wish.value);
}

}  // namespace okg::server
