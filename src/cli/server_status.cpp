#include "cli/server_status.hpp"

#include "base/text.hpp"

namespace okg::cli {
namespace {

using base::Json;
using payload::Digest;

constexpr std::size_t kMostRefused = 64;
constexpr std::size_t kMostInUse = 1000;

std::string text_of(const Json& object, const char* key) {
  return base::one_line(base::get_string(object, key).value_or(""));
}

std::optional<Digest> digest_of(const Json& object, const char* key) {
  const auto text = base::get_string(object, key);
  return text ? Digest::from_text(*text) : std::nullopt;
}

const Json* member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<PayloadName> name_of(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_object()) return std::nullopt;
  PayloadName name;
  name.digest = digest_of(*value, "digest");
  name.version = text_of(*value, "version");
  name.since = text_of(*value, "since");
  name.unverified = base::get_bool(*value, "unverified").value_or(false);
  return name;
}

Attempt attempt_of(const Json& value) {
  Attempt attempt;
  attempt.digest = digest_of(value, "digest");
  attempt.version = text_of(value, "version");
  attempt.result = text_of(value, "result");
  attempt.stage = text_of(value, "stage");
  attempt.component = text_of(value, "component");
  attempt.code = text_of(value, "code");
  attempt.text = text_of(value, "text");
  attempt.retriable = base::get_bool(value, "retriable").value_or(false);
  attempt.attempt = base::get_uint(value, "attempt").value_or(0);
  attempt.detect_us = base::get_uint(value, "detect_us");
  attempt.verify_us = base::get_uint(value, "verify_us");
  attempt.prepare_us = base::get_uint(value, "prepare_us");
  attempt.commit_us = base::get_uint(value, "commit_us");
  attempt.total_us = base::get_uint(value, "total_us");
  return attempt;
}

base::Result<ServerStatus> read_status(Json document) {
  ServerStatus status;
  status.json = std::move(document);
  const Json& json = status.json;
  if (const auto schema = base::get_string(json, "schema"); schema != "okg.status/v1")
    return base::Error(base::Code::bad_manifest,
                       "status: schema " + base::quote(schema.value_or("")) + " is not okg.status/v1");
  status.instance = text_of(json, "instance");
  status.server_version = text_of(json, "server_version");
  status.okg = text_of(json, "okg");
  status.state = text_of(json, "state");
  status.watch = text_of(json, "watch");
  status.pid = base::get_uint(json, "pid");
  status.tick_age_ms = base::get_uint(json, "tick_age_ms");
  status.ready = base::get_bool(json, "ready").value_or(false);
  status.not_ready_reason = text_of(json, "not_ready_reason");
  status.trouble = text_of(json, "trouble");
  status.active = name_of(json, "active");
  status.desired = name_of(json, "desired");
  status.last_good = digest_of(json, "last_good");
  status.working_on = digest_of(json, "working_on");
  if (const Json* hold = member(json, "hold"); hold != nullptr && hold->is_object()) {
    const auto desired = digest_of(*hold, "desired");
    const auto to = digest_of(*hold, "to");
    if (desired && to) status.hold = Hold{*desired, *to};
  }
  status.inconsistent = base::get_bool(json, "inconsistent").value_or(false);
  if (const Json* in_use = member(json, "in_use"); in_use != nullptr && in_use->is_array())
    for (const Json& value : *in_use) {
      if (status.in_use.size() >= kMostInUse) break;
      if (!value.is_string()) continue;
      if (const auto digest = Digest::from_text(value.get_ref<const std::string&>()))
        status.in_use.insert(*digest);
    }
  if (const Json* refused = member(json, "refused"); refused != nullptr && refused->is_array())
    for (const Json& value : *refused)
      if (value.is_object() && status.refused.size() < kMostRefused)
        status.refused.push_back(attempt_of(value));
  if (const Json* last = member(json, "last"); last != nullptr && last->is_object())
    status.last = attempt_of(*last);
  if (const Json* reloads = member(json, "reloads"); reloads != nullptr && reloads->is_object()) {
    status.ok = base::get_uint(*reloads, "ok").value_or(0);
    status.failed = base::get_uint(*reloads, "failed").value_or(0);
    status.superseded = base::get_uint(*reloads, "superseded").value_or(0);
    status.rolled_back = base::get_uint(*reloads, "rolled_back").value_or(0);
  }
  status.controller = controller_of(json);
  status.start = start_of(json);
  return status;
}

}  // namespace

base::Result<ServerStatus> parse_status(std::string_view body) {
  auto parsed = base::parse_json_object(body, "status", base::Code::bad_manifest);
  if (!parsed) return parsed.error();
  // An answer to a request that failed has it inside.
  if (const Json* inner = member(*parsed, "status"); inner != nullptr && inner->is_object())
    return read_status(Json(*inner));
  return read_status(*std::move(parsed));
}

std::optional<Attempt> failure_of(const ServerStatus& status, const Digest& digest) {
  if (status.last && status.last->digest == digest &&
      (status.last->result == "failed" || status.last->result == "rolled_back"))
    return status.last;
  for (const Attempt& refused : status.refused)
    if (refused.digest == digest) {
      Attempt attempt = refused;
      if (attempt.result.empty()) attempt.result = attempt.stage == "probation" ? "rolled_back" : "failed";
      return attempt;
    }
  return std::nullopt;
}

OutcomeOf outcome_of(const ServerStatus& status, const Digest& digest) {
  if (status.active && status.active->digest == digest && !status.inconsistent) return {Outcome::active, {}};
  if (status.hold && status.hold->desired == digest) {
    Attempt held;
    held.digest = digest;
    held.result = "rolled_back";
    held.text = describe_hold(status, *status.hold);
    return {Outcome::rolled_back, std::move(held)};
  }
  if (auto failure = failure_of(status, digest)) {
    if (failure->result == "rolled_back") return {Outcome::rolled_back, *std::move(failure)};
    // Being looked at again: the outcome is still to come.
    const bool again = failure->retriable && status.desired && status.desired->digest == digest;
    return {again ? Outcome::none : Outcome::failed, *std::move(failure)};
  }
  if (status.last && status.last->digest == digest && status.last->result == "superseded")
    return {Outcome::superseded, *status.last};
  return {};
}

bool is_refused(const ServerStatus& status, const Digest& digest) {
  for (const Attempt& refused : status.refused)
    if (refused.digest == digest && !refused.retriable) return true;
  return false;
}

std::string version_or_digest(const ServerStatus& status, const Digest& digest) {
  for (const auto* named : {&status.active, &status.desired})
    if (*named && (*named)->digest == digest && !(*named)->version.empty()) return (*named)->version;
  if (status.last && status.last->digest == digest && !status.last->version.empty())
    return status.last->version;
  return short_digest(digest);
}

std::string describe_hold(const ServerStatus& status, const Hold& hold) {
  return "on request, to " + version_or_digest(status, hold.to) + ", until something newer is published";
}

std::string place_of(const Attempt& attempt) {
  if (attempt.component.empty()) return attempt.stage;
  return attempt.stage + "(" + attempt.component + ")";
}

std::string describe_failure(const std::string& version, const Attempt& attempt) {
  std::string out =
      attempt.result == "rolled_back" ? version + " was rolled back" : "reload of " + version + " failed";
  if (const std::string place = place_of(attempt); !place.empty()) out += " at " + place;
  if (!attempt.text.empty())
    out += ": " + attempt.text;
  else if (!attempt.code.empty())
    out += ": " + attempt.code;
  return out;
}

std::string short_digest(const Digest& digest) {
  return digest.hex().substr(0, 12);
}

}  // namespace okg::cli
