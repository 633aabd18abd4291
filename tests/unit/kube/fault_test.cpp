// Servers that are slow, that lie, or that stop in the middle.
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "unit/kube/libc.hpp"
#include "unit/kube/rig.hpp"

namespace okg::kube::test {
namespace {

using Handler = FakeApiServer::Handler;

base::Result<Response> ask(const Handler& handler, std::chrono::milliseconds deadline = kPatience) {
  Rig rig;
  rig.server.on("GET", "/", handler);
  return rig.get("/", deadline);
}

TEST(Fault, ChunksOfOneByte) {
  const std::string body(3000, 'x');
  EXPECT_EQ(text_of(ask([&](const FakeRequest&, FakeAnswer& answer) { answer.chunked(200, body, 1); })),
            "ok 200 " + body);
}

TEST(Fault, CutOffIsNeverAShortSuccess) {
  const std::string length = FakeAnswer::head(200, {{"Content-Length", "10"}}) + "12345";
  const std::string chunks = FakeAnswer::head(200, {{"Transfer-Encoding", "chunked"}}) + "5\r\n12345\r\n";
  const std::string until_end = FakeAnswer::head(200, {{"Connection", "close"}}) + "12345";
  for (const std::string& text : {length, chunks, until_end, length.substr(0, 20)}) {
    const auto cut = ask([&](const FakeRequest&, FakeAnswer& answer) {
      answer.raw(text);
      answer.cut();
    });
    EXPECT_THAT(text_of(cut), HasSubstr("io API server 127.0.0.1:")) << text;
    EXPECT_THAT(text_of(cut), HasSubstr("cut off")) << text;
  }
  for (const std::string& text : {length, chunks}) {
    const auto closed = ask([&](const FakeRequest&, FakeAnswer& answer) {
      answer.raw(text);
      answer.close();
    });
    EXPECT_THAT(text_of(closed), HasSubstr("cut off")) << text;
  }
  // Without a length its end is where the server says so, by TLS.
  EXPECT_EQ(text_of(ask([&](const FakeRequest&, FakeAnswer& answer) {
              answer.raw(until_end);
              answer.close();
            })),
            "ok 200 12345");
}

TEST(Fault, LargeBodiesHaveALimit) {
  const std::string just(std::size_t{2} << 20, 'x');
  EXPECT_EQ(ask([&](const FakeRequest&, FakeAnswer& answer) { answer.json(200, just); })->body.size(),
            just.size());
  const std::vector<Handler> handlers = {
      [&](const FakeRequest&, FakeAnswer& answer) { answer.json(200, just + "x"); },
      [&](const FakeRequest&, FakeAnswer& answer) { answer.chunked(200, just + "x", 100'000); },
      [&](const FakeRequest&, FakeAnswer& answer) {
        answer.raw(FakeAnswer::head(200, {{"Content-Length", "9000000000000000000"}}));
        answer.flood(just);
      },
      [&](const FakeRequest&, FakeAnswer& answer) {
        answer.raw(FakeAnswer::head(500, {}));
        answer.flood(just);
      }};
  for (const Handler& handler : handlers) {
    const auto over = ask(handler);
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Code::no_space);
    EXPECT_THAT(over.error().text, HasSubstr("the answer is larger than 2.00 MiB"));
  }
  const auto header = ask([](const FakeRequest&, FakeAnswer& answer) {
    answer.raw("HTTP/1.1 200 OK\r\nX: ");
    answer.flood(std::string(1000, 'x'));
  });
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code, Code::io);
}

TEST(Fault, TheDeadlineIsForAllOfIt) {
  const std::vector<Handler> handlers = {
      [](const FakeRequest&, FakeAnswer& answer) { answer.stall(); },
      [](const FakeRequest&, FakeAnswer& answer) {
        answer.raw(FakeAnswer::head(200, {{"Content-Length", "10"}}));
        answer.stall();
      },
      [](const FakeRequest&, FakeAnswer& answer) {
        answer.drip(FakeAnswer::head(200, {{"Content-Length", "10000"}}) + std::string(10'000, 'x'), 5ms);
      },
      [](const FakeRequest&, FakeAnswer& answer) { answer.drip(std::string(100'000, '\r'), 5ms); }};
  for (const Handler& handler : handlers) {
    Rig rig;
    rig.server.on("GET", "/slow", handler);
    rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
    const auto late = rig.get("/slow", 80ms);
    ASSERT_FALSE(late);
    // What is no HTTP may be noticed before.
    if (late.error().code != Code::io) {
      EXPECT_EQ(late.error().code, Code::timeout) << late.error().text;
      EXPECT_THAT(late.error().text, HasSubstr("no answer in time"));
    }
    EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
    const auto requests = rig.server.requests();
    for (std::size_t i = 0; i + 1 < requests.size(); ++i)
      EXPECT_NE(requests[i].connection, requests.back().connection) << "what was given up is not used again";
  }
}

TEST(Fault, TheDeadlineIsForSendingToo) {
  Rig rig;
  rig.server.on("GET", "/deaf", [](const FakeRequest&, FakeAnswer& answer) {
    answer.json(200, "{}");
    answer.ignore();
  });
  ASSERT_TRUE(rig.get("/deaf"));
  const auto late = rig.patch("/", std::string(std::size_t{16} << 20, 'x'), 100ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::timeout);
  EXPECT_THAT(late.error().text, HasSubstr("while sending"));
  rig.server.cut_all();
}

TEST(Fault, TheDeadlineIsForWaitingToo) {
  Rig rig;
  rig.server.on("GET", "/slow", [](const FakeRequest&, FakeAnswer& answer) { answer.stall(); });
  std::vector<std::string> answered;
  const auto done = [&](const auto& result) { answered.push_back(text_of(result)); };
  rig.transport->send({.target = "/slow"}, kPatience, done);
  rig.transport->send({.target = "/slow"}, 60ms, done);
  rig.transport->send({.target = "/slow"}, 20ms, done);
  ASSERT_TRUE(rig.run_until([&] { return answered.size() == 2; }));
  for (const std::string& text : answered) EXPECT_THAT(text, HasSubstr("it was not sent"));
  ASSERT_TRUE(rig.run_until([&] { return rig.server.requests().size() == 1; }));
  rig.server.cut_all();
  ASSERT_TRUE(rig.run_until([&] { return answered.size() == 3; }));
  EXPECT_THAT(answered[2], HasSubstr("io API server"));
  EXPECT_EQ(rig.server.requests().size(), 1U);
}

TEST(Fault, AnAnswerThatNobodyAskedFor) {
  Rig rig;
  rig.server.on("GET", "/twice", [](const FakeRequest&, FakeAnswer& answer) {
    answer.json(200, "first");
    answer.json(200, "second");
  });
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  EXPECT_EQ(text_of(rig.get("/twice")), "ok 200 first");
  EXPECT_TRUE(rig.run_until([&] { return rig.server.open_connections() == 0; }));
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  EXPECT_EQ(rig.server.connections(), 2U);
}

TEST(Fault, TenMinutesAway) {
  Rig rig;
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  ASSERT_TRUE(rig.get("/"));
  rig.server.stop();
  for (int i = 0; i < 5; ++i) {
    const auto answer = rig.get("/");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::io) << answer.error().text;
  }
  rig.server.start();
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
}

std::atomic<int> sigpipes{0};

// A peer that is gone must not cost the process: the library leaves SIGPIPE as the game has it.
TEST(Fault, NoSigpipe) {
  struct sigaction count{}, before{};
  count.sa_handler = [](int) { ++sigpipes; };
  ASSERT_EQ(::sigaction(SIGPIPE, &count, &before), 0);
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  ASSERT_EQ(::pthread_sigmask(SIG_UNBLOCK, &set, &old), 0);
  // The check can fail at all: a plain write to a socket whose peer is gone.
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ::close(pair[1]);
  EXPECT_EQ(::write(pair[0], "x", 1), -1);
  ::close(pair[0]);
  EXPECT_EQ(sigpipes.exchange(0), 1);
  const unsigned sent_before = sends(), loud_before = sends_with_signal();

  for (int round = 0; round < 20; ++round) {
    Rig rig;
    rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) {
      answer.json(200, "{}");
      answer.ignore();
    });
    ASSERT_TRUE(rig.get("/"));
    // Sends into a connection that is reset while it does.
    std::string result;
    rig.transport->send({.method = "PATCH", .target = "/", .body = std::string(std::size_t{4} << 20, 'x')},
                        20s, [&](auto answer) { result = text_of(answer); });
    if (round % 2 == 0) {
      rig.io.restart();
      rig.io.run_for(2ms);
    }
    rig.server.stop();
    ASSERT_TRUE(rig.run_until([&] { return !result.empty(); }));
    // And into a handshake.
    rig.server.welcome(FakeApiServer::Welcome::hang_up);
    rig.server.start();
    EXPECT_FALSE(rig.get("/"));
  }
  EXPECT_EQ(sigpipes, 0);
  EXPECT_GT(sends(), sent_before + 100) << "not counted";
  EXPECT_EQ(sends_with_signal(), loud_before) << "every send of Asio's has MSG_NOSIGNAL";
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  ::sigaction(SIGPIPE, &before, nullptr);
}

}  // namespace
}  // namespace okg::kube::test
