#include "server/game_server.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/files.hpp"
#include "base/fork.hpp"
#include "base/scoped_value.hpp"
#include "base/text.hpp"
#include "server/status.hpp"

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
  server->event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!server->event_) return base::error_from_errno(errno, "eventfd");

  const int run = server->instance_ ? server->instance_->directory() : -1;
  const Options& resolved = server->options_;
  server->driver_ = std::make_unique<ReloadDriver>(
      os,
      DriverOptions{resolved.payload_directory, run, resolved.server_version, server->binary_,
                    resolved.probation.count(), resolved.log},
      ReloadDriver::Signals{.wake = [raw = server.get()] { raw->wake(); },
                            .quiet = [raw = server.get()] { raw->quiet(); },
                            .changed =
                                [raw = server.get()] {
                                  if (raw->running_.load(std::memory_order_acquire)) raw->io_->notify();
                                }});
  IoThread::Options io{resolved.payload_directory,    run,         resolved.endpoint, run >= 0,
                       resolved.tick_timeout.count(), resolved.log};
  server->io_ =
      std::make_unique<IoThread>(os, std::move(io), *server->driver_, static_cast<control::Backend&>(*server),
                                 [raw = server.get()](std::int64_t now) { raw->sample(now); });
  return server;
}

GameServer::GameServer(base::Os& os, Options options)
    : os_(os),
      options_(std::move(options)),
      uuid_(base::make_uuid(os)),
      binary_(binary_identity(options_.server_version)),
      born_in_(base::fork_generation()) {}

GameServer::~GameServer() {
  if (!forked()) {
    close();
    return;
  }
  // The threads are the parent's, and what they held is in an unknown state here: it is left alone.
  if (instance_ && !base::forget_descriptor(instance_->directory())) instance_->disown();
  static_cast<void>(driver_.release());
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
    if (const auto written =
            write_instance(os_, instance_->directory(), uuid_, binary_, options_.server_version);
        !written)
      options_.log.warn("server", written.error().text);
    return {};
  }
  if (claimed.error().code == Code::in_use) return claimed.error();
  options_.log.warn("server",
                    claimed.error().text + ": no endpoint, and nothing is remembered over a restart");
  return {};
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
    calls = driver_->run(budget_ns);
  }
  if (close_after_) close();
  return calls;
}

void GameServer::close() {
  if (driver_ && in_callback()) {
    close_after_ = true;
    driver_->nudge();  // a callback of the worker: the next poll() closes
    return;
  }
  if (closed_.exchange(true) || forked()) return;
  {
    const base::ScopedValue working(working_, true);  // discards are callbacks too
    if (io_) io_->stop();
    if (driver_) driver_->stop();
  }
  if (instance_) {
    base::forget_descriptor(instance_->directory());
    instance_.reset();
  }
}

int GameServer::poll_fd() {
  if (closed()) return -1;
  fd_asked_.store(true, std::memory_order_relaxed);
  return event_.get();
}

// Any thread, with the driver's mutex held: only signals.
void GameServer::wake() {
  std::int64_t quiet = 0;
  signalled_at_.compare_exchange_strong(quiet, os_.monotonic_ns(), std::memory_order_relaxed);
  const std::uint64_t one = 1;
  while (::write(event_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

// Polling thread, with the driver's mutex held: so no wake() is lost between the two.
void GameServer::quiet() {
  signalled_at_.store(0, std::memory_order_relaxed);
  std::uint64_t drained = 0;
  while (::read(event_.get(), &drained, sizeof drained) < 0 && errno == EINTR) {
  }
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
}

std::int64_t GameServer::tick_age_ns(std::int64_t now_ns) const {
  if (fd_asked_.load(std::memory_order_relaxed)) {
    const std::int64_t since = signalled_at_.load(std::memory_order_relaxed);
    return since == 0 ? 0 : std::max<std::int64_t>(now_ns - since, 0);
  }
  if (ticks_.load(std::memory_order_relaxed) != sampled_ticks_.load(std::memory_order_relaxed)) return 0;
  return std::max<std::int64_t>(now_ns - ticked_at_.load(std::memory_order_relaxed), 0);
}

bool GameServer::stalled(std::int64_t now_ns) const {
  return started_.load(std::memory_order_relaxed) && tick_age_ns(now_ns) > options_.tick_timeout.count();
}

// ---- Backend
// -----------------------------------------------------------------------------------------------------

bool GameServer::live() {
  return !stalled(os_.monotonic_ns());
}

bool GameServer::ready() {
  const bool inconsistent = driver_->state().inconsistent;
  const std::lock_guard lock(ready_mutex_);
  return started_.load(std::memory_order_acquire) && ready_said_.value_or(true) &&
         !stalled(os_.monotonic_ns()) && !inconsistent;
}

std::string GameServer::status_json() {
  if (closed()) return {};
  const std::int64_t now = os_.monotonic_ns();
  StatusInput input;
  input.instance = uuid_;
  input.server_version = options_.server_version;
  input.started = started_.load(std::memory_order_acquire);
  input.stalled = stalled(now);
  input.tick_age_ms = running_.load(std::memory_order_acquire) ? tick_age_ns(now) / 1'000'000 : 0;
  input.polling_watch = io_->watch_is_polling();
  input.trouble = io_->trouble();
  input.reload = driver_->state();
  input.hot = hot_states_->say_all();
  const std::lock_guard lock(ready_mutex_);
  if (!input.started)
    input.not_ready_reason = "starting";
  else if (!ready_said_.value_or(true))
    input.not_ready_reason = not_ready_reason_.empty() ? "said by the game" : not_ready_reason_;
  else if (input.stalled)
    input.not_ready_reason = "the game loop does not poll";
  else if (input.reload.inconsistent)
    input.not_ready_reason = "a commit failed and could not be undone";
  input.ready = input.not_ready_reason.empty();
  return server::status_json(input);
}

control::Metrics GameServer::metrics() {
  const std::int64_t now = os_.monotonic_ns();
  const DriverState state = driver_->state();
  control::Metrics metrics;
  metrics.reloads_active = state.ok;
  metrics.reloads_failed = state.failed;
  metrics.reloads_superseded = state.superseded;
  metrics.reloads_rolled_back = state.rolled_back;
  metrics.phases = driver_->histograms();
  if (state.active) metrics.payloads.push_back({state.active->text(), state.active_version, "active"});
  if (state.desired) metrics.payloads.push_back({state.desired->text(), state.desired_version, "desired"});
  metrics.ready = ready();
  metrics.tick_age_seconds = static_cast<double>(tick_age_ns(now)) / 1e9;
  metrics.watch_fallback = io_->watch_is_polling();
  metrics.watch_overflows = io_->overflows();
  return metrics;
}

bool GameServer::peer_allowed(uid_t uid) {
  if (uid == 0 || uid == os_.effective_uid()) return true;
  if (io_->volume() < 0) return false;
  const auto current = payload::read_current(os_, io_->volume());
  return current && *current && (*current)->owner == uid;
}

void GameServer::look_now() {
  io_->look_now();
}

std::optional<payload::Digest> GameServer::desired() {
  return driver_->state().desired;
}

control::Outcome GameServer::outcome(const payload::Digest& digest) {
  control::Outcome outcome = driver_->outcome(digest);
  if (outcome.verdict == control::Verdict::pending) {
    if (stalled(os_.monotonic_ns())) return {control::Verdict::stalled, "the game loop does not poll"};
    if (!outcome.text.empty()) outcome.text = "reload is " + outcome.text;
  }
  return outcome;
}

control::Outcome GameServer::request_reload(const std::optional<payload::Digest>& digest, bool force,
                                            std::optional<payload::Digest>* target) {
  io_->look_now();
  const auto wanted = desired();
  if (!wanted) {
    if (!started_.load(std::memory_order_acquire))
      return {control::Verdict::starting, "the server is starting"};
    return {control::Verdict::not_found, io_->trouble().empty() ? "nothing is published" : io_->trouble()};
  }
  if (digest && *digest != *wanted) {
    auto now = driver_->outcome(*digest);
    if (now.verdict == control::Verdict::not_found) return now;
    return {control::Verdict::not_desired, "only the desired payload can be asked for: " + wanted->text()};
  }
  if (target != nullptr) *target = *wanted;
  if (const auto done = driver_->reload(force); !done) return {control::Verdict::busy, done.error().text};
  return outcome(*wanted);
}

control::Outcome GameServer::request_rollback(const std::optional<payload::Digest>& digest, bool force,
                                              std::optional<payload::Digest>* target) {
  std::optional<payload::Digest> to;
  if (const auto done = driver_->rollback(digest, force, &to); !done) {
    const bool missing = done.error().code == Code::not_found;
    return {missing ? control::Verdict::not_found : control::Verdict::failed, done.error().text};
  }
  if (target != nullptr) *target = to;
  return outcome(*to);
}

}  // namespace okg::server
