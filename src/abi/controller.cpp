// What the game says to the controller, and hears from it.
#include <cstring>

#include "abi/handles.hpp"
#include "controller/values.hpp"
#include "hotabi/arguments.hpp"

namespace {

using okg::abi::finish;
using okg::abi::guarded;
using okg::abi::read_options;
using okg::abi::tell;
using okg::abi::tell_ok;
using okg::base::Code;
using okg::base::Error;
using okg::base::Status;
using okg::controller::Value;
using okg::server::ControllerEvent;
using okg::server::Topic;

// A callback of the game's that throws has no one to tell it to.
template <class Call>
void call_user(Call&& call) noexcept {
  try {
    call();
  } catch (...) {
  }
}

okg_code write(okg_server* server, const char* what, const std::string& field, Value value,
               const Status& fine, const okg_write_options* options, okg_error* error) {
  if (!fine) return tell(error, Error(fine.error().code, std::string(what) + ": " + fine.error().text));
  okg_write_options given = OKG_WRITE_OPTIONS_INIT;
  if (options != nullptr && !read_options(options, &given))
    return tell(error, Code::invalid_argument,
                "options.size is none this library knows; begin with OKG_WRITE_OPTIONS_INIT");
  if (given.timeout_ns < 0) return tell(error, Code::invalid_argument, "options.timeout_ns is negative");
  okg::server::WriteOptions inside;
  inside.timeout_ns = given.timeout_ns;
  if (given.expect != nullptr) inside.expect = Value(given.expect);
  if (given.written != nullptr)
    inside.done = [given](const std::optional<Error>& failed) {
      okg_error told{};
      const okg_code code = failed ? tell(&told, *failed) : tell_ok(&told);
      call_user([&] { given.written(given.user, code, &told); });
    };
  return finish(error, server->game_server->controller().set(field, std::move(value), std::move(inside)));
}

// A priority of the GameServer.
okg_code write_priority(okg_server* server, const char* what, const char* field, int64_t priority,
                        const okg_write_options* options, okg_error* error) {
  if (server == nullptr) return tell(error, Code::invalid_argument, "server is NULL");
  return guarded(error, [&] {
    return write(server, what, field, std::to_string(priority), okg::controller::check_priority(priority),
                 options, error);
  });
}

okg_code listen(okg_server* server, Topic topic, std::function<void(const ControllerEvent&)> call,
                okg_subscription** subscription, okg_error* error) {
  auto made = std::make_unique<okg_subscription>();
  made->server = server;
  made->listener = std::make_shared<okg::server::Listener>(okg::server::Listener{topic, std::move(call)});
  server->subscriptions.reserve(server->subscriptions.size() + 1);
  if (const auto added = server->game_server->add(made->listener); !added) return tell(error, added.error());
  if (subscription != nullptr) *subscription = made.get();
  server->subscriptions.push_back(std::move(made));
  return tell_ok(error);
}

// Checks what every okg_on_…() is handed, and makes the subscription.
template <class Call, class Adapt>
okg_code subscribe(okg_server* server, Topic topic, Call call, Adapt adapt, okg_subscription** subscription,
                   okg_error* error) {
  if (subscription != nullptr) *subscription = nullptr;
  if (server == nullptr || call == nullptr)
    return tell(error, Code::invalid_argument, "server and callback are required");
  return guarded(error, [&] {
    return listen(
        server, topic, [adapt](const ControllerEvent& event) { call_user([&] { adapt(event); }); },
        subscription, error);
  });
}

// For the time of a callback; the user may retain it beyond.
class Borrowed {
 public:
  explicit Borrowed(okg::controller::ObjectPtr object) : handle_(new okg_gameserver) {
    handle_->object = std::move(object);
  }
  ~Borrowed() { okg_gameserver_release(handle_); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  const okg_gameserver* get() const { return handle_; }

 private:
  okg_gameserver* handle_;
};

okg_connection from(okg::controller::Link link) {
  return static_cast<okg_connection>(static_cast<int>(link));
}
static_assert(static_cast<int>(okg::controller::Link::limited) == OKG_CONNECTION_LIMITED);
static_assert(static_cast<int>(okg::controller::Notice::Phase::withdrawn) == OKG_UPDATE_WITHDRAWN);
static_assert(static_cast<int>(okg::controller::Notice::Kind::deletion) == OKG_DELETION);
static_assert(static_cast<int>(okg::server::StartReason::restart) == OKG_START_RESTART);

void tell_notice(const okg::controller::Notice& notice, okg_update_fn call, void* user) {
  std::vector<const char*> names, images;
  if (notice.containers)
    for (const auto& [name, image] : *notice.containers) {
      names.push_back(name.c_str());
      images.push_back(image.c_str());
    }
  okg_update_notice out{};
  out.size = sizeof out;
  out.id = notice.id;
  out.kind = static_cast<okg_update_kind>(notice.kind);
  out.phase = static_cast<okg_update_phase>(notice.phase);
  out.waits = notice.waits ? 1 : 0;
  out.containers_known = notice.containers ? 1 : 0;
  out.deadline_ns = notice.deadline
                        ? std::max<std::int64_t>(*notice.deadline - okg::base::Os::real().monotonic_ns(), 0)
                        : -1;
  out.revision = notice.revision.c_str();
  out.containers = names.data();
  out.images = images.data();
  out.container_count = names.size();
  call(user, &out);
}

int32_t known(const std::optional<bool>& value) {
  return value ? (*value ? 1 : 0) : -1;
}

void copy_text(const std::string& from, char* to, std::size_t capacity) {
  const std::size_t size = std::min(from.size(), capacity - 1);
  std::memcpy(to, from.data(), size);
  to[size] = '\0';
}

}  // namespace

extern "C" {

okg_connection okg_connection_state(okg_server* server, okg_error* why) {
  okg_connection connection = OKG_CONNECTION_OFF;
  static_cast<void>(guarded(why, [&]() -> okg_code {
    if (server == nullptr) return tell_ok(why);
    std::string text;
    connection = from(server->game_server->controller().link(&text));
    if (text.empty()) return tell_ok(why);
    return tell(why, Error(Code::io, text));
  }));
  return connection;
}

okg_code okg_set_ops_state(okg_server* server, const char* state, const okg_write_options* options,
                           okg_error* error) {
  if (server == nullptr || state == nullptr)
    return tell(error, Code::invalid_argument, "okg_set_ops_state: server and state are required");
  return guarded(error, [&] {
    return write(server, "okg_set_ops_state", okg::controller::kOpsStateField, Value(state),
                 okg::controller::check_ops_state(state), options, error);
  });
}

okg_code okg_set_update_priority(okg_server* server, int64_t priority, const okg_write_options* options,
                                 okg_error* error) {
  return write_priority(server, "okg_set_update_priority", okg::controller::kUpdatePriorityField, priority,
                        options, error);
}

okg_code okg_set_deletion_priority(okg_server* server, int64_t priority, const okg_write_options* options,
                                   okg_error* error) {
  return write_priority(server, "okg_set_deletion_priority", okg::controller::kDeletionPriorityField,
                        priority, options, error);
}

okg_code okg_set_label(okg_server* server, const char* key, const char* value,
                       const okg_write_options* options, okg_error* error) {
  if (server == nullptr || key == nullptr)
    return tell(error, Code::invalid_argument, "okg_set_label: server and key are required");
  return guarded(error, [&] {
    Status fine = okg::controller::check_key(key);
    if (fine && value != nullptr) fine = okg::controller::check_label_value(value);
    return write(server, "okg_set_label", okg::controller::label_field(key),
                 value == nullptr ? Value() : Value(value), fine, options, error);
  });
}

okg_code okg_set_annotation(okg_server* server, const char* key, const char* value,
                            const okg_write_options* options, okg_error* error) {
  if (server == nullptr || key == nullptr)
    return tell(error, Code::invalid_argument, "okg_set_annotation: server and key are required");
  return guarded(error, [&] {
    Status fine = okg::controller::check_key(key);
    if (fine && value != nullptr) fine = okg::controller::check_annotation_value(value);
    return write(server, "okg_set_annotation", okg::controller::annotation_field(key),
                 value == nullptr ? Value() : Value(value), fine, options, error);
  });
}

okg_code okg_on_ops_state(okg_server* server, okg_ops_state_fn call, void* user,
                          okg_subscription** subscription, okg_error* error) {
  return subscribe(
      server, Topic::ops_state, call,
      [call, user](const ControllerEvent& event) { call(user, event.value.c_str(), event.before.c_str()); },
      subscription, error);
}

okg_code okg_on_network(okg_server* server, okg_gameserver_fn call, void* user,
                        okg_subscription** subscription, okg_error* error) {
  return subscribe(
      server, Topic::network, call,
      [call, user](const ControllerEvent& event) { call(user, Borrowed(event.object).get()); }, subscription,
      error);
}

okg_code okg_on_change(okg_server* server, okg_gameserver_fn call, void* user,
                       okg_subscription** subscription, okg_error* error) {
  return subscribe(
      server, Topic::change, call,
      [call, user](const ControllerEvent& event) { call(user, Borrowed(event.object).get()); }, subscription,
      error);
}

okg_code okg_on_kill(okg_server* server, okg_kill_fn call, void* user, okg_subscription** subscription,
                     okg_error* error) {
  return subscribe(
      server, Topic::kill, call,
      [call, user](const ControllerEvent& event) { call(user, event.value.c_str()); }, subscription, error);
}

okg_code okg_on_connection(okg_server* server, okg_connection_fn call, void* user,
                           okg_subscription** subscription, okg_error* error) {
  return subscribe(
      server, Topic::connection, call,
      [call, user](const ControllerEvent& event) { call(user, from(event.link)); }, subscription, error);
}

okg_code okg_on_update(okg_server* server, okg_update_fn call, void* user, okg_subscription** subscription,
                       okg_error* error) {
  return subscribe(
      server, Topic::update, call,
      [call, user](const ControllerEvent& event) { tell_notice(event.notice, call, user); }, subscription,
      error);
}

okg_code okg_allow_update(okg_server* server, uint64_t notice, okg_error* error) {
  if (server == nullptr) return tell(error, Code::invalid_argument, "okg_allow_update: server is NULL");
  return guarded(error, [&] { return finish(error, server->game_server->controller().allow(notice)); });
}

okg_code okg_get_start_report(okg_server* server, okg_start_report* report) {
  if (server == nullptr || report == nullptr || report->size < sizeof(size_t)) return OKG_INVALID_ARGUMENT;
  return guarded(nullptr, [&]() -> okg_code {
    const auto inside = server->game_server->start_report();
    okg_start_report out = OKG_START_REPORT_INIT;
    out.size = report->size;
    out.reason = static_cast<okg_start_reason>(inside.reason);
    out.is_final = inside.is_final ? 1 : 0;
    out.downtime_ns = inside.downtime_ns;
    out.same_pod = known(inside.same_pod);
    out.same_ip = known(inside.same_ip);
    out.same_network = known(inside.same_network);
    copy_text(inside.image_from, out.image_from, sizeof out.image_from);
    copy_text(inside.image_to, out.image_to, sizeof out.image_to);
    std::memcpy(report, &out, std::min(report->size, sizeof out));
    return OKG_OK;
  });
}

}  // extern "C"
