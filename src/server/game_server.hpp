// The GameServer facade: what okg.h offers, in C++ of the inside. See okg.h for threads and semantics.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "control/backend.hpp"
#include "server/controller_driver.hpp"
#include "server/hot_states.hpp"
#include "server/instance.hpp"
#include "server/io_thread.hpp"
#include "server/options.hpp"
#include "server/orders.hpp"
#include "server/poll_signal.hpp"
#include "server/reload_driver.hpp"
#include "server/reporter.hpp"
#include "server/start_reason.hpp"

namespace okg::server {

class GameServer final : private control::Backend {
 public:
  static base::Result<std::unique_ptr<GameServer>> connect(base::Os& os, const base::Environment& environment,
                                                           const GivenOptions& given);
  ~GameServer() override;

  // Polling thread.
  base::Status add(HandlerPtr handler);
  void remove(const HandlerPtr& handler);
  base::Status add(ListenerPtr listener);
  void remove(const ListenerPtr& listener);
  base::Status start(std::int64_t initial_payload_ns);
  int poll(std::int64_t budget_ns) { return tick() ? work(budget_ns) : 0; }
  // The turn of an idle game: is there anything to do?
  bool tick() {
    // One store, one load: the io thread owns the clock and samples the counter.
    ticks_.store(ticks_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return signal_.pending();
  }
  // Not `in_order`: as a crash, for the next process.
  void close(bool in_order = true);

  // Any thread.
  int poll_fd();
  base::Status set_ready(bool ready, const std::string& reason);
  std::string status_json() override;
  LivePayloadPtr active() const { return driver_->active(); }
  ControllerDriver& controller() { return *controller_; }
  StartReport start_report() const { return start_->report(); }
  const std::string& hot_directory() const { return options_.hot_directory; }
  const std::string& payload_directory() const { return options_.payload_directory; }
  const std::string& run_directory() const { return options_.endpoint.run_directory; }
  const std::shared_ptr<HotStates>& hot_states() const { return hot_states_; }
  base::Status report_bad(const std::string& text);
  base::Status rollback(const std::optional<payload::Digest>& to);
  base::Status reload(bool force);
  bool closed() const { return closed_.load(std::memory_order_acquire) || forked(); }
  // In a callback, where poll() and start() do nothing and close() waits.
  bool in_callback() const { return driver_->on_worker() || working_; }

 private:
  GameServer(base::Os& os, Options options);
  base::Status claim_run_directory();
  bool forked() const;
  int work(std::int64_t budget_ns);
  void begin_life();
  void report();
  void carry_out(const controller::say::Ask& ask);
  void sample(std::int64_t now_ns);
  bool stalled(std::int64_t now_ns) const;
  std::int64_t tick_age_ns(std::int64_t now_ns) const;

  // control::Backend, on the io thread.
  control::Metrics metrics() override;
  bool live() override;
  bool ready() override;
  bool peer_allowed(uid_t uid) override;
  void look_now() override;
  std::optional<payload::Digest> desired() override;
  control::Outcome outcome(const payload::Digest& digest) override;
  control::Outcome request_reload(const std::optional<payload::Digest>& digest, bool force,
                                  std::optional<payload::Digest>* target) override;
  control::Outcome request_rollback(const std::optional<payload::Digest>& digest, bool force,
                                    std::optional<payload::Digest>* target) override;
  base::Result<std::uint64_t> request_write(const control::GameServerWish& wish) override;

  base::Os& os_;
  Options options_;
  std::shared_ptr<HotStates> hot_states_ = std::make_shared<HotStates>();
  std::string uuid_, binary_;
  std::optional<Instance> instance_;
  PollSignal signal_;
  std::optional<StartWatch> start_;
  std::optional<Orders> orders_;
  Reporter reporter_;  // io thread
  unsigned born_in_;   // fork generation
  std::unique_ptr<ReloadDriver> driver_;
  std::unique_ptr<ControllerDriver> controller_;
  std::unique_ptr<IoThread> io_;

  // The polling thread's.
  bool working_ = false;
  std::atomic<bool> close_after_{false};  // asked for in a callback, the worker's included

  std::atomic<std::uint64_t> ticks_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> started_{false};  // a first payload is in use, or none was waited for
  std::atomic<bool> running_{false};  // the io thread runs
  std::atomic<bool> fd_asked_{false};

  // The io thread's samples of the tick counter; written there and by start(), read anywhere.
  std::atomic<std::uint64_t> sampled_ticks_{0};
  std::atomic<std::int64_t> ticked_at_{0};

  mutable std::mutex ready_mutex_;
  std::optional<bool> ready_said_;
  std::string not_ready_reason_;
};

}  // namespace okg::server
