#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

const sockaddr* generic(const void* address) {
  return static_cast<const sockaddr*>(address);
}

// Reads until the head is there and as much of the body as it announces.
std::optional<Asked> read_request(int fd, const std::atomic<bool>& closing) {
  std::string text;
  char piece[4096];
  for (;;) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end != text.npos) {
      std::string head = text.substr(0, end + 2);
      const std::size_t length_at = head.find("Content-Length: ");
      const std::size_t length = length_at == head.npos ? 0 : std::stoul(head.substr(length_at + 16));
      if (text.size() >= end + 4 + length) {
        const std::size_t space = head.find(' ');
        const std::size_t second = head.find(' ', space + 1);
        return Asked{head.substr(0, space), head.substr(space + 1, second - space - 1), head,
                     text.substr(end + 4, length)};
      }
    }
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, 50);
    if (closing) return std::nullopt;
    if (ready <= 0) continue;
    const ssize_t got = ::recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return std::nullopt;
    text.append(piece, static_cast<std::size_t>(got));
  }
}

}  // namespace

FakeServer::FakeServer(const std::string& run_directory, Handler handler) : handler_(std::move(handler)) {
  const bool tcp = run_directory.empty();
  listener_.reset(::socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int bound = -1;
  if (tcp) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bound = ::bind(listener_.get(), generic(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  } else {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (run_directory + "/okg.sock").c_str(), sizeof address.sun_path - 1);
    ::unlink(address.sun_path);
    bound = ::bind(listener_.get(), generic(&address), sizeof address);
  }
  if (bound != 0 || ::listen(listener_.get(), 64) != 0) throw std::runtime_error("fake server");
  thread_ = std::thread([this] { accept_all(); });
}

FakeServer::~FakeServer() {
  closing_ = true;
  thread_.join();
  for (auto& connection : connections_) connection.join();
}

std::string FakeServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_) + "/reload";
}

void FakeServer::answer(Handler handler) {
  const std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

std::vector<Asked> FakeServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void FakeServer::accept_all() {
  while (!closing_) {
    pollfd waiting{listener_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    base::UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection)
      connections_.emplace_back([this, fd = connection.release()] { serve(base::UniqueFd(fd)); });
  }
}

void FakeServer::serve(base::UniqueFd connection) {
  const auto request = read_request(connection.get(), closing_);
  if (!request) return;
  Handler handler;
  {
    const std::lock_guard lock(mutex_);
    asked_.push_back(*request);
    handler = handler_;
  }
  const Reply reply = handler(*request);
  const std::string text = "HTTP/1.1 " + std::to_string(reply.status) +
                           " Answer\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n" +
                           reply.headers + "Connection: close\r\n\r\n" + reply.body;
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t put = ::send(connection.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (put <= 0) return;
    at += static_cast<std::size_t>(put);
  }
}

std::string status_json(const base::Json& changes) {
  base::Json status = {{"schema", "okg.status/v1"},
                       {"instance", "5d8c1d1e-9d5a-4c53-8a43-0d8f0f6e1a11"},
                       {"pid", 1},
                       {"server_version", "2.4.0"},
                       {"okg", "0.1.0"},
                       {"state", "idle"},
                       {"ready", true},
                       {"active", nullptr},
                       {"desired", nullptr},
                       {"last_good", nullptr},
                       {"in_use", base::Json::array()},
                       {"refused", base::Json::array()},
                       {"last", nullptr},
                       {"reloads", {{"ok", 0}, {"failed", 0}, {"superseded", 0}}},
                       {"watch", "inotify"},
                       {"tick_age_ms", 12}};
  if (changes.is_object()) status.update(changes);  // {} is null
  return status.dump();
}

}  // namespace okg::test
