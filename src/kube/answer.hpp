// What the API server says when it does not do what it was asked.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "kube/transport.hpp"

namespace okg::kube {

// The object of kind Status: the body of a refusal, or the object of a watch event of type ERROR.
struct StatusObject {
  unsigned code = 0;
  std::string reason, message;  // as sent: hostile
  std::optional<std::chrono::milliseconds> retry_after;
};

// nullopt: it is none.
std::optional<StatusObject> parse_status(std::string_view json);
// Of a line of a watch: {"type":"ERROR","object":{"kind":"Status",…}}.
std::optional<StatusObject> parse_error_event(std::string_view line);

bool is_success(const Response& response);  // 2xx

// The error of an answer that is not. `what` says what was tried: "patch gameserver gss-0".
//   400 422            invalid_argument
//   401                denied: the token is expired or not accepted
//   403                denied: with verb and resource, in the server's words
//   404                not_found
//   409                conflict
//   410                is_gone() holds: what was asked for is older than what the server keeps
//   429 503            busy, retriable
//   408 504            timeout, retriable
//   other 5xx, 1xx, 3xx  io, retriable
//   other 4xx          unsupported
base::Error error_of(const Response& response, std::string_view what);
base::Error error_of(const StatusObject& status, std::string_view what);

// The resourceVersion is too old: read all anew. No other error of this room has this code.
bool is_gone(const base::Error& error);

}  // namespace okg::kube
