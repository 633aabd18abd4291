// okg::GameServer: a game server's link to okg. See okg.h for threads, deadlines and errors of each call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "okg/controller.hpp"
#include "okg/hot_state.hpp"
#include "okg/reload.hpp"
#include "okg/result.hpp"

namespace okg {

enum class LogLevel { from_environment = OKG_LOG_DEFAULT, error = OKG_LOG_ERROR, warn, info, debug };

// An empty field: the environment decides, then the default (docs/interface.md, section 3).
struct Options {
  std::string name = {};
  std::string server_version = {};
  std::string payload_dir = {};
  std::string run_dir = {};
  std::string http = {};
  std::string legacy_reload = {};
  std::string token_file = {};
  std::chrono::nanoseconds tick_timeout{0};
  std::optional<std::chrono::nanoseconds> probation = {};  // 0: a committed payload is good at once
  std::string controller = {};
  std::chrono::nanoseconds update_timeout{0};
  // Any thread, two at once possible.
  std::function<void(LogLevel level, std::string_view category, std::string_view text)> log = {};
  LogLevel log_level = LogLevel::from_environment;
};

struct StartOptions {
  std::chrono::nanoseconds initial_payload{0};  // how long start() waits for the first payload
};

// Movable; close() or the destructor ends everything. For the polling thread, except where okg.h says "any
// thread".
class GameServer {
 public:
  // Whatever goes wrong here or in a registration is told by start().
  explicit GameServer(Options options = {}) : state_(new State) {
    state_->log = std::move(options.log);
    okg_options c = OKG_OPTIONS_INIT;
    c.name = or_null(options.name);
    c.server_version = or_null(options.server_version);
    c.payload_dir = or_null(options.payload_dir);
    c.run_dir = or_null(options.run_dir);
    c.http = or_null(options.http);
    c.legacy_reload = or_null(options.legacy_reload);
    c.token_file = or_null(options.token_file);
    c.controller = or_null(options.controller);
    c.update_timeout_ns = options.update_timeout.count();
    c.tick_timeout_ns = options.tick_timeout.count();
    if (options.probation) c.probation_ns = options.probation->count() > 0 ? options.probation->count() : -1;
    c.log_level = static_cast<okg_log_level>(options.log_level);
    if (state_->log) {
      c.log = &State::on_log;
      c.log_user = state_.get();
    }
    c.released = &State::on_released;
    c.released_user = state_.get();
    okg_error error;
    const okg_code code = okg_connect(&c, &state_->handle, &error);
    if (code != OKG_OK) state_->trouble = Error(code, error);
  }
  GameServer(GameServer&&) noexcept = default;
  GameServer& operator=(GameServer&&) noexcept = default;

  // Registers the handler of a component, or with "*" that of all components without one of their own.
  template <class T>
  Subscription on_reload(const std::string& component, ReloadHandler<T> handler) {
    using Thunks = detail::ReloadThunks<T>;
    auto kept = std::make_shared<ReloadHandler<T>>(std::move(handler));
    if (!kept->prepare || !kept->commit)
      return note(
          Error(OKG_INVALID_ARGUMENT, "on_reload(" + component + "): prepare and commit are required"));
    std::vector<const char*> after;
    for (const std::string& name : kept->after) after.push_back(name.c_str());
    okg_reload_handler c = OKG_RELOAD_HANDLER_INIT;
    c.user = kept.get();
    c.prepare = &Thunks::prepare;
    c.commit = &Thunks::commit;
    c.discard = &Thunks::discard;
    if (kept->can_commit) c.can_commit = &Thunks::can_commit;
    c.after = after.data();
    c.after_count = after.size();
    okg_subscription* subscription = nullptr;
    okg_error error;
    const okg_code code = okg_on_reload(state_->handle, component.c_str(), &c, &subscription, &error);
    if (code != OKG_OK) return note(Error(code, error));
    state_->handlers.push_back(std::move(kept));
    return Subscription(subscription);
  }

  // The simple form: reads the payload and takes it into use in one go, on the polling thread.
  Subscription on_reload(const std::string& component, std::function<Result<void>(Payload)> reload) {
    using Reload = std::function<Result<void>(Payload)>;
    auto kept = std::make_shared<Reload>(std::move(reload));
    const okg_reload_fn thunk = [](void* user, const okg_payload* payload, okg_error* error) -> okg_code {
      return detail::guarded(error, [&]() -> okg_code {
        const auto done = (*static_cast<Reload*>(user))(Payload(okg_payload_retain(payload)));
        return done ? OKG_OK : detail::fail(error, done.error());
      });
    };
    okg_subscription* subscription = nullptr;
    okg_error error;
    const okg_code code =
        okg_on_reload_simple(state_->handle, component.c_str(), thunk, kept.get(), &subscription, &error);
    if (code != OKG_OK) return note(Error(code, error));
    state_->handlers.push_back(std::move(kept));
    return Subscription(subscription);
  }

  Result<void> start(StartOptions options = {}) {
    if (state_->trouble) return *state_->trouble;
    okg_error error;
    return detail::status(okg_start(state_->handle, options.initial_payload.count(), &error), error);
  }

  int poll(std::chrono::nanoseconds budget = {}) noexcept { return okg_poll(state_->handle, budget.count()); }
  int poll_fd() noexcept { return okg_poll_fd(state_->handle); }

  Result<void> set_ready(bool ready, const std::string& reason = {}) {
    okg_error error;
    return detail::status(okg_set_ready(state_->handle, ready ? 1 : 0, reason.c_str(), &error), error);
  }

  // The payload in use; empty when there is none. Any thread.
  Payload payload() const noexcept { return Payload(okg_payload_pin(state_->handle)); }

  // okg.status/v1 as JSON; "" once closed. Any thread.
  std::string status_json() const {
    std::string text(4096, '\0');
    for (;;) {
      std::size_t length = 0;
      const okg_code code = okg_status_json(state_->handle, text.data(), text.size(), &length);
      if (code == OKG_OK || code != OKG_NO_SPACE) {
        text.resize(code == OKG_OK ? length : 0);
        return text;
      }
      text.resize(length + 256);  // it may have grown meanwhile
    }
  }

  Result<void> report_bad(const std::string& text) {
    okg_error error;
    return detail::status(okg_report_bad(state_->handle, text.c_str(), &error), error);
  }
  // To last-good, or to a digest on the volume.
  Result<void> rollback(const std::string& digest = {}) {
    okg_error error;
    return detail::status(okg_rollback(state_->handle, or_null(digest), &error), error);
  }
  Result<void> reload(bool force = false) {
    okg_error error;
    return detail::status(okg_reload(state_->handle, force ? 1 : 0, &error), error);
  }

  // ---- The controller

  Result<void> set_ops_state(const std::string& state, WriteOptions options = {}) {
    return detail::Write(std::move(options)).run([&](const okg_write_options* c, okg_error* error) {
      return okg_set_ops_state(state_->handle, state.c_str(), c, error);
    });
  }
  Result<void> set_update_priority(std::int64_t priority, WriteOptions options = {}) {
    return detail::Write(std::move(options)).run([&](const okg_write_options* c, okg_error* error) {
      return okg_set_update_priority(state_->handle, priority, c, error);
    });
  }
  Result<void> set_deletion_priority(std::int64_t priority, WriteOptions options = {}) {
    return detail::Write(std::move(options)).run([&](const okg_write_options* c, okg_error* error) {
      return okg_set_deletion_priority(state_->handle, priority, c, error);
    });
  }
  // nullopt removes it.
  Result<void> set_label(const std::string& key, const std::optional<std::string>& value,
                         WriteOptions options = {}) {
    return detail::Write(std::move(options)).run([&](const okg_write_options* c, okg_error* error) {
      return okg_set_label(state_->handle, key.c_str(), value ? value->c_str() : nullptr, c, error);
    });
  }
  Result<void> set_annotation(const std::string& key, const std::optional<std::string>& value,
                              WriteOptions options = {}) {
    return detail::Write(std::move(options)).run([&](const okg_write_options* c, okg_error* error) {
      return okg_set_annotation(state_->handle, key.c_str(), value ? value->c_str() : nullptr, c, error);
    });
  }

  Subscription on_ops_state(std::function<void(std::string_view state, std::string_view before)> call) {
    using Call = decltype(call);
    return listen(std::move(call), &okg_on_ops_state, [](void* user, const char* state, const char* before) {
      (*static_cast<Call*>(user))(state, before);
    });
  }
  Subscription on_network(std::function<void(const GameServerSnapshot&)> call) {
    return listen(std::move(call), &okg_on_network, &State::on_gameserver);
  }
  Subscription on_change(std::function<void(const GameServerSnapshot&)> call) {
    return listen(std::move(call), &okg_on_change, &State::on_gameserver);
  }
  Subscription on_kill(std::function<void(std::string_view why)> call) {
    using Call = decltype(call);
    return listen(std::move(call), &okg_on_kill,
                  [](void* user, const char* why) { (*static_cast<Call*>(user))(why); });
  }
  Subscription on_connection(std::function<void(Connection)> call) {
    using Call = decltype(call);
    return listen(std::move(call), &okg_on_connection, [](void* user, okg_connection connection) {
      (*static_cast<Call*>(user))(static_cast<Connection>(connection));
    });
  }
  // To be answered with allow_update(notice.id) where notice.waits.
  Subscription on_update(std::function<void(const UpdateNotice&)> call) {
    using Call = decltype(call);
    return listen(std::move(call), &okg_on_update, [](void* user, const okg_update_notice* notice) {
      (*static_cast<Call*>(user))(detail::to_notice(*notice));
    });
  }
  Result<void> allow_update(std::uint64_t notice) {
    okg_error error;
    return detail::status(okg_allow_update(state_->handle, notice, &error), error);
  }

  // Empty before the first. Any thread.
  GameServerSnapshot snapshot() const noexcept {
    return GameServerSnapshot(okg_gameserver_pin(state_->handle));
  }
  Connection connection() const noexcept {
    return static_cast<Connection>(okg_connection_state(state_->handle, nullptr));
  }
  StartReport start_report() const noexcept {
    okg_start_report report = OKG_START_REPORT_INIT;
    okg_get_start_report(state_->handle, &report);
    return detail::to_start_report(report);
  }

  // Hot state in this server's hot directory: see okg_hot_open(). It may outlive the server.
  Result<HotState> hot_state(const std::string& name, const HotOptions& options = {}) {
    return HotState::open(name, options, state_->handle);
  }

  void close() noexcept { okg_close(state_->handle); }
  okg_server* handle() const noexcept { return state_->handle; }

 private:
  // What callbacks need: it never moves, and lives until the C side has made the last of them.
  struct State {
    okg_server* handle = nullptr;
    std::function<void(LogLevel, std::string_view, std::string_view)> log;
    std::vector<std::shared_ptr<void>> handlers;
    std::optional<Error> trouble;

    static void on_log(void* user, okg_log_level level, const char* category, const char* text, size_t size) {
      static_cast<State*>(user)->log(static_cast<LogLevel>(level), category, std::string_view(text, size));
    }
    static void on_gameserver(void* user, const okg_gameserver* gameserver) {
      (*static_cast<std::function<void(const GameServerSnapshot&)>*>(user))(
          GameServerSnapshot(okg_gameserver_retain(gameserver)));
    }
    static void on_released(void* user) { delete static_cast<State*>(user); }
  };

  struct Release {
    void operator()(State* state) const noexcept {
      if (state->handle != nullptr)
        okg_release(state->handle);  // frees the state when no callback needs it any more
      else
        delete state;
    }
  };

  // Registers `thunk` with `call` as its user.
  template <class Call, class Register, class Thunk>
  Subscription listen(Call call, Register add, Thunk thunk) {
    auto kept = std::make_shared<Call>(std::move(call));
    okg_subscription* subscription = nullptr;
    okg_error error;
    const okg_code code = add(state_->handle, thunk, kept.get(), &subscription, &error);
    if (code != OKG_OK) return note(Error(code, error));
    state_->handlers.push_back(std::move(kept));
    return Subscription(subscription);
  }

  static const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }
  Subscription note(Error error) {
    if (!state_->trouble) state_->trouble = std::move(error);
    return Subscription();
  }

  std::unique_ptr<State, Release> state_;
};

}  // namespace okg
