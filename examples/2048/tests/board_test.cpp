// The rules of 2048. SPDX-License-Identifier: Apache-2.0
#include "board.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace game2048 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// New tiles are 2 and come into the last empty cell.
std::uint32_t last(std::uint32_t below) {
  return below - 1;
}

Board board(const Board::Cells& cells, std::uint64_t score = 0) {
  return Board(cells, score, last);
}

TEST(Board, ANewGameHasTwoTilesAndNoScore) {
  const Board fresh(last);
  EXPECT_EQ(std::ranges::count(fresh.cells(), 0U), 14);
  EXPECT_EQ(fresh.score(), 0U);
  EXPECT_EQ(fresh.turns(), 0U);
  EXPECT_EQ(fresh.phase(), Phase::playing);
}

TEST(Board, TilesSlideToTheEdgeInEachDirection) {
  const Board::Cells middle{0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const auto where = [&](Direction direction) {
    Board moved = board(middle);
    moved.move(direction);
    return std::ranges::find(moved.cells(), 8U) - moved.cells().begin();
  };
  EXPECT_EQ(where(Direction::up), 1);
  EXPECT_EQ(where(Direction::right), 7);
  EXPECT_EQ(where(Direction::down), 13);
  EXPECT_EQ(where(Direction::left), 4);
}

TEST(Board, EqualTilesMergeOnceAndThoseAtTheEdgeFirst) {
  Board moved = board({2, 2, 2, 2,  //
                       4, 4, 8, 0,  //
                       2, 2, 2, 0,  //
                       4, 0, 0, 4});
  const Turn turn = moved.move(Direction::left);
  EXPECT_THAT(moved.cells(), ElementsAre(4, 4, 0, 0, 8, 8, 0, 0, 4, 2, 0, 0, 8, 0, 0, 2));
  EXPECT_EQ(moved.score(), 4U + 4U + 8U + 4U + 8U);
  EXPECT_THAT(turn.slides, ElementsAre(Slide{1, 0, true}, Slide{2, 1, false}, Slide{3, 1, true},  //
                                       Slide{5, 4, true}, Slide{6, 5, false},                     //
                                       Slide{9, 8, true}, Slide{10, 9, false},                    //
                                       Slide{15, 12, true}));
  EXPECT_EQ(turn.spawn, (Spawn{15, 2}));
}

TEST(Board, AWallBetweenEqualTilesKeepsThemApart) {
  Board moved = board({2, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  moved.move(Direction::right);
  EXPECT_THAT(moved.cells(), ElementsAre(0, 2, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2));
  EXPECT_EQ(moved.score(), 0U);
}

TEST(Board, AMoveThatSlidesNothingIsNoTurn) {
  Board still = board({2, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const auto before = still.cells();
  const Turn turn = still.move(Direction::left);
  EXPECT_THAT(turn.slides, IsEmpty());
  EXPECT_FALSE(turn.spawn);
  EXPECT_EQ(still.cells(), before);
  EXPECT_EQ(still.turns(), 0U);
}

TEST(Board, IsOverWhenFullAndNothingMerges) {
  Board full = board({2, 4, 2, 4, 4, 2, 4, 2, 2, 4, 2, 4, 4, 2, 4, 2}, 12);
  EXPECT_EQ(full.phase(), Phase::over);
  const auto before = full.cells();
  for (const auto direction : {Direction::up, Direction::right, Direction::down, Direction::left})
    EXPECT_THAT(full.move(direction).slides, IsEmpty());
  EXPECT_EQ(full.cells(), before);
  EXPECT_EQ(full.score(), 12U);
}

TEST(Board, IsNotOverWhileAFullBoardCanMerge) {
  EXPECT_EQ(board({2, 4, 2, 4, 4, 2, 4, 2, 2, 4, 2, 4, 4, 2, 4, 4}).phase(), Phase::playing);  // in a row
  EXPECT_EQ(board({2, 4, 2, 4, 4, 2, 4, 2, 2, 4, 2, 8, 4, 2, 4, 8}).phase(), Phase::playing);  // in a column
}

TEST(Board, TheEndOfARowDoesNotTouchTheStartOfTheNext) {
  EXPECT_EQ(board({2, 4, 2, 8, 8, 2, 4, 2, 2, 4, 2, 4, 4, 2, 4, 2}).phase(), Phase::over);
}

TEST(Board, IsWonAt2048AndGoesOnWhenAsked) {
  Board won = board({1024, 1024, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  won.keep_going();  // too early: changes nothing
  won.move(Direction::left);
  EXPECT_EQ(won.score(), 2048U);
  EXPECT_EQ(won.phase(), Phase::won);
  const auto before = won.cells();
  EXPECT_THAT(won.move(Direction::right).slides, IsEmpty());
  EXPECT_EQ(won.cells(), before);

  won.keep_going();
  EXPECT_EQ(won.phase(), Phase::playing);
  won.move(Direction::right);
  EXPECT_NE(won.cells(), before);
  EXPECT_EQ(won.phase(), Phase::playing);
}

TEST(Board, ASecond2048IsNoNewWin) {
  Board board2({1024, 1024, 0, 0, 2048, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, last);
  ASSERT_EQ(board2.phase(), Phase::won);
  board2.keep_going();
  board2.move(Direction::left);
  EXPECT_EQ(board2.phase(), Phase::playing);
}

TEST(Board, NewTilesAreFourInOneOfTenCases) {
  std::mt19937 engine(7);
  const auto random = [&](std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(engine);
  };
  int fours = 0;
  std::array<int, Board::size> seen{};
  constexpr int games = 10000;
  for (int i = 0; i < games; ++i) {
    const Board fresh(random);
    for (std::size_t cell = 0; cell < Board::size; ++cell) {
      if (fresh.cells()[cell] != 0) ++seen[cell];
      if (fresh.cells()[cell] == 4) ++fours;
    }
  }
  // 2,000 of 20,000 with a standard deviation of 42; 1,250 in each cell with one of 34.
  EXPECT_NEAR(fours, games / 5, 250);
  for (const int count : seen) EXPECT_NEAR(count, games / 8, 210);
}

TEST(Board, RandomGamesEndAndNeverLoseATile) {
  std::mt19937 engine(11);
  const auto random = [&](std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(engine);
  };
  for (int game = 0; game < 50; ++game) {
    Board played(random);
    int moves = 0;
    while (played.phase() == Phase::playing && moves < 10000) {
      const auto before = std::accumulate(played.cells().begin(), played.cells().end(), 0U);
      const Turn turn = played.move(static_cast<Direction>(random(4)));
      const auto after = std::accumulate(played.cells().begin(), played.cells().end(), 0U);
      ASSERT_EQ(after, before + (turn.spawn ? turn.spawn->value : 0));
      ++moves;
    }
    EXPECT_EQ(played.phase(), Phase::over);
  }
}

}  // namespace
}  // namespace game2048
