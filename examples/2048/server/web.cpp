// SPDX-License-Identifier: Apache-2.0
#include "web.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "connection.hpp"
#include "websocket.hpp"

namespace game2048 {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

struct Web::State {
  explicit State(Inbox& inbox) : hub(inbox), acceptor(io), signals(io, SIGINT, SIGTERM), pause(io) {}

  void accept() {
    acceptor.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return accept_later();
      if (hub.connections < Hub::most_connections) {
        boost::system::error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);  // a move is small and must not wait
        start_http(std::move(socket), hub);
      }
      accept();
    });
  }

  // Out of descriptors, most likely: asking again at once would spin.
  void accept_later() {
    pause.expires_after(std::chrono::milliseconds(100));
    pause.async_wait([this](boost::system::error_code error) {
      if (!error) accept();
    });
  }

  Hub hub;  // before the context: connections that are destroyed with that still use it
  asio::io_context io{1};
  tcp::acceptor acceptor;
  asio::signal_set signals;
  asio::steady_timer pause;
  std::thread thread = {};
};

Web::Web(Inbox& inbox) : state_(std::make_unique<State>(inbox)) {
  state_->signals.async_wait([&inbox](boost::system::error_code error, int) {
    if (!error) inbox.stop();
  });
}

Web::~Web() {
  stop();
}

std::optional<std::string> Web::listen(const std::string& address, std::uint16_t port) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) return "listen on " + address + ": " + error.message();
  const tcp::endpoint endpoint(parsed, port);
  auto& acceptor = state_->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return "listen on " + address + ":" + std::to_string(port) + ": " + error.message() +
           ": give another --port or --address";
  state_->accept();
  state_->thread = std::thread([state = state_.get()] { state->io.run(); });
  return std::nullopt;
}

std::string Web::url() const {
  const tcp::endpoint local = state_->acceptor.local_endpoint();
  const std::string address = local.address().to_string();
  return "http://" + (local.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(local.port());
}

void Web::serve(std::shared_ptr<const Site> site) {
  asio::post(state_->io,
             [state = state_.get(), next = std::move(site)]() mutable { state->hub.site = std::move(next); });
}

void Web::send(std::vector<Outgoing> messages) {
  if (messages.empty()) return;
  asio::post(state_->io, [state = state_.get(), out = std::move(messages)] {
    for (const Outgoing& message : out) deliver(state->hub, message);
  });
}

void Web::stop() {
  state_->io.stop();
  if (state_->thread.joinable()) state_->thread.join();
  state_->hub.sockets.clear();  // while the context that they belong to is there
}

}  // namespace game2048
