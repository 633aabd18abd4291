// The one io thread: watches the volume, keeps time, serves the endpoint. Everything in here but start(),
// stop() and the signals runs on that thread.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/log.hpp"
#include "base/os.hpp"
#include "control/endpoint.hpp"
#include "reload/source.hpp"
#include "server/controller_driver.hpp"
#include "server/reload_driver.hpp"

namespace okg::server {

class IoThread {
 public:
  struct Options {
    std::string payload_directory;
    int run_directory = -1;
    control::EndpointOptions endpoint;
    bool serve = true;  // false: no run directory, no endpoint
    std::int64_t tick_timeout_ns = 0;
    std::optional<std::chrono::nanoseconds> quiet_period;  // the volume is written in place
    base::Log log;
  };

  // `sample`: called at least once an interval, with the current time: the watchdog looks at the tick
  // counter.
  // `changed`: after notify(), on the io thread.
  struct Hooks {
    std::function<void(std::int64_t now_ns)> sample;
    std::function<void()> changed;
  };
  IoThread(base::Os& os, Options options, ReloadDriver& driver, ControllerDriver& controller,
           control::Backend& backend, Hooks hooks);
  ~IoThread() { stop(); }

  // Fails when no thread is to be had, and may then be called again. *served: what the endpoint could not
  // open.
  base::Status start(base::Status* served);
  void stop();  // joins; idempotent

  // Any thread.
  void look_soon();  // the volume, now
  void notify();     // outcomes may have changed: those who wait look again, timers are set anew
  bool watch_is_polling() const { return polling_.load(std::memory_order_relaxed); }
  std::uint64_t overflows() const { return overflows_.load(std::memory_order_relaxed); }
  std::string trouble();

  // io thread.
  void look_now();
  int volume() const { return source_->root(); }

 private:
  enum class Cause { asked, interval, events };
  void look(Cause cause);
  void watch();
  void arm();
  void on_timer();

  base::Os& os_;
  Options options_;
  ReloadDriver& driver_;
  ControllerDriver& controller_;
  Hooks hooks_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_{io_};
  boost::asio::posix::stream_descriptor inotify_{io_};
  unsigned watched_generation_ = 0;
  const std::unique_ptr<reload::Source> source_;
  control::Endpoint endpoint_;
  std::int64_t next_interval_ns_ = 0;
  std::atomic<bool> notified_{false};
  std::atomic<bool> polling_{false};
  std::atomic<std::uint64_t> overflows_{0};
  std::mutex trouble_mutex_;
  std::string trouble_;
  std::thread thread_;
  bool opened_ = false;
};

}  // namespace okg::server
