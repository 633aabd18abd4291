#include "cli/trigger.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cli/interrupt.hpp"
#include "cli/server.hpp"

namespace okg::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr milliseconds kFirstPause = 200ms;
constexpr milliseconds kLongestPause = 5s;
// The legacy route takes up to 25 s to answer.
constexpr milliseconds kPatience = 30s;

}  // namespace

OutcomeOf pull(const Trigger& trigger, std::optional<Clock::time_point> deadline,
               const std::stop_token& stop) {
  control::Request request;
  if (!trigger.token.empty()) request.headers["Authorization"] = "Bearer " + trigger.token;
  OutcomeOf failed{Outcome::failed, {}};
  failed.attempt.result = "failed";
  failed.attempt.stage = "confirm";
  failed.attempt.code = "confirm";
  const auto left = [&] {
    return deadline ? std::chrono::ceil<milliseconds>(*deadline - Clock::now()) : milliseconds::max();
  };
  // Too early to call it failed, but why it did not work so far is worth knowing.
  const auto unsettled = [&] { return OutcomeOf{Outcome::none, failed.attempt}; };
  milliseconds rest = kFirstPause;
  for (int attempt = 1; attempt <= trigger.tries; ++attempt) {
    if (attempt > 1) {
      if (!pause(std::clamp(rest, 0ms, std::max(0ms, left())), stop)) return unsettled();
      rest = std::min(rest * 2, kLongestPause);
    }
    if (left() <= 0ms) return unsettled();
    const auto response = control::ask_url(trigger.url, request, std::min(kPatience, left()), stop);
    if (stop.stop_requested()) return unsettled();
    failed.attempt.attempt = static_cast<std::uint64_t>(attempt);
    if (response && response->status == trigger.expect) return {Outcome::active, {}};
    if (!response) {
      // The try that our own deadline cut short tells less than the answer before it.
      if (left() > 0ms || failed.attempt.text.empty()) failed.attempt.text = response.error().text;
      continue;
    }
    const std::string status = "HTTP status " + std::to_string(response->status);
    const std::string why = error_text(*response);
    failed.attempt.text = trigger.url + ": " + status + " instead of " + std::to_string(trigger.expect) +
                          (why == status ? "" : ": " + why);
  }
  return failed;
}

}  // namespace okg::cli
