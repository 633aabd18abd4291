#include "control/message.hpp"

namespace okg::control {
namespace {

constexpr std::size_t kHeaderTextLimit = 400;

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Answer";
  }
}

}  // namespace

std::string header_text(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kHeaderTextLimit)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

std::string serialise(const Reply& reply, bool old, bool keep_alive, bool head_only) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  out += reason(reply.status);
  out += "\r\n";
  if (!reply.body.empty()) out += "Content-Type: " + reply.type + "\r\n";
  out += "Content-Length: " + std::to_string(reply.body.size()) + "\r\nCache-Control: no-store\r\n";
  for (const auto& [name, value] : reply.headers) out += name + ": " + header_text(value) + "\r\n";
  if (!keep_alive) {
    out += "Connection: close\r\n";
  } else if (old) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  if (!head_only) out += reply.body;
  return out;
}

}  // namespace okg::control
