#include "cli/local_update.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cli/local_server.hpp"
#include "controller/keys.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;
using base::OrderedJson;
using std::chrono::milliseconds;
using namespace std::chrono_literals;
namespace keys = controller::keys;

constexpr auto kTermination = 30s;    // terminationGracePeriodSeconds of a pod
constexpr auto kReplacement = 500ms;  // of a container that is not the game's

}  // namespace

std::string next_image(const std::string& image) {
  const std::size_t colon = image.rfind(':');
  if (colon == image.npos || image.find('/', colon) != image.npos) return image + ":2";
  const auto number = base::parse_number(std::string_view(image).substr(colon + 1), 1'000'000'000);
  return number ? image.substr(0, colon + 1) + std::to_string(*number + 1) : image + ".2";
}

void change_container(OrderedJson& gameserver, const std::string& name,
                      const std::function<void(OrderedJson&)>& change) {
  // What stands there may be anything: somebody edits it by hand.
  OrderedJson list = OrderedJson::array();
  const OrderedJson* at = &gameserver;
  for (const char* key : {"status", "podStatus", "containerStatuses"}) {
    const auto found = at->is_object() ? at->find(key) : at->end();
    at = found == at->end() ? nullptr : &*found;
    if (at == nullptr) break;
  }
  if (at != nullptr && at->is_array()) list = *at;
  OrderedJson* container = nullptr;
  for (OrderedJson& one : list)
    if (one.is_object() && one.contains("name") && one["name"] == name) container = &one;
  if (container == nullptr) {
    list.push_back({{"name", name}});
    container = &list.back();
  }
  change(*container);
  gameserver.merge_patch({{"status", {{"podStatus", {{"containerStatuses", list}}}}}});
}

LocalUpdate::LocalUpdate(const Program& program, LocalGameServer& gameserver, Order order)
    : program_(program),
      gameserver_(gameserver),
      order_(std::move(order)),
      steps_(program),
      hook_(hook_label(program, "OKG_UPDATE_HOOK", keys::kUpdateHook)) {
  if (order_.containers.empty()) order_.containers.push_back(game_container(program));
  if (order_.no_hook) hook_.clear();
}

base::Status LocalUpdate::run(const std::stop_token& stop) {
  stop_ = stop;
  using Step = base::Status (LocalUpdate::*)();
  for (const Step step : {&LocalUpdate::begin, &LocalUpdate::ask, &LocalUpdate::wait_out_grace,
                          &LocalUpdate::replace, &LocalUpdate::finish})
    if (const auto done = (this->*step)(); !done) return done;
  return {};
}

base::Status LocalUpdate::write(const OrderedJson& patch) {
  return gameserver_.edit(
      [&](OrderedJson& json) {
        json.merge_patch(patch);
        return base::Status();
      },
      stop_);
}

Error LocalUpdate::waited(const std::string& what) const {
  if (stop_.stop_requested()) return Error(Code::superseded, "interrupted while it waited for " + what);
  return Error(Code::timeout, "waited " + base::format_duration(order_.timeout) + " for " + what);
}

bool LocalUpdate::is_hooked(const controller::Object& object) const {
  const std::string* label = hook_.empty() ? nullptr : object.label(hook_);
  return label != nullptr && *label == "true";
}

bool LocalUpdate::concerns_game() const {
  return std::count(order_.containers.begin(), order_.containers.end(), game_container(program_)) > 0;
}

base::Status LocalUpdate::begin() {
  const auto object = gameserver_.read();
  if (!object)
    return Error(object.error().code,
                 object.error().text + (object.error().code == Code::not_found
                                            ? ": does a server run here, with OKG_CONTROLLER=local?"
                                            : ""));
  has_hook_ = !hook_.empty() && (*object)->label(hook_) != nullptr;
  revision_ = gameserver_.name() + "-" + base::random_hex(program_.os).substr(0, 10);
  if (const auto server = LocalServer::find(program_.os, gameserver_.directory()))
    before_ = server->instance();
  supervised_ = is_supervised(program_.os, gameserver_.directory());
  const auto old = (*object)->containers.find(order_.containers.front());
  const std::string image = old == (*object)->containers.end() ? "" : old->second.image;
  if (order_.image.empty()) order_.image = next_image(image.empty() ? gameserver_.name() + ":1" : image);
  return {};
}

// A: the pod is hooked.
base::Status LocalUpdate::ask() {
  const auto object = gameserver_.read();
  if (!object) return object.error();
  if (!is_hooked(**object)) {
    steps_.say("unasked", order_.no_hook ? "the server is not asked"
                          : has_hook_    ? hook_ + " is not armed: the server is not asked"
                                         : "there is no hook: the server is not asked");
    return {};
  }
  if (const auto done = write(lifecycle_patch("PreparingUpdate", "PreUpdate")); !done) return done;
  seen_.asked = true;
  steps_.say("preparing", "PreparingUpdate: waits for " + hook_ + " to be released");
  if (!gameserver_.wait([&](const controller::Object& now) { return !is_hooked(now); }, order_.timeout,
                        stop_))
    return waited("the server to release " + hook_);
  seen_.released = true;
  steps_.say("released", hook_ + " is released");
  return {};
}

OrderedJson LocalUpdate::state_annotation(bool replaced) const {
  OrderedJson state{{"revision", revision_},
                    {"updateTimestamp", began_},
                    {"lastContainerStatuses", nullptr},
                    {"updateImages", true}};
  if (replaced)
    state["containerBatchesRecord"] = OrderedJson::array(
        {{{"timestamp", base::format_time(program_.os.realtime_ns())}, {"containers", order_.containers}}});
  return state;
}

// C: what is to come is written down, and may be seen for a while before it is done.
base::Status LocalUpdate::wait_out_grace() {
  began_ = base::format_time(program_.os.realtime_ns());
  OrderedJson patch = lifecycle_patch("Updating", "Updating");
  patch["metadata"]["labels"][keys::kRevision] = revision_;
  if (!order_.grace) return write(patch);
  OrderedJson images = OrderedJson::object();
  for (const std::string& name : order_.containers) images[name] = order_.image;
  const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(*order_.grace).count();
  patch["metadata"]["annotations"] = {
      {keys::kUpdateState, base::dump(state_annotation(false))},
      {keys::kGrace, base::dump(OrderedJson{
                         {"revision", revision_}, {"containerImages", images}, {"graceSeconds", seconds}})}};
  if (const auto done = write(patch); !done) return done;
  steps_.say("grace", "Updating in " + base::format_duration(*order_.grace) + ": " + order_.image);
  if (!pause(*order_.grace, stop_)) return waited("the grace period");
  return {};
}

// D: the containers.
base::Status LocalUpdate::replace() {
  OrderedJson patch = lifecycle_patch("Updating", "Updating");
  patch["metadata"]["annotations"] = {{keys::kUpdateState, base::dump(state_annotation(true))},
                                      {keys::kGrace, nullptr}};
  if (const auto done = write(patch); !done) return done;
  std::string names;
  for (const std::string& name : order_.containers) names += (names.empty() ? "" : ", ") + name;
  steps_.say("updating", "Updating: " + names + " to " + order_.image);
  if (concerns_game()) return restart_game();
  if (!pause(kReplacement, stop_)) return waited("the containers");
  return write_images();
}

base::Status LocalUpdate::restart_game() {
  const auto server = LocalServer::find(program_.os, gameserver_.directory());
  if (server && server->is_alive()) {
    steps_.say("stopping", "SIGTERM to process " + std::to_string(server->pid()));
    bool killed = false;
    if (!server->end(kTermination, stop_, &killed))
      return waited("process " + std::to_string(server->pid()) + " to end");
    steps_.say("stopped", killed ? "ended by SIGKILL" : "the server has ended");
  }
  if (const auto done = write_images(); !done) return done;
  if (!supervised_) steps_.say("waiting", "start the server again: no `okg local run` does it here");
  if (!wait_for_another(program_.os, gameserver_.directory(), before_, order_.timeout, stop_))
    return waited("the server to be started again");
  seen_.restarted = true;
  steps_.say("started", "the server is there again");
  return {};
}

// The kubelet tells once the new container is there.
base::Status LocalUpdate::write_images() {
  return gameserver_.edit(
      [&](OrderedJson& json) {
        for (const std::string& name : order_.containers)
          change_container(json, name, [&](OrderedJson& container) {
            container["image"] = order_.image;
            container["imageID"] = "local://" + order_.image;
            if (supervised_ && name == game_container(program_)) return;  // who runs it counts
            container["containerID"] = "local://" + base::make_uuid(program_.os);
            container["restartCount"] = base::get_int(base::Json(container), "restartCount").value_or(0) + 1;
          });
        return base::Status();
      },
      stop_);
}

// E and F: until the hook is armed again the pod stays `Updated`, and holds up the rollout.
base::Status LocalUpdate::finish() {
  if (!has_hook_) {
    if (const auto done = write(lifecycle_patch("Normal", "Ready")); !done) return done;
    steps_.say("done", "Normal");
    return {};
  }
  if (const auto done = write(lifecycle_patch("Updated", "Ready")); !done) return done;
  steps_.say("updated", "Updated: waits for " + hook_ + " to be armed again");
  if (!gameserver_.wait([&](const controller::Object& now) { return is_hooked(now); }, order_.timeout, stop_))
    return waited("the server to arm " + hook_ + " again");
  seen_.armed = true;
  if (const auto done = write(lifecycle_patch("Normal", "Ready")); !done) return done;
  steps_.say("done", hook_ + " is armed: Normal");
  return {};
}

int local_update(Program& program, const LocalFlags& flags) {
  LocalUpdate::Order order;
  order.containers = flags.containers;
  order.image = flags.image.value_or("");
  order.no_hook = flags.no_hook;
  const auto timeout = duration_of(flags.timeout, "--timeout", 60s);
  if (!timeout) return program.fail(timeout.error());
  order.timeout = *timeout;
  const auto grace = duration_of(flags.grace, "--grace", 0ms);
  if (!grace) return program.fail(grace.error());
  if (flags.grace) order.grace = *grace;
  const auto gameserver = open_local(program, flags);
  if (!gameserver) return program.fail(gameserver.error());
  LocalUpdate update(program, **gameserver, std::move(order));
  const auto done = update.run(program.interrupt.token());
  return done ? kDone : program.fail(done.error());
}

}  // namespace okg::cli
