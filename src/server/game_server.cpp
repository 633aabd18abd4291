#include "server/game_server.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/files.hpp"
#include "base/fork.hpp"
#include "base/scoped_value.hpp"
#include "base/text.hpp"

namespace okg::server {

using base::Code;
using base::Error;

base::Result<std::unique_ptr<GameServer>> GameServer::connect(base::Os& os,
                                                              const base::Environment& environment,
                                                              const GivenOptions& given) {
  auto options = resolve(os, environment, given);
  if (!options) return options.error();
  std::unique_ptr<GameServer> server(new GameServer(os, std::move(*options)));
  if (const auto claimed = server->claim_run_directory(); !claimed) return claimed.error();
  server->begin_life();
  if (const auto opened = server->signal_.open(); !opened) return opened.error();

  const int run = server->instance_ ? server->instance_->directory() : -1;
  const Options& resolved = server->options_;
  server->driver_ = std::make_unique<ReloadDriver>(
      os,
      DriverOptions{resolved.payload_directory, run, resolved.server_version, server->binary_,
                    resolved.probation.count(), resolved.quiet_period.has_value(), resolved.log},
      ReloadDriver::Signals{server->signal_, [raw = server.get()] {
                              if (raw->running_.load(std::memory_order_acquire)) raw->io_->notify();
                            }});
  server->orders_.emplace(os, run);
  server->controller_ = std::make_unique<ControllerDriver>(
      os,
      ControllerDriver::Options{resolved.controller, run, resolved.endpoint.run_directory, resolved.name,
                                resolved.log},
      server->signal_,
      ControllerDriver::Hooks{[raw = server.get()](const controller::say::Ask& ask) { raw->carry_out(ask); },
                              [raw = server.get()](const controller::Object& object) {
                                raw->start_->see(object);
                                raw->report();
                              }});
  IoThread::Options io{
      resolved.payload_directory, run,         resolved.endpoint, run >= 0, resolved.tick_timeout.count(),
      resolved.quiet_period,      resolved.log};
  server->io_ = std::make_unique<IoThread>(
      os, std::move(io), *server->driver_, *server->controller_, static_cast<control::Backend&>(*server),
      IoThread::Hooks{[raw = server.get()](std::int64_t now) { raw->sample(now); },
                      [raw = server.get()] { raw->report(); }});
  return server;
}

GameServer::GameServer(base::Os& os, Options options)
    : os_(os),
      options_(std::move(options)),
      uuid_(base::make_uuid(os)),
      binary_(binary_identity(options_.server_version, options_.identity)),
      signal_(os),
      born_in_(base::fork_generation()) {}

GameServer::~GameServer() {
  if (!forked()) {
    close();
    return;
  }
  // The threads are the parent's, and what they held is in an unknown state here: it is left alone.
  if (instance_ && !base::forget_descriptor(instance_->directory())) instance_->disown();
  static_cast<void>(driver_.release());
  static_cast<void>(controller_.release());
  static_cast<void>(io_.release());
}

// A second server is an error, and so is a directory of our own that somebody else has made before us: he
// could hand us payloads. Without a usable run directory there is no endpoint and no memory of earlier
// payloads; a game is not stopped for that.
base::Status GameServer::claim_run_directory() {
  const std::string& directory = options_.endpoint.run_directory;
  for (const std::string& own : options_.own_directories)
    if (const auto made = base::make_private_directories(os_, own); !made) {
      struct stat there{};
      if (made.error().code == Code::denied && os_.stat(AT_FDCWD, own.c_str(), &there) >= 0)
        return made.error();
      options_.log.warn("server", made.error().text);
    }
  auto claimed = Instance::claim(os_, directory);
  if (claimed) {
    instance_ = std::move(*claimed);
    base::close_in_children(instance_->directory());
    return {};
  }
  if (claimed.error().code == Code::in_use) return claimed.error();
  options_.log.warn("server",
                    claimed.error().text + ": no endpoint, and nothing is remembered over a restart");
  return {};
}

void GameServer::begin_life() {
  Life life;
  life.instance = uuid_;
  life.server_version = options_.server_version;
  life.binary = binary_;
  life.boot_id = os_.boot_id();
  life.pid = ::getpid();
  life.started_ns = os_.realtime_ns();
  life.pod_uid = options_.controller.pod_uid;
  life.pod_ip = options_.controller.pod_ip;
  start_.emplace(os_, instance_ ? instance_->directory() : -1, std::move(life),
                 options_.controller.container);
  if (const auto written = start_->begin(); !written) options_.log.warn("server", written.error().text);
}

bool GameServer::forked() const {
  return born_in_ != base::fork_generation();
}

base::Status GameServer::add(HandlerPtr handler) {
  if (closed()) return Error(Code::closed, "on_reload: the server is closed");
  return driver_->add(std::move(handler));
}

void GameServer::remove(const HandlerPtr& handler) {
  if (forked() || driver_->on_worker()) return;
  {
    const base::ScopedValue working(working_, true);
    driver_->remove(handler);
  }
  if (close_after_ && !working_) close();
}

base::Status GameServer::add(ListenerPtr listener) {
  if (closed()) return Error(Code::closed, "the server is closed");
  controller_->add(std::move(listener));
  return {};
}

void GameServer::remove(const ListenerPtr& listener) {
  if (!forked()) controller_->remove(listener);
}

base::Status GameServer::report_bad(const std::string& text) {
  if (closed()) return Error(Code::closed, "report_bad: the server is closed");
  return driver_->report_bad(text);
}

base::Status GameServer::rollback(const std::optional<payload::Digest>& to) {
  if (closed()) return Error(Code::closed, "rollback: the server is closed");
  return driver_->rollback(to, false, nullptr);
}

base::Status GameServer::start(std::int64_t initial_payload_ns) {
  if (closed()) return Error(Code::closed, "start: the server is closed");
  if (in_callback()) return Error(Code::busy, "start: called from a callback");
  const std::int64_t began = os_.monotonic_ns();
  if (!running_.load(std::memory_order_acquire)) {
    ticked_at_.store(began, std::memory_order_relaxed);
    base::Status served;
    if (const auto begun = io_->start(&served); !begun) return begun.error();
    running_.store(true, std::memory_order_release);
    if (!served)
      options_.log.error("server", served.error().text + ": this server cannot be asked or probed there");
    else
      options_.log.info("server", "watching " + options_.payload_directory);
  }
  if (initial_payload_ns > 0) {
    const std::int64_t deadline =
        initial_payload_ns > INT64_MAX - began ? INT64_MAX : began + initial_payload_ns;
    std::uint64_t generation = 0;
    for (;;) {
      poll(0);
      if (closed()) return Error(Code::closed, "start: closed by a callback");
      if (driver_->active()) break;
      if (auto hopeless = driver_->hopeless()) return *hopeless;
      const std::int64_t now = os_.monotonic_ns();
      if (now >= deadline) {
        const std::string trouble = io_->trouble();
        return Error(Code::timeout, "no payload came into use within " +
                                        base::format_duration(std::chrono::nanoseconds(initial_payload_ns)) +
                                        (trouble.empty() ? "" : ": " + trouble));
      }
      // Short, so that this thread counts as alive meanwhile.
      driver_->wait_for_change(&generation, std::min(deadline, now + 100'000'000));
    }
  }
  started_.store(true, std::memory_order_release);
  io_->notify();
  return {};
}

int GameServer::work(std::int64_t budget_ns) {
  if (in_callback() || closed()) return 0;
  int calls = 0;
  {
    const base::ScopedValue working(working_, true);
    const std::int64_t began = os_.monotonic_ns();
    calls = driver_->run(budget_ns);
    const std::int64_t used = os_.monotonic_ns() - began;
    if (budget_ns <= 0 || used < budget_ns) calls += controller_->run(budget_ns <= 0 ? 0 : budget_ns - used);
  }
  if (close_after_) close();
  return calls;
}

void GameServer::close(bool in_order) {
  if (driver_ && in_callback()) {
    close_after_ = true;
    driver_->nudge();  // a callback of the worker: the next poll() closes
    return;
  }
  if (closed_.exchange(true) || forked()) return;
  {
    const base::ScopedValue working(working_, true);  // discards are callbacks too
    if (io_) io_->stop();
    if (driver_) driver_->stop(in_order);
    if (controller_) {
      controller_->stop();  // what was set before a start that never came
      controller_->finish();
    }
  }
  if (start_ && in_order) start_->ended();
  if (instance_) {
    base::forget_descriptor(instance_->directory());
    instance_.reset();
  }
}

int GameServer::poll_fd() {
  if (closed()) return -1;
  fd_asked_.store(true, std::memory_order_relaxed);
  return signal_.fd();
}

base::Status GameServer::reload(bool force) {
  if (closed()) return Error(Code::closed, "reload: the server is closed");
  if (running_.load(std::memory_order_acquire)) io_->look_soon();
  return driver_->reload(force);
}

base::Status GameServer::set_ready(bool ready, const std::string& reason) {
  if (closed()) return Error(Code::closed, "set_ready: the server is closed");
  const std::lock_guard lock(ready_mutex_);
  ready_said_ = ready;
  not_ready_reason_ = ready ? "" : base::one_line(reason);
  return {};
}

// ---- Watchdog
// ----------------------------------------------------------------------------------------------------

void GameServer::sample(std::int64_t now_ns) {
  const std::uint64_t ticks = ticks_.load(std::memory_order_relaxed);
  if (sampled_ticks_.exchange(ticks, std::memory_order_relaxed) != ticks)
    ticked_at_.store(now_ns, std::memory_order_relaxed);
  if (start_->alive()) report();
}

std::int64_t GameServer::tick_age_ns(std::int64_t now_ns) const {
  const bool sleeps = fd_asked_.load(std::memory_order_relaxed);
  if (sleeps && signal_.since() == 0) return 0;
  // A callback may take long, and poll meanwhile to say that it is alive, which lowers no signal.
  if (ticks_.load(std::memory_order_relaxed) != sampled_ticks_.load(std::memory_order_relaxed)) return 0;
  const std::int64_t waits_since = sleeps ? signal_.since() : 0;
  return std::max<std::int64_t>(now_ns - std::max(waits_since, ticked_at_.load(std::memory_order_relaxed)),
                                0);
}

bool GameServer::stalled(std::int64_t now_ns) const {
  return started_.load(std::memory_order_relaxed) && tick_age_ns(now_ns) > options_.tick_timeout.count();
}

// ---- The controller, on the io thread

void GameServer::report() {
  reporter_.look(driver_->state(), start_->report(), *controller_);
}

// An operator's order is looked at as one that came to the endpoint.
void GameServer::carry_out(const controller::say::Ask& ask) {
  const std::string what =
      std::string(ask.rollback ? "rollback" : "reload") + " by annotation, " + base::quote(ask.to);
  const auto is_new = orders_->begin(ask);
  if (!is_new) return options_.log.warn("server", what + ": " + is_new.error().text);
  if (!*is_new) return;
  const auto digest = payload::Digest::from_either(ask.to);
  if (!digest && !(ask.rollback && ask.to == "last_good"))
    return options_.log.warn("server",
                             what + ": not a digest: sha256:…" + (ask.rollback ? ", or last_good" : ""));
  std::optional<payload::Digest> to;
  if (digest) to = *digest;
  const auto outcome = ask.rollback ? request_rollback(to, true, nullptr) : request_reload(to, true, nullptr);
  options_.log.info("server", what + (outcome.text.empty() ? "" : ": " + outcome.text));
}

}  // namespace okg::server
