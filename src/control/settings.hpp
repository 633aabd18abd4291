// Limits and times of the endpoint. Private to this room: tests shorten them, nobody else sets them.
#pragma once

#include <chrono>
#include <cstddef>

namespace okg::control {

struct Settings {
  std::chrono::milliseconds header_timeout{
      5'000};  // from the first byte (or the accept) to the end of the header
  std::chrono::milliseconds body_timeout{5'000};
  std::chrono::milliseconds idle_timeout{30'000};  // between two requests
  std::chrono::milliseconds write_timeout{10'000};
  std::chrono::milliseconds linger{1'000};  // for a client that still sends while it is being refused
  std::chrono::milliseconds legacy_wait{25'000};
  std::chrono::milliseconds look_again{
      1'000};  // those who wait are judged anew so often, also without notify()
  std::chrono::milliseconds accept_backoff{100};  // doubled up to one second while accept() fails

  std::size_t connections_per_peer =
      0;                             // 0: a quarter of RLIMIT_NOFILE, 32 to 1100; over TCP twice that in all
  std::size_t refused_at_once = 32;  // connections held only to tell them that they are refused

  // Token buckets per peer: for GET and the legacy route, and for orders (POST /v1/…).
  double reads_per_second = 500, reads_burst = 1200;
  double orders_per_second = 20, orders_burst = 50;
};

// Sizes of one request, in bytes.
inline constexpr std::size_t kHeaderLimit = 8 * 1024;
inline constexpr std::size_t kBodyLimit = 64 * 1024;

}  // namespace okg::control
