#include "cli/conformance.hpp"

#include <fcntl.h>

#include <algorithm>

#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/local_update.hpp"
#include "controller/keys.hpp"

namespace okg::cli {
namespace {

using base::OrderedJson;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
namespace keys = controller::keys;

constexpr auto kBetweenLooks = 20ms;
constexpr const char* kNames[] = {
    "connected",      "ready",   "payload",    "ops_state_from_server", "ops_state_from_controller",
    "update_allowed", "resumed", "armed_again"};

}  // namespace

Conformance::Conformance(Program& program, LocalGameServer& gameserver, std::vector<std::string> words,
                         std::chrono::milliseconds timeout)
    : program_(program), gameserver_(gameserver), words_(std::move(words)), timeout_(timeout) {}

base::Status Conformance::open_report(const std::string& file) {
  file_ = file;
  out_.reset(program_.os.open(AT_FDCWD, file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
  if (!out_) return base::error_from_errno(-out_.get(), "--conformance " + file);
  return {};
}

void Conformance::note(const char* name, bool ok, const std::string& text) {
  checks_.push_back({name, text, ok});
  if (program_.flags.json)
    program_.output.result_json({{"event", "check"}, {"name", name}, {"ok", ok}, {"text", text}});
  else
    program_.output.result(
        program_.output.paint(ok ? Colour::good : Colour::bad, ok ? "ok      " : "not ok  ") + name + ": " +
        text);
}

bool Conformance::status_shows(const std::function<bool(const ServerStatus&)>& wanted, std::string* last) {
  const auto deadline = Clock::now() + timeout_;
  std::string text;
  do {
    const auto answer = get_status(gameserver_.run(), kQuestion, stop_);
    if (answer) answers_ = true;
    if (answer && wanted(answer->status)) return true;
    text = answer ? status_line(answer->status) : unanswered(answer.error());
    if (last != nullptr) *last = text;
    if (Clock::now() >= deadline) return false;
  } while (pause(kBetweenLooks, stop_));
  return false;
}

void Conformance::check_start() {
  std::string last;
  const auto is_connected = [](const ServerStatus& status) {
    return status.controller && status.controller->kind == "local" && status.controller->link == "connected";
  };
  const bool connected = status_shows(is_connected, &last);
  note("connected", connected, connected ? "the status says so" : last);
  if (!answers_) return;  // none of the rest
  const bool ready = status_shows([](const ServerStatus& status) { return status.ready; }, &last);
  note("ready", ready, ready ? "the status says so" : last);
  std::string version;
  const bool active = status_shows(
      [&](const ServerStatus& status) {
        if (status.active) version = status.active->version;
        return status.active.has_value();
      },
      &last);
  note("payload", active,
       active ? "version " + version + " is in use"
              : last + ": is one published? okg publish --once --from DIR --version V");
}

void Conformance::check_ops_state() {
  // The GameServer was made with None: whatever else stands there is the server's.
  const bool set = gameserver_.wait(
      [&](const controller::Object& now) {
        own_state_ = now.ops_state.value_or("");
        return !own_state_.empty() && own_state_ != keys::kNone;
      },
      timeout_, stop_);
  note("ops_state_from_server", set,
       set ? "it set " + base::one_line(own_state_, 64)
           : "opsState is still None: the server has set nothing by itself");
  const std::string state = own_state_ == keys::kAllocated ? keys::kMaintaining : keys::kAllocated;
  const auto written = gameserver_.edit(
      [&](OrderedJson& json) {
        json.merge_patch({{"spec", {{"opsState", state}}}});
        return base::Status();
      },
      stop_);
  if (!written) return note("ops_state_from_controller", false, written.error().text);
  std::string last;
  const bool seen = status_shows(
      [&](const ServerStatus& status) { return status.controller && status.controller->ops_state == state; },
      &last);
  note("ops_state_from_controller", seen,
       seen ? "the status shows " + state : "it does not show " + state + ": " + last);
}

void Conformance::check_update() {
  const auto before = get_status(gameserver_.run(), kQuestion, stop_);
  const std::string old = before ? before->status.instance : "";
  LocalUpdate::Order order;
  order.timeout = timeout_;
  LocalUpdate update(program_, gameserver_, std::move(order));
  const auto done = update.run(stop_);
  const std::string why = done ? "" : done.error().text;
  const LocalUpdate::Seen& seen = update.seen();
  note("update_allowed", seen.asked && seen.released,
       seen.released ? "the hook was released after the notice"
       : seen.asked  ? why
                     : "the hook was not armed: nobody was asked" + (why.empty() ? "" : ": " + why));
  std::string last;
  StartStatus start;
  const bool resumed =
      seen.restarted && status_shows(
                            [&](const ServerStatus& status) {
                              if (status.start) start = *status.start;
                              return status.ready && status.instance != old && status.start &&
                                     status.start->final &&
                                     (start.reason == "in_place_update" || start.reason == "restart");
                            },
                            &last);
  note("resumed", resumed,
       resumed           ? describe(start)
       : !seen.restarted ? (why.empty() ? "it was not started again" : why)
                         : "started as " + (start.reason.empty() ? "?" : start.reason) + ": " + last);
  note("armed_again", seen.armed, seen.armed ? "the hook is armed" : why);
}

void Conformance::run(std::stop_token stop) {
  stop_ = std::move(stop);
  check_start();
  if (answers_) {
    check_ops_state();
    check_update();
  }
  for (const char* name : kNames)
    if (std::none_of(checks_.begin(), checks_.end(), [&](const Check& check) { return check.name == name; }))
      note(name, false, "not tried: the server does not answer");
}

int Conformance::report() {
  OrderedJson json;
  json["schema"] = "okg.conformance/v1";
  json["server"] = words_;
  const bool ok = !checks_.empty() &&
                  std::all_of(checks_.begin(), checks_.end(), [](const Check& check) { return check.ok; });
  json["ok"] = ok;
  json["checks"] = OrderedJson::array();
  for (const Check& check : checks_)
    json["checks"].push_back({{"name", check.name}, {"ok", check.ok}, {"text", check.text}});
  const auto written = base::write_all(program_.os, out_.get(), base::dump(json, 2) + "\n", file_);
  if (!written) return program_.fail(kFailed, written.error().text);
  return ok ? kDone : kFailed;
}

}  // namespace okg::cli
