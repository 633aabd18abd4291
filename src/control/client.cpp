#include "control/client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/chunked.hpp"
#include "base/os.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"
#include "control/address.hpp"
#include "control/unix_socket.hpp"

namespace okg::control {
namespace {

using base::Code;
using base::Error;
using base::Result;
using base::Status;
namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kResponseLimit = 1024 * 1024;
constexpr std::uint32_t kResponseHeaderLimit = 64 * 1024;
constexpr std::chrono::milliseconds kSlice{50};  // how late a stop may be noticed
// Nobody waits longer, and a clock plus the largest duration would overflow.
constexpr std::chrono::milliseconds kLongestDeadline = std::chrono::hours(24 * 365);

// Waits on one descriptor, never past the deadline or a stop.
class Patience {
 public:
  Patience(std::string where, std::chrono::milliseconds deadline, std::stop_token stop)
      : where_(std::move(where)),
        end_(Clock::now() + std::clamp(deadline, std::chrono::milliseconds(0), kLongestDeadline)),
        stop_(std::move(stop)) {}

  Status wait(int fd, short events) const {
    for (;;) {
      if (auto running = check(); !running) return running;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
      pollfd wanted{fd, events, 0};
      const int ready =
          ::poll(&wanted, fd < 0 ? 0 : 1,
                 static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kSlice).count()));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return failed(errno, "poll");
      if (fd < 0) return check();
    }
  }
  Status check() const {
    if (stop_.stop_requested()) return Error(Code::superseded, where_ + ": stopped");
    if (Clock::now() >= end_) return Error(Code::timeout, where_ + ": no answer in time");
    return {};
  }
  Error failed(int error_number, const char* what) const {
    Error error = base::error_from_errno(error_number, where_ + ": " + what);
    if (error_number == ECONNREFUSED) error.code = Code::not_found;
    return error;
  }
  const std::string& where() const { return where_; }

 private:
  std::string where_;
  Clock::time_point end_;
  std::stop_token stop_;
};

Result<base::UniqueFd> connect_to(const sockaddr* address, socklen_t size, const Patience& patience) {
  if (auto running = patience.check(); !running) return running.error();
  base::UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return patience.failed(errno, "socket");
  for (;;) {
    if (::connect(fd.get(), address, size) == 0) return fd;
    if (errno == EINTR) continue;
    if (errno == EINPROGRESS) break;
    if (errno != EAGAIN) return patience.failed(errno, "connect");
    // A Unix socket whose queue is full: nothing tells when there is room again.
    if (auto waited = patience.wait(-1, 0); !waited) return waited.error();
  }
  if (auto waited = patience.wait(fd.get(), POLLOUT); !waited) return waited.error();
  int failed = 0;
  socklen_t length = sizeof failed;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failed, &length) != 0) failed = errno;
  if (failed != 0) return patience.failed(failed, "connect");
  return fd;
}

Status send_all(int fd, std::string_view bytes, const Patience& patience) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      if (auto waited = patience.wait(fd, POLLOUT); !waited) return waited;
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return {};  // refused early: the answer may be there
    } else if (errno != EINTR) {
      return patience.failed(errno, "send");
    }
  }
  return {};
}

Response to_response(const http::response<http::string_body>& message) {
  Response out;
  out.status = static_cast<int>(message.result_int());
  for (const auto& field : message.base()) {
    std::string name(field.name_string().data(), field.name_string().size());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    std::string& value = out.headers[name];
    if (!value.empty()) value += ", ";
    value.append(field.value().data(), field.value().size());
  }
  out.body = message.body();
  return out;
}

Result<Response> receive(int fd, bool head_only, const Patience& patience) {
  std::string buffer;
  std::vector<char> piece(64 * 1024);
  std::optional<http::response_parser<http::string_body>> parser;
  const auto restart = [&] {
    parser.emplace();
    parser->header_limit(kResponseHeaderLimit);
    parser->body_limit(kResponseLimit);
    parser->eager(true);
    parser->skip(head_only);
  };
  restart();
  const auto bad = [&](const std::string& why) { return Error(Code::io, patience.where() + ": " + why); };
  for (;;) {
    if (auto waited = patience.wait(fd, POLLIN); !waited) return waited.error();
    const ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return patience.failed(errno, "receive");
    boost::beast::error_code failed;
    if (got == 0) {
      if (!parser->got_some()) return bad("closed the connection without an answer");
      parser->put_eof(failed);
      if (failed || !parser->is_done()) return bad("closed the connection in the middle of its answer");
      return to_response(parser->get());
    }
    buffer.append(piece.data(), static_cast<std::size_t>(got));
    while (!buffer.empty() && !parser->is_done()) {
      if (parser->is_header_done() && parser->chunked() && base::wait_for_more_chunk(buffer)) break;
      const std::size_t used = parser->put(boost::asio::const_buffer(buffer.data(), buffer.size()), failed);
      buffer.erase(0, used);
      if (failed == http::error::body_limit) return bad("the answer is larger than 1 MiB");
      if (failed && failed != http::error::need_more) return bad("the answer is not HTTP");
      if (failed == http::error::need_more) {
        if (buffer.size() > 2 * kResponseHeaderLimit) return bad("the answer is not HTTP");
        break;
      }
      // "100 Continue" and its like announce an answer.
      if (parser->is_done() && parser->get().result_int() / 100 == 1 && parser->get().result_int() != 101)
        restart();
    }
    if (parser->is_done()) return to_response(parser->get());
  }
}

bool plain(std::string_view text, bool blanks) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return (c > ' ' && c < 0x7f) || (blanks && (c == ' ' || c == '\t')); });
}

Result<std::string> request_text(const Request& request, const std::string& host) {
  const auto bad = [](const char* what) {
    return Error(Code::invalid_argument, std::string("request: ") + what);
  };
  if (request.method.empty() || !plain(request.method, false)) return bad("its method is not a word");
  if (request.target.empty() || request.target[0] != '/' || !plain(request.target, false))
    return bad("its target is not a path");
  std::string text =
      request.method + " " + request.target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || !plain(name, false) || name.find(':') != name.npos || !plain(value, true))
      return bad("a header holds what is not allowed there");
    text += name + ": " + value + "\r\n";
  }
  if (!request.body.empty() || request.method == "POST")
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

Result<Response> talk(int fd, const Request& request, const std::string& text, const Patience& patience) {
  if (auto sent = send_all(fd, text, patience); !sent) return sent.error();
  return receive(fd, request.method == "HEAD", patience);
}

struct Url {
  std::string authority;
  std::vector<TcpAddress> addresses;
  std::string target;
};
Result<Url> parse_url(const std::string& text) {
  const auto bad = [&](const char* why) {
    return Error(Code::invalid_argument, base::quote(text) + ": " + why);
  };
  constexpr std::string_view kScheme = "http://";
  if (!std::string_view(text).starts_with(kScheme)) return bad("only http:// is spoken here");
  const std::size_t path = text.find_first_of("/?#", kScheme.size());
  Url url;
  url.authority = text.substr(kScheme.size(), path == text.npos ? text.npos : path - kScheme.size());
  url.target = path == text.npos ? "/" : text.substr(path, text.find('#', path) - path);
  if (url.target.empty() || url.target[0] != '/') url.target.insert(0, "/");
  if (!plain(url.target, false)) return bad("its path holds what is not allowed there");
  const auto split = split_host(url.authority);
  if (!split) return bad("not a URL; write it like http://127.0.0.1:3000/reload");
  const unsigned short port = split->port.value_or(80);
  std::vector<std::string> literals{split->host};
  if (!split->bracketed && split->host == "localhost") literals = {"127.0.0.1", "::1"};
  for (const std::string& literal : literals) {
    const auto address = make_address(literal, port);
    if (!address || (literals.size() == 1 && split->bracketed != (address->storage.ss_family == AF_INET6)))
      return bad("names are not resolved here; write an IP address or localhost");
    url.addresses.push_back(*address);
  }
  return url;
}

}  // namespace

Result<Response> ask_socket(const std::string& run_directory, const Request& request,
                            std::chrono::milliseconds deadline, std::stop_token stop) {
  const Patience patience(run_directory + "/" + kSocketName, deadline, std::move(stop));
  const auto text = request_text(request, "okg");
  if (!text) return text.error();
  const auto address = socket_address(base::Os::real(), run_directory, kSocketName);
  if (!address) return address.error();
  const auto fd = connect_to(address->get(), address->size(), patience);
  if (!fd) return fd.error();
  return talk(fd->get(), request, *text, patience);
}

Result<Response> ask_url(const std::string& url, const Request& request, std::chrono::milliseconds deadline,
                         std::stop_token stop) {
  const auto parsed = parse_url(url);
  if (!parsed) return parsed.error();
  Request asked = request;
  asked.target = parsed->target;
  const auto text = request_text(asked, parsed->authority);
  if (!text) return text.error();
  const Patience patience(url, deadline, std::move(stop));
  std::optional<Error> last;
  for (const TcpAddress& address : parsed->addresses) {
    const auto fd = connect_to(address.get(), address.size, patience);
    if (fd) return talk(fd->get(), asked, *text, patience);
    last = fd.error();
    // The other address of localhost is worth a try unless the time is up.
    if (last->code == Code::timeout || last->code == Code::superseded) break;
  }
  return *last;
}

}  // namespace okg::control
