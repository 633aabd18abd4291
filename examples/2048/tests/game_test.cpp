// Sessions and the messages of pages. SPDX-License-Identifier: Apache-2.0
#include "game.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace game2048 {
namespace {

using Json = nlohmann::json;

const std::string anna = "anna-0123456789abcdef";
const std::string bert = "bert-0123456789abcdef";

class GameTest : public testing::Test {
 protected:
  std::vector<Outgoing> say(ConnectionId connection, const Json& message) {
    return game.handle({.kind = Event::Kind::message, .connection = connection, .text = message.dump()});
  }
  std::vector<Outgoing> hello(ConnectionId connection, const std::string& session) {
    return say(connection, {{"type", "hello"}, {"session", session}});
  }
  void close(ConnectionId connection) {
    game.handle({.kind = Event::Kind::closed, .connection = connection});
  }
  // The last message says how the board is.
  static Json board(const std::vector<Outgoing>& out) { return Json::parse(*out.back().text); }
  static bool closes(const std::vector<Outgoing>& out) { return out.size() == 1 && out[0].text == nullptr; }

  Game game{1};
};

TEST_F(GameTest, APageThatComesBackFindsItsBoard) {
  hello(1, anna);
  for (const char* direction : {"left", "up", "right", "down"})
    say(1, {{"type", "move"}, {"direction", direction}});
  const Json played = board(say(1, {{"type", "move"}, {"direction", "left"}}));
  ASSERT_GT(played["turns"], 0);
  close(1);
  const Json again = board(hello(2, anna));
  EXPECT_EQ(again["cells"], played["cells"]);
  EXPECT_EQ(again["score"], played["score"]);
  EXPECT_EQ(again["turns"], played["turns"]);
}

TEST_F(GameTest, EachSessionHasItsOwnBoard) {
  const Json first = board(hello(1, anna));
  hello(2, bert);
  for (const char* direction : {"left", "up", "right"}) {
    const auto out = say(2, {{"type", "move"}, {"direction", direction}});
    for (const Outgoing& message : out) EXPECT_EQ(message.connection, 2U);
  }
  EXPECT_EQ(board(hello(3, anna))["cells"], first["cells"]);
}

TEST_F(GameTest, TwoTabsOfOneSessionSeeTheSameBoardAndOneGetsTheAnswer) {
  hello(1, anna);
  hello(2, anna);
  const auto out = say(2, {{"type", "new"}});
  ASSERT_EQ(out.size(), 2U);
  for (const Outgoing& message : out) EXPECT_EQ(message.answer, message.connection == 2);
  EXPECT_EQ(*out[0].text, *out[1].text);
}

TEST_F(GameTest, ANewPayloadReachesEveryPageAndLeavesTheBoards) {
  const Json before = board(hello(1, anna));
  hello(2, bert);
  const auto out = game.announce("2", {.pages = {}, .etag = "\"c\""}, {.game_over = "*_*", .win = "yes"});
  ASSERT_EQ(out.size(), 2U);
  const Json message = Json::parse(*out[0].text);
  EXPECT_EQ(message["type"], "payload");
  EXPECT_EQ(message["version"], "2");
  EXPECT_EQ(message["texts"], (Json{{"game_over", "*_*"}, {"win", "yes"}}));
  EXPECT_FALSE(out[0].answer);

  // And whoever comes later hears of it first.
  const auto welcome = hello(3, anna);
  ASSERT_EQ(welcome.size(), 2U);
  EXPECT_EQ(Json::parse(*welcome[0].text), message);
  EXPECT_EQ(board(welcome)["cells"], before["cells"]);
}

TEST_F(GameTest, ANewGameKeepsTheBestScore) {
  hello(1, anna);
  Json now;
  for (int i = 0; i < 40; ++i)
    now = board(say(1, {{"type", "move"}, {"direction", i % 2 == 0 ? "left" : "up"}}));
  ASSERT_GT(now["score"], 0);
  const Json fresh = board(say(1, {{"type", "new"}}));
  EXPECT_EQ(fresh["score"], 0);
  EXPECT_EQ(fresh["best"], now["best"]);
  EXPECT_EQ(fresh["turns"], 0);
}

TEST_F(GameTest, WhatMakesNoSenseClosesTheConnection) {
  EXPECT_TRUE(closes(say(1, {{"type", "move"}, {"direction", "left"}})));  // before hello
  EXPECT_TRUE(closes(hello(1, "short")));
  EXPECT_TRUE(closes(hello(1, std::string(65, 'a'))));
  EXPECT_TRUE(closes(hello(1, "<script>0123456789")));
  EXPECT_TRUE(closes(say(1, {{"type", "hello"}, {"session", 5}})));
  EXPECT_EQ(game.sessions(), 0U);
  hello(1, anna);
  EXPECT_TRUE(closes(hello(1, anna)));  // twice
  EXPECT_TRUE(closes(say(1, {{"type", "move"}, {"direction", "sideways"}})));
  EXPECT_TRUE(closes(say(1, {{"type", "cheat"}})));
  EXPECT_TRUE(closes(say(1, Json::array({1, 2}))));
  for (const char* text : {"", "{", "nonsense", "\xff\xfe", "[[[[[[[[[[[["})
    EXPECT_TRUE(closes(game.handle({.kind = Event::Kind::message, .connection = 1, .text = text})));
}

TEST_F(GameTest, KeepsAThousandSessionsAndLosesTheOneIdleForLongest) {
  hello(1, anna);  // stays connected: is never idle
  const Json mine = board(say(1, {{"type", "new"}}));
  const auto visitor = [](std::size_t i) { return "visitor-000000000-" + std::to_string(i); };
  Json second;
  for (std::size_t i = 0; i < Game::most_sessions + 10; ++i) {
    const Json seen = board(hello(100 + i, visitor(i)));
    if (i == 50) second = seen;
    close(100 + i);
  }
  EXPECT_EQ(game.sessions(), Game::most_sessions);
  EXPECT_EQ(board(hello(2, anna))["cells"], mine["cells"]);
  EXPECT_EQ(board(hello(3, visitor(50)))["cells"], second["cells"]);
}

TEST(Game, ASeedMakesTheTilesPredictable) {
  const Event event{.kind = Event::Kind::message,
                    .connection = 1,
                    .text = Json{{"type", "hello"}, {"session", anna}}.dump()};
  Game first(42);
  Game second(42);
  Game third(43);
  const std::string text = *first.handle(event).back().text;
  EXPECT_EQ(*second.handle(event).back().text, text);
  EXPECT_NE(*third.handle(event).back().text, text);
}

}  // namespace
}  // namespace game2048
