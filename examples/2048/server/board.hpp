// The rules of 2048: a board of 4 by 4, slides, merges, new tiles, score. Pure: no input, no output, no
// clock. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace game2048 {

enum class Direction { up, right, down, left };

// playing: moves count. won: 2048 has just been made; the player may keep going. over: nothing can slide.
enum class Phase { playing, won, over };

// Cells are numbered row by row from the top left, 0 to 15.
struct Slide {
  int from;
  int to;
  bool merged;  // ends inside another tile: two slides with one `to` make one tile of twice the value
  bool operator==(const Slide&) const = default;
};

struct Spawn {
  int cell;
  std::uint32_t value;
  bool operator==(const Spawn&) const = default;
};

// What one move did. Nothing slid: no slides and no spawn.
struct Turn {
  std::vector<Slide> slides;
  std::optional<Spawn> spawn;
};

class Board {
 public:
  static constexpr int side = 4;
  static constexpr int size = side * side;
  static constexpr std::uint32_t goal = 2048;
  using Cells = std::array<std::uint32_t, size>;  // 0: empty
  // A number in [0, below), each as likely.
  using Random = std::function<std::uint32_t(std::uint32_t below)>;

  // All there is to a game but the tiles to come.
  struct State {
    Cells cells{};
    std::uint64_t score = 0;
    std::uint32_t turns = 0;  // moves that slid something
    bool reached_goal = false;
    bool keeps_going = false;
    bool operator==(const State&) const = default;
  };

  // A new game: two tiles.
  explicit Board(Random random);
  // A game under way.
  Board(const Cells& cells, std::uint64_t score, Random random);
  Board(const State& state, Random random);

  const State& state() const noexcept { return state_; }
  const Cells& cells() const noexcept { return state_.cells; }
  std::uint64_t score() const noexcept { return state_.score; }
  std::uint32_t turns() const noexcept { return state_.turns; }
  Phase phase() const noexcept;

  // Does nothing unless the phase is `playing`.
  Turn move(Direction direction);
  // After `won`: play on for more.
  void keep_going() noexcept;

 private:
  bool can_slide() const noexcept;
  std::optional<Spawn> spawn();

  State state_{};
  Random random_;
};

}  // namespace game2048
