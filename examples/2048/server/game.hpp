// Every player's board, and the messages that pages and server exchange (JSON texts over a WebSocket):
//   page:   {"type":"hello","session":"…"} first, then {"type":"move","direction":"left"},
//           {"type":"new"}, {"type":"keep"}
//   server: {"type":"payload","version","client","texts":{"game_over","win"}} at the start and with each new
//           payload; {"type":"board",…} in answer to each message of a page, when it is kept
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "board.hpp"
#include "content.hpp"
#include "inbox.hpp"
#include "store.hpp"

namespace game2048 {

struct Outgoing {
  ConnectionId connection;
  std::shared_ptr<const std::string> text;  // null: close the connection, it sent what makes no sense
  bool answer = false;                      // one for each message of that connection
};

// Owned by the game loop's thread.
class Game {
 public:
  static constexpr std::size_t most_sessions = 1000;

  // Without a seed the tiles are not predictable. Players go on with what `store`, where there is one, has
  // kept.
  explicit Game(std::optional<std::uint64_t> seed, Store* store = nullptr);

  std::vector<Outgoing> handle(const Event& event);
  // A payload came into use: tells every page. Boards stay as they are.
  std::vector<Outgoing> announce(std::string_view version, const Client& client, const Texts& texts);

  std::size_t sessions() const noexcept { return sessions_.size(); }
  std::size_t players() const noexcept { return by_connection_.size(); }

 private:
  struct Session {
    std::string id;
    Board board;
    std::uint64_t best = 0;
    std::optional<std::uint64_t> moves = Store::no_moves();
    std::uint64_t kept_best = 0;  // as the store has it
    Phase kept_phase = Phase::playing;
    std::vector<ConnectionId> connections = {};  // two tabs may share a session
  };
  using Sessions = std::list<Session>;  // the most recently used first

  Sessions::iterator session_of(const std::string& id);
  Board::Random random();
  std::vector<Outgoing> hello(ConnectionId connection, const std::string& id);
  void forget(ConnectionId connection);
  void keep(Session& session);
  void tell(const okg::Result<void>& kept);

  Store* store_;
  bool is_kept_ = true;
  std::mt19937_64 seeds_;
  Sessions sessions_;
  std::unordered_map<std::string, Sessions::iterator> by_id_;
  std::unordered_map<ConnectionId, Sessions::iterator> by_connection_;
  std::shared_ptr<const std::string> payload_;  // the newest "payload" message
};

}  // namespace game2048
