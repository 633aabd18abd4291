// game-2048: a small game server that takes its page and its texts from an okg payload and goes on playing
// while they change, and with the same boards after a kill. Everything that has to do with hot updates is in
// this file and in content.cpp, with hot state in store.cpp, with the controller in duty.cpp.
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <okg/okg.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "content.hpp"
#include "duty.hpp"
#include "flags.hpp"
#include "game.hpp"
#include "inbox.hpp"
#include "outbox.hpp"
#include "store.hpp"
#include "web.hpp"

namespace {

using namespace std::chrono_literals;
using game2048::Client;
using game2048::Texts;

constexpr auto tick = 50ms;
constexpr auto first_tick = 5ms;  // until there is a payload: players wait for it
#if defined(GAME_2048_NEXT)
constexpr auto version = "1.1.0";
#else
constexpr auto version = "1.0.0";
#endif

int fail(int code, const std::string& text) {
  std::fprintf(stderr, "game-2048: %s\n", text.c_str());
  return code;
}

void log(okg::LogLevel, std::string_view category, std::string_view text) {
  std::fprintf(stderr, "game-2048: %.*s: %.*s\n", static_cast<int>(category.size()), category.data(),
               static_cast<int>(text.size()), text.data());
}

// Without one the server works, too: boards last as long as it does then.
std::optional<game2048::Store> open_store(okg::GameServer& server) {
  auto hot = server.hot_state("game-2048", {.max_bytes = 8 * okg::MiB, .shards = 1});
  auto store = hot ? game2048::Store::open(*std::move(hot)) : okg::Result<game2048::Store>(hot.error());
  if (!store) {
    log(okg::LogLevel::error, "hot state", store.error().text);
    return std::nullopt;
  }
  log(okg::LogLevel::info, "hot state", store->report());
  return *std::move(store);
}

int run(const game2048::Flags& flags) {
  game2048::Inbox inbox;
  game2048::Web web(inbox);
  if (const auto trouble = web.listen(flags.address, flags.port)) return fail(1, *trouble);
  std::printf("listening on %s\n", web.url().c_str());
  std::fflush(stdout);

  // What is in use. Only the game loop's thread, this one, touches it.
  std::unique_ptr<Texts> texts;
  std::unique_ptr<Client> client;

  okg::GameServer server({.server_version = version, .log = log});
  auto store = open_store(server);
  game2048::Game game(flags.seed, store ? &*store : nullptr);
  std::optional<game2048::Outbox> outbox;
  if (store) outbox.emplace(*store, flags.scores);

  game2048::Duty duty(server,
                      {.is_saved = [&] { return !store || !store->first_letter(); },
                       .stop = [&] { inbox.stop(); },
                       .log = [](const std::string& text) { log(okg::LogLevel::info, "duty", text); }});

  server.on_reload<Texts>(
      "texts",
      {.prepare = [](const okg::Payload& payload, okg::StopToken) { return game2048::load_texts(payload); },
       .commit = [&](std::unique_ptr<Texts> next) { return std::exchange(texts, std::move(next)); }});
  server.on_reload<Client>(
      "client",
      {.prepare = [](const okg::Payload& payload,
                     okg::StopToken stop) { return game2048::load_client(payload, stop); },
       .commit = [&](std::unique_ptr<Client> next) { return std::exchange(client, std::move(next)); }});

  // The first payload may come late: until then players see 503, and readiness says so too.
  if (const auto set = server.set_ready(false, "waiting for the first payload"); !set)
    return fail(1, set.error().text);
  if (const auto started = server.start(); !started) return fail(1, started.error().text);

  std::string shown;  // digest of the payload that players see
  auto next_tick = std::chrono::steady_clock::now();
  while (!inbox.stopped()) {
    // Moves are answered as they come, the rest is done once a tick.
    for (const game2048::Event& event : inbox.take_until(next_tick)) web.send(game.handle(event));
    if (std::chrono::steady_clock::now() < next_tick) continue;
    next_tick = std::chrono::steady_clock::now() + (shown.empty() ? first_tick : tick);

    server.poll();
    duty.tick(game.players());
    if (store) store->poll(1ms);
    // Also true for the same files under a new version, which calls no handler.
    const okg::Payload payload = server.payload();
    if (payload.digest() == shown) continue;
    const bool first = std::exchange(shown, payload.digest()).empty();
    if (!texts || !client) {
      web.serve(nullptr);
      continue;
    }
    web.serve(std::make_shared<const game2048::Site>(std::string(payload.version()), *client, *texts));
    web.send(game.announce(payload.version(), *client, *texts));
    if (first) {
      if (const auto set = server.set_ready(true); !set) return fail(1, set.error().text);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // whoever read our output may be gone; the players are not
  const auto parsed = game2048::parse_flags(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  if (const auto* wrong = std::get_if<std::string>(&parsed)) return fail(2, *wrong);
  const auto& flags = std::get<game2048::Flags>(parsed);
  if (flags.help) {
    std::fputs(game2048::usage.data(), stdout);
    return 0;
  }
  return run(flags);
}
