#include "cli/publish_follow.hpp"

#include <fcntl.h>

#include <algorithm>

#include "cli/interrupt.hpp"
#include "cli/server.hpp"
#include "payload/read.hpp"

namespace okg::cli {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr milliseconds kShortestPause = 200ms;
constexpr milliseconds kLongestPause = 1s;
constexpr milliseconds kLongPoll = 30s;
constexpr milliseconds kUnansweredFor = 5s;
constexpr milliseconds kAnswersWithin = 200ms;

// The failure that an answer 409 is about. The body is the status, of which everything is doubted.
OutcomeOf failure_in(const control::Response& response, const payload::Digest& digest) {
  OutcomeOf outcome{Outcome::failed, {}};
  if (const auto status = parse_status(response.body)) {
    if (status->hold && status->hold->desired == digest) return outcome_of(*status, digest);
    if (auto failure = failure_of(*status, digest)) {
      outcome.attempt = *std::move(failure);
      if (outcome.attempt.result == "rolled_back") outcome.outcome = Outcome::rolled_back;
      return outcome;
    }
  }
  outcome.attempt.text = error_text(response);
  return outcome;
}

std::string desired_in(const control::Response& response) {
  const auto status = parse_status(response.body);
  return status && status->desired ? status->desired->version : "";
}

}  // namespace

std::optional<OutcomeOf> Follower::ask(milliseconds patience) {
  if (options_.run.empty()) return std::nullopt;
  // Whole seconds that end before our own patience does: its 202 says what it still waits for.
  const auto seconds =
      std::max<std::int64_t>(1, std::chrono::floor<std::chrono::seconds>(patience - kAnswersWithin).count());
  const std::string target =
      "/v1/status?wait=" + options_.digest.text() + "&timeout=" + std::to_string(seconds);
  const auto response =
      get(options_.run, target, patience < kLongPoll ? patience : patience + 2s, options_.stop);
  if (!response) return std::nullopt;
  answered_ = true;
  switch (response->status) {
    case 200:
      return OutcomeOf{Outcome::active, {}};
    case 409:
      return failure_in(*response, options_.digest);
    case 410: {
      OutcomeOf outcome{Outcome::superseded, {}};
      outcome.attempt.text = desired_in(*response);
      return outcome;
    }
    default: {  // 202, still at it; 404 and 503, not so far yet; 429, not now
      OutcomeOf outcome;
      outcome.attempt.text = error_text(*response);
      return outcome;
    }
  }
}

std::optional<OutcomeOf> Follower::overtaken() const {
  const int root = os_.open(AT_FDCWD, options_.to.c_str(), O_RDONLY | O_DIRECTORY);
  if (root < 0) return std::nullopt;
  const base::UniqueFd owner(root);
  const auto current = payload::read_current(os_, root);
  if (!current || !*current || (*current)->name.digest == options_.digest) return std::nullopt;
  OutcomeOf outcome{Outcome::superseded, {}};
  outcome.attempt.text = (*current)->name.digest.text();
  return outcome;
}

OutcomeOf Follower::wait(std::optional<Clock::time_point> deadline) {
  const Clock::time_point begin = Clock::now();
  milliseconds rest = kShortestPause;
  OutcomeOf unsettled;
  while (!options_.stop.stop_requested()) {
    const auto asked = Clock::now();
    auto patience = kLongPoll;
    if (deadline) patience = std::min(patience, std::chrono::ceil<milliseconds>(*deadline - asked));
    if (patience <= 0ms) break;
    const auto answer = ask(patience);
    if (answer && answer->outcome != Outcome::none) return *answer;
    if (answer) unsettled = *answer;
    if (!answer) {
      if (auto outcome = overtaken()) return *outcome;
      if (!answered_ && Clock::now() - begin > kUnansweredFor && options_.unanswered)
        std::exchange(options_.unanswered, nullptr)();
    }
    // A server that kept us waiting is asked again at once; one that did not is left alone for a while.
    if (answer && Clock::now() - asked > kLongestPause) {
      rest = kShortestPause;
      continue;
    }
    auto pause_for = rest;
    if (deadline)
      pause_for = std::clamp(std::chrono::ceil<milliseconds>(*deadline - Clock::now()), 0ms, rest);
    if (!pause(pause_for, options_.stop)) break;
    rest = std::min(rest * 2, kLongestPause);
  }
  if (!answered_ && !options_.run.empty())
    unsettled.attempt.text = socket_path(options_.run) + ": no server answers";
  return unsettled;
}

OutcomeOf Follower::look() {
  if (auto outcome = overtaken()) return *outcome;
  if (options_.run.empty()) return {};
  const auto answer = get_status(options_.run, kQuestion, options_.stop);
  return answer ? outcome_of(answer->status, options_.digest) : OutcomeOf{};
}

void Follower::stay(Outcome reported, const std::function<void(const OutcomeOf&)>& changed) {
  while (pause(kLongestPause, options_.stop)) {
    const OutcomeOf now = look();
    if (now.outcome == Outcome::none || now.outcome == reported || options_.stop.stop_requested()) continue;
    reported = now.outcome;
    changed(now);
  }
}

}  // namespace okg::cli
