#include "control/limits.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace okg::control {
namespace {

void refill(double& tokens, PeerTable::Time& at, PeerTable::Time now, double rate, double burst) {
  tokens = std::min(burst, tokens + rate * std::chrono::duration<double>(now - at).count());
  at = now;
}

}  // namespace

PeerTable::PeerTable(const Settings& settings)
    : settings_(settings), per_peer_(settings.connections_per_peer) {
  if (per_peer_ != 0) return;
  rlimit files{};
  const rlim_t most = ::getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : 1024;
  per_peer_ = static_cast<std::size_t>(std::clamp<rlim_t>(most / 4, 32, 1100));
}

PeerTable::Peer& PeerTable::find(const std::string& name, Time now) {
  if (const auto found = peers_.find(name); found != peers_.end()) return found->second;
  if (peers_.size() >= kMostPeers) make_room(now);
  return peers_[name] = Peer{.reads = {settings_.reads_burst, now}, .orders = {settings_.orders_burst, now}};
}

// Whoever has no connection and a full bucket is as good as unknown. If too many are left, the half that was
// quiet longest goes: seldom enough that a flood of new peers costs little each.
void PeerTable::make_room(Time now) {
  std::vector<std::pair<Time, std::string>> idle;
  for (auto at = peers_.begin(); at != peers_.end();) {
    const Peer& peer = at->second;
    Bucket reads = peer.reads, orders = peer.orders;
    refill(reads.tokens, reads.at, now, settings_.reads_per_second, settings_.reads_burst);
    refill(orders.tokens, orders.at, now, settings_.orders_per_second, settings_.orders_burst);
    if (peer.connections == 0 && reads.tokens >= settings_.reads_burst &&
        orders.tokens >= settings_.orders_burst) {
      at = peers_.erase(at);
      continue;
    }
    if (peer.connections == 0) idle.emplace_back(std::max(peer.reads.at, peer.orders.at), at->first);
    ++at;
  }
  if (peers_.size() < kMostPeers) return;
  std::sort(idle.begin(), idle.end());
  idle.resize((idle.size() + 1) / 2);
  for (const auto& [last, name] : idle) peers_.erase(name);
}

bool PeerTable::connect(const std::string& name, Transport transport, Time now) {
  const bool tcp = transport == Transport::tcp;
  if (tcp && tcp_connections_ >= 2 * per_peer_) return false;
  Peer& peer = find(name, now);
  if (peer.connections >= per_peer_) return false;
  ++peer.connections;
  if (tcp) ++tcp_connections_;
  return true;
}

void PeerTable::disconnect(const std::string& name, Transport transport) {
  const auto found = peers_.find(name);
  if (found == peers_.end() || found->second.connections == 0) return;
  --found->second.connections;
  if (transport == Transport::tcp) --tcp_connections_;
}

bool PeerTable::allow(const std::string& name, Kind kind, Time now) {
  Peer& peer = find(name, now);
  const bool read = kind == Kind::read;
  Bucket& bucket = read ? peer.reads : peer.orders;
  refill(bucket.tokens, bucket.at, now, read ? settings_.reads_per_second : settings_.orders_per_second,
         read ? settings_.reads_burst : settings_.orders_burst);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace okg::control
