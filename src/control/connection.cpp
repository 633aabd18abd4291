#include "control/connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>

namespace okg::control {

using boost::system::error_code;
using Wait = boost::asio::posix::descriptor_base;

namespace {
constexpr std::string_view kNotAllowed =
    "this user may not use the endpoint; its uid has to be 0, the server's, or the "
    "owner of the volume's current link";
}  // namespace

Connection::Connection(std::shared_ptr<Hub> hub, Peer peer, bool counted)
    : hub_(std::move(hub)),
      peer_(std::move(peer)),
      counted_(counted),
      descriptor_(hub_->io()),
      timer_(hub_->io()) {}

Connection::~Connection() = default;

// Nothing may throw into the io loop, which serves more than us.
template <class Work>
void Connection::guarded(Work work) {
  if (phase_ == Phase::closed || !hub_->open()) return;
  try {
    work();
  } catch (const std::exception& error) {
    hub_->log().error("control", std::string("a connection was dropped: ") + error.what());
    drop();
  } catch (...) {
    hub_->log().error("control", "a connection was dropped");
    drop();
  }
}

bool Connection::assign(base::UniqueFd fd) {
  error_code failed;
  descriptor_.assign(fd.get(), failed);
  if (failed) return false;
  fd.release();
  return true;
}

void Connection::start() {
  guarded([this] {
    enter(Phase::fresh, hub_->settings().header_timeout);
    watch();
  });
}

void Connection::turn_away(int status) {
  guarded([&] {
    if (status == 403) return respond_and_close(403, "denied", kNotAllowed);
    respond_and_close(status, "busy", "too many connections; close some");
  });
}

void Connection::drop() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  error_code ignored;
  descriptor_.close(ignored);
  timer_.cancel();
  if (counted_) hub_->peers().disconnect(peer_.name, peer_.transport);
  hub_->forget(*this, !counted_);
}

void Connection::enter(Phase phase, std::chrono::milliseconds at_most) {
  phase_ = phase;
  timer_.expires_after(at_most);
  timer_.async_wait([self = shared_from_this()](error_code failed) {
    // A timer that fired just before it was set anew comes here without an error: the time tells.
    if (failed || self->timer_.expiry() > std::chrono::steady_clock::now()) return;
    self->guarded([&] { self->expired(); });
  });
}

void Connection::expired() {
  switch (phase_) {
    case Phase::head:
    case Phase::body:
      return respond_and_close(408, "timeout", "the request took too long to arrive");
    case Phase::waiting:
      if (const auto reply = hub_->router().look_again(*waiting_, true)) respond(*reply);
      return;
    case Phase::judging:
    case Phase::closed:
      return;
    case Phase::idle:
    case Phase::fresh:
    case Phase::writing:
    case Phase::lingering:
      return drop();
  }
}

void Connection::watch() {
  if (watching_) return;
  watching_ = true;
  descriptor_.async_wait(Wait::wait_read, [self = shared_from_this()](error_code failed) {
    self->watching_ = false;
    if (!failed) self->guarded([&] { self->readable(); });
  });
}

void Connection::readable() {
  // Not now: whoever needs the next bytes watches again.
  if (phase_ == Phase::writing || phase_ == Phase::judging) return;
  auto& scratch = hub_->scratch();
  const bool discard = phase_ == Phase::lingering;
  const std::size_t room = discard ? scratch.size() : std::min(scratch.size(), reader_.room());
  if (room == 0) return;  // a waiting client that sends on and on: read when its turn comes
  const ssize_t got = ::recv(descriptor_.native_handle(), scratch.data(), room, MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return drop();
  if (got > 0 && !discard) reader_.append({scratch.data(), static_cast<std::size_t>(got)});
  if (discard || phase_ == Phase::waiting || got < 0) return watch();
  proceed();
}

void Connection::proceed() {
  switch (reader_.advance()) {
    case RequestReader::State::empty:
      break;
    case RequestReader::State::head:
      if (phase_ == Phase::fresh) phase_ = Phase::head;  // its time runs since the accept
      if (phase_ == Phase::idle) enter(Phase::head, hub_->settings().header_timeout);
      break;
    case RequestReader::State::body:
      if (phase_ != Phase::body) enter(Phase::body, hub_->settings().body_timeout);
      if (reader_.take_expects_continue()) {
        static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        // All earlier answers are out, so there is room for this; where there is not, the client does not
        // read.
        if (::send(descriptor_.native_handle(), kContinue.data(), kContinue.size(),
                   MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(kContinue.size()))
          return drop();
      }
      break;
    case RequestReader::State::complete:
      return arrived(reader_.take());
    case RequestReader::State::refused: {
      const auto [status, text] = reader_.refusal();
      return respond_and_close(status, status == 413 || status == 431 ? "too_large" : "bad_request", text);
    }
  }
  watch();
}

void Connection::arrived(Incoming request) {
  request_ = std::move(request);
  keep_alive_ = request_.keep_alive;
  // Asked again for each request: the volume may have got another owner.
  if (peer_.transport == Transport::unix_socket && !hub_->uid_allowed(peer_.uid))
    return respond_and_close(403, "denied", kNotAllowed);
  Router& router = hub_->router();
  if (!hub_->peers().allow(peer_.name, router.kind(request_), std::chrono::steady_clock::now()))
    return respond(router.refuse(request_, 429, "busy", "too many requests; slow down"));
  phase_ = Phase::judging;
  hub_->judge_soon(shared_from_this(), router.wants_look(request_));
}

void Connection::judge() {
  if (phase_ != Phase::judging) return;
  guarded([this] {
    Answer answer = hub_->router().answer(request_, peer_.transport);
    if (const auto* reply = std::get_if<Reply>(&answer)) return respond(*reply);
    if (phase_ == Phase::closed) return;
    waiting_ = std::get<Waiting>(std::move(answer));
    enter(Phase::waiting, waiting_->at_most);
    hub_->add_waiter(*this);
    watch();  // so that we see it leave
  });
}

void Connection::look_again() {
  if (phase_ != Phase::waiting) return;
  guarded([this] {
    if (const auto reply = hub_->router().look_again(*waiting_, false)) respond(*reply);
  });
}

void Connection::respond_and_close(int status, std::string_view code, std::string_view text) {
  keep_alive_ = false;
  linger_ = true;
  // What was asked for cannot be known, so it may be the legacy route: no body.
  Reply reply;
  reply.status = status;
  reply.route = "other";
  reply.headers.emplace_back("X-OKG-Error", std::string(code) + ": " + std::string(text));
  if (status == 429) reply.headers.emplace_back("Retry-After", "1");
  request_ = {};
  respond(reply);
}

void Connection::respond(const Reply& reply) {
  if (phase_ == Phase::closed) return;  // the backend closed the endpoint while it was asked
  hub_->remove_waiter(*this);
  waiting_.reset();
  hub_->router().count(reply);
  out_ = serialise(reply, request_.old, keep_alive_, request_.method == "HEAD");
  sent_ = 0;
  enter(Phase::writing, hub_->settings().write_timeout);
  flush();
}

void Connection::flush() {
  while (sent_ < out_.size()) {
    const ssize_t put = ::send(descriptor_.native_handle(), out_.data() + sent_, out_.size() - sent_,
                               MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put >= 0) {
      sent_ += static_cast<std::size_t>(put);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      descriptor_.async_wait(Wait::wait_write, [self = shared_from_this()](error_code failed) {
        if (!failed) self->guarded([&] { self->flush(); });
      });
      return;
    } else if (errno != EINTR) {
      return drop();
    }
  }
  written();
}

void Connection::written() {
  out_.clear();
  out_.shrink_to_fit();
  if (keep_alive_) {
    enter(Phase::idle, hub_->settings().idle_timeout);
    // The next request may be here already; others get their turn first.
    boost::asio::post(hub_->io(), [self = shared_from_this()] {
      self->guarded([&] {
        if (self->phase_ == Phase::idle) self->proceed();
      });
    });
    return;
  }
  if (!linger_ && !reader_.holds_bytes()) return drop();
  // A close with bytes unread would be a reset, which can take the answer away from a client that still
  // sends.
  ::shutdown(descriptor_.native_handle(), SHUT_WR);
  enter(Phase::lingering, hub_->settings().linger);
  watch();
}

}  // namespace okg::control
