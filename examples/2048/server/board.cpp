// SPDX-License-Identifier: Apache-2.0
#include "board.hpp"

#include <algorithm>
#include <utility>

namespace game2048 {
namespace {

// The cell at `step` of line `line`, counted from the edge that tiles slide to.
int cell_of(Direction direction, int line, int step) {
  const int last = Board::side - 1;
  switch (direction) {
    case Direction::up:
      return step * Board::side + line;
    case Direction::down:
      return (last - step) * Board::side + line;
    case Direction::left:
      return line * Board::side + step;
    case Direction::right:
      return line * Board::side + last - step;
  }
  return 0;
}

}  // namespace

Board::Board(Random random) : random_(std::move(random)) {
  spawn();
  spawn();
}

Board::Board(const Cells& cells, std::uint64_t score, Random random)
    : state_{.cells = cells,
             .score = score,
             .reached_goal = std::ranges::any_of(cells, [](std::uint32_t value) { return value >= goal; })},
      random_(std::move(random)) {}

Board::Board(const State& state, Random random) : state_(state), random_(std::move(random)) {}

Phase Board::phase() const noexcept {
  if (state_.reached_goal && !state_.keeps_going) return Phase::won;
  return can_slide() ? Phase::playing : Phase::over;
}

Turn Board::move(Direction direction) {
  Turn turn;
  if (phase() != Phase::playing) return turn;
  for (int line = 0; line < side; ++line) {
    int free = 0;        // the next place at the edge
    int mergeable = -1;  // the tile there that has not merged in this move
    for (int step = 0; step < side; ++step) {
      const int from = cell_of(direction, line, step);
      const std::uint32_t value = std::exchange(state_.cells[static_cast<std::size_t>(from)], 0);
      if (value == 0) continue;
      if (mergeable >= 0 && state_.cells[static_cast<std::size_t>(mergeable)] == value) {
        state_.cells[static_cast<std::size_t>(mergeable)] = value * 2;
        state_.score += value * 2;
        if (value * 2 == goal) state_.reached_goal = true;
        turn.slides.push_back({from, std::exchange(mergeable, -1), true});
        continue;
      }
      mergeable = cell_of(direction, line, free++);
      state_.cells[static_cast<std::size_t>(mergeable)] = value;
      if (mergeable != from) turn.slides.push_back({from, mergeable, false});
    }
  }
  if (turn.slides.empty()) return turn;
  ++state_.turns;
  turn.spawn = spawn();
  return turn;
}

void Board::keep_going() noexcept {
  if (state_.reached_goal) state_.keeps_going = true;
}

bool Board::can_slide() const noexcept {
  for (int cell = 0; cell < size; ++cell) {
    const std::uint32_t value = state_.cells[static_cast<std::size_t>(cell)];
    if (value == 0) return true;
    if (cell % side != side - 1 && value == state_.cells[static_cast<std::size_t>(cell + 1)]) return true;
    if (cell + side < size && value == state_.cells[static_cast<std::size_t>(cell + side)]) return true;
  }
  return false;
}

std::optional<Spawn> Board::spawn() {
  const auto empty = static_cast<std::uint32_t>(std::ranges::count(state_.cells, 0U));
  if (empty == 0) return std::nullopt;
  auto skip = random_(empty);
  const std::uint32_t value = random_(10) == 0 ? 4 : 2;
  for (int cell = 0; cell < size; ++cell) {
    if (state_.cells[static_cast<std::size_t>(cell)] != 0 || skip-- > 0) continue;
    state_.cells[static_cast<std::size_t>(cell)] = value;
    return Spawn{cell, value};
  }
  return std::nullopt;
}

}  // namespace game2048
