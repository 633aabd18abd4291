// Streams: lines in any pieces, and every way in which one can end.
#include "unit/kube/rig.hpp"

namespace okg::kube::test {
namespace {

class Stream : public testing::Test {
 protected:
  explicit Stream(TransportLimits limits = {}) : rig(limits) {
    rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) { answer.stream(); });
  }
  void watch(std::chrono::milliseconds open_deadline = kPatience,
             std::chrono::milliseconds silence = kPatience) {
    rig.calling = true;
    rig.transport->stream(watch_request(), open_deadline, silence, seen.handlers(rig));
    rig.calling = false;
  }
  std::shared_ptr<FakeStream> open() {
    watch();
    EXPECT_TRUE(rig.run_until([&] { return !seen.opened.empty(); }));
    return rig.server.wait_stream(1);
  }
  base::Error wait_ended() {
    EXPECT_TRUE(rig.run_until([&] { return !seen.ended.empty(); }));
    rig.run_ready();
    EXPECT_EQ(seen.ended.size(), 1U);
    return seen.ended.empty() ? base::Error() : seen.ended[0];
  }
  bool wait_lines(std::size_t n) {
    return rig.run_until([&] { return seen.lines.size() >= n; });
  }

  Rig rig;
  Seen seen;
};

TEST_F(Stream, LinesAsTheyCome) {
  const auto stream = open();
  EXPECT_EQ(seen.opened, std::vector<unsigned>{200});
  EXPECT_EQ(rig.server.requests()[0].target, "/watch?watch=1");
  EXPECT_EQ(rig.server.requests()[0].token, "first-token");
  stream->line(R"({"type":"ADDED"})");
  ASSERT_TRUE(wait_lines(1));
  EXPECT_TRUE(seen.ended.empty());
  stream->chunk("two\nthr");
  ASSERT_TRUE(wait_lines(2));
  stream->chunk("ee\n\nfour\n");
  ASSERT_TRUE(wait_lines(4));
  EXPECT_EQ(seen.lines, (std::vector<std::string>{R"({"type":"ADDED"})", "two", "three", "four"}));
}

TEST_F(Stream, ChunksAndRecordsOfOneByte) {
  const auto stream = open();
  const std::string text = "0\r\n" + std::string(200, 'x') + "0\n\r\n00\n";
  for (const char c : text) {
    stream->raw("1");
    stream->raw("\r\n");
    stream->raw({&c, 1});
    stream->raw("\r\n");
  }
  stream->end();
  EXPECT_EQ(wait_ended().code, Code::closed);
  EXPECT_EQ(seen.lines, (std::vector<std::string>{"0", std::string(200, 'x') + "0", "00"}));
}

TEST_F(Stream, ARequestBesideIt) {
  rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  const auto stream = open();
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  stream->line("one");
  EXPECT_TRUE(wait_lines(1));
  EXPECT_EQ(rig.server.connections(), 2U);
}

TEST_F(Stream, TheServerEndsItInOrder) {
  const auto stream = open();
  stream->line("one");
  stream->end_and_close();
  const auto error = wait_ended();
  EXPECT_EQ(error.code, Code::closed) << error.text;
  EXPECT_TRUE(error.retriable);
  EXPECT_EQ(seen.lines, std::vector<std::string>{"one"});
}

TEST_F(Stream, CutOffBetweenTwoLines) {
  const auto stream = open();
  stream->line("one");
  stream->cut();
  EXPECT_EQ(wait_ended().code, Code::io);
  EXPECT_EQ(seen.lines, std::vector<std::string>{"one"});
}

TEST_F(Stream, CutOffWithinALine) {
  const auto stream = open();
  stream->chunk("one\ntw");
  stream->reset();
  EXPECT_EQ(wait_ended().code, Code::io);
  EXPECT_LE(seen.lines.size(), 1U);
}

TEST_F(Stream, AnEndWithinALineIsCutOffToo) {
  const auto stream = open();
  stream->chunk("one\ntwo");
  stream->end();
  const auto error = wait_ended();
  EXPECT_EQ(error.code, Code::io);
  EXPECT_THAT(error.text, HasSubstr("within a line"));
  EXPECT_EQ(seen.lines, std::vector<std::string>{"one"});
}

TEST_F(Stream, WhatIsNoHttpEndsIt) {
  const auto stream = open();
  stream->line("one");
  stream->raw("xyz\r\n");
  EXPECT_EQ(wait_ended().code, Code::io);
  EXPECT_TRUE(stream->wait_gone());
}

TEST_F(Stream, SilenceEndsIt) {
  watch(kPatience, 60ms);
  const auto error = wait_ended();
  EXPECT_EQ(error.code, Code::timeout);
  EXPECT_THAT(error.text, HasSubstr("no byte of the stream for 60.0 ms"));
  EXPECT_EQ(seen.opened.size(), 1U);
}

TEST_F(Stream, ABytePutsSilenceOff) {
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) {
    answer.raw(FakeAnswer::head(200, {{"Transfer-Encoding", "chunked"}}));
    for (int i = 0; i < 22; ++i) answer.drip("1\r\nx\r\n", 10ms);
    answer.raw("1\r\n\n\r\n");
    answer.stall();
  });
  watch(kPatience, 1s);
  ASSERT_TRUE(wait_lines(1));
  EXPECT_EQ(seen.lines[0], std::string(22, 'x'));
  rig.transport->stop_stream();
}

TEST_F(Stream, TheHeaderHasADeadline) {
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) { answer.stall(); });
  std::string text;
  // A slow machine may need longer to get so far.
  for (auto deadline = 60ms; deadline < kPatience && text.find("waiting for the answer") == text.npos;
       deadline *= 2) {
    seen = {};
    watch(deadline);
    const auto error = wait_ended();
    EXPECT_EQ(error.code, Code::timeout);
    text = error.text;
  }
  EXPECT_THAT(text, HasSubstr("no answer in time: ended while waiting for the answer"));
  EXPECT_TRUE(seen.opened.empty());
  // Drops that keep coming do not move it.
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) {
    answer.drip(FakeAnswer::head(200, {{"X", std::string(10'000, 'x')}}), 5ms);
  });
  seen = {};
  watch(60ms);
  EXPECT_EQ(wait_ended().code, Code::timeout);
}

TEST_F(Stream, RefusedWithItsMessage) {
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) {
    answer.refuse(429, "TooManyRequests", "too many requests, please try again later",
                  {{"Retry-After", "2"}});
  });
  watch();
  const auto error = wait_ended();
  EXPECT_EQ(error.code, Code::busy);
  EXPECT_THAT(error.text, HasSubstr("too many requests, please try again later"));
  EXPECT_TRUE(seen.opened.empty());
  ASSERT_EQ(seen.refused.size(), 1U);
  EXPECT_EQ(seen.refused[0].status, 429U);
  EXPECT_EQ(seen.refused[0].retry_after, 2s);
}

TEST_F(Stream, Gone) {
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) {
    answer.refuse(410, "Expired", "too old resource version");
  });
  watch();
  EXPECT_EQ(wait_ended().code, Code::superseded);
}

TEST_F(Stream, ARefusalThatNeverEnds) {
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) {
    answer.raw(FakeAnswer::head(500, {}));
    answer.flood(std::string(64 * 1024, 'x'));
  });
  watch();
  const auto error = wait_ended();
  EXPECT_EQ(error.code, Code::no_space);
  EXPECT_THAT(error.text, HasSubstr("2.00 MiB"));
}

TEST_F(Stream, CannotBeSent) {
  rig.calling = true;
  rig.transport->stream({.target = "no path"}, kPatience, kPatience, seen.handlers(rig));
  rig.calling = false;
  EXPECT_EQ(wait_ended().code, Code::invalid_argument);
}

TEST_F(Stream, AnotherOneStopsIt) {
  const auto first = open();
  Seen second;
  rig.transport->stream(watch_request(), kPatience, kPatience, second.handlers(rig));
  EXPECT_TRUE(first->wait_gone());
  ASSERT_TRUE(rig.run_until([&] { return !second.opened.empty(); }));
  EXPECT_TRUE(seen.ended.empty());
  EXPECT_TRUE(seen.lines.empty());
}

TEST_F(Stream, EndedAndStartedAgainFromItsOwnCallback) {
  int ended = 0;
  std::function<void()> start = [&] {
    rig.transport->stream(watch_request(), kPatience, kPatience, {.ended = [&](const base::Error&) {
                            if (++ended < 3) start();
                          }});
  };
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) { answer.stream()->end(); });
  start();
  EXPECT_TRUE(rig.run_until([&] { return ended == 3; }));
  EXPECT_EQ(rig.server.requests().size(), 3U);
}

class StreamOfLongLines : public Stream {};

TEST_F(StreamOfLongLines, UpToTheLimit) {
  const auto stream = open();
  const std::string line(std::size_t{2} << 20, 'x');
  stream->line(line);
  ASSERT_TRUE(wait_lines(1));
  EXPECT_EQ(seen.lines[0].size(), line.size());
  stream->line(line + "x");
  stream->line("never seen");
  const auto error = wait_ended();
  EXPECT_EQ(error.code, Code::no_space);
  EXPECT_THAT(error.text, HasSubstr("a line is longer than 2.00 MiB"));
  EXPECT_EQ(seen.lines.size(), 1U);
}

TEST_F(StreamOfLongLines, OneWithoutAnEnd) {
  rig.server.on("GET", "/watch", [](const FakeRequest&, FakeAnswer& answer) {
    answer.raw(FakeAnswer::head(200, {{"Transfer-Encoding", "chunked"}}));
    answer.flood("4000\r\n" + std::string(0x4000, 'x') + "\r\n");
  });
  watch();
  EXPECT_EQ(wait_ended().code, Code::no_space);
}

}  // namespace
}  // namespace okg::kube::test
