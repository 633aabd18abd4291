// What the connections of one transport share.
#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "base/os.hpp"
#include "kube/message.hpp"
#include "kube/tls_transport.hpp"
#include "kube/token.hpp"
#include "kube/trust.hpp"

namespace okg::kube {

using Clock = std::chrono::steady_clock;

struct Access {
  Access(base::Os& os, Config to, base::Log sink, TransportLimits most)
      : config(std::move(to)),
        log(sink),
        limits(most),
        name(where(config)),
        token(os, config.token_file, log),
        trust(os, config.ca_file, log) {}

  base::Error error(base::Code code, std::string_view text) const {
    return base::Error(code, name + ": " + std::string(text));
  }

  // Calls what the caller handed in, or does what may fail for want of memory: what it throws goes no
  // further. False when it threw.
  template <class Work>
  bool guarded(Work work) const {
    try {
      work();
      return true;
    } catch (const std::exception& thrown) {
      log.error("kube", name + ": " + thrown.what());
    } catch (...) {
      log.error("kube", name + ": a callback threw");
    }
    return false;
  }

  const Config config;
  const base::Log log;
  const TransportLimits limits;
  const std::string name;
  Token token;
  Trust trust;
};

// A clock plus the largest duration would overflow.
inline Clock::time_point from_now(std::chrono::milliseconds duration) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 365);
  return Clock::now() + std::clamp(duration, std::chrono::milliseconds(0), kLongest);
}

}  // namespace okg::kube
