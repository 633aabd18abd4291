// HTTP as hostile, slow or strange clients speak it.
#include <random>
#include <string>

#include "unit/control/support.hpp"

namespace okg::control::test {
namespace {

using namespace std::chrono_literals;

TEST(Protocol, PipelinedRequestsAreServedInOrder) {
  Rig rig;
  Client client = rig.unix_socket();
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += get("/livez") + post("/v1/nothing", "12345") + "\r\n" + get("/v1/status");
  ASSERT_TRUE(client.send(all));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(client.receive().status, 200);
    const int refused = client.receive().status;
    EXPECT_TRUE(refused == 404 || refused == 429) << refused;  // orders have a smaller bucket
    EXPECT_EQ(client.receive().body, R"({"schema":"okg.status/v1"})");
  }
}

TEST(Protocol, WhatFollowsALongPollIsAnsweredAfterIt) {
  Rig rig;
  const auto digest = digest_of(1);
  rig.backend.change([&](auto& state) { state.outcomes[digest] = {Verdict::pending, ""}; });
  Client client = rig.unix_socket();
  std::string all = get("/v1/status?wait=" + digest.text());
  for (int i = 0; i < 1000; ++i) all += get("/livez");  // more than is buffered
  ASSERT_TRUE(client.send(all));
  ASSERT_TRUE(rig.backend.wait_until([](const auto& state) { return state.outcomes_asked == 1; }));
  rig.backend.change([&](auto& state) { state.outcomes[digest] = {Verdict::superseded, ""}; });
  rig.notify();
  EXPECT_EQ(client.receive().status, 410);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(client.receive().status, 200);
}

TEST(Protocol, OneByteAtATime) {
  Rig rig;
  Client client = rig.unix_socket();
  for (const char c : post("/v1/status", "abc")) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.receive().status, 405);
}

TEST(Protocol, Http10) {
  Rig rig;
  Client closing = rig.unix_socket();
  const Answered once = closing.ask("GET /livez HTTP/1.0\r\n\r\n");
  EXPECT_EQ(once.status, 200);
  EXPECT_EQ(once.headers.at("connection"), "close");
  EXPECT_TRUE(closing.wait_closed());
  Client staying = rig.unix_socket();
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(staying.ask("GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").headers.at("connection"),
              "keep-alive");
}

TEST(Protocol, ConnectionClose) {
  Rig rig;
  Client client = rig.unix_socket();
  EXPECT_EQ(client.ask(get("/livez", "Connection: close\r\n")).headers.at("connection"), "close");
  EXPECT_TRUE(client.wait_closed());
}

TEST(Protocol, HalfClosedAfterItsRequest) {
  Rig rig;
  Client client = rig.unix_socket();
  client.send(get("/livez") + get("/livez"));
  ::shutdown(client.fd(), SHUT_WR);
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.wait_closed());
}

TEST(Protocol, ExpectContinue) {
  Rig rig;
  rig.backend.change([](auto& state) { state.reload_answer = {Verdict::active, ""}; });
  const std::string head =
      "POST /v1/reload HTTP/1.1\r\nHost: x\r\nX-OKG-Request: 1\r\nContent-Length: 2\r\nExpect: "
      "100-continue\r\n\r\n";
  Client client = rig.unix_socket();
  EXPECT_EQ(client.ask(head).status, 100);
  EXPECT_EQ(client.ask("{}").status, 200);
  EXPECT_EQ(client.ask(head + "{}" + get("/livez")).status, 200);  // did not wait for it
  EXPECT_EQ(client.receive().status, 200);
  // Too large: refused before it is sent.
  EXPECT_EQ(
      client.ask("POST /v1/reload HTTP/1.1\r\nContent-Length: 70000\r\nExpect: 100-continue\r\n\r\n").status,
      413);
}

TEST(Protocol, ChunkedBodies) {
  Rig rig;
  rig.backend.change([](auto& state) { state.reload_answer = {Verdict::active, ""}; });
  const std::string head =
      "POST /v1/reload HTTP/1.1\r\nX-OKG-Request: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
  Client client = rig.unix_socket();
  EXPECT_EQ(client.ask(head + "2;a=b\r\n{\"\r\n12\r\nforce\":true      }\r\n0\r\nTrailer: x\r\n\r\n").status,
            200);
  EXPECT_TRUE(rig.backend.state().asked_force);
  EXPECT_EQ(client.ask(get("/livez")).status, 200);
  EXPECT_EQ(client.ask(head + "zz\r\n").status, 400);
  EXPECT_EQ(rig.ask(head + "fffffffff\r\n").status, 413);
  EXPECT_EQ(rig.ask(head + "ffffffffffffffffffff\r\n").status, 400);
  // Many that are small, an extension without end, a trailer without end.
  std::string chunks;
  for (int i = 0; i < 70'000; ++i) chunks += "1\r\n \r\n";
  EXPECT_EQ(rig.ask(head + chunks).status, 413);
  EXPECT_EQ(rig.ask(head + "1;" + std::string(20'000, 'a')).status, 400);
  EXPECT_EQ(rig.ask(head + "0\r\n" + std::string(20'000, 'a')).status, 400);
}

TEST(Protocol, SizesHaveLimits) {
  Rig rig;
  Client client = rig.unix_socket();
  EXPECT_EQ(client.ask(post("/v1/status", std::string(64 * 1024, ' '))).status, 405);
  const Answered huge =
      client.ask("POST /v1/reload HTTP/1.1\r\nX-OKG-Request: 1\r\nContent-Length: 1073741824\r\n\r\n{");
  EXPECT_EQ(huge.status, 413);
  EXPECT_EQ(huge.headers.at("connection"), "close");
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(rig.ask(post("/v1/status", std::string(64 * 1024 + 1, ' '))).status, 413);

  const auto with_header = [](std::size_t total) {
    const std::string request = get("/livez", "X: \r\n");
    return get("/livez", "X: " + std::string(total - request.size(), 'x') + "\r\n");
  };
  EXPECT_EQ(rig.ask(with_header(8192)).status, 200);
  EXPECT_EQ(rig.ask(with_header(8193)).status, 431);
  EXPECT_EQ(rig.ask("GET /" + std::string(100'000, 'a')).status, 431);
}

TEST(Protocol, ALargeUploadThatIsRefusedStillGetsItsAnswer) {
  Rig rig(EndpointOptions{.http = "127.0.0.1:0"});
  Client client = rig.tcp();
  client.send("POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" +
              std::string(1'000'000, 'x'));
  EXPECT_EQ(client.receive().status, 413);
}

TEST(Protocol, WhatTwoReadersCouldUnderstandDifferentlyIsRefused) {
  Rig rig;
  const auto refused = [&](const std::string& request) {
    Client client = rig.unix_socket();
    client.send(request);
    const Answered answer = client.receive();
    EXPECT_EQ(answer.headers.at("connection"), "close") << request;
    EXPECT_TRUE(client.wait_closed()) << request;
    return answer.status;
  };
  const auto with = [](const std::string& headers) {
    return "POST /v1/reload HTTP/1.1\r\n" + headers + "\r\n{}";
  };
  EXPECT_EQ(refused(with("Content-Length: 2\r\nContent-Length: 2\r\n")), 400);
  EXPECT_EQ(refused(with("Content-Length: 2\r\nContent-Length: 3\r\n")), 400);
  EXPECT_EQ(refused(with("Content-Length: 2, 2\r\n")), 400);
  EXPECT_EQ(refused(with("Content-Length: +2\r\n")), 400);
  EXPECT_EQ(refused(with("Content-Length: -2\r\n")), 400);
  EXPECT_EQ(refused(with("Content-Length: 0x2\r\n")), 400);
  EXPECT_EQ(refused(with("Content-Length:\r\n")), 400);
  EXPECT_EQ(refused(with("Content-Length: 99999999999999999999\r\n")), 400);
  EXPECT_EQ(refused(with("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(refused(with("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n")), 400);
  EXPECT_EQ(refused(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(refused(with("Transfer-Encoding: gzip\r\n")), 400);
  EXPECT_EQ(refused(with("Transfer-Encoding: gzip, chunked\r\n")), 400);
  EXPECT_EQ(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nContent-Length : 2\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\nHost: a\n\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nA: b\nContent-Length: 2\r\n\r\n"), 400);
}

TEST(Protocol, OddTargetsAndUpgrades) {
  Rig rig;
  const auto ask = [&](const std::string& line, const std::string& headers = "") {
    return rig.ask(line + "\r\nHost: localhost\r\n" + headers + "\r\n").status;
  };
  EXPECT_EQ(ask("GET http://localhost/livez HTTP/1.1"), 400);
  EXPECT_EQ(ask("OPTIONS * HTTP/1.1"), 400);
  EXPECT_EQ(ask("CONNECT localhost:80 HTTP/1.1"), 400);
  EXPECT_EQ(ask("CONNECT /livez HTTP/1.1"), 400);
  EXPECT_EQ(ask("GET livez HTTP/1.1"), 400);
  EXPECT_EQ(ask("GET /liv ez HTTP/1.1"), 505);
  EXPECT_EQ(ask("GET /livez HTTP/2.0"), 505);
  EXPECT_EQ(ask("GET /livez HTTP/0.9"), 505);
  EXPECT_EQ(ask("GET /livez"), 400);
  EXPECT_EQ(ask("GET /\xc3\xbc HTTP/1.1"), 404);
  EXPECT_EQ(ask("GET /livez HTTP/1.1",
                "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
            200);
  EXPECT_EQ(rig.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status, 505);
}

TEST(Protocol, GarbageHarmsNobody) {
  Rig rig(EndpointOptions{.legacy_reload = "/reload"}, Settings{.header_timeout = 2s, .body_timeout = 2s});
  rig.backend.change([](auto& state) {
    state.desired = digest_of(1);
    state.outcomes[digest_of(1)] = {Verdict::active, ""};
  });
  std::mt19937 random(7);
  const std::string valid =
      post("/v1/reload", R"({"force":true})", "X-OKG-Request: 1\r\nPrefer: wait=0\r\n") +
      get("/v1/status?wait=sha256:00&timeout=1") + get("/reload");
  for (int round = 0; round < 300; ++round) {
    Client client = rig.unix_socket();
    ASSERT_TRUE(client.connected());
    std::string bytes = valid;
    if (round % 3 == 0) {
      for (char& c : bytes) c = static_cast<char>(random());
    } else {
      for (int i = 0; i < 1 + round % 7; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    client.send(bytes);
  }
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);  // TLS, by mistake
  EXPECT_EQ(rig.ask(hello).status, 400);
  EXPECT_EQ(rig.ask(get("/livez")).status, 200);
}

TEST(Times, SlowHeadersAndBodiesAreCutOff) {
  Rig rig({}, Settings{.header_timeout = 100ms, .body_timeout = 100ms});
  Client header = rig.unix_socket(), body = rig.unix_socket(), second = rig.unix_socket(),
         silent = rig.unix_socket();
  header.send("GET /livez HTTP/1.1\r\nX-A: b\r\n");
  body.send("POST /v1/reload HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345");
  second.send(get("/livez") + "GET");
  EXPECT_EQ(header.receive().status, 408);
  EXPECT_TRUE(header.wait_closed());
  EXPECT_EQ(body.receive().status, 408);
  EXPECT_TRUE(body.wait_closed());
  EXPECT_EQ(second.receive().status, 200);
  EXPECT_EQ(second.receive().status, 408);
  EXPECT_TRUE(silent.wait_closed());  // never said a word: no answer either
}

TEST(Times, BytesThatDripDoNotBuyTime) {
  Rig rig({}, Settings{.header_timeout = 300ms});
  Client client = rig.unix_socket();
  client.send("GET /livez HTTP/1.1\r\n");
  int drops = 0;
  // Each comes well within the limit; the whole does not.
  while (drops < 1000 && client.send("X: y\r\n")) {
    ++drops;
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_LT(drops, 1000);
}

TEST(Times, IdleConnectionsAreClosed) {
  Rig rig({}, Settings{.idle_timeout = 100ms});
  Client client = rig.unix_socket();
  EXPECT_EQ(client.ask(get("/livez")).status, 200);
  EXPECT_TRUE(client.wait_closed());
}

TEST(Times, WhoDoesNotReadIsDropped) {
  Rig rig({}, Settings{.write_timeout = 200ms});
  rig.backend.change([](auto& state) {
    state.metrics.payloads.assign(1000, {std::string(100, 'd'), std::string(10'000, 'v'), "active"});
  });
  Client client = rig.unix_socket();
  client.send(get("/metrics"));
  // The end of it cannot be read: what fitted into the socket is all there is.
  while (client.send(get("/livez"))) std::this_thread::sleep_for(20ms);
  EXPECT_EQ(rig.ask(get("/livez")).status, 200);
}

TEST(Times, ALargeAnswerArrivesWhole) {
  Rig rig;
  rig.backend.change([](auto& state) {
    state.metrics.payloads.assign(1000, {std::string(100, 'd'), std::string(10'000, 'v'), "active"});
  });
  const Answered answer = rig.ask(get("/metrics"));
  EXPECT_GT(answer.body.size(), 10'000'000u);
  EXPECT_TRUE(answer.body.ends_with("# EOF\n"));
}

TEST(Vanishing, ALongPollerIsForgotten) {
  Rig rig(EndpointOptions{.http = "127.0.0.1:0", .legacy_reload = "/reload"}, Settings{.look_again = 1h});
  for (const bool tcp : {false, true}) {
    const int before = rig.backend.state().outcomes_asked;
    rig.backend.change([](auto& state) {
      state.desired = digest_of(1);
      state.outcomes[digest_of(1)] = {Verdict::pending, ""};
    });
    Client client = tcp ? rig.tcp() : rig.unix_socket();
    client.send(get("/reload"));
    ASSERT_TRUE(rig.backend.wait_until([&](const auto& state) { return state.outcomes_asked > before; }));
    client.close();
    // Gone as soon as a notification makes nobody ask any more.
    bool forgotten = false;
    for (int i = 0; i < 10'000 && !forgotten; ++i) {
      const int asked = rig.backend.state().outcomes_asked;
      rig.notify();
      rig.on_io([](Endpoint&) {});
      rig.on_io([](Endpoint&) {});
      forgotten = rig.backend.state().outcomes_asked == asked;
    }
    EXPECT_TRUE(forgotten);
  }
}

TEST(Vanishing, InTheMiddleOfEverything) {
  Rig rig(EndpointOptions{.http = "127.0.0.1:0"});
  const std::string request = post("/v1/reload", "{}", "X-OKG-Request: 1\r\n");
  for (std::size_t length = 0; length <= request.size(); length += 3) {
    rig.unix_socket().send(request.substr(0, length));
    Client reset = rig.tcp();
    reset.send(request.substr(0, length));
    const linger hard{1, 0};
    ::setsockopt(reset.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  EXPECT_EQ(rig.ask(get("/livez")).status, 200);
}

TEST(Waiting, IsJudgedAnewWithoutANotification) {
  Rig rig({}, Settings{.look_again = 20ms});
  const auto digest = digest_of(1);
  rig.backend.change([&](auto& state) { state.outcomes[digest] = {Verdict::pending, ""}; });
  Client client = rig.unix_socket();
  client.send(get("/v1/status?wait=" + digest.text()));
  ASSERT_TRUE(rig.backend.wait_until([](const auto& state) { return state.outcomes_asked >= 2; }));
  rig.backend.change([&](auto& state) { state.outcomes[digest] = {Verdict::active, ""}; });
  EXPECT_EQ(client.receive().status, 200);
}

}  // namespace
}  // namespace okg::control::test
