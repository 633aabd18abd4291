#include "cli/trigger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli/support.hpp"

namespace okg::cli {
namespace {

using test::Asked;
using test::FakeServer;
using test::Reply;
using testing::HasSubstr;

TEST(Trigger, GivesUpWithTheLastAnswer) {
  FakeServer server("", [](const Asked&) { return Reply{500, "", "X-OKG-Error: a.lua:3: bad\r\n"}; });
  Trigger trigger;
  trigger.url = server.url();
  trigger.tries = 2;
  const OutcomeOf outcome = pull(trigger, std::nullopt, {});
  EXPECT_EQ(outcome.outcome, Outcome::failed);
  EXPECT_EQ(outcome.attempt.stage, "confirm");
  EXPECT_EQ(outcome.attempt.code, "confirm");
  EXPECT_THAT(outcome.attempt.text, HasSubstr("HTTP status 500 instead of 200: a.lua:3: bad"));
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST(Trigger, NobodyThereIsAFailureToo) {
  Trigger trigger;
  {
    const FakeServer gone("", [](const Asked&) { return Reply{}; });
    trigger.url = gone.url();
  }
  trigger.tries = 1;
  const OutcomeOf outcome = pull(trigger, std::nullopt, {});
  EXPECT_EQ(outcome.outcome, Outcome::failed);
  EXPECT_THAT(outcome.attempt.text, HasSubstr(trigger.url));
  EXPECT_EQ(outcome.attempt.text.find(trigger.url), outcome.attempt.text.rfind(trigger.url));
}

TEST(Trigger, OutOfTimeTellsTheLastAnswer) {
  FakeServer server("", [](const Asked&) { return Reply{401, "", "X-OKG-Error: a token is needed\r\n"}; });
  Trigger trigger;
  trigger.url = server.url();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  const OutcomeOf outcome = pull(trigger, deadline, {});
  EXPECT_EQ(outcome.outcome, Outcome::none);
  EXPECT_EQ(outcome.attempt.text, trigger.url + ": HTTP status 401 instead of 200: a token is needed");
}

TEST(Trigger, ATryThatIsCutShortHidesNoAnswer) {
  std::atomic<int> count{0};
  std::atomic<FakeServer*> self{nullptr};
  FakeServer server("", [&](const Asked&) {
    if (count++ == 0) return Reply{401, "", "X-OKG-Error: a token is needed\r\n"};
    while (self == nullptr || !self.load()->closing()) std::this_thread::yield();
    return Reply{};
  });
  self = &server;
  Trigger trigger;
  trigger.url = server.url();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  EXPECT_THAT(pull(trigger, deadline, {}).attempt.text, HasSubstr("a token is needed"));
}

TEST(Trigger, StopsWhenToldTo) {
  std::stop_source source;
  FakeServer server("", [&](const Asked&) {
    source.request_stop();
    return Reply{500, "", {}};
  });
  Trigger trigger;
  trigger.url = server.url();
  EXPECT_EQ(pull(trigger, std::nullopt, source.get_token()).outcome, Outcome::none);
  EXPECT_EQ(server.asked().size(), 1U);
}

}  // namespace
}  // namespace okg::cli
