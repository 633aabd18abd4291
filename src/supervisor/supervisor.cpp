#include "supervisor/supervisor.hpp"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/text.hpp"
#include "supervisor/code_pages.hpp"
#include "supervisor/payload_handler.hpp"

namespace okg::supervisor {

using base::Code;
using base::Error;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

constexpr milliseconds kSlice = 100ms;  // how soon a wait for the first payload hears of a signal
constexpr milliseconds kEndGrace = 5s;  // from SIGTERM to SIGKILL, where another process is to follow
constexpr milliseconds kLeftoverGrace = 1s;

bool ends(int number) {
  return number == SIGTERM || number == SIGINT || number == SIGQUIT;
}

// What a payload was refused for may be over with another server or another hook.
std::string identity_of(const Options& options) {
  std::string text;
  for (const std::string& word : options.server) text += word + '\0';
  text += options.prepare + '\0' + options.on_reload + '\0' + options.confirmation.url + '\0' +
          options.confirmation.text + '\0' + std::to_string(options.timeout.count());
  struct stat file{};
  const auto program = find_program(options.server[0]);
  if (program && ::stat(program->c_str(), &file) == 0)
    text += '\0' + std::to_string(file.st_size) + '.' + std::to_string(file.st_mtim.tv_sec);
  return text;
}

}  // namespace

Supervisor::Supervisor(base::Os& os, base::Environment environment, Options options)
    : os_(os), environment_(std::move(environment)), options_(std::move(options)) {}

Supervisor::~Supervisor() = default;

// ---- Signals and the server's process

void Supervisor::signal(int number, bool from_terminal) {
  if (number == SIGCHLD) return processes_.reap();
  ProcessPtr server;
  {
    const std::lock_guard lock(mutex_);
    if (ends(number)) {
      if (ending_signal_ == 0) ending_signal_ = number;
      ending_.request_stop();  // together: who sees the one sees the other
    }
    server = server_;
  }
  // What the terminal sent, it has got itself.
  if (server && !from_terminal) server->signal(number);
}

ProcessPtr Supervisor::running() const {
  const std::lock_guard lock(mutex_);
  return server_;
}

base::Status Supervisor::begin(const Place& to) {
  Spawn what;
  what.words = options_.server;
  what.variables = variables_for(to, std::nullopt);
  what.follows_us = true;
  {
    const std::lock_guard lock(mutex_);  // a signal comes before, and it is not started, or reaches it
    if (ending_signal_ != 0) return Error(Code::superseded, "the server is not started: we are to end");
    auto started = processes_.start(what);
    if (!started) {
      hopeless_ = End{0, Error(Code::invalid_argument, started.error().text)};
      return Error(Code::io, started.error().text);  // not the payload's doing
    }
    server_ = *std::move(started);
  }
  log_.info("run", "started: process " + std::to_string(running()->pid()));
  return prove(to);
}

// A server whose first payload did not prove to be in use: another payload gets another process. One that is
// to end for good has been told so, and takes the time that it needs.
void Supervisor::end_server() {
  const ProcessPtr server = running();
  if (is_ending()) {
    server->wait(milliseconds(-1));
  } else {
    server->signal(SIGTERM);
    if (!server->wait(kEndGrace)) server->signal(SIGKILL);
    server->wait(kEndGrace);
  }
  processes_.end_all(kLeftoverGrace);
  const std::lock_guard lock(mutex_);
  server_.reset();
}

// ---- A payload on its way into use

Supervisor::Place Supervisor::place_of(const server::LivePayload& payload) const {
  if (options_.quiet_period) return {payload_directory_, payload.version(), payload.digest};
  return {payload_directory_ + "/" + payload.directory.name.target() + "/" + payload::kFiles,
          payload.version(), payload.digest};
}

std::optional<Supervisor::Place> Supervisor::in_use() const {
  const std::lock_guard lock(mutex_);
  return in_use_;
}

std::map<std::string, std::string> Supervisor::variables_for(const Place& to,
                                                             const std::optional<Place>& from) const {
  return {{"OKG_RELOAD_DIR", to.files},           {"OKG_RELOAD_PREVIOUS_DIR", from ? from->files : ""},
          {"OKG_RELOAD_VERSION", to.version},     {"OKG_RELOAD_DIGEST", to.digest},
          {"OKG_ACTIVE_DIR", link_->path()},      {"OKG_RUN_DIR", run_directory_},
          {"OKG_PAYLOAD_DIR", payload_directory_}};
}

base::Status Supervisor::prepare(const Place& place, const std::stop_token& stop) {
  if (options_.prepare.empty()) return {};
  return supervisor::run(processes_, {"--prepare", options_.prepare, options_.timeout, {}},
                         variables_for(place, in_use()), stop, log_);
}

base::Status Supervisor::tell_server(const Place& to, const std::optional<Place>& from) {
  if (!options_.on_reload.empty()) {
    const Hook hook{"--on-reload", options_.on_reload, options_.timeout, [this] { game_server_->poll(0); }};
    auto variables = variables_for(to, from);
    variables["OKG_SERVER_PID"] = std::to_string(running()->pid());
    const auto told = supervisor::run(processes_, hook, variables, ending_.get_token(), log_);
    if (!told) return told;
  }
  return prove(to);
}

base::Status Supervisor::prove(const Place& to) {
  const ProcessPtr server = running();
  const auto hopeless = [&]() -> std::string {
    game_server_->poll(0);  // in a callback: it only counts as alive
    const auto code = server->code();
    return code ? "the server ended with " + std::to_string(*code) : "";
  };
  auto proved =
      confirm(options_.confirmation, to.version, to.digest, options_.timeout, ending_.get_token(), hopeless);
  if (!proved) return Error(proved.error().code, "--confirm: " + proved.error().text);
  return {};
}

base::Status Supervisor::commit(const Place& to) {
  const auto from = in_use();
  if (const auto moved = link_->point_at(to.files); !moved) return moved;
  const auto done = running() ? tell_server(to, from) : begin(to);
  if (done) {
    const std::lock_guard lock(mutex_);
    in_use_ = to;
    consistent_ = true;
    return {};
  }
  // What failed because we are to end says nothing about the payload: it must not be remembered as refused.
  Error error = is_ending() ? Error(Code::busy, done.error().text) : done.error();
  if (const auto back = go_back(from, to); !back) {
    consistent_ = false;
    error.text += "; and going back failed: " + back.error().text;
  }
  return error;
}

base::Status Supervisor::go_back(const std::optional<Place>& to, const Place& from) {
  if (!to) {
    if (const auto server = running()) {
      const bool ends_itself = server->code() || is_ending();
      end_server();
      if (ends_itself) hopeless_ = End{*server->code(), std::nullopt};
    }
    return link_->remove();
  }
  if (options_.quiet_period) return Error(Code::unsupported, "the files before are no more");
  if (const auto moved = link_->point_at(to->files); !moved) return moved;
  // Neither a server that has ended nor one that is to end reads anything any more.
  if (running()->code() || is_ending()) return {};
  return tell_server(*to, from);
}

// ---- From start to end

base::Status Supervisor::connect() {
  const auto level = base::log_level(environment_, std::nullopt);
  if (!level) return level.error();
  log_ = base::Log(options_.log, options_.log_user, *level);
  server::GivenOptions given;
  if (!environment_("OKG_NAME")) given.name = options_.server[0].substr(options_.server[0].rfind('/') + 1);
  given.run_directory = options_.run_directory;
  given.payload_directory = options_.payload_directory;
  given.identity = identity_of(options_);
  given.quiet_period = options_.quiet_period;
  given.log = options_.log;
  given.log_user = options_.log_user;
  auto connected = server::GameServer::connect(os_, environment_, given);
  if (!connected) return connected.error();
  game_server_ = *std::move(connected);
  std::error_code ignored;
  run_directory_ = std::filesystem::absolute(game_server_->run_directory(), ignored);
  payload_directory_ = std::filesystem::absolute(game_server_->payload_directory(), ignored);
  link_.emplace(os_, run_directory_);
  if (options_.quiet_period)
    log_.warn("run",
              "--quiet-period: nothing says when all files are there, they are not verified, and there is no "
              "way back: `okg publish` in the sidecar changes that");
  PayloadHandler::Calls calls;
  calls.prepare = [this](const server::LivePayload& payload, const std::stop_token& stop) {
    return prepare(place_of(payload), stop);
  };
  calls.commit = [this](const server::LivePayload& payload) { return commit(place_of(payload)); };
  calls.can_commit = [this] { return !is_ending(); };
  calls.is_consistent = [this] { return consistent_; };
  return game_server_->add(std::make_shared<PayloadHandler>(std::move(calls)));
}

std::optional<Supervisor::End> Supervisor::first_payload() {
  const auto until = Clock::now() + options_.wait_payload;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    const auto started = game_server_->start(std::chrono::nanoseconds(std::clamp(left, 1ms, kSlice)).count());
    if (started) return std::nullopt;
    if (is_ending()) return hopeless_ ? *hopeless_ : End{128 + ending_signal_, std::nullopt};
    if (hopeless_ && hopeless_->error) return hopeless_;
    if (started.error().code != Code::timeout) {
      // The server's own code says more than ours, if it ended by itself.
      if (hopeless_) log_.error("run", started.error().text);
      return hopeless_ ? *hopeless_ : End{0, started.error()};
    }
    if (left <= 0ms)
      return End{0, Error(Code::timeout, "no payload came into use within " +
                                             base::format_duration(options_.wait_payload) +
                                             ": `okg publish --to " + payload_directory_ + "` brings one")};
  }
}

void Supervisor::watch_over(const Process& server) {
  const int work = game_server_->poll_fd();
  while (!server.code()) {
    pollfd watched[] = {{work, POLLIN, 0}, {server.ended_fd(), POLLIN, 0}};
    ::poll(watched, 2, -1);
    if (game_server_->poll(0) > 0) give_back_code_pages();
  }
}

Supervisor::End Supervisor::run() {
  if (const auto connected = connect(); !connected) return {0, connected.error()};
  if (auto over = first_payload()) {
    game_server_->close(is_ending());
    return *over;
  }
  give_back_code_pages();
  const ProcessPtr server = running();
  watch_over(*server);
  const int code = *server->code();
  // Whatever was in use when it ended by itself may be the reason: the next process takes that into account.
  game_server_->close(code == 0 || is_ending());
  processes_.end_all(kLeftoverGrace);
  return {code, std::nullopt};
}

}  // namespace okg::supervisor
