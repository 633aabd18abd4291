// How much one peer may ask for. A peer is a user id on the Unix socket and an IP address over TCP; one
// peer's flood costs no other peer an answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

#include "control/settings.hpp"

namespace okg::control {

enum class Transport { unix_socket, tcp };

class PeerTable {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Kind { read, order };

  explicit PeerTable(const Settings& settings);

  // One more connection; false: it would be one too many, of this peer or of all over TCP. The Unix socket
  // has no total: few users may connect there, and whatever holds connections over TCP takes none from them.
  bool connect(const std::string& peer, Transport transport, Time now);
  void disconnect(const std::string& peer, Transport transport);
  // One more request; false: too many in too short a time.
  bool allow(const std::string& peer, Kind kind, Time now);
  std::size_t size() const { return peers_.size(); }

  static constexpr std::size_t kMostPeers = 4096;

 private:
  struct Bucket {
    double tokens = 0;
    Time at{};
  };
  struct Peer {
    std::size_t connections = 0;
    Bucket reads, orders;
  };
  Peer& find(const std::string& name, Time now);
  void make_room(Time now);

  const Settings settings_;
  std::size_t per_peer_ = 0, tcp_connections_ = 0;
  std::unordered_map<std::string, Peer> peers_;
};

}  // namespace okg::control
