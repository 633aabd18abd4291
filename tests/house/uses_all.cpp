// Every wrapper of okg.hpp without exceptions and RTTI: uses_all RUN_DIR PAYLOAD_DIR, as uses_all.c.
#include <unistd.h>
#include <array>
#include <okg/okg.hpp>

#include <cstdio>
#include <cstring>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this has to be compiled with -fno-exceptions -fno-rtti"
#endif

// What is kept in hot state.
namespace hot {
struct PlayerV1 {
  float x, y;
  std::int32_t score;
};
struct Player {
  float x, y;
  std::int64_t score;
};
inline Player upgrade(const PlayerV1& old) {
  return {old.x, old.y, old.score};
}
inline PlayerV1 downgrade(const Player& player) {
  return {player.x, player.y, static_cast<std::int32_t>(player.score)};
}
struct Pair {
  std::uint32_t realm, id;
};
struct Padded {
  std::uint8_t kind;
  std::uint64_t id;
};
struct Virtual {
  virtual ~Virtual() = default;
};
struct Link {
  std::int32_t id;
  const char* name;
};
struct Deep {
  std::array<Link, 2> links;
};
struct World {
  std::uint64_t tick;
  std::array<Player, 100> players;
};
}  // namespace hot
OKG_HOT_SCHEMA(hot::PlayerV1, 1, x, y, score)
OKG_HOT_SCHEMA(hot::Player, 2, x, y, score)

namespace {

int failures = 0;

void check(bool so, const char* what, int line) {
  if (so) return;
  std::printf("uses_all.cpp:%d: not so: %s\n", line, what);
  ++failures;
}
#define CHECK(condition) check(static_cast<bool>(condition), #condition, __LINE__)

struct Scripts {
  std::string source;
};

void results() {
  const okg::Result<int> seven = 7;
  CHECK(seven && seven.has_value() && *seven == 7);
  okg::Result<std::string> text = "from a literal";
  CHECK(text->size() == 14);
  CHECK((*std::move(text)).size() == 14);
  const okg::Result<int> refused = okg::rejected("a.lua:3: '=' expected");
  CHECK(!refused && refused.error().code == OKG_REJECTED && !refused.error().retriable);
  const okg::Result<void> later = okg::try_again("not yet");
  CHECK(!later && !later.has_value() && later.error().code == OKG_BUSY && later.error().retriable);
  CHECK(okg::Result<int>(okg::Error(OKG_IO, "disk")).value_or(3) == 3);
  CHECK(okg::Result<void>().has_value());
  CHECK(okg::Error().code == OKG_INTERNAL);
}

void payload(const okg::Payload& one) {
  CHECK(one && one.version() == "1" && one.digest().starts_with("sha256:"));
  CHECK(one.component("scripts").starts_with("sha256:") && one.component("none").empty());
  CHECK(faccessat(one.dirfd(), "scripts/main.lua", R_OK, 0) == 0);
  const std::vector<okg::File> files = one.list();
  CHECK(files.size() == 1 && std::strcmp(files[0].path, "scripts/main.lua") == 0);
  CHECK(one.contains("scripts/main.lua") && !one.contains("none"));
  const auto fd = one.open("scripts/main.lua");
  CHECK(fd && close(*fd) == 0);
  CHECK(one.open("none").error().code == OKG_NOT_FOUND);
  CHECK(one.read("scripts/main.lua").value_or("") == "print(1)");
  CHECK(one.read("none").error().code == OKG_NOT_FOUND);
  okg::Payload copy = one;
  const okg::Payload moved = std::move(copy);
  copy = moved;
  CHECK(copy.handle() == one.handle());
  CHECK(!okg::Payload());
}

using hot::Deep;
using hot::Link;
using hot::Padded;
using hot::Pair;
using hot::Player;
using hot::PlayerV1;
using hot::Virtual;
using hot::World;
static_assert(okg::HotValue<Player> && okg::HotValue<Pair> && okg::HotValue<int> && okg::HotValue<World>);
static_assert(!okg::HotValue<int*> && !okg::HotValue<std::string> && !okg::HotValue<Virtual>);
static_assert(!okg::HotValue<Link> && !okg::HotValue<Deep> && !okg::HotValue<std::string_view>);
static_assert(okg::HotKey<std::uint64_t> && okg::HotKey<Pair>);
static_assert(!okg::HotKey<Padded> && !okg::HotKey<float> && !okg::HotKey<int*>);
static_assert(okg::hot_description<Player>.view() == "x:f32@0 y:f32@4 score:i64@8");
static_assert(okg::hot_fingerprint<Player> != okg::hot_fingerprint<PlayerV1>);

void hot_state(okg::GameServer& server, const std::string& directory) {
  for (int time = 0; time < 2; ++time) {
    auto opened = server.hot_state("world", {.directory = directory, .max_bytes = 4 * okg::MiB});
    CHECK(opened);
    if (!opened) return;
    okg::HotState hot = *std::move(opened);
    CHECK(hot.handle() != nullptr && hot.report().opened == (time == 0 ? OKG_HOT_CREATED : OKG_HOT_RESUMED));
    CHECK(okg::HotState::open("world", {.directory = directory, .lock_wait = std::chrono::milliseconds(1)})
              .error()
              .code == OKG_IN_USE);
    if (time == 0) {
      auto old = hot.table<std::uint64_t, PlayerV1>("players");
      CHECK(old && old->put(7, {1, 2, 3}) && old->finalize());
      CHECK((hot.table<std::uint64_t, Player>("players").error().code == OKG_SCHEMA_MISMATCH));
      continue;  // the next version finds it
    }
    auto players = hot.table<std::uint64_t, Player>(
        "players", {okg::migration<PlayerV1, Player, &hot::upgrade, &hot::downgrade>()});
    auto pairs = hot.table<Pair, int>("pairs");
    CHECK(players && pairs && players->handle() != nullptr);
    CHECK((hot.table<std::uint64_t, int>("players").error().code == OKG_SCHEMA_MISMATCH));
    const auto found = players->get(7);
    CHECK(found && found->score == 3);
    CHECK(players->get(8).error().code == OKG_NOT_FOUND);
    Player into{};
    CHECK(players->get(7, into) == OKG_OK && into.y == 2);
    CHECK(players->get(8, into) == OKG_NOT_FOUND);
    while (hot.poll(std::chrono::milliseconds(1))) {
    }
    CHECK(players->view(7) && (*players->view(7))->score == 3);
    CHECK(pairs->put({1, 2}, 12) && pairs->get({1, 2}).value_or(0) == 12 && pairs->size() == 1);
    CHECK(pairs->put_for({1, 3}, 13, std::chrono::hours(1)) &&
          pairs->set_deadline({1, 3}, std::chrono::nanoseconds(-1)) &&
          pairs->get({1, 3}).error().code == OKG_NOT_FOUND);
    int sum = 0;
    CHECK(
        pairs->for_each([&](const Pair& key, const int& value) { sum += static_cast<int>(key.id) + value; }));
    CHECK(players->for_each([&](const std::uint64_t&, const Player&) { return false; }));
    CHECK(sum == 14);

    auto outbox = hot.journal<Pair>("outbox", 8 * okg::KiB);
    auto lines = hot.bytes_journal("lines");
    auto change = hot.transaction();
    CHECK(outbox && lines && change && outbox->handle() != nullptr && lines->handle() != nullptr);
    const auto seen = change->get(*pairs, {1, 2});
    CHECK(seen && change->put(*pairs, {1, 4}, *seen + 1) && change->erase(*pairs, {1, 2}) &&
          change->append(*outbox, {7, 7}) && change->append(*lines, "seven") && change->commit());
    CHECK(pairs->get({1, 4}).value_or(0) == 13 && !pairs->erase({1, 2}));
    const auto message = outbox->peek();
    CHECK(message && message->value.id == 7 && outbox->lag() > 0 && outbox->acknowledge(message->sequence) &&
          outbox->peek(message->sequence).error().code == OKG_NOT_FOUND && outbox->append({8, 8}));
    const auto line = lines->peek();
    CHECK(line && line->value == "seven" && lines->acknowledge(line->sequence) && lines->lag() == 0 &&
          lines->append("eight"));
    change->clear();

    auto world = hot.region<World>("world");
    auto place = hot.region<World>("place", {.is_in_place = true, .checks_touches = true});
    CHECK(world && place && world->handle() != nullptr);
    (*world)->tick = 5;
    CHECK((**world).tick == 5 && world->commit());
    (*world)->tick = 6;
    CHECK(world->roll_back() && (*world)->tick == 5);
    CHECK(place->touch((*place)->tick));
    (*place)->tick = 9;
    CHECK(place->commit() && place->touch(&(*place)->players, 10));
    while (hot.poll(std::chrono::milliseconds(1))) {
    }
  }
}

// Off-cluster: the GameServer is a file in the run directory.
void controller(okg::GameServer& server) {
  for (int i = 0; i < 10000 && !server.snapshot(); ++i) {
    server.poll();
    usleep(1000);
  }
  int changes = 0, written = 0;
  okg_code last = OKG_INTERNAL;
  auto change = server.on_change([&](const okg::GameServerSnapshot&) { ++changes; });
  CHECK(server.on_ops_state([](std::string_view, std::string_view) {}));
  CHECK(server.on_network([](const okg::GameServerSnapshot&) {}));
  CHECK(server.on_kill([](std::string_view) {}));
  CHECK(server.on_connection([](okg::Connection) {}));
  CHECK(server.on_update([](const okg::UpdateNotice&) {}));
  okg::WriteOptions options;
  options.timeout = std::chrono::seconds(20);
  options.written = [&](const okg::Result<void>& result) {
    ++written;
    last = result ? OKG_OK : result.error().code;
  };
  CHECK(server.set_ops_state("kill", options).error().code == OKG_INVALID_ARGUMENT);
  CHECK(server.set_ops_state(okg::ops_state::maintaining, options) &&
        server.set_update_priority(1, options) && server.set_deletion_priority(2, options) &&
        server.set_label("gs-sync/a", "b", options) && server.set_annotation("gs-sync/c", "d", options));
  for (int i = 0; i < 10000 && (written < 5 || changes == 0); ++i) {
    server.poll();
    usleep(1000);
  }
  CHECK(written == 5 && last == OKG_OK && changes > 0);
  const okg::GameServerSnapshot now = server.snapshot();
  CHECK(now && now.ops_state() == "Maintaining" && now.state() == "Ready" && now.name() == "uses_all");
  CHECK(now.label("gs-sync/a") == "b" && now.annotation("gs-sync/c") == "d" && !now.label("none"));
  CHECK(now.update_priority() == 1 && now.deletion_priority() == 2);
  CHECK(now.network_ready() && now.network_type() == "local" && now.handle() != nullptr);
  CHECK(now.addresses().size() == 1 && now.addresses(false)[0].ip == "127.0.0.1");
  CHECK(server.connection() == okg::Connection::connected);
  CHECK(server.allow_update(7).error().code == OKG_NOT_FOUND);
  CHECK(static_cast<int>(server.start_report().reason) >= 0);
  change.unsubscribe();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  results();

  std::unique_ptr<Scripts> scripts;
  int lines = 0;
  bool stopped = true;
  okg::GameServer server({.name = "uses_all",
                          .server_version = "2.4.0",
                          .payload_dir = argv[2],
                          .run_dir = argv[1],
                          .tick_timeout = std::chrono::seconds(10),
                          .probation = std::chrono::seconds(0),
                          .controller = "local",
                          .log = [&](okg::LogLevel, std::string_view, std::string_view) { ++lines; },
                          .log_level = okg::LogLevel::debug});
  auto scripts_handler = server.on_reload<Scripts>(
      "scripts",
      {.prepare = [&](okg::Payload next, okg::StopToken stop) -> okg::Result<std::unique_ptr<Scripts>> {
         stopped = stop.stop_requested();
         auto source = next.read("scripts/main.lua");
         if (!source) return source.error();
         return std::make_unique<Scripts>(Scripts{*source});
       },
       .commit = [&](auto next) { return std::exchange(scripts, std::move(next)); },
       .can_commit = [] { return true; },
       .after = {"config"}});
  auto others = server.on_reload("*", [](okg::Payload) { return okg::Result<void>(); });
  CHECK(scripts_handler && others);
  if (auto started = server.start({.initial_payload = std::chrono::seconds(20)}); !started) {
    std::printf("start: %s\n", started.error().text.c_str());
    return 1;
  }
  CHECK(scripts && scripts->source == "print(1)" && !stopped);
  CHECK(server.poll() >= 0 && server.poll(std::chrono::milliseconds(1)) >= 0);
  CHECK(server.poll_fd() >= 0);
  CHECK(server.set_ready(false, "warming up") && server.set_ready(true));
  CHECK(server.status_json().find("okg.status/v1") != std::string::npos);
  payload(server.payload());
  CHECK(server.reload());
  CHECK(server.report_bad("players fall through the floor").error().code == OKG_NOT_FOUND);
  CHECK(server.rollback("sha256:" + std::string(64, '0')).error().code == OKG_NOT_FOUND);
  CHECK(server.handle() != nullptr);
  hot_state(server, argv[1] + std::string("/hot-cpp"));
  controller(server);
  others.unsubscribe();
  CHECK(!others);

  // A second registration of a name and a second server on the run directory: start() tells.
  okg::GameServer second({.payload_dir = argv[2], .run_dir = argv[1]});
  CHECK(second.start().error().code == OKG_IN_USE);

  okg::GameServer moved = std::move(server);
  moved.close();
  CHECK(moved.status_json().empty() && !moved.payload());
  CHECK(lines > 0);
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
