#include "control/routes.hpp"

#include "base/json.hpp"
#include "base/text.hpp"
#include "control/address.hpp"
#include "control/query.hpp"
#include "control/token.hpp"
#include "control/wish.hpp"

namespace okg::control {
namespace {

using base::Code;
using payload::Digest;

constexpr std::uint64_t kLongestWait = 300;  // seconds

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::active:
      return "active";
    case Verdict::pending:
      return "pending";
    case Verdict::failed:
      return "failed";
    case Verdict::unmet:
      return "requires";
    case Verdict::damaged:
      return "damaged";
    case Verdict::superseded:
      return "superseded";
    case Verdict::not_found:
      return "not_found";
    case Verdict::not_desired:
      return "not_desired";
    case Verdict::starting:
      return "starting";
    case Verdict::stalled:
      return "stalled";
    case Verdict::busy:
      break;
  }
  return "busy";
}

int order_status(Verdict verdict) {
  switch (verdict) {
    case Verdict::active:
      return 200;
    case Verdict::pending:
      return 202;
    case Verdict::not_found:
      return 404;
    case Verdict::failed:
    case Verdict::not_desired:
      return 409;
    case Verdict::superseded:
      return 410;
    case Verdict::unmet:
      return 412;
    case Verdict::damaged:
      return 422;
    case Verdict::busy:
      return 429;
    case Verdict::starting:
      return 503;
    case Verdict::stalled:
      break;
  }
  return 504;
}

// 0: no outcome yet.
int status_status(Verdict verdict) {
  switch (verdict) {
    case Verdict::active:
      return 200;
    case Verdict::failed:
    case Verdict::unmet:
    case Verdict::damaged:
      return 409;
    case Verdict::superseded:
    case Verdict::not_desired:
      return 410;
    case Verdict::not_found:
      return 404;
    case Verdict::pending:
    case Verdict::starting:
    case Verdict::stalled:
    case Verdict::busy:
      break;
  }
  return 0;
}

std::string error_object(std::string_view code, std::string_view text) {
  base::OrderedJson error;
  error["code"] = std::string(code);
  error["text"] = base::one_line(text);
  return base::dump(error);
}

std::string reason(const Outcome& outcome) {
  return outcome.text.empty() ? std::string(verdict_name(outcome.verdict)) : outcome.text;
}

// What a body of POST /v1/… asks for. `last_good`: rollback's other word for "no digest".
struct Order {
  std::optional<Digest> digest;
  bool force = false;
};
base::Result<Order> parse_order(const std::string& body, const char* key, bool last_good) {
  Order order;
  if (body.empty()) return order;
  auto json = base::parse_json_object(body, "request body", Code::invalid_argument);
  if (!json) return json.error();
  // What is misspelt must not quietly mean something else: {"digest":…} to rollback is not "to last_good".
  for (const auto& [name, value] : json->items())
    if (name != key && name != "force")
      return base::Error(
          Code::invalid_argument,
          "request body: " + base::quote(name) + ": not known here; this route takes " + key + " and force");
  if (const auto found = json->find(key); found != json->end() && !found->is_null()) {
    const auto text = base::get_string(*json, key);
    if (!text)
      return base::Error(Code::invalid_argument, std::string("request body: ") + key + ": not a string");
    if (!last_good || *text != "last_good") {
      order.digest = Digest::from_either(*text);
      if (!order.digest)
        return base::Error(Code::invalid_argument, std::string("request body: ") + key + ": " +
                                                       base::quote(*text) + ": not a digest");
    }
  }
  if (const auto found = json->find("force"); found != json->end() && !found->is_null()) {
    const auto force = base::get_bool(*json, "force");
    if (!force) return base::Error(Code::invalid_argument, "request body: force: not true or false");
    order.force = *force;
  }
  return order;
}

constexpr const char* kStatus = "/v1/status";
constexpr const char* kReload = "/v1/reload";
constexpr const char* kRollback = "/v1/rollback";
constexpr const char* kGameServer = "/v1/gameserver";
constexpr const char* kOther = "other";

}  // namespace

Router::Router(Backend& backend, Options options, base::Os& os, base::Log log)
    : backend_(backend), options_(std::move(options)), os_(os), log_(log) {}

std::string Router::route_of(const Incoming& request, Transport transport) const {
  const std::string& path = request.path;
  if (path == "/livez" || path == "/readyz" || path == "/metrics") return path;
  if (!options_.legacy_reload.empty() && path == options_.legacy_reload) return path;
  if (transport == Transport::unix_socket &&
      (path == kStatus || path == kReload || path == kRollback || path == kGameServer))
    return path;
  return kOther;
}

bool Router::wants_look(const Incoming& request) const {
  return request.path.starts_with("/v1/") ||
         (!options_.legacy_reload.empty() && request.path == options_.legacy_reload);
}

PeerTable::Kind Router::kind(const Incoming& request) const {
  const bool order = request.method == "POST" && request.path.starts_with("/v1/");
  return order ? PeerTable::Kind::order : PeerTable::Kind::read;
}

Reply Router::plain(const std::string& route, int status) const {
  Reply reply;
  reply.status = status;
  reply.route = route;
  return reply;
}

Reply Router::refuse(const Incoming& request, int status, std::string_view code,
                     std::string_view text) const {
  Reply reply = plain(route_of(request, Transport::unix_socket), status);
  reply.headers.emplace_back("X-OKG-Error", text);
  if (status == 429 || status == 503) reply.headers.emplace_back("Retry-After", "1");
  if (options_.legacy_reload.empty() || request.path != options_.legacy_reload) {
    reply.type = "application/json";
    reply.body = "{\"error\":" + error_object(code, text) + "}";
  }
  return reply;
}

Answer Router::answer(const Incoming& request, Transport transport) {
  const std::string route = route_of(request, transport);
  if (route == kOther) {
    Reply reply = refuse(request, 404, "not_found", "there is no such route");
    reply.route = kOther;  // also for what is a route, but not on this listener
    return reply;
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool posts = request.method == "POST";
  const bool legacy = route == options_.legacy_reload;
  const bool orders = route == kReload || route == kRollback || route == kGameServer;
  if (legacy ? !(reads || posts) : orders ? !posts : !reads) {
    const char* allowed = legacy ? "GET, HEAD, POST" : orders ? "POST" : "GET, HEAD";
    Reply reply = refuse(request, 405, "method_not_allowed", std::string("this route takes ") + allowed);
    reply.headers.emplace_back("Allow", allowed);
    return reply;
  }
  if (legacy) return answer_legacy(request, transport);
  if (orders && (!request.mark || request.mark->empty()))
    return refuse(request, 403, "denied", "header X-OKG-Request is missing; send \"X-OKG-Request: 1\"");
  if (route == kGameServer) return answer_write(request);
  if (orders) return answer_order(request, route);
  if (route == kStatus) return answer_status(request);
  if (route == "/livez") return plain(route, backend_.live() ? 200 : 503);
  if (route == "/readyz") return plain(route, backend_.ready() ? 200 : 503);
  Reply reply = plain(route, 200);
  reply.type = kMetricsType;
  reply.body = metrics_text(backend_.metrics(), counts_);
  return reply;
}

Answer Router::answer_status(const Incoming& request) {
  const auto query = parse_query(request.query);
  if (!query) return refuse(request, 400, "invalid_argument", query.error().text);
  Waiting waiting{.what = Waiting::For::status, .route = kStatus, .at_most = std::chrono::seconds(30)};
  if (const auto timeout = query->find("timeout"); timeout != query->end()) {
    const auto seconds = base::parse_number(timeout->second, kLongestWait);
    if (!seconds) return refuse(request, 400, "invalid_argument", "timeout: " + seconds.error().text);
    waiting.at_most = std::chrono::seconds(*seconds);
  }
  const auto wait = query->find("wait");
  if (wait == query->end()) {
    Reply reply = plain(kStatus, 200);
    reply.type = "application/json";
    reply.body = backend_.status_json();
    return reply;
  }
  waiting.digest = Digest::from_either(wait->second);
  if (!waiting.digest)
    return refuse(request, 400, "invalid_argument", "wait: " + base::quote(wait->second) + ": not a digest");
  if (auto reply = look_again(waiting, waiting.at_most.count() == 0)) return *reply;
  return waiting;
}

Answer Router::answer_order(const Incoming& request, const std::string& route) {
  const bool rollback = route == kRollback;
  const auto order = parse_order(request.body, rollback ? "to" : "digest", rollback);
  if (!order) return refuse(request, 400, "invalid_argument", order.error().text);
  std::optional<Digest> target;
  const Outcome outcome = rollback ? backend_.request_rollback(order->digest, order->force, &target)
                                   : backend_.request_reload(order->digest, order->force, &target);
  const auto wait = preferred_wait(request.prefer);
  if (outcome.verdict != Verdict::pending || !target || !wait || wait->count() == 0)
    return order_reply(route, outcome);
  return Waiting{.what = Waiting::For::order, .route = route, .digest = target, .at_most = *wait};
}

Reply Router::answer_write(const Incoming& request) {
  const auto wish = parse_wish(request.body);
  if (!wish) return refuse(request, 400, "invalid_argument", wish.error().text);
  const auto write = backend_.request_write(*wish);
  if (!write) {
    const base::Error& error = write.error();
    const int status = error.code == Code::invalid_argument ? 400
                       : error.code == Code::unsupported    ? 409
                                                            : 503;
    return refuse(request, status, base::code_name(error.code), error.text);
  }
  Reply reply = plain(kGameServer, 202);
  reply.type = "application/json";
  reply.body = "{\"write\":" + std::to_string(*write) + ",\"status\":" + backend_.status_json() + "}";
  return reply;
}

Answer Router::answer_legacy(const Incoming& request, Transport transport) {
  if (transport == Transport::tcp) {
    if (!request.host || !host_is_safe(*request.host))
      return refuse(request, 403, "denied", "Host has to be localhost or an IP address");
    if (!options_.token_file.empty()) {
      std::string trouble;
      const bool accepted =
          token_accepts(os_, options_.token_file, request.authorization.value_or(""), &trouble);
      if (trouble != token_trouble_ && !trouble.empty()) log_.error("control", trouble);
      token_trouble_ = trouble;
      if (!accepted) {
        Reply reply = refuse(request, 401, "denied", "Authorization: Bearer with the right token is needed");
        reply.headers.emplace_back("WWW-Authenticate", "Bearer");
        return reply;
      }
    }
  }
  Waiting waiting{
      .what = Waiting::For::legacy, .route = options_.legacy_reload, .at_most = options_.legacy_wait};
  if (auto reply = look_again(waiting, false)) return *reply;
  return waiting;
}

std::optional<Reply> Router::look_again(const Waiting& waiting, bool last) {
  if (waiting.what == Waiting::For::legacy) {
    const auto desired = backend_.desired();
    const Outcome outcome = desired
                                ? backend_.outcome(*desired)
                                : Outcome{Verdict::pending, "nothing is desired; publish a payload first"};
    const Verdict verdict = outcome.verdict;
    if (verdict == Verdict::active) return plain(waiting.route, 200);
    if (!last && verdict != Verdict::failed && verdict != Verdict::damaged && verdict != Verdict::unmet &&
        verdict != Verdict::stalled)
      return std::nullopt;
    Reply reply = plain(waiting.route, 500);
    reply.headers.emplace_back("X-OKG-Error", reason(outcome));
    return reply;
  }
  const Outcome outcome = backend_.outcome(*waiting.digest);
  if (waiting.what == Waiting::For::status) {
    if (!last && status_status(outcome.verdict) == 0) return std::nullopt;
    return status_reply(outcome);
  }
  if (!last && outcome.verdict == Verdict::pending) return std::nullopt;
  return order_reply(waiting.route, outcome);
}

Reply Router::status_reply(const Outcome& outcome) {
  const int known = status_status(outcome.verdict);
  Reply reply = plain(kStatus, known == 0 ? 202 : known);
  if (reply.status != 200) reply.headers.emplace_back("X-OKG-Error", reason(outcome));
  reply.type = "application/json";
  reply.body = backend_.status_json();
  return reply;
}

Reply Router::order_reply(const std::string& route, const Outcome& outcome) {
  Reply reply = plain(route, order_status(outcome.verdict));
  reply.type = "application/json";
  reply.body = backend_.status_json();
  if (reply.status == 429 || reply.status == 503) reply.headers.emplace_back("Retry-After", "1");
  // Also with 202: whose time runs out can then say what it still waited for.
  if (reply.status != 200) reply.headers.emplace_back("X-OKG-Error", reason(outcome));
  if (reply.status >= 400) {
    reply.body = "{\"error\":" + error_object(verdict_name(outcome.verdict), reason(outcome)) +
                 ",\"status\":" + reply.body + "}";
  }
  return reply;
}

}  // namespace okg::control
