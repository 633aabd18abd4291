// What is there for the next process. SPDX-License-Identifier: Apache-2.0
#include "store.hpp"

#include <nlohmann/json.hpp>

#include "game.hpp"
#include "store_fixture.hpp"

namespace game2048 {
namespace {

using Json = nlohmann::json;

std::vector<Outgoing> say(Game& game, ConnectionId connection, const Json& message) {
  return game.handle({.kind = Event::Kind::message, .connection = connection, .text = message.dump()});
}
Json hello(Game& game, ConnectionId connection, const std::string& session) {
  return Json::parse(*say(game, connection, {{"type", "hello"}, {"session", session}}).back().text);
}
Json move(Game& game, const char* direction) {
  return Json::parse(*say(game, 1, {{"type", "move"}, {"direction", direction}}).back().text);
}
// Until nothing slides.
Json play_to_the_end(Game& game) {
  Json board;
  do
    for (const char* direction : {"left", "down", "right", "up"}) board = move(game, direction);
  while (board["phase"] == "playing");
  return board;
}

void expect_same(const Player& kept, const Player& saved) {
  EXPECT_EQ(kept.id, saved.id);
  EXPECT_EQ(kept.board, saved.board);
  EXPECT_EQ(kept.best, saved.best);
  EXPECT_EQ(kept.moves, saved.moves);
}

TEST_F(StoreTest, KeepsAllOfAPlayer) {
  Player long_one = anna;
  long_one.id = std::string(64, 'x');
  ASSERT_TRUE(open().save(anna, false, false));
  ASSERT_TRUE(store->save(long_one, false, false));
  const auto kept = open().load();
  ASSERT_EQ(kept.size(), 2U);
  for (const Player& player : kept) expect_same(player, player.id == anna.id ? anna : long_one);
  ASSERT_TRUE(store->erase(anna.id));
  EXPECT_EQ(open().load().size(), 1U);
}

TEST_F(StoreTest, TheSeriesIsOfTheSegment) {
  const auto series = open().series();
  EXPECT_EQ(open().series(), series);
  store.reset();
  okg::test::TemporaryDirectory other;
  auto hot =
      okg::HotState::open("game-2048", {.directory = other.path() + "/hot", .max_bytes = 8 * okg::MiB});
  ASSERT_TRUE(hot) << hot.error().text;
  const auto second = Store::open(*std::move(hot));
  ASSERT_TRUE(second);
  EXPECT_NE(second->series(), series);
}

TEST_F(StoreTest, TheNextGameGoesOnWithTheSameBoards) {
  Json played;
  {
    Game game(1, &open());
    hello(game, 1, anna.id);
    for (int i = 0; i < 10; ++i) played = move(game, i % 2 == 0 ? "left" : "down");
    ASSERT_GT(played["turns"], 0);
  }
  Game game(2, &open());
  EXPECT_EQ(game.sessions(), 1U);
  const Json found = hello(game, 1, anna.id);
  for (const char* what : {"cells", "score", "best", "turns", "phase"})
    EXPECT_EQ(found[what], played[what]) << what;
  EXPECT_FALSE(found.contains("moves"));  // comes with the next version
}

TEST_F(StoreTest, ABoardThatNobodyMovedIsKeptToo) {
  Json seen;
  {
    Game game(1, &open());
    seen = hello(game, 1, anna.id);
  }
  Game game(2, &open());
  EXPECT_EQ(hello(game, 1, anna.id), seen);
}

TEST_F(StoreTest, EachNewBestAndTheEndAreNewsOnce) {
  Json end;
  {
    Game game(1, &open());
    hello(game, 1, anna.id);
    end = play_to_the_end(game);
    move(game, "left");
  }
  {
    Game game(2, &open());  // does not say it again
    hello(game, 1, anna.id);
    move(game, "left");
  }
  std::uint64_t best = 0;
  std::uint64_t sequence = 0;
  int overs = 0;
  while (const auto letter = store->first_letter()) {
    const Json news = Json::parse(letter->line);
    EXPECT_EQ(news["series"], store->series());
    EXPECT_EQ(news["sequence"], letter->sequence);
    EXPECT_EQ(news["player"], anna.id.substr(0, 8));
    EXPECT_GT(letter->sequence, sequence);
    sequence = letter->sequence;
    if (news["news"] == "over") {
      EXPECT_EQ(news["score"], end["score"]);
      EXPECT_EQ(news["turns"], end["turns"]);
      ++overs;
    } else {
      EXPECT_GT(news["score"], best);
      best = news["score"];
    }
    ASSERT_TRUE(store->acknowledge(letter->sequence));
  }
  EXPECT_EQ(overs, 1);
  EXPECT_EQ(best, end["best"]);
  EXPECT_FALSE(open().first_letter());
}

TEST_F(StoreTest, WhereNothingCanBeKeptTheGameGoesOnAndIsKeptLater) {
  open();
  std::uint64_t last = 0;
  Player other = anna;
  while (store->save(other, true, false)) ++last;  // nobody takes the letters away
  ASSERT_GT(last, 100U);
  Json played;
  {
    Game game(1, &*store);
    hello(game, 1, "bert-0123456789abcdef");
    for (const char* direction : {"left", "down", "right", "up", "left", "down"})
      played = move(game, direction);
    for (int i = 0; i < 30 && played["score"] == 0; ++i) played = move(game, i % 2 == 0 ? "left" : "down");
    ASSERT_GT(played["score"], 0);
    while (const auto letter = store->first_letter()) ASSERT_TRUE(store->acknowledge(letter->sequence));
    played = move(game, "right");
  }
  const auto letter = store->first_letter();
  ASSERT_TRUE(letter);
  EXPECT_EQ(Json::parse(letter->line)["score"], played["best"]);
  Game game(2, &open());
  EXPECT_EQ(hello(game, 1, "bert-0123456789abcdef")["cells"], played["cells"]);
}

TEST_F(StoreTest, WhoIsForgottenIsForgottenHereToo) {
  open();
  {
    Game game(1, &*store);
    for (std::size_t i = 0; i < Game::most_sessions + 10; ++i) {
      hello(game, i, "visitor-000000000-" + std::to_string(i));
      game.handle({.kind = Event::Kind::closed, .connection = i});
    }
  }
  const auto kept = store->load();
  EXPECT_EQ(kept.size(), Game::most_sessions);
  for (const Player& player : kept) EXPECT_NE(player.id, "visitor-000000000-0");
}

}  // namespace
}  // namespace game2048
