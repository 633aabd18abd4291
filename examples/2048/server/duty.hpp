// What this game and its controller have to say to each other. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <okg/okg.hpp>
#include <optional>

namespace game2048 {

// Owned by the game loop's thread; the server has to outlive it.
class Duty {
 public:
  struct World {
    std::function<bool()> is_saved;  // all that has to outlive this process
    std::function<void()> stop;      // end the game
    std::function<void(const std::string& text)> log;
  };
  Duty(okg::GameServer& server, World world);
  Duty(const Duty&) = delete;
  Duty& operator=(const Duty&) = delete;
  ~Duty() { server_.close(); }  // its callbacks lead here

  // Once a tick. Allocated while somebody plays, None when nobody has for a while: who allocates a server
  // sends players, and pages come back after a reload. Any other opsState is the operator's.
  void tick(std::size_t players);

 private:
  void update(const okg::UpdateNotice& notice);

  okg::GameServer& server_;
  World world_;
  bool is_writing_ = false;
  std::chrono::steady_clock::time_point busy_at_;
  std::optional<std::uint64_t> waiting_;  // the update that waits for us
};

}  // namespace game2048
