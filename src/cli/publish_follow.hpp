// After a publish: what does the server make of it?
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/os.hpp"
#include "cli/server_status.hpp"
#include "payload/digest.hpp"

namespace okg::cli {

class Follower {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    std::string to;   // the volume
    std::string run;  // "": no server is known
    payload::Digest digest;
    std::stop_token stop;
    std::function<void()> unanswered;  // called once when nobody has answered for a few seconds
  };
  Follower(base::Os& os, Options options) : os_(os), options_(std::move(options)) {}

  // Until there is an outcome, or none, with what was still waited for as its text, when `deadline` passed or
  // a stop was requested. The server may not be there yet, or go and come again.
  OutcomeOf wait(std::optional<Clock::time_point> deadline);

  // Until a stop is requested: calls `changed` for every outcome that differs from the one before,
  // `reported`.
  void stay(Outcome reported, const std::function<void(const OutcomeOf&)>& changed);

 private:
  std::optional<OutcomeOf> ask(std::chrono::milliseconds patience);
  // Something else is `current` now: what it is.
  std::optional<OutcomeOf> overtaken() const;
  OutcomeOf look();

  base::Os& os_;
  Options options_;
  bool answered_ = false;
};

}  // namespace okg::cli
