// The token is read again in time, and seen by nobody but the server.
#include "unit/kube/rig.hpp"

namespace okg::kube::test {
namespace {

using okg::test::Call;

class TokenTest : public testing::Test {
 protected:
  TokenTest() {
    rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  }
  std::string last_token() { return rig.server.requests().back().token; }
  void pass_seconds(int seconds) { rig.os.monotonic_shift_ns += std::int64_t{seconds} * 1'000'000'000; }

  Rig rig;
};

TEST_F(TokenTest, ANewOneIsUsedAfterASecondAtMost) {
  ASSERT_TRUE(rig.get("/"));
  rig.server.accept_token("");
  rig.server.write_token("second");
  pass_seconds(2);
  ASSERT_TRUE(rig.get("/"));
  EXPECT_EQ(last_token(), "second");
  EXPECT_EQ(rig.server.connections(), 1U) << "a token needs no connection of its own";
}

TEST_F(TokenTest, TheFileIsLookedAtOnceASecondAtMost) {
  ASSERT_TRUE(rig.get("/"));
  const auto opened = rig.os.calls(Call::open);
  const auto read = rig.os.calls(Call::read);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(rig.get("/"));
  // A slow machine may need more than a second for them.
  EXPECT_LE(rig.os.calls(Call::open), opened + 4);
  EXPECT_EQ(rig.os.calls(Call::read), read) << "it has not changed";
}

TEST_F(TokenTest, AfterA401AtOnceAndSentAgain) {
  ASSERT_TRUE(rig.get("/"));
  rig.server.rotate_token("second");
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  EXPECT_EQ(last_token(), "second");
  EXPECT_EQ(rig.server.requests().size(), 3U);
  // A PATCH too: nothing was done for a 401.
  rig.server.on("PATCH", "/",
                [](const FakeRequest& request, FakeAnswer& answer) { answer.json(200, request.body); });
  rig.server.rotate_token("third");
  EXPECT_EQ(text_of(rig.patch("/", "{}")), "ok 200 {}");
  EXPECT_EQ(last_token(), "third");
}

TEST_F(TokenTest, OneThatIsNotAcceptedIsA401) {
  rig.server.accept_token("another");
  const auto answer = rig.get("/");
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 401U);
  EXPECT_EQ(rig.server.requests().size(), 1U) << "the file holds no other";
}

TEST_F(TokenTest, AServerThatAcceptsNoneIsAskedTwiceAtMost) {
  rig.server.on("GET", "/never", [&](const FakeRequest& request, FakeAnswer& answer) {
    rig.server.write_token(request.token + "x");  // a new one each time
    answer.refuse(401, "Unauthorized", "Unauthorized");
  });
  rig.server.accept_token("");
  const auto answer = rig.get("/never");
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 401U);
  EXPECT_EQ(rig.server.requests().size(), 2U);
}

TEST_F(TokenTest, StreamsToo) {
  rig.server.on("GET", "/watch",
                [](const FakeRequest&, FakeAnswer& answer) { answer.stream()->line("one"); });
  ASSERT_TRUE(rig.get("/"));
  rig.server.rotate_token("second");
  Seen seen;
  rig.transport->stream(watch_request(), kPatience, kPatience, seen.handlers(rig));
  ASSERT_TRUE(rig.run_until([&] { return !seen.lines.empty(); }));
  EXPECT_EQ(seen.opened, std::vector<unsigned>{200});
  EXPECT_EQ(last_token(), "second");
  rig.server.accept_token("another");
  Seen refused;
  rig.transport->stream(watch_request(), kPatience, kPatience, refused.handlers(rig));
  ASSERT_TRUE(rig.run_until([&] { return !refused.ended.empty(); }));
  EXPECT_EQ(refused.ended[0].code, Code::denied);
  EXPECT_THAT(refused.ended[0].text, HasSubstr("the token is expired or not accepted"));
}

TEST_F(TokenTest, LineEndsBehindItAreCut) {
  rig.server.accept_token("");
  rig.server.write_token("with-an-end\r\n\n");
  ASSERT_TRUE(rig.get("/"));
  EXPECT_EQ(last_token(), "with-an-end");
}

TEST_F(TokenTest, WhatIsNoTokenIsNotSent) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("a b"), std::string("a\r\nX-Evil: b"),
        std::string("a\0b", 3), std::string("\x80"), std::string(100'000, 'x')}) {
    Rig other;
    other.server.write_token(text);
    const auto answer = other.get("/");
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().text, HasSubstr("token"));
    EXPECT_EQ(other.server.connections(), 0U);
  }
}

TEST_F(TokenTest, AFileThatGoesBadLeavesTheLastOneInUse) {
  ASSERT_TRUE(rig.get("/"));
  rig.server.write_token("a b");
  pass_seconds(2);
  ASSERT_TRUE(rig.get("/"));
  EXPECT_EQ(last_token(), "first-token");
  EXPECT_THAT(rig.logged, testing::Contains(HasSubstr("the token read before stays in use")));
  std::filesystem::remove(rig.server.directory() + "/token");
  for (int i = 0; i < 5; ++i) {
    pass_seconds(2);
    ASSERT_TRUE(rig.get("/"));
  }
  EXPECT_EQ(std::count_if(rig.logged.begin(), rig.logged.end(),
                          [](const auto& line) { return line.find("No such file") != line.npos; }),
            1)
      << "said once";
  rig.server.rotate_token("second");
  pass_seconds(2);
  ASSERT_TRUE(rig.get("/"));
  EXPECT_EQ(last_token(), "second");
}

// The files are read through the seam: whichever call fails, there is an answer or an error, and the next
// request goes through.
TEST_F(TokenTest, EveryFailingCall) {
  std::uint64_t calls = 0;
  {
    Rig fresh;
    fresh.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
    ASSERT_TRUE(fresh.get("/"));
    calls = fresh.os.calls();
  }
  ASSERT_GT(calls, 5U);
  for (std::uint64_t n = 1; n <= calls; ++n) {
    Rig fresh;
    fresh.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
    fresh.os.fail_nth(n, EIO);
    const auto first = fresh.get("/");
    if (!first) {
      EXPECT_EQ(first.error().code, Code::io) << n;
    }
    fresh.os.monotonic_shift_ns += 2'000'000'000;
    EXPECT_EQ(text_of(fresh.get("/")), "ok 200 {}") << n;
  }
}

TEST_F(TokenTest, IsInNoLogAndNoError) {
  rig.server.on("GET", "/cut", [](const FakeRequest&, FakeAnswer& answer) { answer.cut(); });
  std::string said;
  for (const char* path : {"/", "/cut", "/nothing"}) said += text_of(rig.get(path)) + "\n";
  rig.server.write_token("a second-secret");
  pass_seconds(2);
  said += text_of(rig.get("/"));
  for (const std::string& line : rig.logged) said += line;
  EXPECT_EQ(said.find("first-token"), said.npos) << said;
  EXPECT_EQ(said.find("second-secret"), said.npos) << said;
}

}  // namespace
}  // namespace okg::kube::test
