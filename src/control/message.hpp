// A request as the routes see it, and what they answer. No sockets, no Beast.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace okg::control {

struct Incoming {
  std::string method;
  std::string path, query;                               // the target, split at the first '?'; not decoded
  std::optional<std::string> host, authorization, mark;  // mark: X-OKG-Request
  std::string prefer;                                    // all Prefer headers, comma-separated
  std::string body;
  bool old = false;  // HTTP/1.0
  bool keep_alive = true;
};

struct Reply {
  int status = 500;
  std::string route;  // for the count: a known route or "other"
  std::string type;   // Content-Type, "" with an empty body
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// The bytes of an answer. `head_only`: to a HEAD request, which gets the length but not the body.
std::string serialise(const Reply& reply, bool old, bool keep_alive, bool head_only);

// Text for a header's value: printable ASCII, at most 400 bytes.
std::string header_text(std::string_view text);

}  // namespace okg::control
