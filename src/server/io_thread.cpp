#include "server/io_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <future>
#include <system_error>

#include "payload/publish.hpp"
#include "reload/detector.hpp"
#include "reload/quiet_source.hpp"

namespace okg::server {

namespace asio = boost::asio;

namespace {

std::unique_ptr<reload::Source> make_source(base::Os& os, const IoThread::Options& options) {
  if (options.quiet_period)
    return std::make_unique<reload::QuietSource>(os, options.payload_directory, options.quiet_period->count(),
                                                 options.log);
  return std::make_unique<reload::Detector>(os, options.payload_directory, options.log);
}

}  // namespace

IoThread::IoThread(base::Os& os, Options options, ReloadDriver& driver, ControllerDriver& controller,
                   control::Backend& backend, Hooks hooks)
    : os_(os),
      options_(std::move(options)),
      driver_(driver),
      controller_(controller),
      hooks_(std::move(hooks)),
      work_(asio::make_work_guard(io_)),
      source_(make_source(os, options_)),
      endpoint_(io_, backend, options_.endpoint, os, options_.log) {}

base::Status IoThread::start(base::Status* served) {
  // Opened here, so that the caller learns of an address in use, and that who connects after start() finds
  // somebody.
  if (options_.serve && !opened_) *served = endpoint_.open();
  opened_ = true;
  // Signals are the game's.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  try {
    thread_ = std::thread([this] {
      for (;;) {
        try {
          io_.run();
          return;
        } catch (const std::exception& thrown) {
          options_.log.error("server", std::string("io thread: ") + thrown.what());
        }
      }
    });
  } catch (const std::system_error& failed) {
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    return base::Error(base::Code::no_memory, std::string("io thread: ") + failed.what());
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  pthread_setname_np(thread_.native_handle(), "okg-io");
  asio::post(io_, [this] {
    controller_.start(io_, [this] { arm(); });
    look(Cause::asked);
    hooks_.changed();
    arm();
  });
  return {};
}

void IoThread::stop() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    endpoint_.close();
    controller_.stop();
    timer_.cancel();
    if (inotify_.is_open()) inotify_.release();  // the source's
    work_.reset();
    io_.stop();
  });
  thread_.join();
}

void IoThread::look_soon() {
  asio::post(io_, [this] { look_now(); });
}

void IoThread::notify() {
  if (notified_.exchange(true)) return;
  asio::post(io_, [this] {
    notified_.store(false);
    endpoint_.notify();
    hooks_.changed();
    arm();
  });
}

std::string IoThread::trouble() {
  const std::lock_guard lock(trouble_mutex_);
  return trouble_;
}

void IoThread::look_now() {
  look(Cause::asked);
}

void IoThread::look(Cause cause) {
  const std::int64_t woken = os_.monotonic_ns();
  std::optional<reload::Target> found;
  switch (cause) {
    case Cause::asked:
      found = source_->look();
      break;
    case Cause::interval:
      found = source_->look_after_interval();
      break;
    case Cause::events:
      found = source_->look_after_events();
      break;
  }
  if (found) {
    std::optional<std::int64_t> stamp;
    if (options_.run_directory >= 0)
      stamp = payload::desired_stamp_ns(os_, options_.run_directory, found->digest());
    driver_.found(*found, woken, stamp);
  }
  polling_.store(source_->polling(), std::memory_order_relaxed);
  overflows_.store(source_->overflows(), std::memory_order_relaxed);
  {
    const std::lock_guard lock(trouble_mutex_);
    trouble_ = source_->trouble();
  }
  watch();
}

// Asks Asio to tell when the source's inotify descriptor, which may be another one by now, is readable.
void IoThread::watch() {
  if (watched_generation_ == source_->fd_generation()) return;
  watched_generation_ = source_->fd_generation();
  if (inotify_.is_open()) inotify_.release();
  if (source_->fd() < 0) return;
  boost::system::error_code failed;
  inotify_.assign(source_->fd(), failed);
  if (failed) return;  // the safety poll is always there
  const auto wait = [this, generation = watched_generation_](auto&& self) -> void {
    inotify_.async_wait(asio::posix::stream_descriptor::wait_read, [this, generation, self](auto error) {
      if (error || generation != watched_generation_) return;
      look(Cause::events);
      arm();
      if (generation == watched_generation_) self(self);
    });
  };
  wait(wait);
}

void IoThread::arm() {
  const std::int64_t now = os_.monotonic_ns();
  // The watchdog has to look twice within its timeout; for the rest a second is often enough.
  const std::int64_t interval = std::clamp<std::int64_t>(
      options_.tick_timeout_ns / 2, 20'000'000, std::int64_t{source_->poll_interval_ms()} * 1'000'000);
  if (next_interval_ns_ <= now || next_interval_ns_ > now + interval) next_interval_ns_ = now + interval;
  std::int64_t next = next_interval_ns_;
  for (const auto deadline : {driver_.next_deadline(), controller_.next_deadline()})
    if (deadline && *deadline < next) next = *deadline;
  timer_.expires_after(std::chrono::nanoseconds(std::max<std::int64_t>(next - now, 0)));
  timer_.async_wait([this](auto error) {
    if (!error) on_timer();
  });
}

void IoThread::on_timer() {
  const std::int64_t now = os_.monotonic_ns();
  driver_.tick();
  controller_.tick();
  if (now >= next_interval_ns_) {
    next_interval_ns_ = 0;
    hooks_.sample(now);
    controller_.interval();
    look(Cause::interval);
  }
  arm();
}

}  // namespace okg::server
