// One connection of a browser: HTTP requests, then perhaps a WebSocket. All on the network thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "inbox.hpp"
#include "web.hpp"

namespace game2048 {

class WebSocket;

// What the connections share; outlives them all.
struct Hub {
  // Below the usual limit of 1,024 descriptors, and below the number of sessions that are kept.
  static constexpr std::size_t most_connections = 900;

  explicit Hub(Inbox& in) : inbox(in) {}

  Inbox& inbox;
  std::shared_ptr<const Site> site = {};
  std::unordered_map<ConnectionId, std::shared_ptr<WebSocket>> sockets = {};  // those that are open
  ConnectionId next_id = 1;
  std::size_t connections = 0;
};

// Counts a connection as long as it lives.
class Seat {
 public:
  explicit Seat(Hub& hub) : hub_(&hub) { ++hub_->connections; }
  Seat(Seat&& other) noexcept : hub_(std::exchange(other.hub_, nullptr)) {}
  Seat& operator=(Seat&&) = delete;
  ~Seat() {
    if (hub_ != nullptr) --hub_->connections;
  }

 private:
  Hub* hub_;
};

// Serves a connection until either side ends it.
void start_http(boost::asio::ip::tcp::socket socket, Hub& hub);

}  // namespace game2048
