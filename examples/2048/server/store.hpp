// Boards, best scores and what the database has to hear of, in hot state: all of it survives SIGKILL.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <okg/okg.hpp>
#include <optional>
#include <string>
#include <vector>

#include "board.hpp"

namespace game2048 {

struct Player {
  std::string id;  // 1 to 64 characters
  Board::State board = {};
  std::uint64_t best = 0;
  std::optional<std::uint64_t> moves = {};  // in all games; of game-2048-next
};

// Of the game loop's thread, but for the outbox.
class Store {
 public:
  static okg::Result<Store> open(okg::HotState hot);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) = delete;
  ~Store();

  // What a new player has in `moves`.
  static std::optional<std::uint64_t> no_moves();

  // Everybody who is kept.
  std::vector<Player> load() const;
  // Board, best score and news in one transaction: the database never hears of what is not kept, and of all
  // that is.
  okg::Result<void> save(const Player& player, bool is_best, bool is_over);
  okg::Result<void> erase(const std::string& id);

  struct Letter {
    std::uint64_t sequence;
    std::string line;  // JSON; holds the sequence too
  };
  // The oldest that is not acknowledged. Any thread.
  std::optional<Letter> first_letter() const;
  okg::Result<void> acknowledge(std::uint64_t sequence);
  // Sequences begin anew in a new segment: the key of a letter is both.
  std::uint64_t series() const noexcept;

  // "resumed, epoch 2, …"
  std::string report() const;
  // Once a tick.
  void poll(std::chrono::nanoseconds budget);

 private:
  struct Tables;
  explicit Store(std::unique_ptr<Tables> tables);

  std::unique_ptr<Tables> tables_;
};

}  // namespace game2048
