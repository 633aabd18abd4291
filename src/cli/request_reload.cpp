#include "cli/request_reload.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cli/places.hpp"
#include "cli/server.hpp"

namespace okg::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr milliseconds kDefaultWait = 30s;
// The server ends waits after at most so long; longer ones are put together from several.
constexpr milliseconds kLongestWait = 30s;
constexpr milliseconds kMargin = 2s;

struct Said {
  int code = kFailed;
  const char* result = "failed";
};

Said meaning_of(int status) {
  switch (status) {
    case 200:
      return {kDone, "active"};
    case 202:
      return {kTryAgain, "pending"};
    case 400:
      return {kUsage, "bad_request"};
    case 410:
      return {kFailed, "superseded"};
    case 404:
      return {kFailed, "not_found"};
    case 429:
      return {kTryAgain, "busy"};
    case 503:
      return {kTryAgain, "starting"};
    case 504:
      return {kTryAgain, "stalled"};
    default:  // 409, 412, 422, 403 and what is not known
      return {kFailed, "failed"};
  }
}

std::int64_t whole_seconds(milliseconds duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration).count();
}

// The digest that was asked for, so that its outcome can be waited for.
std::optional<payload::Digest> digest_of(const ReloadRequest& request, const control::Response& response) {
  if (request.digest) return request.digest;
  const auto status = parse_status(response.body);
  if (!status) return std::nullopt;
  if (request.to_last_good) return status->last_good;
  return status->desired ? status->desired->digest : std::nullopt;
}

// One line why, from what the answer holds.
std::string reason(const control::Response& response, const std::optional<payload::Digest>& digest) {
  if (const auto status = parse_status(response.body); status && digest) {
    if (response.status == 200 && status->active) return status->active->version + " is active";
    // While it is under way, a failure that is not retried belongs to an earlier attempt.
    const auto failure = failure_of(*status, *digest);
    if (failure && (response.status != 202 || failure->retriable))
      return describe_failure(failure->version.empty() ? short_digest(*digest) : failure->version, *failure);
  }
  return error_text(response);
}

int report(Program& program, const control::Response& response,
           const std::optional<payload::Digest>& digest) {
  const Said said = meaning_of(response.status);
  std::string why = reason(response, digest);
  if (response.status == 200 && why.starts_with("HTTP status")) why = digest ? short_digest(*digest) : "done";
  if (program.flags.json) {
    base::OrderedJson json{{"result", said.result}, {"status", response.status}};
    json["digest"] = digest ? base::OrderedJson(digest->text()) : base::OrderedJson(nullptr);
    json["text"] = why;
    program.output.result_json(json);
  } else {
    program.output.result(program.output.paint(said.code == kDone ? Colour::good : Colour::bad, said.result) +
                          ": " + why);
  }
  if (said.code != kDone) program.fail(said.code, std::string(said.result) + ": " + why);
  return said.code;
}

}  // namespace

base::Result<payload::Digest> parse_to(const std::string& text) {
  if (const auto digest = payload::Digest::from_either(text)) return *digest;
  return base::Error(
      base::Code::invalid_argument,
      "--to " + base::quote(text) + ": a digest is sha256: and 64 hex digits, as okg status --json has it");
}

int request_reload(Program& program, const ReloadRequest& request) {
  const auto given = duration_of(request.wait, "--wait", kDefaultWait);
  if (!given) return program.fail(kUsage, given.error().text);
  const milliseconds wait = *given;
  const auto run = run_directory(program);
  if (!run) return program.fail(kUsage, run.error().text);
  const std::stop_token stop = program.interrupt.token();
  const auto deadline = Clock::now() + wait;

  control::Request post;
  post.method = "POST";
  post.target = request.target;
  post.headers["X-OKG-Request"] = "1";
  post.headers["Content-Type"] = "application/json";
  const milliseconds first = std::min(wait, kLongestWait);
  if (wait > 0ms) post.headers["Prefer"] = "wait=" + std::to_string(whole_seconds(first));
  post.body = base::dump(request.body);
  auto response = control::ask_socket(*run, post, std::max(first, kQuestion) + kMargin, stop);
  if (!response) {
    // A request that was taken and not answered in time may still come true.
    if (response.error().code == base::Code::timeout && !stop.stop_requested())
      return program.fail(kTryAgain, socket_path(*run) + ": no answer in time: see okg status");
    return fail_unanswered(program, *run, response.error());
  }
  const auto digest = digest_of(request, *response);
  while (response->status == 202 && digest && !stop.stop_requested()) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= 0ms) break;
    const milliseconds patience = std::min(left, kLongestWait);
    auto next =
        get(*run, "/v1/status?wait=" + digest->text() + "&timeout=" + std::to_string(whole_seconds(patience)),
            patience + kMargin, stop);
    if (!next) break;
    response = std::move(next);
  }
  if (stop.stop_requested()) return program.fail(kTryAgain, "interrupted: see okg status");
  return report(program, *response, digest);
}

}  // namespace okg::cli
