#include "server/status.hpp"

#include <unistd.h>

#include "base/json.hpp"
#include "server/version.hpp"

namespace okg::server {
namespace {

using base::OrderedJson;

const char* state_name(const StatusInput& input) {
  if (input.stalled) return "stalled";
  switch (input.reload.phase) {
    case reload::Phase::idle:
      return input.started ? "idle" : "starting";
    case reload::Phase::verifying:
      return "verifying";
    case reload::Phase::preparing:
      return "preparing";
    case reload::Phase::prepared:
      return "prepared";
    case reload::Phase::committing:
      return "committing";
    case reload::Phase::probation:
      break;
  }
  return "probation";
}

const char* result_name(reload::End end) {
  switch (end) {
    case reload::End::active:
      return "active";
    case reload::End::failed:
      return "failed";
    case reload::End::superseded:
      return "superseded";
    case reload::End::rolled_back:
      break;
  }
  return "rolled_back";
}

OrderedJson or_null(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

OrderedJson microseconds(const std::optional<std::int64_t>& ns) {
  return ns ? OrderedJson(*ns / 1000) : OrderedJson(nullptr);
}

OrderedJson last_json(const reload::Record& last, const Times& times) {
  OrderedJson out;
  out["digest"] = last.digest.text();
  out["version"] = or_null(last.version);
  out["result"] = result_name(last.result);
  if (last.failure) {
    out["stage"] = stage_name(last.failure->stage);
    out["component"] = or_null(last.failure->component);
    out["code"] = base::code_name(last.failure->code);
    out["text"] = last.failure->text;
    out["retriable"] = last.failure->retriable;
  } else {
    for (const char* key : {"stage", "component", "code", "text"}) out[key] = nullptr;
    out["retriable"] = false;
  }
  out["attempt"] = last.attempt;
  out["detect_us"] = microseconds(times.detect);
  out["verify_us"] = microseconds(times.verify);
  out["prepare_us"] = microseconds(times.prepare);
  out["commit_us"] = microseconds(times.commit);
  out["total_us"] = microseconds(times.total);
  return out;
}

}  // namespace

std::string status_json(const StatusInput& input) {
  const DriverState& reload = input.reload;
  OrderedJson out;
  out["schema"] = "okg.status/v1";
  out["instance"] = input.instance;
  out["pid"] = ::getpid();
  out["server_version"] = or_null(input.server_version);
  out["okg"] = kVersion;
  out["state"] = state_name(input);
  out["ready"] = input.ready;
  out["not_ready_reason"] = or_null(input.not_ready_reason);
  if (reload.active)
    out["active"] = {{"digest", reload.active->text()},
                     {"version", reload.active_version},
                     {"since", reload.active_since},
                     {"unverified", reload.unverified}};
  else
    out["active"] = nullptr;
  if (reload.desired)
    out["desired"] = {{"digest", reload.desired->text()}, {"version", or_null(reload.desired_version)}};
  else
    out["desired"] = nullptr;
  out["last_good"] = reload.last_good ? OrderedJson(reload.last_good->text()) : OrderedJson(nullptr);
  out["in_use"] = reload.in_use;
  out["refused"] = OrderedJson::array();
  for (const reload::Refusal& refusal : reload.refused)
    out["refused"].push_back({{"digest", refusal.name.digest.text()},
                              {"version", or_null(refusal.version)},
                              {"stage", stage_name(refusal.failure.stage)},
                              {"component", or_null(refusal.failure.component)},
                              {"code", base::code_name(refusal.failure.code)},
                              {"text", refusal.failure.text}});
  out["last"] = reload.last ? last_json(*reload.last, reload.last_times) : OrderedJson(nullptr);
  out["reloads"] = {{"ok", reload.ok},
                    {"failed", reload.failed},
                    {"superseded", reload.superseded},
                    {"rolled_back", reload.rolled_back}};
  out["watch"] = input.polling_watch ? "poll" : "inotify";
  out["trouble"] = or_null(input.trouble);
  out["working_on"] = reload.working_on ? OrderedJson(reload.working_on->text()) : OrderedJson(nullptr);
  if (reload.hold)
    out["hold"] = {{"desired", reload.hold->desired.text()}, {"to", reload.hold->to.digest.text()}};
  else
    out["hold"] = nullptr;
  out["inconsistent"] = reload.inconsistent;
  out["tick_age_ms"] = input.tick_age_ms;
  out["hot"] = input.hot;
  out["controller"] = input.controller;
  out["start"] = input.start;
  return base::dump(out);
}

}  // namespace okg::server
