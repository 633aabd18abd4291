// What of a payload is refused, and how it is served. SPDX-License-Identifier: Apache-2.0
#include "content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "flags.hpp"

namespace game2048 {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string refusal(std::string_view json) {
  const auto texts = parse_texts(json);
  if (texts) return "accepted";
  EXPECT_EQ(texts.error().code, OKG_REJECTED);
  EXPECT_THAT(texts.error().text, StartsWith("texts/en.json: "));
  return texts.error().text;
}

TEST(Texts, AreAnObjectWithTwoStrings) {
  const auto texts = parse_texts(R"({"game_over": "*_* over", "win": "won", "more": [1]})");
  ASSERT_TRUE(texts);
  EXPECT_EQ(texts->game_over, "*_* over");
  EXPECT_EQ(texts->win, "won");
}

TEST(Texts, AnythingElseIsRefusedWithTheReason) {
  EXPECT_THAT(refusal("{\n  \"game_over\": oops\n}"), HasSubstr("not JSON at line 2, column"));
  EXPECT_THAT(refusal(""), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("{} {}"), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("{\"game_over\": \"\xff\", \"win\": \"b\"}"), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal(R"({"win":"b"})"), HasSubstr("\"game_over\" is missing"));
  EXPECT_THAT(refusal(R"({"game_over":"a"})"), HasSubstr("\"win\" is missing"));
  EXPECT_THAT(refusal(R"({"game_over":1,"win":"b"})"), HasSubstr("\"game_over\" is not a string"));
  EXPECT_THAT(refusal(R"({"game_over":"","win":"b"})"), HasSubstr("\"game_over\" has to hold"));
  EXPECT_THAT(refusal(R"({"game_over":")" + std::string(201, 'a') + R"(","win":"b"})"),
              HasSubstr("\"game_over\" has to hold"));
  EXPECT_THAT(refusal(R"({"game_over":"a","win":"b","win":"c"})"), HasSubstr("\"win\" stands there twice"));
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("not JSON"));
}

TEST(ContentType, FollowsTheEndOfTheName) {
  EXPECT_EQ(content_type("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type("deep/game.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(content_type("icon.svg"), "image/svg+xml");
  EXPECT_EQ(content_type("html"), "application/octet-stream");
}

std::string wrong(std::vector<const char*> arguments) {
  const auto parsed = parse_flags(arguments);
  const auto* text = std::get_if<std::string>(&parsed);
  return text == nullptr ? "accepted" : *text;
}

TEST(Flags, AreReadInBothSpellings) {
  const std::vector<const char*> arguments{"--port", "80", "--address=::1", "--seed=18446744073709551615"};
  const auto parsed = parse_flags(arguments);
  ASSERT_TRUE(std::holds_alternative<Flags>(parsed));
  const auto& flags = std::get<Flags>(parsed);
  EXPECT_EQ(flags.port, 80);
  EXPECT_EQ(flags.address, "::1");
  EXPECT_EQ(flags.seed, 18446744073709551615U);
  EXPECT_EQ(std::get<Flags>(parse_flags({})).address, "127.0.0.1");
}

TEST(Flags, WrongOnesAreNamed) {
  EXPECT_THAT(wrong({"--port"}), HasSubstr("--port: wants a value"));
  EXPECT_THAT(wrong({"--port", "65536"}), HasSubstr("--port 65536: not a port"));
  EXPECT_THAT(wrong({"--port", "-1"}), HasSubstr("not a port"));
  EXPECT_THAT(wrong({"--port="}), HasSubstr("not a port"));
  EXPECT_THAT(wrong({"--port", "80x"}), HasSubstr("not a port"));
  EXPECT_THAT(wrong({"--address", "localhost"}), HasSubstr("--address localhost: not an IP address"));
  EXPECT_THAT(wrong({"--address", ""}), HasSubstr("not an IP address"));
  EXPECT_THAT(wrong({"--seed", "many"}), HasSubstr("--seed many: not a number"));
  EXPECT_THAT(wrong({"--prot", "80"}), HasSubstr("--prot: no such flag"));
  EXPECT_THAT(wrong({"80"}), HasSubstr("80: no such flag"));
}

}  // namespace
}  // namespace game2048
