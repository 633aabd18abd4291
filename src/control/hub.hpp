// What all connections of an endpoint share: routes, limits, and those who wait for an outcome. Lives on the
// io thread. After close() it calls the backend no more, however long handlers still hold it.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "control/limits.hpp"
#include "control/routes.hpp"
#include "control/settings.hpp"

namespace okg::control {

class Connection;
struct Peer;

class Hub : public std::enable_shared_from_this<Hub> {
 public:
  Hub(boost::asio::io_context& io, Backend& backend, Router::Options options, const Settings& settings,
      base::Os& os, base::Log log);

  // A new connection: served, refused with an answer, or, under a flood, just closed.
  void admit_unix(base::UniqueFd fd);
  void admit_tcp(base::UniqueFd fd, const std::string& peer);
  void close();
  // Those who wait are judged anew soon. Cheap; many calls in one turn count once.
  void notify();

  // For connections.
  bool open() const { return open_; }
  boost::asio::io_context& io() { return io_; }
  Router& router() { return router_; }
  PeerTable& peers() { return peers_; }
  const Settings& settings() const { return settings_; }
  const base::Log& log() const { return log_; }
  bool uid_allowed(uid_t uid) { return backend_.peer_allowed(uid); }
  // Judges the connection's request soon, together with all others that arrived meanwhile, after one look at
  // the volume: a look before the last byte came would be too early.
  void judge_soon(std::shared_ptr<Connection> connection, bool wants_look);
  void add_waiter(Connection& connection);
  void remove_waiter(Connection& connection) { waiters_.erase(&connection); }
  void forget(Connection& connection, bool refused);
  std::array<char, 16 * 1024>& scratch() { return scratch_; }

 private:
  // `refusal`: 0, or the status to turn it away with.
  void admit(base::UniqueFd fd, Peer peer, int refusal);
  template <class Work>
  void guarded(const char* what, Work work);
  void judge_arrived();
  void look_again();
  void start_timer();

  boost::asio::io_context& io_;
  Backend& backend_;
  const Settings settings_;
  const base::Log log_;
  Router router_;
  PeerTable peers_;
  boost::asio::steady_timer timer_;
  bool open_ = true, timer_runs_ = false, notified_ = false, look_wanted_ = false;
  std::size_t refused_ = 0;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  std::unordered_set<Connection*> waiters_;
  std::vector<std::shared_ptr<Connection>> arrived_;
  std::array<char, 16 * 1024> scratch_{};  // for reading: one handler runs at a time
};

}  // namespace okg::control
