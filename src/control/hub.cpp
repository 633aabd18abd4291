#include "control/hub.hpp"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "control/connection.hpp"

namespace okg::control {

Hub::Hub(boost::asio::io_context& io, Backend& backend, Router::Options options, const Settings& settings,
         base::Os& os, base::Log log)
    : io_(io),
      backend_(backend),
      settings_(settings),
      log_(log),
      router_(backend, std::move(options), os, log),
      peers_(settings),
      timer_(io) {}

template <class Work>
void Hub::guarded(const char* what, Work work) {
  try {
    work();
  } catch (const std::exception& error) {
    log_.error("control", std::string(what) + ": " + error.what());
  } catch (...) {
    log_.error("control", std::string(what) + ": unknown exception");
  }
}

void Hub::admit_unix(base::UniqueFd fd) {
  ucred who{};
  socklen_t size = sizeof who;
  if (!open_ || ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return;
  Peer peer{.transport = Transport::unix_socket, .name = "uid " + std::to_string(who.uid), .uid = who.uid};
  if (!backend_.peer_allowed(who.uid)) return admit(std::move(fd), std::move(peer), 403);
  const bool counted = peers_.connect(peer.name, peer.transport, std::chrono::steady_clock::now());
  admit(std::move(fd), std::move(peer), counted ? 0 : 429);
}

void Hub::admit_tcp(base::UniqueFd fd, const std::string& name) {
  if (!open_) return;
  const bool counted = peers_.connect(name, Transport::tcp, std::chrono::steady_clock::now());
  admit(std::move(fd), Peer{.transport = Transport::tcp, .name = name}, counted ? 0 : 429);
}

void Hub::admit(base::UniqueFd fd, Peer peer, int refusal) {
  if (refusal != 0 && refused_ >= settings_.refused_at_once) return;
  const auto connection = std::make_shared<Connection>(shared_from_this(), std::move(peer), refusal == 0);
  if (!connection->assign(std::move(fd))) return connection->drop();
  connections_.emplace(connection.get(), connection);
  if (refusal == 0) return connection->start();
  ++refused_;
  connection->turn_away(refusal);
}

void Hub::forget(Connection& connection, bool refused) {
  waiters_.erase(&connection);
  if (connections_.erase(&connection) != 0 && refused) --refused_;
}

void Hub::close() {
  if (!open_) return;
  for (const auto& [key, connection] : std::exchange(connections_, {})) connection->drop();
  open_ = false;
  timer_.cancel();
  arrived_.clear();
  waiters_.clear();
}

void Hub::judge_soon(std::shared_ptr<Connection> connection, bool wants_look) {
  arrived_.push_back(std::move(connection));
  look_wanted_ = look_wanted_ || wants_look;
  if (arrived_.size() > 1) return;
  boost::asio::post(io_, [self = shared_from_this()] {
    if (self->open_) self->judge_arrived();
  });
}

void Hub::judge_arrived() {
  const auto batch = std::exchange(arrived_, {});
  if (std::exchange(look_wanted_, false)) guarded("look at the volume", [this] { backend_.look_now(); });
  for (const auto& connection : batch) connection->judge();
}

void Hub::add_waiter(Connection& connection) {
  waiters_.insert(&connection);
  start_timer();
}

void Hub::notify() {
  if (!open_ || notified_ || waiters_.empty()) return;
  notified_ = true;
  boost::asio::post(io_, [self = shared_from_this()] {
    self->notified_ = false;
    if (self->open_) self->look_again();
  });
}

void Hub::look_again() {
  // Answering changes the set.
  std::vector<std::shared_ptr<Connection>> waiting;
  waiting.reserve(waiters_.size());
  for (Connection* connection : waiters_) waiting.push_back(connection->shared_from_this());
  for (const auto& connection : waiting) connection->look_again();
}

// An outcome may also change by mere time, and a wait of five minutes is not to hang on one lost
// notification.
void Hub::start_timer() {
  if (timer_runs_) return;
  timer_runs_ = true;
  timer_.expires_after(settings_.look_again);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code failed) {
    self->timer_runs_ = false;
    if (failed || !self->open_ || self->waiters_.empty()) return;
    self->guarded("look again", [&] { self->look_again(); });
    self->start_timer();
  });
}

}  // namespace okg::control
