#include "kube/message.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace okg::kube {
namespace {

using base::Code;
using base::Error;

bool printable(std::string_view text, bool blanks) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return (c > ' ' && c < 0x7f) || (blanks && c == ' '); });
}

std::string authority(const Config& config) {
  const bool six = config.host.find(':') != config.host.npos;
  return (six ? "[" + config.host + "]" : config.host) + ":" + std::to_string(config.port);
}

}  // namespace

base::Status check_request(const Request& request) {
  const auto bad = [](const char* what, std::string_view value) {
    return Error(Code::invalid_argument, std::string("request: ") + what + ": " + base::quote(value));
  };
  if (request.method.empty() || request.method.size() > 16 ||
      !std::all_of(request.method.begin(), request.method.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    return bad("no method", request.method);
  if (request.method == "HEAD" || request.method == "CONNECT")
    return bad("not spoken here", request.method);  // their answers end elsewhere
  if (!request.target.starts_with('/') || !printable(request.target, false))
    return bad("no path", request.target);
  if (!printable(request.content_type, true)) return bad("no content type", request.content_type);
  return {};
}

std::string request_text(const Request& request, const Config& config, std::string_view token) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + authority(config) +
                     "\r\nUser-Agent: okg\r\nAccept: application/json\r\nAuthorization: Bearer ";
  text += token;
  if (!request.content_type.empty()) text += "\r\nContent-Type: " + request.content_type;
  if (!request.body.empty() || request.method != "GET")
    text += "\r\nContent-Length: " + std::to_string(request.body.size());
  return text + "\r\n\r\n" + request.body;
}

std::string where(const Config& config) {
  return "API server " + authority(config);
}

}  // namespace okg::kube
