// Closed at any moment: nothing is called afterwards, nothing is left behind, and forks do no harm.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "unit/kube/rig.hpp"

namespace okg::kube::test {
namespace {

using Welcome = FakeApiServer::Welcome;

int open_descriptors() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

// A moment in the life of a transport: the server is made ready, and `reached` says when it is that moment.
struct Moment {
  const char* name;
  Welcome welcome;
  FakeApiServer::Handler handler;
  std::function<bool(const FakeApiServer&)> reached;
};

std::vector<Moment> moments() {
  const auto stall = [](const FakeRequest&, FakeAnswer& answer) { answer.stall(); };
  const auto asked = [](const FakeApiServer& server) { return !server.requests().empty(); };
  const auto connected = [](const FakeApiServer& server) { return server.connections() > 0; };
  return {
      {"at once", Welcome::tls, stall, [](const FakeApiServer&) { return true; }},
      {"connected", Welcome::tls, stall, connected},
      {"in the handshake", Welcome::silence, stall, connected},
      {"refused by TLS", Welcome::plain_http, stall, connected},
      {"asked", Welcome::tls, stall, asked},
      {"within the header", Welcome::tls,
       [](const FakeRequest&, FakeAnswer& answer) {
         answer.raw("HTTP/1.1 200 OK\r\nContent-");
         answer.stall();
       },
       asked},
      {"within the body", Welcome::tls,
       [](const FakeRequest&, FakeAnswer& answer) {
         answer.raw(FakeAnswer::head(200, {{"Transfer-Encoding", "chunked"}}) + "5\r\nab\nde");
         answer.stall();
       },
       asked},
      {"in a flood", Welcome::tls,
       [](const FakeRequest&, FakeAnswer& answer) {
         answer.raw(FakeAnswer::head(200, {{"Transfer-Encoding", "chunked"}}));
         answer.flood("3\r\nab\n\r\n");
       },
       asked},
  };
}

class Closing : public testing::TestWithParam<Moment> {
 protected:
  Closing() {
    rig.server.welcome(GetParam().welcome);
    rig.server.on("*", "/*", GetParam().handler);
  }
  void send() {
    for (int i = 0; i < 3; ++i)
      rig.transport->send({.target = "/"}, kPatience, [this](const auto&) { ++called; });
  }
  void stream() {
    rig.transport->stream({.target = "/"}, kPatience, kPatience,
                          {.opened = [this](unsigned) { ++called; },
                           .line = [this](std::string_view) { ++called; },
                           .refused = [this](const Response&) { ++called; },
                           .ended = [this](const base::Error&) { ++called; }});
  }
  void reach() {
    ASSERT_TRUE(rig.run_until([&] { return GetParam().reached(rig.server); }));
    called = 0;
  }
  void nothing_more() {
    rig.io.restart();
    rig.io.run_for(kPatience);
    EXPECT_TRUE(rig.io.stopped()) << "something is pending";
    EXPECT_EQ(called, 0);
    EXPECT_TRUE(rig.server.wait_open(0));
  }

  Rig rig;
  int called = 0;
};

TEST_P(Closing, Close) {
  send();
  stream();
  reach();
  rig.transport->close();
  send();
  stream();
  rig.transport->stop_stream();
  rig.transport->close();
  nothing_more();
}

TEST_P(Closing, Destroy) {
  send();
  stream();
  reach();
  rig.transport.reset();
  nothing_more();
}

TEST_P(Closing, StopStream) {
  stream();
  reach();
  rig.transport->stop_stream();
  rig.transport->stop_stream();
  nothing_more();
}

TEST_P(Closing, DoesNotSpin) {
  if (std::string_view(GetParam().name) == "in a flood") return;  // there is something to do
  send();
  stream();
  reach();
  rig.io.restart();
  EXPECT_LT(rig.io.run_for(100ms), 300U) << "handlers that were run, whatever for";
}

TEST_P(Closing, TheLoopIsNeverRunAgain) {
  send();
  stream();
  reach();
}

INSTANTIATE_TEST_SUITE_P(Moments, Closing, testing::ValuesIn(moments()), [](const auto& moment) {
  std::string name = moment.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

// Everything a callback may be: the transport goes in each of them.
TEST(Close, FromItsOwnCallbacks) {
  for (const bool destroy : {false, true}) {
    for (int which = 0; which < 5; ++which) {
      Rig rig;
      bool gone = false;
      int called_after = 0;
      const auto go = [&](int me) {
        if (gone) ++called_after;
        if (me != which) return;
        gone = true;
        if (destroy)
          rig.transport.reset();
        else
          rig.transport->close();
      };
      rig.server.on("GET", "/watch", [&](const FakeRequest&, FakeAnswer& answer) {
        if (which == 2 || which == 4) return answer.refuse(500, "InternalError", "no");
        const auto stream = answer.stream();
        stream->chunk("one\ntwo\nthree\n");
        stream->end();
      });
      rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
      rig.transport->stream(watch_request(), kPatience, kPatience,
                            {.opened = [&](unsigned) { go(0); },
                             .line = [&](std::string_view) { go(1); },
                             .refused = [&](const Response&) { go(2); },
                             .ended = [&](const base::Error&) { go(which == 4 ? 4 : 5); }});
      if (which == 3)
        for (int i = 0; i < 3; ++i)
          rig.transport->send({.target = "/"}, kPatience, [&](const auto&) { go(3); });
      ASSERT_TRUE(rig.run_until([&] { return gone; })) << which;
      rig.io.restart();
      rig.io.run_for(kPatience);
      EXPECT_TRUE(rig.io.stopped()) << "something is pending";
      EXPECT_EQ(called_after, 0) << which;
      EXPECT_TRUE(rig.server.wait_open(0));
    }
  }
}

TEST(Close, WhatACallbackOwnsMayBeTheTransport) {
  Rig rig;
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  auto owned = std::make_shared<std::unique_ptr<Transport>>(std::move(rig.transport));
  Transport& raw = **owned;
  raw.send({.target = "/"}, kPatience, [owned](const auto&) {});
  raw.stream(watch_request(), kPatience, kPatience, {.ended = [owned](const base::Error&) {}});
  std::weak_ptr<std::unique_ptr<Transport>> left = owned;
  owned.reset();
  EXPECT_TRUE(rig.run_until([&] { return left.expired(); }));
}

TEST(Close, ACallbackThatThrows) {
  Rig rig;
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) {
    const auto stream = answer.stream();
    stream->chunk("one\ntwo\n");
    stream->end();
  });
  rig.transport->send({.target = "/"}, kPatience,
                      [](const auto&) { throw std::runtime_error("by the test"); });
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  EXPECT_THAT(rig.logged, testing::Contains(HasSubstr("by the test")));
  int calls = 0;
  const auto thrower = [&](auto&&) {
    ++calls;
    throw 7;
  };
  rig.transport->stream(watch_request(), kPatience, kPatience,
                        {.opened = thrower, .line = thrower, .refused = thrower, .ended = thrower});
  EXPECT_TRUE(rig.run_until([&] { return calls == 4; })) << calls;
  rig.run_ready();
  EXPECT_EQ(calls, 4);
}

TEST(Close, EmptyCallbacks) {
  Rig rig;
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) {
    const auto stream = answer.stream();
    stream->line("one");
    stream->end();
  });
  rig.transport->send({.target = "/"}, kPatience, {});
  rig.transport->send({.target = "bad"}, kPatience, {});
  rig.transport->stream(watch_request(), kPatience, kPatience, {});
  EXPECT_TRUE(rig.run_until([&] { return rig.server.requests().size() == 2; }));
  rig.run_ready();
}

TEST(Close, LeavesNoDescriptor) {
  {
    Rig once;
  }  // what OpenSSL and Asio keep open
  const int before = open_descriptors();
  for (int i = 0; i < 5; ++i) {
    Rig rig;
    rig.server.on("*", "/*", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
    ASSERT_TRUE(rig.get("/"));
    rig.server.welcome(Welcome::plain_http);
    rig.transport->stream(watch_request(), kPatience, kPatience, {});
    ASSERT_TRUE(rig.server.wait_connections(1));
    rig.run_ready();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Close, SocketsAreNotInheritedOverExec) {
  Rig rig;
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  ASSERT_TRUE(rig.get("/"));
  int sockets = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename().string());
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) continue;
    ++sockets;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << std::filesystem::read_symlink(entry.path());
  }
  EXPECT_GE(sockets, 3) << "both ends and who listens";
}

TEST(Close, AChildDoesNoHarm) {
  Rig rig;
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) { answer.stream(); });
  ASSERT_TRUE(rig.get("/"));
  Seen seen;
  rig.transport->stream(watch_request(), kPatience, kPatience, seen.handlers(rig));
  ASSERT_TRUE(rig.run_until([&] { return !seen.opened.empty(); }));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    rig.transport->stop_stream();
    rig.transport->send({.target = "/"}, kPatience, {});
    rig.transport->close();
    rig.transport.reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  rig.server.wait_stream(1)->line("one");
  ASSERT_TRUE(rig.run_until([&] { return !seen.lines.empty(); }));
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  EXPECT_EQ(rig.server.connections(), 2U);
}

// A child that a game forked may live on with copies of the sockets: what we close is closed all the same.
TEST(Close, AChildDoesNotKeepTheConnectionOpen) {
  Rig rig;
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  ASSERT_TRUE(rig.get("/"));
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char byte = 0;
    ::close(pipe[1]);
    static_cast<void>(!::read(pipe[0], &byte, 1));
    ::_exit(0);
  }
  rig.transport->close();
  EXPECT_TRUE(rig.server.wait_open(0));
  ::close(pipe[0]);
  ::close(pipe[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

}  // namespace
}  // namespace okg::kube::test
