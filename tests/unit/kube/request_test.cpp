// Requests: what is sent, one connection for many, and connections that end at the wrong moment.
#include <future>

#include "unit/kube/rig.hpp"

namespace okg::kube::test {
namespace {

void hello(const FakeRequest&, FakeAnswer& answer) {
  answer.json(200, R"({"hello":"you"})");
}

TEST(Request, AsksAndIsAnswered) {
  Rig rig;
  rig.server.on("GET", "/version", hello);
  EXPECT_EQ(rig.server.connections(), 0U) << "opened when it is needed";
  EXPECT_EQ(text_of(rig.get("/version?a=1")), R"(ok 200 {"hello":"you"})");
  const auto requests = rig.server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].target, "/version?a=1");
  EXPECT_EQ(requests[0].token, "first-token");
  EXPECT_EQ(requests[0].headers.at("host"), "127.0.0.1:" + std::to_string(rig.server.port()));
  EXPECT_EQ(requests[0].headers.at("accept"), "application/json");
  EXPECT_FALSE(requests[0].headers.contains("content-length"));
}

TEST(Request, SendsABody) {
  Rig rig;
  rig.server.on("PATCH", "/object", [](const FakeRequest& request, FakeAnswer& answer) {
    answer.json(200, request.headers.at("content-type") + " " + request.body);
  });
  const std::string large(300'000, 'x');
  EXPECT_EQ(text_of(rig.patch("/object", "{}")), "ok 200 application/merge-patch+json {}");
  EXPECT_EQ(text_of(rig.patch("/object", large)), "ok 200 application/merge-patch+json " + large);
  EXPECT_EQ(rig.server.connections(), 1U);
}

TEST(Request, AnyStatusIsAnAnswer) {
  Rig rig;
  rig.server.on("GET", "/refused", [](const FakeRequest&, FakeAnswer& answer) {
    answer.refuse(429, "TooManyRequests", "slow down", {{"Retry-After", "3"}});
  });
  const auto answer = rig.get("/refused");
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 429U);
  EXPECT_EQ(answer->retry_after, 3s);
  EXPECT_THAT(answer->body, HasSubstr("slow down"));
  EXPECT_EQ(rig.get("/nothing")->status, 404U);
  EXPECT_EQ(rig.server.connections(), 1U);
}

TEST(Request, AThousandOnOneConnection) {
  Rig rig;
  rig.server.on("GET", "/*",
                [](const FakeRequest& request, FakeAnswer& answer) { answer.json(200, request.path); });
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(text_of(rig.get("/" + std::to_string(i))), "ok 200 /" + std::to_string(i));
  EXPECT_EQ(rig.server.connections(), 1U);
}

TEST(Request, InOrderAndOneAtATime) {
  Rig rig;
  std::atomic<int> under_way{0}, most{0};
  rig.server.on("GET", "/*", [&](const FakeRequest& request, FakeAnswer& answer) {
    most = std::max<int>(most, ++under_way);
    answer.json(200, request.path);
    --under_way;
  });
  std::vector<std::string> answered;
  for (int i = 0; i < 50; ++i)
    rig.transport->send({.target = "/" + std::to_string(i)}, kPatience,
                        [&](auto result) { answered.push_back(text_of(result)); });
  ASSERT_TRUE(rig.run_until([&] { return answered.size() == 50; }));
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(answered[i], "ok 200 /" + std::to_string(i));
  EXPECT_EQ(most, 1);
  EXPECT_EQ(rig.server.connections(), 1U);
}

TEST(Request, OnlySoManyWait) {
  Rig rig({.waiting = 3});
  rig.server.on("GET", "/", hello);
  std::vector<std::string> answered;
  rig.calling = true;
  for (int i = 0; i < 5; ++i)
    rig.transport->send({.target = "/"}, kPatience, [&](auto result) {
      EXPECT_FALSE(rig.calling);
      answered.push_back(text_of(result).substr(0, 4));
    });
  rig.calling = false;
  ASSERT_TRUE(rig.run_until([&] { return answered.size() == 5; }));
  EXPECT_EQ(std::count(answered.begin(), answered.end(), "busy"), 2);
}

TEST(Request, WhatCannotBeSent) {
  Rig rig;
  for (const Request& request :
       {Request{.target = ""}, Request{.target = "x"}, Request{.target = "/a b"},
        Request{.target = "/a\r\nB: c"}, Request{.target = "/\xc3\xbc"}, Request{.method = "", .target = "/"},
        Request{.method = "get", .target = "/"}, Request{.method = "GET /", .target = "/"},
        Request{.method = "HEAD", .target = "/"},
        Request{.method = "PATCH", .target = "/", .content_type = "a\r\nB: c"}}) {
    const auto answer = rig.ask(request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::invalid_argument) << answer.error().text;
  }
  EXPECT_EQ(rig.server.connections(), 0U);
}

TEST(Request, AConnectionThatTheServerClosesWhileItIsIdle) {
  Rig rig;
  rig.server.on("*", "/", hello);
  ASSERT_TRUE(rig.get("/"));
  rig.server.close_idle();
  ASSERT_TRUE(rig.server.wait_open(0));
  rig.run_ready();
  EXPECT_EQ(text_of(rig.patch("/", "{}")), R"(ok 200 {"hello":"you"})");
  EXPECT_EQ(rig.server.connections(), 2U);
  EXPECT_EQ(rig.server.requests().size(), 2U);
}

TEST(Request, SaysCloseItself) {
  Rig rig;
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) {
    answer.json(200, "{}", {{"Connection", "close"}});
    answer.close();
  });
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  EXPECT_EQ(rig.server.connections(), 3U);
}

TEST(Request, AConnectionToBeClosedIsNotUsedAgain) {
  Rig rig;
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) {
    answer.json(200, "{}", {{"Connection", "close"}});  // and waits for us to do it
  });
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  EXPECT_EQ(rig.server.connections(), 3U);
  EXPECT_TRUE(rig.server.wait_open(0));
}

TEST(Request, AnswersThatComeBeforeAllIsSent) {
  Rig rig;
  std::promise<void> stuck;
  rig.server.on("GET", "/", hello);
  rig.server.on("GET", "/deaf", [&](const FakeRequest&, FakeAnswer& answer) {
    answer.json(200, "{}");
    stuck.get_future().wait();
    answer.json(413, "too much");  // to what it has not read
    answer.ignore();
  });
  ASSERT_TRUE(rig.get("/deaf"));
  std::string result;
  rig.transport->send({.method = "PATCH", .target = "/", .body = std::string(std::size_t{16} << 20, 'x')},
                      kPatience, [&](auto answer) { result = text_of(answer); });
  rig.io.restart();
  while (rig.io.run_one_for(50ms) > 0) {
  }
  EXPECT_EQ(result, "");
  stuck.set_value();
  ASSERT_TRUE(rig.run_until([&] { return !result.empty(); }));
  EXPECT_EQ(result, "ok 413 too much");
  EXPECT_EQ(text_of(rig.get("/")), R"(ok 200 {"hello":"you"})") << "by another connection";
  EXPECT_EQ(rig.server.connections(), 2U);
}

TEST(Request, AnUnusedConnectionIsClosed) {
  Rig rig({.idle = 20ms});
  rig.server.on("GET", "/", hello);
  ASSERT_TRUE(rig.get("/"));
  bool closed = false;
  std::thread watcher([&] { closed = rig.server.wait_open(0); });
  rig.io.restart();
  rig.io.run_for(kPatience);  // has nothing more to do once it is closed
  watcher.join();
  EXPECT_TRUE(closed);
  EXPECT_TRUE(rig.get("/"));
  EXPECT_EQ(rig.server.connections(), 2U);
}

// The server takes a request on a connection that served before, and ends it without a byte of an answer.
void end_the_second(Rig& rig, const std::function<void(FakeAnswer&)>& end) {
  rig.server.on("*", "/",
                [end, first = std::make_shared<std::atomic<bool>>(true)](const FakeRequest& request,
                                                                         FakeAnswer& answer) {
                  if (request.connection == 1 && !first->exchange(false)) return end(answer);
                  answer.json(200, "{}");
                });
  ASSERT_TRUE(rig.get("/"));
}

TEST(Request, AGetIsSentAgainWhenItsOldConnectionEndedWithoutAnAnswer) {
  const std::vector<std::function<void(FakeAnswer&)>> ends = {[](FakeAnswer& answer) { answer.close(); },
                                                              [](FakeAnswer& answer) { answer.cut(); },
                                                              [](FakeAnswer& answer) { answer.reset(); }};
  for (const auto& end : ends) {
    Rig rig;
    end_the_second(rig, end);
    EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
    EXPECT_EQ(rig.server.connections(), 2U);
    EXPECT_EQ(rig.server.requests().size(), 3U);
  }
}

TEST(Request, APatchThatMayHaveBeenCarriedOutIsNotSentAgain) {
  for (const bool orderly : {true, false}) {
    Rig rig;
    end_the_second(rig, [=](FakeAnswer& answer) { orderly ? answer.close() : answer.reset(); });
    const auto answer = rig.patch("/", "{}");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::io);
    EXPECT_TRUE(answer.error().retriable);
    EXPECT_THAT(answer.error().text, HasSubstr("may have been carried out"));
    EXPECT_EQ(rig.server.requests().size(), 2U);
    EXPECT_EQ(text_of(rig.patch("/", "{}")), "ok 200 {}");
  }
}

TEST(Request, APatchThatNobodyCanHaveReceivedWholeIsSentAgain) {
  Rig rig;
  std::atomic<int> patches{0};
  rig.server.on("GET", "/", hello);
  rig.server.on("PATCH", "/", [&](const FakeRequest& request, FakeAnswer& answer) {
    ++patches;
    answer.json(200, std::to_string(request.body.size()));
  });
  // Does not read: what is sent gets stuck behind a full socket, and then the connection is gone.
  rig.server.on("GET", "/deaf", [](const FakeRequest&, FakeAnswer& answer) {
    answer.json(200, "{}");
    answer.ignore();
  });
  ASSERT_TRUE(rig.get("/deaf"));
  std::string result;
  const std::string body(std::size_t{16} << 20, 'x');
  rig.transport->send({.method = "PATCH", .target = "/", .content_type = "a/b", .body = body}, kPatience,
                      [&](auto answer) { result = text_of(answer); });
  rig.io.restart();
  while (rig.io.run_one_for(50ms) > 0) {
  }
  EXPECT_EQ(result, "");
  rig.server.cut_all();
  ASSERT_TRUE(rig.run_until([&] { return !result.empty(); }));
  EXPECT_EQ(result, "ok 200 " + std::to_string(body.size()));
  EXPECT_EQ(patches, 1);
  EXPECT_EQ(rig.server.connections(), 2U);
}

TEST(Request, ANewConnectionThatEndsIsAnErrorAtOnce) {
  Rig rig;
  rig.server.on("*", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.cut(); });
  const auto answer = rig.get("/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::io);
  EXPECT_EQ(rig.server.requests().size(), 1U);
}

TEST(Request, IsSentAgainOnceOnly) {
  Rig rig;
  std::atomic<bool> cut{false};
  rig.server.on("GET", "/", [&](const FakeRequest&, FakeAnswer& answer) {
    if (cut) return answer.cut();
    answer.json(200, "{}");
  });
  ASSERT_TRUE(rig.get("/"));
  cut = true;
  EXPECT_FALSE(rig.get("/"));
  EXPECT_EQ(rig.server.requests().size(), 3U);
}

}  // namespace
}  // namespace okg::kube::test
