// The program's HTTP client, against the endpoint and against servers that misbehave.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "control/address.hpp"
#include "unit/control/support.hpp"

namespace okg::control::test {
namespace {

using namespace std::chrono_literals;
using base::Code;

// Listens on TCP, takes one connection, reads until an empty line, and does what the test says.
class OddServer {
 public:
  explicit OddServer(std::function<void(int fd)> work, const char* address = "127.0.0.1") {
    auto where = make_address(address, 0);
    listener_.reset(::socket(where->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool open =
        ::bind(listener_.get(), where->get(), where->size) == 0 && ::listen(listener_.get(), 8) == 0 &&
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&where->storage), &where->size) == 0;
    if (!open) {
      listener_.reset();
      return;
    }
    port_ = where->port();
    thread_ = std::thread([this, work = std::move(work)] {
      const base::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      char c;
      while (request_.find("\r\n\r\n") == request_.npos && ::recv(fd.get(), &c, 1, 0) == 1) request_ += c;
      work(fd.get());
    });
  }
  ~OddServer() {
    if (listener_) ::shutdown(listener_.get(), SHUT_RDWR);  // in case nobody came
    if (thread_.joinable()) thread_.join();
  }
  bool open() const { return static_cast<bool>(listener_); }
  std::string url(const std::string& host = "127.0.0.1") const {
    return "http://" + host + ":" + std::to_string(port_) + "/path?q=1#fragment";
  }
  std::string request() {
    thread_.join();
    return request_;
  }

 private:
  base::UniqueFd listener_;
  unsigned short port_ = 0;
  std::string request_;
  std::thread thread_;
};

void say(int fd, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t put = ::send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (put <= 0) return;
    at += static_cast<std::size_t>(put);
  }
}

// Until the client has gone.
void wait_gone(int fd) {
  char c;
  while (::recv(fd, &c, 1, 0) > 0) {
  }
}

base::Result<Response> answer_of(const std::string& text) {
  OddServer server([&](int fd) { say(fd, text); });
  return ask_url(server.url(), {}, 20s);
}

TEST(Client, AsksTheEndpoint) {
  Rig rig;
  rig.backend.change([](auto& state) { state.reload_answer = {Verdict::unmet, "needs 2.4"}; });
  const auto status = ask_socket(rig.run(), {.target = "/v1/status"}, 20s);
  ASSERT_TRUE(status) << status.error().text;
  EXPECT_EQ(status->status, 200);
  EXPECT_EQ(status->body, R"({"schema":"okg.status/v1"})");
  EXPECT_EQ(status->headers.at("content-type"), "application/json");
  const auto reload = ask_socket(rig.run(),
                                 {.method = "POST",
                                  .target = "/v1/reload",
                                  .headers = {{"X-OKG-Request", "1"}},
                                  .body = R"({"force":true})"},
                                 20s);
  ASSERT_TRUE(reload) << reload.error().text;
  EXPECT_EQ(reload->status, 412);
  EXPECT_EQ(reload->headers.at("x-okg-error"), "needs 2.4");
  EXPECT_TRUE(rig.backend.state().asked_force);
  const auto head = ask_socket(rig.run(), {.method = "HEAD", .target = "/v1/status"}, 20s);
  ASSERT_TRUE(head) << head.error().text;
  EXPECT_EQ(head->body, "");
  const auto refused = ask_socket(
      rig.run(), {.method = "POST", .target = "/v1/reload", .body = std::string(1'000'000, 'x')}, 20s);
  ASSERT_TRUE(refused) << refused.error().text;
  EXPECT_EQ(refused->status, 413);
}

TEST(Client, NobodyThere) {
  Directory directory;
  const auto none = ask_socket(directory.path(), {}, 20s);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::not_found);
  const auto no_directory = ask_socket(directory.path() + "/" + std::string(120, 'x'), {}, 20s);
  ASSERT_FALSE(no_directory);
  EXPECT_EQ(no_directory.error().code, Code::not_found);
  std::string url;
  {
    OddServer server([](int) {});
    url = server.url();
  }
  const auto refused = ask_url(url, {}, 20s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::not_found);
}

TEST(Client, Deadline) {
  OddServer server(wait_gone);
  const auto answer = ask_url(server.url(), {}, 50ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::timeout);
  // Drops that keep coming do not move it.
  OddServer dripping([](int fd) {
    say(fd, "HTTP/1.1 200 OK\r\n");
    while (::send(fd, "A: b\r\n", 6, MSG_NOSIGNAL) > 0) std::this_thread::sleep_for(10ms);
  });
  const auto drops = ask_url(dripping.url(), {}, 200ms);
  ASSERT_FALSE(drops);
  EXPECT_EQ(drops.error().code, Code::timeout);
}

TEST(Client, AFullQueueIsWaitedFor) {
  Directory directory;
  const std::string path = directory.path() + "/okg.sock";
  base::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  Client queued = Client::unix_socket(path);
  const auto answer = ask_socket(directory.path(), {}, 150ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::timeout);
}

TEST(Client, Stop) {
  std::stop_source stop;
  OddServer server([&](int fd) {
    stop.request_stop();
    wait_gone(fd);
  });
  const auto answer = ask_url(server.url(), {}, 1h, stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::superseded);
}

TEST(Client, StoppedBeforeItAsks) {
  auto where = make_address("127.0.0.1", 0);
  const base::UniqueFd listener(
      ::socket(where->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), where->get(), where->size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&where->storage), &where->size), 0);
  std::stop_source stop;
  stop.request_stop();
  const auto answer =
      ask_url("http://127.0.0.1:" + std::to_string(where->port()) + "/", {}, 1h, stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::superseded);
  EXPECT_EQ(::accept(listener.get(), nullptr, nullptr), -1) << "nobody was to be asked";
}

TEST(Client, WhatItSends) {
  OddServer server([](int fd) { say(fd, "HTTP/1.1 204 No Content\r\n\r\n"); });
  const auto answer = ask_url(server.url(), {.headers = {{"Accept", "text/plain"}}}, 20s);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 204);
  const std::string host = server.url().substr(7, server.url().find("/path") - 7);
  EXPECT_EQ(server.request(), "GET /path?q=1 HTTP/1.1\r\nHost: " + host +
                                  "\r\nConnection: close\r\nAccept: text/plain\r\n\r\n");
}

TEST(Client, ReadsEveryKindOfBody) {
  const auto body = [](const std::string& text) -> std::string {
    const auto answer = answer_of(text);
    return answer ? std::to_string(answer->status) + answer->body : answer.error().text;
  };
  EXPECT_EQ(body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more"), "200hello");
  EXPECT_EQ(body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
            "200hello");
  EXPECT_EQ(body("HTTP/1.0 200 OK\r\n\r\nhello"), "200hello");
  EXPECT_EQ(body("HTTP/1.1 500 No\r\n\r\n"), "500");
  EXPECT_EQ(body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 "
                 "OK\r\nContent-Length: "
                 "1\r\n\r\nx"),
            "200x");
  EXPECT_EQ(body("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"), "304");
  const auto twice = answer_of("HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(twice);
  EXPECT_EQ(twice->headers.at("x-a"), "1, 2");
}

TEST(Client, BadAnswersAreErrors) {
  for (const std::string& text :
       {std::string(""), std::string("HTTP/1.1 200"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"),
        std::string("SSH-2.0-OpenSSH_9\r\n\r\n"), std::string("HTTP/3.0 200 OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        std::string("HTTP/1.1 100 Continue\r\n\r\n")}) {
    const auto answer = answer_of(text);
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().code, Code::io) << text;
  }
}

TEST(Client, LargeAnswersHaveALimit) {
  const std::string mebibyte(1024 * 1024, 'x');
  const auto just = answer_of("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + mebibyte);
  ASSERT_TRUE(just) << just.error().text;
  EXPECT_EQ(just->body.size(), mebibyte.size());
  const auto over = answer_of("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n" + mebibyte + "x");
  ASSERT_FALSE(over);
  EXPECT_NE(over.error().text.find("1 MiB"), std::string::npos);
  EXPECT_FALSE(answer_of("HTTP/1.1 200 OK\r\n\r\n" + mebibyte + "x"));
  EXPECT_FALSE(answer_of("HTTP/1.1 200 OK\r\nX: " + mebibyte));
}

TEST(Client, LocalhostIsBothLoopbacks) {
  OddServer four([](int fd) { say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n4"); });
  const auto one = ask_url(four.url("localhost"), {}, 20s);
  ASSERT_TRUE(one) << one.error().text;
  EXPECT_EQ(one->body, "4");
  OddServer six([](int fd) { say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n6"); }, "::1");
  if (!six.open()) GTEST_SKIP() << "no IPv6 here";
  const auto two = ask_url(six.url("localhost"), {}, 20s);
  ASSERT_TRUE(two) << two.error().text;
  EXPECT_EQ(two->body, "6");
}

TEST(Client, RefusesWhatItCannotAsk) {
  for (const char* url :
       {"", "127.0.0.1", "https://127.0.0.1/", "http://", "http:///x", "http://example.com/", "http://1.2.3/",
        "http://user@127.0.0.1/", "http://127.0.0.1:x/", "http://127.0.0.1:70000/", "http://::1/",
        "http://[127.0.0.1]/", "http://[localhost]/", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1\r\n/", "http://127.0.0.1/\xc3\xbc"}) {
    const auto answer = ask_url(url, {}, 1s);
    ASSERT_FALSE(answer) << url;
    EXPECT_EQ(answer.error().code, Code::invalid_argument) << url << ": " << answer.error().text;
  }
  Rig rig;
  for (const Request& request :
       {Request{.method = "GET /"}, Request{.method = ""}, Request{.target = "livez"},
        Request{.target = "/a\r\nb"}, Request{.headers = {{"A", "b\r\nC: d"}}},
        Request{.headers = {{"A:", "b"}}}, Request{.headers = {{"", "b"}}}}) {
    const auto answer = ask_socket(rig.run(), request, 1s);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::invalid_argument);
  }
}

}  // namespace
}  // namespace okg::control::test
