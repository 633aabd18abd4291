// What game-2048-next makes of the records of game-2048. SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "game.hpp"
#include "records.hpp"
#include "store_fixture.hpp"

namespace game2048 {
namespace {

PlayerKey key_of(const std::string& id) {
  PlayerKey key{};
  id.copy(key.data(), key.size());
  return key;
}

class NextTest : public StoreTest {
 protected:
  // As game-2048 does.
  void leave_old_record() {
    okg::HotState old = hot();
    auto boards = old.table<PlayerKey, BoardV1>("boards");
    ASSERT_TRUE(boards) << boards.error().text;
    auto best = old.table<PlayerKey, BestRecord>("best");
    ASSERT_TRUE(best) << best.error().text;
    ASSERT_TRUE(boards->put(key_of(anna.id), {.cells = {1, 2, 3, 4, 0, 0, 0, 0, 15, 0, 0, 0, 0, 0, 0, 11},
                                              .score = 70000,
                                              .turns = 900,
                                              .reached_goal = true,
                                              .keeps_going = true}));
    ASSERT_TRUE(best->put(key_of(anna.id), {90000}));
  }
};

TEST_F(NextTest, GoesOnWithAnOldRecord) {
  leave_old_record();
  auto kept = open().load();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].id, anna.id);
  EXPECT_EQ(kept[0].board, anna.board);
  EXPECT_EQ(kept[0].best, 90000U);
  EXPECT_EQ(kept[0].moves, 900U);

  // And writes what the old one had no room for.
  kept[0].board.score = kept[0].best = std::uint64_t{1} << 40;
  ASSERT_TRUE(store->save(kept[0], true, false));
  const auto again = open().load();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].board, kept[0].board);
  EXPECT_EQ(again[0].moves, 900U);
}

TEST_F(NextTest, CountsMovesOverGames) {
  leave_old_record();
  Game game(1, &open());
  const auto say = [&](const nlohmann::json& message) {
    return nlohmann::json::parse(
        *game.handle({.kind = Event::Kind::message, .connection = 1, .text = message.dump()}).back().text);
  };
  EXPECT_EQ(say({{"type", "hello"}, {"session", anna.id}})["moves"], 900);
  EXPECT_EQ(say({{"type", "move"}, {"direction", "down"}})["moves"], 901);
  EXPECT_EQ(say({{"type", "new"}})["moves"], 901);
  EXPECT_EQ(open().load()[0].moves, 901U);
}

TEST_F(NextTest, TheOldBinaryLeavesNewRecordsAlone) {
  ASSERT_TRUE(open().save(anna, false, false));
  store.reset();
  {
    okg::HotState old = hot();
    auto boards = old.table<PlayerKey, BoardV1>("boards");
    ASSERT_TRUE(boards) << boards.error().text;
    EXPECT_EQ(boards->get(key_of(anna.id)).error().code, OKG_SCHEMA_MISMATCH);
    EXPECT_EQ(boards->put(key_of(anna.id), {}).error().code, OKG_SCHEMA_MISMATCH);
  }
  const auto kept = open().load();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].board, anna.board);
}

}  // namespace
}  // namespace game2048
