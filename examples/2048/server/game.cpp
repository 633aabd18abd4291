// SPDX-License-Identifier: Apache-2.0
#include "game.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

namespace game2048 {
namespace {

using Json = nlohmann::json;

std::shared_ptr<const std::string> text_of(const Json& json) {
  return std::make_shared<const std::string>(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string string_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<Direction> direction_of(std::string_view name) {
  if (name == "up") return Direction::up;
  if (name == "right") return Direction::right;
  if (name == "down") return Direction::down;
  if (name == "left") return Direction::left;
  return std::nullopt;
}

const char* name_of(Phase phase) {
  switch (phase) {
    case Phase::playing:
      return "playing";
    case Phase::won:
      return "won";
    case Phase::over:
      return "over";
  }
  return "playing";
}

// Made by the page, and hard to guess: whoever knows it may play that board.
bool is_session_id(std::string_view id) {
  return id.size() >= 16 && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
         });
}

Json board_message(const Board& board, std::uint64_t best, std::optional<std::uint64_t> moves,
                   const Turn& turn) {
  Json slides = Json::array();
  for (const Slide& slide : turn.slides)
    slides.push_back({{"from", slide.from}, {"to", slide.to}, {"merged", slide.merged}});
  Json message{{"type", "board"}, {"cells", board.cells()}, {"score", board.score()},
               {"best", best},    {"turns", board.turns()}, {"phase", name_of(board.phase())},
               {"slides", slides}};
  if (turn.spawn) message["spawn"] = turn.spawn->cell;
  if (moves) message["moves"] = *moves;
  return message;
}

}  // namespace

Game::Game(std::optional<std::uint64_t> seed, Store* store) : store_(store) {
  if (seed) {
    seeds_.seed(*seed);
  } else {
    std::random_device device;
    std::seed_seq words{device(), device(), device(), device()};
    seeds_.seed(words);
  }
  if (store_ == nullptr) return;
  for (const Player& player : store_->load()) {
    Board board(player.board, random());
    const Phase phase = board.phase();
    sessions_.push_front({.id = player.id,
                          .board = std::move(board),
                          .best = player.best,
                          .moves = player.moves,
                          .kept_best = player.best,
                          .kept_phase = phase});
    by_id_.emplace(player.id, sessions_.begin());
  }
}

std::vector<Outgoing> Game::handle(const Event& event) {
  if (event.kind == Event::Kind::closed) {
    forget(event.connection);
    return {};
  }
  const std::vector<Outgoing> close{{event.connection, nullptr, true}};
  const Json message = Json::parse(event.text, nullptr, false);
  if (!message.is_object()) return close;
  const std::string type = string_of(message, "type");
  const auto known = by_connection_.find(event.connection);
  if (known == by_connection_.end()) {
    const std::string id = string_of(message, "session");
    return type == "hello" && is_session_id(id) ? hello(event.connection, id) : close;
  }

  Session& session = *known->second;
  Turn turn;
  if (type == "move") {
    const auto direction = direction_of(string_of(message, "direction"));
    if (!direction) return close;
    turn = session.board.move(*direction);
    if (session.moves && !turn.slides.empty()) ++*session.moves;
  } else if (type == "new") {
    session.board = Board(random());
  } else if (type == "keep") {
    session.board.keep_going();
  } else {
    return close;
  }
  session.best = std::max(session.best, session.board.score());
  keep(session);
  sessions_.splice(sessions_.begin(), sessions_, known->second);
  const auto text = text_of(board_message(session.board, session.best, session.moves, turn));
  std::vector<Outgoing> out;
  for (const ConnectionId connection : session.connections)
    out.push_back({connection, text, connection == event.connection});
  return out;
}

std::vector<Outgoing> Game::announce(std::string_view version, const Client& client, const Texts& texts) {
  payload_ = text_of({{"type", "payload"},
                      {"version", version},
                      {"client", client.etag},
                      {"texts", {{"game_over", texts.game_over}, {"win", texts.win}}}});
  std::vector<Outgoing> out;
  for (const auto& [connection, session] : by_connection_) out.push_back({connection, payload_});
  return out;
}

std::vector<Outgoing> Game::hello(ConnectionId connection, const std::string& id) {
  const auto session = session_of(id);
  session->connections.push_back(connection);
  by_connection_.emplace(connection, session);
  std::vector<Outgoing> out;
  if (payload_) out.push_back({connection, payload_});
  out.push_back(
      {connection, text_of(board_message(session->board, session->best, session->moves, {})), true});
  return out;
}

Game::Sessions::iterator Game::session_of(const std::string& id) {
  if (const auto found = by_id_.find(id); found != by_id_.end()) {
    sessions_.splice(sessions_.begin(), sessions_, found->second);
    return found->second;
  }
  if (sessions_.size() >= most_sessions) {
    // The one that nobody looks at for the longest time. There are fewer connections than sessions.
    const auto idle = std::find_if(sessions_.rbegin(), sessions_.rend(),
                                   [](const Session& session) { return session.connections.empty(); });
    if (idle != sessions_.rend()) {
      if (store_ != nullptr) tell(store_->erase(idle->id));
      by_id_.erase(idle->id);
      sessions_.erase(std::next(idle).base());
    }
  }
  sessions_.push_front({.id = id, .board = Board(random())});
  by_id_.emplace(id, sessions_.begin());
  keep(sessions_.front());
  return sessions_.begin();
}

Board::Random Game::random() {
  return [engine = std::mt19937_64(seeds_())](std::uint32_t below) mutable {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(engine);
  };
}

void Game::forget(ConnectionId connection) {
  const auto found = by_connection_.find(connection);
  if (found == by_connection_.end()) return;
  std::erase(found->second->connections, connection);
  by_connection_.erase(found);
}

// Before the answer: what a player has seen is there after a kill. Where it cannot be kept the game goes on.
void Game::keep(Session& session) {
  if (store_ == nullptr) return;
  const Phase phase = session.board.phase();
  const bool is_over = phase == Phase::over && session.kept_phase != Phase::over;
  const Player player{session.id, session.board.state(), session.best, session.moves};
  const auto kept = store_->save(player, session.best > session.kept_best, is_over);
  tell(kept);
  if (!kept) return;  // what is news now is news at the next time
  session.kept_best = session.best;
  session.kept_phase = phase;
}

void Game::tell(const okg::Result<void>& kept) {
  if (std::exchange(is_kept_, static_cast<bool>(kept)) && !kept)
    std::fprintf(stderr, "game-2048: hot state: boards are not kept: %s\n", kept.error().text.c_str());
}

}  // namespace game2048
