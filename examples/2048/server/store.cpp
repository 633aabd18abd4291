// SPDX-License-Identifier: Apache-2.0
#include "store.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <string_view>
#include <utility>

#include "records.hpp"

namespace game2048 {
namespace {

PlayerKey key_of(std::string_view id) {
  PlayerKey key{};
  std::ranges::copy(id.substr(0, key.size()), key.begin());
  return key;
}
std::string id_of(const PlayerKey& key) {
  return {key.begin(), std::ranges::find(key, '\0')};
}

std::vector<okg_hot_migration> migrations() {
#if defined(GAME_2048_NEXT)
  return {okg::migration<BoardV1, BoardV2, &upgrade>()};
#else
  return {};
#endif
}

BoardRecord record_of(const Player& player) {
  BoardRecord record{};
  const Board::State& board = player.board;
  std::ranges::transform(board.cells, record.cells.begin(), [](std::uint32_t value) {
    return static_cast<std::uint8_t>(value == 0 ? 0 : std::countr_zero(value));
  });
  record.score = static_cast<decltype(record.score)>(board.score);
  record.turns = board.turns;
  record.reached_goal = board.reached_goal;
  record.keeps_going = board.keeps_going;
#if defined(GAME_2048_NEXT)
  record.moves = player.moves.value_or(0);
#endif
  return record;
}

Player player_of(const PlayerKey& key, const BoardRecord& record) {
  Player player{.id = id_of(key), .moves = Store::no_moves()};
  Board::State& board = player.board;
  std::ranges::transform(record.cells, board.cells.begin(),
                         [](std::uint8_t power) { return power == 0 ? 0U : 1U << (power & 31U); });
  board.score = record.score;
  board.turns = record.turns;
  board.reached_goal = record.reached_goal;
  board.keeps_going = record.keeps_going;
#if defined(GAME_2048_NEXT)
  player.moves = record.moves;
#endif
  return player;
}

okg::Result<std::uint64_t> series_of(okg::HotState& hot) {
  auto table = hot.table<std::uint64_t, std::uint64_t>("series");
  if (!table) return table.error();
  if (const auto kept = table->get(0); kept || kept.error().code != OKG_NOT_FOUND) return kept;
  std::random_device random;
  const std::uint64_t made = std::uint64_t{random()} << 32 | random();
  if (const auto put = table->put(0, made); !put) return put.error();
  return made;
}

}  // namespace

struct Store::Tables {
  okg::HotState hot;
  okg::Table<PlayerKey, BoardRecord> boards;
  okg::Table<PlayerKey, BestRecord> best;
  okg::Journal<NewsRecord> outbox;
  std::uint64_t series;
};

okg::Result<Store> Store::open(okg::HotState hot) {
  auto boards = hot.table<PlayerKey, BoardRecord>("boards", migrations());
  if (!boards) return boards.error();
  auto best = hot.table<PlayerKey, BestRecord>("best");
  if (!best) return best.error();
  auto outbox = hot.journal<NewsRecord>("outbox");
  if (!outbox) return outbox.error();
  const auto series = series_of(hot);
  if (!series) return series.error();
  return Store(std::make_unique<Tables>(Tables{std::move(hot), *boards, *best, *outbox, *series}));
}

Store::Store(std::unique_ptr<Tables> tables) : tables_(std::move(tables)) {}
Store::Store(Store&&) noexcept = default;
Store::~Store() = default;

std::optional<std::uint64_t> Store::no_moves() {
#if defined(GAME_2048_NEXT)
  return 0;
#else
  return std::nullopt;
#endif
}

std::vector<Player> Store::load() const {
  std::vector<Player> players;
  const auto visited = tables_->boards.for_each([&](const PlayerKey& key, const BoardRecord& record) {
    Player player = player_of(key, record);
    if (BestRecord best{}; tables_->best.get(key, best) == OKG_OK) player.best = best.score;
    players.push_back(std::move(player));
  });
  if (!visited) std::fprintf(stderr, "game-2048: hot state: %s\n", visited.error().text.c_str());
  return players;
}

okg::Result<void> Store::save(const Player& player, bool is_best, bool is_over) {
  const PlayerKey key = key_of(player.id);
  auto change = tables_->hot.transaction();
  if (!change) return change.error();
  if (auto put = change->put(tables_->boards, key, record_of(player)); !put) return put;
  if (auto put = change->put(tables_->best, key, BestRecord{player.best}); !put) return put;
  for (const auto& [is_so, news] : {std::pair(is_best, News::best), std::pair(is_over, News::over)}) {
    if (!is_so) continue;
    const NewsRecord record{
        .player = key, .score = player.board.score, .turns = player.board.turns, .news = news};
    if (auto appended = change->append(tables_->outbox, record); !appended) return appended;
  }
  return change->commit();
}

okg::Result<void> Store::erase(const std::string& id) {
  auto change = tables_->hot.transaction();
  if (!change) return change.error();
  if (auto erased = change->erase(tables_->boards, key_of(id)); !erased) return erased;
  if (auto erased = change->erase(tables_->best, key_of(id)); !erased) return erased;
  return change->commit();
}

std::optional<Store::Letter> Store::first_letter() const {
  const auto message = tables_->outbox.peek();
  if (!message) return std::nullopt;
  const NewsRecord& news = message->value;
  // Of the id only so much that nobody can play with it.
  const nlohmann::json line{{"series", tables_->series},
                            {"sequence", message->sequence},
                            {"player", id_of(news.player).substr(0, 8)},
                            {"news", news.news == News::over ? "over" : "best"},
                            {"score", news.score},
                            {"turns", news.turns}};
  return Letter{message->sequence, line.dump()};
}

okg::Result<void> Store::acknowledge(std::uint64_t sequence) {
  return tables_->outbox.acknowledge(sequence);
}

std::uint64_t Store::series() const noexcept {
  return tables_->series;
}

std::string Store::report() const {
  const okg_hot_report report = tables_->hot.report();
  constexpr std::array names{"created", "resumed", "quarantined", "read only"};
  std::string text = names.at(report.opened);
  text +=
      ", epoch " + std::to_string(report.epoch) + ", " + std::to_string(tables_->boards.size()) + " boards";
  if (report.downtime_ns >= 0) text += ", down for " + std::to_string(report.downtime_ns / 1'000'000) + " ms";
  return text + ", opened in " + std::to_string(report.open_ns / 1000) + " us";
}

void Store::poll(std::chrono::nanoseconds budget) {
  (void)tables_->hot.poll(budget);
}

}  // namespace game2048
