// okg_connect() to okg_release(), and the reload calls.
#include <algorithm>
#include <cstring>

#include "abi/handles.hpp"
#include "base/text.hpp"
#include "hotabi/arguments.hpp"
#include "payload/path.hpp"

namespace {

using okg::abi::after_callbacks;
using okg::abi::finish;
using okg::abi::guarded;
using okg::abi::LogAdapter;
using okg::abi::read_options;
using okg::abi::tell;
using okg::abi::tell_ok;
using okg::abi::text_of;
using okg::base::Code;

okg_code subscribe(okg_server* server, const char* component, okg::server::HandlerPtr handler,
                   okg_subscription** subscription, okg_error* error) {
  if (std::strcmp(component, "*") != 0)
    if (const auto fine = okg::payload::check_component_name(component); !fine)
      return tell(error, Code::invalid_argument, ("on_reload: " + fine.error().text).c_str());
  auto made = std::make_unique<okg_subscription>();
  made->server = server;
  made->handler = std::move(handler);
  server->subscriptions.reserve(server->subscriptions.size() + 1);  // so that nothing fails once it is added
  if (const auto added = server->game_server->add(made->handler); !added) return tell(error, added.error());
  if (subscription != nullptr) *subscription = made.get();
  server->subscriptions.push_back(std::move(made));
  return tell_ok(error);
}

}  // namespace

// What okg_options brought lives as long as the handle.
struct okg_server_with_options final : okg_server {
  LogAdapter adapter{};
  void (*released)(void* user) = nullptr;
  void* released_user = nullptr;
};

void okg::abi::after_callbacks(okg_server* server) {
  if (server->release_after_callback && !server->game_server->in_callback()) okg_release(server);
}

extern "C" {

okg_code okg_connect(const okg_options* options, okg_server** server, okg_error* error) {
  if (server == nullptr) return tell(error, Code::invalid_argument, "okg_connect: server is NULL");
  *server = nullptr;
  return guarded(error, [&]() -> okg_code {
    okg_options given = OKG_OPTIONS_INIT;
    if (options != nullptr && !read_options(options, &given))
      return tell(error, Code::invalid_argument,
                  "okg_connect: options.size is not that of a struct this library knows; begin with "
                  "OKG_OPTIONS_INIT");
    auto made = std::make_unique<okg_server_with_options>();
    okg::server::GivenOptions inside;
    inside.name = text_of(given.name);
    inside.server_version = text_of(given.server_version);
    inside.payload_directory = text_of(given.payload_dir);
    inside.run_directory = text_of(given.run_dir);
    inside.http = text_of(given.http);
    inside.legacy_reload = text_of(given.legacy_reload);
    inside.token_file = text_of(given.token_file);
    if (given.tick_timeout_ns < 0)
      return tell(error, Code::invalid_argument, "okg_connect: options.tick_timeout_ns is negative");
    if (given.probation_ns < -1)
      return tell(error, Code::invalid_argument, "okg_connect: options.probation_ns is negative and not -1");
    if (given.tick_timeout_ns > 0) inside.tick_timeout = std::chrono::nanoseconds(given.tick_timeout_ns);
    if (given.probation_ns != 0)
      inside.probation = std::chrono::nanoseconds(std::max<std::int64_t>(given.probation_ns, 0));
    inside.controller = text_of(given.controller);
    if (given.update_timeout_ns < 0)
      return tell(error, Code::invalid_argument, "okg_connect: options.update_timeout_ns is negative");
    inside.update_timeout_ns = given.update_timeout_ns;
    if (!okg::abi::read_log_level(given.log_level, &inside.log_level))
      return tell(error, Code::invalid_argument, "okg_connect: options.log_level is none of okg_log_level");
    if (given.log != nullptr) {
      made->adapter = {given.log, given.log_user};
      inside.log = &LogAdapter::write;
      inside.log_user = &made->adapter;
    }
    auto connected =
        okg::server::GameServer::connect(okg::base::Os::real(), okg::base::process_environment(), inside);
    if (!connected) return tell(error, connected.error());
    made->game_server = std::move(*connected);
    made->released = given.released;
    made->released_user = given.released_user;
    *server = made.release();
    return tell_ok(error);
  });
}

okg_code okg_start(okg_server* server, int64_t initial_payload_ns, okg_error* error) {
  if (server == nullptr) return tell(error, Code::invalid_argument, "okg_start: server is NULL");
  if (initial_payload_ns < 0)
    return tell(error, Code::invalid_argument, "okg_start: initial_payload_ns is negative");
  const okg_code code =
      guarded(error, [&] { return finish(error, server->game_server->start(initial_payload_ns)); });
  after_callbacks(server);
  return code;
}

// Not inlined, so that a turn with nothing to do saves no registers.
[[gnu::noinline]] static int poll_due(okg_server* server, int64_t budget_ns) {
  int calls = 0;
  try {
    calls = server->game_server->poll(budget_ns);
  } catch (...) {  // out of memory: what is due stays due
  }
  after_callbacks(server);
  return calls;
}

int okg_poll(okg_server* server, int64_t budget_ns) {
  if (server == nullptr || !server->game_server->tick()) return 0;
  return poll_due(server, budget_ns);
}

int okg_poll_fd(okg_server* server) {
  return server == nullptr ? -1 : server->game_server->poll_fd();
}

okg_code okg_set_ready(okg_server* server, int ready, const char* reason, okg_error* error) {
  if (server == nullptr) return tell(error, Code::invalid_argument, "okg_set_ready: server is NULL");
  return guarded(error,
                 [&] { return finish(error, server->game_server->set_ready(ready != 0, text_of(reason))); });
}

okg_code okg_status_json(okg_server* server, char* buffer, size_t capacity, size_t* length) {
  if (server == nullptr || (buffer == nullptr && capacity != 0)) return OKG_INVALID_ARGUMENT;
  return guarded(nullptr, [&]() -> okg_code {
    if (server->game_server->closed()) return OKG_CLOSED;
    const std::string text = server->game_server->status_json();
    if (length != nullptr) *length = text.size();
    if (capacity <= text.size()) return OKG_NO_SPACE;
    std::memcpy(buffer, text.c_str(), text.size() + 1);
    return OKG_OK;
  });
}

static void close_server(okg_server* server) {
  static_cast<void>(guarded(nullptr, [&]() -> okg_code {
    server->game_server->close();
    return OKG_OK;
  }));
}

void okg_close(okg_server* server) {
  if (server == nullptr) return;
  close_server(server);
  after_callbacks(server);
}

void okg_release(okg_server* server) {
  if (server == nullptr) return;
  const bool later = server->game_server->in_callback();
  if (later) server->release_after_callback = true;
  close_server(server);
  if (later) return;
  const auto* whole = static_cast<okg_server_with_options*>(server);
  const auto released = whole->released;
  void* const user = whole->released_user;
  delete whole;
  if (released == nullptr) return;
  static_cast<void>(guarded(nullptr, [&]() -> okg_code {
    released(user);
    return OKG_OK;
  }));
}

okg_code okg_on_reload(okg_server* server, const char* component, const okg_reload_handler* handler,
                       okg_subscription** subscription, okg_error* error) {
  if (subscription != nullptr) *subscription = nullptr;
  if (server == nullptr || component == nullptr || handler == nullptr)
    return tell(error, Code::invalid_argument, "okg_on_reload: server, component and handler are required");
  return guarded(error, [&]() -> okg_code {
    okg_reload_handler given = OKG_RELOAD_HANDLER_INIT;
    if (!read_options(handler, &given))
      return tell(error, Code::invalid_argument,
                  "okg_on_reload: handler.size is not that of a struct this library knows; begin with "
                  "OKG_RELOAD_HANDLER_INIT");
    if (given.commit == nullptr)
      return tell(error, Code::invalid_argument, "okg_on_reload: commit is required");
    if (given.after_count != 0 && given.after == nullptr)
      return tell(error, Code::invalid_argument, "okg_on_reload: after is NULL and after_count is not 0");
    for (std::size_t i = 0; i < given.after_count; ++i)
      if (given.after[i] == nullptr)
        return tell(error, Code::invalid_argument, "okg_on_reload: a name in after is NULL");
    return subscribe(server, component, okg::abi::make_handler(component, given), subscription, error);
  });
}

okg_code okg_on_reload_simple(okg_server* server, const char* component, okg_reload_fn reload, void* user,
                              okg_subscription** subscription, okg_error* error) {
  if (subscription != nullptr) *subscription = nullptr;
  if (server == nullptr || component == nullptr || reload == nullptr)
    return tell(error, Code::invalid_argument,
                "okg_on_reload_simple: server, component and reload are required");
  return guarded(error, [&]() -> okg_code {
    return subscribe(server, component, okg::abi::make_simple_handler(component, reload, user), subscription,
                     error);
  });
}

void okg_unsubscribe(okg_subscription* subscription) {
  if (subscription == nullptr) return;
  static_cast<void>(guarded(nullptr, [&]() -> okg_code {
    okg_server* server = subscription->server;
    if (subscription->listener)
      server->game_server->remove(subscription->listener);
    else
      server->game_server->remove(subscription->handler);
    std::erase_if(server->subscriptions, [&](const auto& kept) { return kept.get() == subscription; });
    after_callbacks(server);
    return OKG_OK;
  }));
}

int okg_stop_requested(const okg_stop* stop) {
  return stop != nullptr && stop->token.stop_requested() ? 1 : 0;
}

okg_code okg_report_bad(okg_server* server, const char* text, okg_error* error) {
  if (server == nullptr) return tell(error, Code::invalid_argument, "okg_report_bad: server is NULL");
  return guarded(error, [&] { return finish(error, server->game_server->report_bad(text_of(text))); });
}

okg_code okg_rollback(okg_server* server, const char* digest, okg_error* error) {
  if (server == nullptr) return tell(error, Code::invalid_argument, "okg_rollback: server is NULL");
  return guarded(error, [&]() -> okg_code {
    std::optional<okg::payload::Digest> to;
    if (digest != nullptr) {
      to = okg::payload::Digest::from_either(digest);
      if (!to)
        return tell(
            error, Code::invalid_argument,
            ("okg_rollback: " + okg::base::quote(digest) + " is no digest: sha256:<64 hex digits>").c_str());
    }
    return finish(error, server->game_server->rollback(to));
  });
}

okg_code okg_reload(okg_server* server, int force, okg_error* error) {
  if (server == nullptr) return tell(error, Code::invalid_argument, "okg_reload: server is NULL");
  return guarded(error, [&] { return finish(error, server->game_server->reload(force != 0)); });
}

}  // extern "C"
