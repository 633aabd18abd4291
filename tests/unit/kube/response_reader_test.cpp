// Answers that come in any pieces, and what is none.
#include "kube/response_reader.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace okg::kube {
namespace {

using namespace std::chrono_literals;
using State = ResponseReader::State;

// What is read of `text` given in pieces of `size`; then the connection ends.
std::string read_in(const std::string& text, std::size_t size, bool orderly = true) {
  ResponseReader reader;
  std::string body;
  for (std::size_t at = 0; at < text.size(); at += size) {
    const State state = reader.feed(std::string_view(text).substr(at, size));
    body += reader.take_body();
    if (state == State::failed) return std::string(reader.trouble());
  }
  if (reader.state() != State::complete && reader.end(orderly) == State::failed)
    return std::string(reader.trouble());
  body += reader.take_body();
  return std::to_string(reader.status()) + " " + body;
}

std::string read(const std::string& text, bool orderly = true) {
  const std::string whole = read_in(text, text.size() + 1, orderly);
  for (const std::size_t size : {1U, 2U, 3U, 5U, 7U, 64U})
    EXPECT_EQ(read_in(text, size, orderly), whole) << size << ": " << text;
  return whole;
}

TEST(ResponseReader, EveryKindOfBody) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "200 hello");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
            "200 hello");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n1\r\n0\r\n1;x=y\r\n\r\r\n2\r\n0\r\r\n00\r\nT: x\r\n\r\n"),
            "200 0\r0\r");
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n"), "204 ");
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"), "304 ");
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n"
                 "Content-Length: 1\r\n\r\nx"),
            "200 x");
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nuntil the end"), "200 until the end");
}

TEST(ResponseReader, WhatIsCutOffIsNoAnswer) {
  const std::string length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t size = 1; size < length.size(); ++size)
    EXPECT_EQ(read(length.substr(0, size)), "is cut off") << size;
  const std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (std::size_t size = 1; size < chunks.size(); ++size)
    EXPECT_EQ(read(chunks.substr(0, size)), "is cut off") << size;
  EXPECT_EQ(read(""), "did not come before the connection was closed");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nwithout a length", false), "is cut off");
}

TEST(ResponseReader, WhatIsNoAnswer) {
  for (const std::string& text :
       {std::string("SSH-2.0-OpenSSH_9\r\n\r\n"), std::string("HTTP/3.0 200 OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), std::string("HTTP/1.1 20 OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n"),
        std::string("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25)})
    EXPECT_EQ(read(text), "is not HTTP") << text;
  EXPECT_EQ(read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "switches to another protocol");
  for (const char* fields :
       {"Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"})
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\nx").substr(0, 4), "is n") << fields;
}

TEST(ResponseReader, NoBusyWorkForNothing) {
  std::string announcements;
  for (int i = 0; i < 20; ++i) announcements += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(read_in(announcements, 1000), "is announced again and again");
  EXPECT_EQ(read_in("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), 1000),
            "has a header of more than 64 KiB");
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string extensions = chunked;
  for (int i = 0; i < 2000; ++i) extensions += "1;" + std::string(200, 'x') + "\r\na\r\n";
  EXPECT_EQ(read_in(extensions, 1000), "is hardly anything but its framing");
  EXPECT_EQ(read_in(chunked + "1;" + std::string(1'000'000, 'x'), 1000), "is not HTTP");
  EXPECT_EQ(read_in(chunked + "0\r\nT: " + std::string(1'000'000, 'x'), 1000), "is not HTTP");
  // Chunks of a byte are all right.
  std::string bytes = chunked;
  for (int i = 0; i < 100'000; ++i) bytes += "1\r\nx\r\n";
  EXPECT_EQ(read_in(bytes + "0\r\n\r\n", 1000), "200 " + std::string(100'000, 'x'));
}

TEST(ResponseReader, AHugeLengthTakesNoMemory) {
  ResponseReader reader;
  EXPECT_EQ(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\nx"), State::body);
  EXPECT_EQ(reader.take_body(), "x");
  EXPECT_EQ(reader.end(true), State::failed);
}

TEST(ResponseReader, WhatItKnows) {
  ResponseReader reader;
  EXPECT_FALSE(reader.begun());
  EXPECT_EQ(reader.feed("HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nTransfer-Enc"), State::head);
  EXPECT_TRUE(reader.begun());
  EXPECT_EQ(reader.feed("oding: chunked\r\n\r\n"), State::body);
  EXPECT_EQ(reader.status(), 429U);
  EXPECT_EQ(reader.retry_after(), 7s);
  EXPECT_FALSE(reader.keep_alive());
  EXPECT_EQ(reader.feed("2\r\nab\r\n"), State::body);
  EXPECT_EQ(reader.take_body(), "ab");
  EXPECT_EQ(reader.take_body(), "");
  EXPECT_EQ(reader.feed("0\r\n\r\n"), State::complete);
  EXPECT_TRUE(reader.keep_alive());
}

TEST(ResponseReader, ConnectionsThatAreNotKept) {
  const auto kept = [](const std::string& text) {
    ResponseReader reader;
    EXPECT_EQ(reader.feed(text), State::complete) << text;
    return reader.keep_alive();
  };
  EXPECT_TRUE(kept("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(kept("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(kept("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(kept("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore")) << "nobody asked for more";
}

TEST(ResponseReader, RetryAfterThatIsNoNumber) {
  for (const char* value :
       {"Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "", "99999999999999999999", "1e9"}) {
    ResponseReader reader;
    reader.feed("HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: " + std::string(value) + "\r\n\r\n");
    ASSERT_EQ(reader.state(), State::complete);
    EXPECT_EQ(reader.retry_after(), std::nullopt) << value;
  }
}

}  // namespace
}  // namespace okg::kube
