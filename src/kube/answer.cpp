#include "kube/answer.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"

namespace okg::kube {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kMessageLimit = 600;
constexpr unsigned kGone = 410;
constexpr std::uint64_t kLongestSeconds = 24 * 3600;

std::optional<StatusObject> status_of(const base::Json& object) {
  if (base::get_string(object, "kind") != "Status") return std::nullopt;
  StatusObject out;
  out.code = static_cast<unsigned>(std::min<std::uint64_t>(base::get_uint(object, "code").value_or(0), 999));
  out.reason = base::get_string(object, "reason").value_or("");
  out.message = base::get_string(object, "message").value_or("");
  if (out.code == 0 && (out.reason == "Expired" || out.reason == "Gone")) out.code = kGone;
  if (const auto details = object.find("details"); details != object.end() && details->is_object())
    if (const auto seconds = base::get_uint(*details, "retryAfterSeconds"); seconds && *seconds > 0)
      out.retry_after = std::chrono::seconds(std::min(*seconds, kLongestSeconds));
  return out;
}

// What is nested deeper than a Status can be is none.
base::Result<base::Json> parse(std::string_view text) {
  return base::parse_json_object(text, "status", Code::io, 8);
}

struct Meaning {
  Code code;
  const char* text;
};

Meaning meaning_of(unsigned status) {
  switch (status) {
    case 400:
    case 422:
      return {Code::invalid_argument, "refused as invalid"};
    case 401:
      return {Code::denied, "the token is expired or not accepted"};
    case 403:
      return {Code::denied, "not allowed; add it to the Role"};
    case 404:
      return {Code::not_found, "not found"};
    case 408:
    case 504:
      return {Code::timeout, "the API server gave up"};
    case 409:
      return {Code::conflict, "changed by somebody else meanwhile"};
    case kGone:
      return {Code::superseded, "older than what the API server keeps"};
    case 429:
      return {Code::busy, "the API server has too much to do"};
    case 503:
      return {Code::busy, "the API server is not available"};
    default:
      break;
  }
  if (status / 100 == 4) return {Code::unsupported, "refused"};
  return {Code::io, status / 100 == 5 ? "the API server failed" : "an answer that means nothing here"};
}

}  // namespace

std::optional<StatusObject> parse_status(std::string_view json) {
  const auto object = parse(json);
  if (!object) return std::nullopt;
  return status_of(*object);
}

std::optional<StatusObject> parse_error_event(std::string_view line) {
  const auto event = parse(line);
  if (!event || base::get_string(*event, "type") != "ERROR") return std::nullopt;
  const auto object = event->find("object");
  if (object == event->end() || !object->is_object()) return std::nullopt;
  return status_of(*object);
}

Error error_of(const StatusObject& status, std::string_view what) {
  const Meaning meaning = meaning_of(status.code);
  std::string text = std::string(what) + ": " + std::to_string(status.code) + ": " + meaning.text;
  const std::string& said = status.message.empty() ? status.reason : status.message;
  if (!said.empty()) text += ": " + base::one_line(said, kMessageLimit);
  return Error(meaning.code, std::move(text));
}

Error error_of(const Response& response, std::string_view what) {
  StatusObject status;
  if (auto said = parse_status(response.body))
    status = *std::move(said);
  else  // a proxy's page, or nothing
    status.message = response.body.substr(0, kMessageLimit);
  status.code = response.status;
  return error_of(status, what);
}

bool is_success(const Response& response) {
  return response.status >= 200 && response.status < 300;
}

bool is_gone(const Error& error) {
  return error.code == Code::superseded;
}

}  // namespace okg::kube
