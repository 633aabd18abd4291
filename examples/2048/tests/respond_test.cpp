// HTTP answers. SPDX-License-Identifier: Apache-2.0
#include "respond.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/buffers_iterator.hpp>
#include <map>
#include <memory>
#include <string>

namespace game2048 {
namespace {

namespace http = boost::beast::http;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Site site() {
  auto pages = std::make_shared<std::map<std::string, Page, std::less<>>>();
  pages->emplace("index.html", Page{"text/html; charset=utf-8", "<p>page</p>"});
  pages->emplace("style.css", Page{"text/css; charset=utf-8", "p{}"});
  return {.version = "2",
          .client = {.pages = std::move(pages), .etag = "\"c1\""},
          .texts = {.game_over = "a", .win = "b", .json = "{\"x\":1}", .etag = "\"t1\""}};
}

Request get(std::string_view target, http::verb verb = http::verb::get) {
  Request request(verb, target, 11);
  request.set(http::field::host, "127.0.0.1:8048");
  return request;
}

std::string answer(const Request& request, const Site* served) {
  auto message = respond(request, served);
  std::string text;
  boost::beast::error_code error;
  while (!message.is_done()) {
    const auto buffers = message.prepare(error);
    if (error) return "error " + error.message();
    std::size_t size = 0;
    for (const auto& buffer : buffers) {
      text.append(static_cast<const char*>(buffer.data()), buffer.size());
      size += buffer.size();
    }
    message.consume(size);
  }
  return text;
}

TEST(Respond, ServesTheClientAndTheTexts) {
  const Site served = site();
  for (const char* target : {"/", "/index.html", "/?x=1"}) {
    const std::string text = answer(get(target), &served);
    EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\nETag: \"c1\"\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\nCache-Control: no-cache\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\nX-Payload-Version: 2\r\n"));
    EXPECT_THAT(text, Not(HasSubstr("Last-Modified")));
    EXPECT_THAT(text, EndsWith("\r\n\r\n<p>page</p>"));
  }
  EXPECT_THAT(answer(get("/texts/en.json"), &served), EndsWith("\r\n\r\n{\"x\":1}"));
}

TEST(Respond, HeadHasTheHeadersOnly) {
  const Site served = site();
  const std::string text = answer(get("/style.css", http::verb::head), &served);
  EXPECT_THAT(text, HasSubstr("\r\nContent-Length: 3\r\n"));
  EXPECT_THAT(text, EndsWith("\r\n\r\n"));
}

TEST(Respond, TheSameTagIsNotSentAgain) {
  const Site served = site();
  Request request = get("/");
  for (const char* same : {"\"c1\"", "W/\"c1\"", "\"old\", \"c1\"", "*"}) {
    request.set(http::field::if_none_match, same);
    const std::string text = answer(request, &served);
    EXPECT_THAT(text, StartsWith("HTTP/1.1 304 ")) << same;
    EXPECT_THAT(text, EndsWith("\r\n\r\n"));
  }
  request.set(http::field::if_none_match, "\"t1\"");
  EXPECT_THAT(answer(request, &served), StartsWith("HTTP/1.1 200 "));
}

TEST(Respond, OnlyPathsOfThePayloadAreFound) {
  const Site served = site();
  for (const char* target : {"/client/index.html", "//index.html", "/../etc/passwd", "/%2e%2e/etc/passwd",
                             "index.html", "/texts/", "/texts/de.json", "*", "/index.html/"})
    EXPECT_THAT(answer(get(target), &served), StartsWith("HTTP/1.1 404 ")) << target;
}

TEST(Respond, NothingIsServedBeforeTheFirstPayload) {
  const std::string text = answer(get("/"), nullptr);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(text, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_THAT(text, HasSubstr("waiting for the first payload"));
}

TEST(Respond, OtherMethodsAreRefused) {
  const Site served = site();
  const std::string text = answer(get("/", http::verb::post), &served);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(text, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
}

TEST(SameOrigin, OnlyOurOwnPagesMayConnect) {
  Request request = get("/ws");
  EXPECT_TRUE(same_origin(request));  // no browser
  request.set(http::field::origin, "http://127.0.0.1:8048");
  EXPECT_TRUE(same_origin(request));
  for (const char* other : {"http://evil.example", "http://127.0.0.1:80480", "http://127.0.0.1", "null",
                            "http://evil.example/127.0.0.1:8048"}) {
    request.set(http::field::origin, other);
    EXPECT_FALSE(same_origin(request)) << other;
  }
}

}  // namespace
}  // namespace game2048
