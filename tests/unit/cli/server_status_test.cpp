#include "cli/server_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/sacred.hpp"
#include "integration/cli/support.hpp"

namespace okg::cli {
namespace {

using base::Json;
using payload::Digest;
using test::status_json;
using testing::HasSubstr;

const std::string kOne = "sha256:" + std::string(64, '1');
const std::string kTwo = "sha256:" + std::string(64, '2');
const Digest one = *Digest::from_text(kOne);
const Digest two = *Digest::from_text(kTwo);

ServerStatus status(const Json& changes) {
  return *parse_status(status_json(changes));
}

Json last(const std::string& digest, const char* result, bool retriable = false) {
  return {{"digest", digest}, {"version", "2"}, {"result", result},       {"stage", "prepare"},
          {"component", "c"}, {"text", "why"},  {"retriable", retriable}, {"code", "rejected"}};
}

TEST(ParseStatus, ReadsWhatTheSchemaHas) {
  const ServerStatus read =
      status({{"active", {{"digest", kOne}, {"version", "1"}, {"since", "s"}, {"unverified", true}}},
              {"in_use", {kOne, kTwo}},
              {"last_good", kTwo},
              {"last", last(kTwo, "failed")},
              {"reloads", {{"ok", 1}, {"failed", 2}, {"superseded", 3}}}});
  EXPECT_EQ(read.active->digest, one);
  EXPECT_TRUE(read.active->unverified);
  EXPECT_EQ(read.last_good, two);
  EXPECT_EQ(read.last->component, "c");
  EXPECT_EQ(read.superseded, 3U);
  EXPECT_FALSE(read.desired);
  EXPECT_EQ(sacred_in(read), (std::set<Digest>{one, two}));
}

TEST(ParseStatus, TakesTheAnswerToAFailedRequest) {
  const auto read = parse_status(R"({"error":{"code":"failed","text":"x"},"status":)" +
                                 status_json({{"last", last(kTwo, "failed")}}) + "}");
  ASSERT_TRUE(read);
  EXPECT_EQ(failure_of(*read, two)->text, "why");
}

TEST(ParseStatus, RefusesWhatIsNoStatus) {
  for (const char* bad :
       {"", "[]", "null", "{}", R"({"schema":"okg.status/v2"})", R"({"schema":1})",
        R"({"status":{"schema":"x"}})", R"({"schema":"okg.status/v1","schema":"okg.status/v1"})"})
    EXPECT_FALSE(parse_status(bad)) << bad;
}

TEST(ParseStatus, WrongTypesAndControlCharactersDoNoHarm) {
  const ServerStatus read = status({{"state", "\x1b[31mred\n"},
                                    {"active", "x"},
                                    {"desired", {{"digest", "sha256:12"}, {"version", 7}}},
                                    {"in_use", {1, "x", kOne}},
                                    {"refused", {1, {{"text", "a\nb"}}}},
                                    {"last", {{"detect_us", -5}}},
                                    {"reloads", {{"ok", "many"}}},
                                    {"pid", -1}});
  EXPECT_EQ(read.state.find('\x1b'), std::string::npos);
  EXPECT_EQ(read.state.find('\n'), std::string::npos);
  EXPECT_FALSE(read.active);
  EXPECT_FALSE(read.desired->digest);
  EXPECT_EQ(read.in_use, std::set<Digest>{one});
  ASSERT_EQ(read.refused.size(), 1U);
  EXPECT_EQ(read.refused[0].text.find('\n'), std::string::npos);
  EXPECT_FALSE(read.last->detect_us);
  EXPECT_EQ(read.ok, 0U);
}

TEST(OutcomeOf, IsWhatTheStatusSays) {
  const Json desired = {{"digest", kTwo}, {"version", "2"}};
  EXPECT_EQ(outcome_of(status({}), two).outcome, Outcome::none);
  EXPECT_EQ(outcome_of(status({{"desired", desired}}), two).outcome, Outcome::none);
  EXPECT_EQ(outcome_of(status({{"active", desired}}), two).outcome, Outcome::active);
  EXPECT_EQ(outcome_of(status({{"active", desired}}), one).outcome, Outcome::none);
  EXPECT_EQ(outcome_of(status({{"last", last(kTwo, "failed")}}), two).outcome, Outcome::failed);
  EXPECT_EQ(outcome_of(status({{"last", last(kTwo, "superseded")}}), two).outcome, Outcome::superseded);
  EXPECT_EQ(outcome_of(status({{"last", last(kTwo, "rolled_back")}}), two).outcome, Outcome::rolled_back);
  EXPECT_EQ(outcome_of(status({{"refused", Json::array({last(kTwo, "")})}}), two).outcome, Outcome::failed);
  // A server that was started anew remembers the refusal only.
  Json refused = last(kTwo, "");
  refused["stage"] = "probation";
  EXPECT_EQ(outcome_of(status({{"refused", Json::array({refused})}}), two).outcome, Outcome::rolled_back);
  // Active again after a failure.
  EXPECT_EQ(outcome_of(status({{"active", desired}, {"last", last(kTwo, "failed")}}), two).outcome,
            Outcome::active);
}

TEST(OutcomeOf, AFailureThatWillBeRetriedIsNone) {
  const Json desired = {{"digest", kTwo}, {"version", "2"}};
  EXPECT_EQ(outcome_of(status({{"desired", desired}, {"last", last(kTwo, "failed", true)}}), two).outcome,
            Outcome::none);
  EXPECT_EQ(outcome_of(status({{"last", last(kTwo, "failed", true)}}), two).outcome, Outcome::failed);
}

TEST(ParseStatus, ReadsWorkHoldAndParts) {
  const ServerStatus nothing = status({});
  EXPECT_FALSE(nothing.working_on);
  EXPECT_FALSE(nothing.hold);
  EXPECT_FALSE(nothing.inconsistent);
  const ServerStatus read =
      status({{"working_on", kTwo}, {"hold", {{"desired", kTwo}, {"to", kOne}}}, {"inconsistent", true}});
  EXPECT_EQ(read.working_on, two);
  EXPECT_EQ(read.hold->desired, two);
  EXPECT_EQ(read.hold->to, one);
  EXPECT_TRUE(read.inconsistent);
  const ServerStatus odd =
      status({{"working_on", 7}, {"hold", {{"desired", kTwo}}}, {"inconsistent", "yes"}});
  EXPECT_FALSE(odd.working_on);
  EXPECT_FALSE(odd.hold);
  EXPECT_FALSE(odd.inconsistent);
}

TEST(OutcomeOf, WhatIsInPartsIsNotActive) {
  const Json named = {{"digest", kTwo}, {"version", "2"}};
  Json changes = {{"active", named}, {"inconsistent", true}};
  EXPECT_EQ(outcome_of(status(changes), two).outcome, Outcome::none);
  changes["last"] = last(kTwo, "failed");
  EXPECT_EQ(outcome_of(status(changes), two).outcome, Outcome::failed);
  changes["inconsistent"] = false;
  EXPECT_EQ(outcome_of(status(changes), two).outcome, Outcome::active);
}

TEST(OutcomeOf, WhatIsHeldIsRolledBack) {
  const Json changes = {{"active", {{"digest", kOne}, {"version", "1.0"}}},
                        {"desired", {{"digest", kTwo}, {"version", "2.0"}}},
                        {"hold", {{"desired", kTwo}, {"to", kOne}}}};
  const OutcomeOf held = outcome_of(status(changes), two);
  EXPECT_EQ(held.outcome, Outcome::rolled_back);
  EXPECT_EQ(describe_failure("2.0", held.attempt),
            "2.0 was rolled back: on request, to 1.0, until something newer is published");
  EXPECT_EQ(outcome_of(status(changes), one).outcome, Outcome::active);
}

TEST(IsRefused, IsWhatTheServerRemembers) {
  EXPECT_FALSE(is_refused(status({{"last", last(kTwo, "failed")}}), two));
  const Json refused = Json::array({last(kTwo, "")});
  EXPECT_TRUE(is_refused(status({{"refused", refused}}), two));
  EXPECT_FALSE(is_refused(status({{"refused", refused}}), one));
  EXPECT_FALSE(is_refused(status({{"refused", Json::array({last(kTwo, "", true)})}}), two));
}

TEST(VersionOrDigest, IsWhatPeopleKnow) {
  EXPECT_EQ(version_or_digest(status({{"active", {{"digest", kOne}, {"version", "1.0"}}}}), one), "1.0");
  EXPECT_EQ(version_or_digest(status({{"last", last(kTwo, "active")}}), two), "2");
  EXPECT_EQ(version_or_digest(status({}), two), "222222222222");
}

TEST(DescribeFailure, NamesVersionPlaceAndReason) {
  Attempt attempt;
  attempt.result = "failed";
  EXPECT_EQ(describe_failure("2.4.1", attempt), "reload of 2.4.1 failed");
  attempt.stage = "verify";
  attempt.code = "io";
  EXPECT_EQ(describe_failure("2.4.1", attempt), "reload of 2.4.1 failed at verify: io");
  attempt.stage = "prepare";
  attempt.component = "scripts";
  attempt.text = "a.lua:3: '=' expected";
  EXPECT_EQ(describe_failure("2.4.1", attempt),
            "reload of 2.4.1 failed at prepare(scripts): a.lua:3: '=' expected");
  attempt.result = "rolled_back";
  attempt.stage = "probation";
  attempt.component.clear();
  EXPECT_EQ(describe_failure("2.4.1", attempt), "2.4.1 was rolled back at probation: a.lua:3: '=' expected");
}

}  // namespace
}  // namespace okg::cli
