// What lies in hot state: bytes that the next process reads, so a change of a layout is a new version of it,
// with a way from the one before. game-2048 has version 1 of the boards, game-2048-next (GAME_2048_NEXT) has
// version 2. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <okg/okg.hpp>

namespace game2048 {

// A session's id, filled up with zeros.
using PlayerKey = std::array<char, 64>;

struct BoardV1 {
  std::array<std::uint8_t, 16> cells;  // 2 to the power of it; 0: empty
  std::uint32_t score;
  std::uint32_t turns;
  bool reached_goal;
  bool keeps_going;
};

#if defined(GAME_2048_NEXT)
struct BoardV2 {
  std::array<std::uint8_t, 16> cells;
  std::uint64_t score;
  std::uint64_t moves;  // in all games of the player
  std::uint32_t turns;
  bool reached_goal;
  bool keeps_going;
};

// Nobody counted the moves of earlier games.
inline BoardV2 upgrade(const BoardV1& old) {
  return {.cells = old.cells,
          .score = old.score,
          .moves = old.turns,
          .turns = old.turns,
          .reached_goal = old.reached_goal,
          .keeps_going = old.keeps_going};
}
using BoardRecord = BoardV2;
#else
using BoardRecord = BoardV1;
#endif

struct BestRecord {
  std::uint64_t score;
};

// What the database has to hear of.
enum class News : std::uint32_t { best = 1, over = 2 };
struct NewsRecord {
  PlayerKey player;
  std::uint64_t score;
  std::uint32_t turns;
  News news;
};

}  // namespace game2048

// The name stays, the version rises.
#if defined(GAME_2048_NEXT)
OKG_HOT_SCHEMA(game2048::BoardRecord, 2, cells, score, moves, turns, reached_goal, keeps_going)
OKG_HOT_SCHEMA(game2048::BoardV1, 1, cells, score, turns, reached_goal, keeps_going)
#else
OKG_HOT_SCHEMA(game2048::BoardRecord, 1, cells, score, turns, reached_goal, keeps_going)
#endif
OKG_HOT_SCHEMA(game2048::BestRecord, 1, score)
OKG_HOT_SCHEMA(game2048::NewsRecord, 1, player, score, turns, news)
