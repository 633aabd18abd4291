// Which handlers a payload needs, and in which order.
#include "reload/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace okg::reload {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

payload::Digest content(int n) {
  payload::Digest digest;
  digest.bytes.fill(static_cast<std::uint8_t>(n));
  return digest;
}

class Plan : public ::testing::Test {
 protected:
  void component(const std::string& name, int now, std::vector<std::string> after = {}) {
    manifest_.components[name] = {name + "/", content(now), std::move(after)};
  }
  void handler(const std::string& name, std::vector<std::string> after = {}) {
    handlers_.push_back({name, std::move(after)});
  }
  std::vector<std::string> order(bool everything = false) {
    auto made = plan(manifest_, in_use_, handlers_, everything, &unhandled_);
    EXPECT_TRUE(made) << made.error().text;
    return made ? *made : std::vector<std::string>{"failed"};
  }
  base::Error refused() {
    auto made = plan(manifest_, in_use_, handlers_, false, &unhandled_);
    EXPECT_FALSE(made);
    return made ? base::Error() : made.error();
  }

  payload::Manifest manifest_;
  ComponentDigests in_use_;
  std::vector<HandlerInfo> handlers_;
  std::string unhandled_;
};

TEST_F(Plan, OnlyWhatChangedIsDue) {
  component("config", 1);
  component("scripts", 2);
  in_use_ = {{"config", content(1)}, {"scripts", content(1)}};
  handler("config");
  handler("scripts");
  EXPECT_THAT(order(), ElementsAre("scripts"));
  EXPECT_THAT(order(true), ElementsAre("config", "scripts"));
}

TEST_F(Plan, NothingChangedNothingIsDue) {
  component("config", 1);
  in_use_ = {{"config", content(1)}};
  EXPECT_THAT(order(), IsEmpty());  // and no handler is missed
}

TEST_F(Plan, TheFirstPayloadIsAllNew) {
  component("scripts", 1);
  component("config", 1);
  handler("scripts");
  handler("config");
  EXPECT_THAT(order(), ElementsAre("config", "scripts"));
}

TEST_F(Plan, WhatComesAndGoesIsDue) {
  component("added", 1);
  in_use_ = {{"removed", content(1)}};
  handler("added");
  handler("removed");
  EXPECT_THAT(order(), ElementsAre("added", "removed"));
}

TEST_F(Plan, WhatIsGoneNeedsNoHandler) {
  in_use_ = {{"removed", content(1)}};
  EXPECT_THAT(order(), IsEmpty());
}

TEST_F(Plan, NamesOrderWhatNothingElseOrders) {
  for (const char* name : {"c", "a", "b"}) {
    component(name, 1);
    handler(name);
  }
  EXPECT_THAT(order(), ElementsAre("a", "b", "c"));
}

TEST_F(Plan, AfterOfTheManifestIsKept) {
  component("a", 1, {"c"});
  component("b", 1);
  component("c", 1, {"b"});
  for (const char* name : {"a", "b", "c"}) handler(name);
  EXPECT_THAT(order(), ElementsAre("b", "c", "a"));
}

TEST_F(Plan, AfterOfHandlersIsKept) {
  component("a", 1);
  component("b", 1);
  handler("a", {"b"});
  handler("b");
  EXPECT_THAT(order(), ElementsAre("b", "a"));
}

TEST_F(Plan, AfterReachesThroughWhatIsNotDue) {
  component("a", 1, {"b"});
  component("b", 1, {"c"});
  component("c", 1);
  in_use_ = {{"b", content(1)}};
  for (const char* name : {"a", "b", "c"}) handler(name);
  EXPECT_THAT(order(), ElementsAre("c", "a"));
}

TEST_F(Plan, AfterReachesThroughManifestAndHandlersTogether) {
  component("a", 1, {"b"});
  component("b", 1);
  component("c", 1);
  in_use_ = {{"b", content(1)}};
  handler("a");
  handler("b", {"c"});
  handler("c");
  EXPECT_THAT(order(), ElementsAre("c", "a"));
}

TEST_F(Plan, AfterOfNobodyIsNothing) {
  component("a", 1);
  handler("a", {"nobody"});
  EXPECT_THAT(order(), ElementsAre("a"));
}

TEST_F(Plan, TheStarTakesWhatNobodyElseDoesAndComesLast) {
  component("zebra", 1);
  component("config", 1);
  handler("*");
  handler("zebra");
  EXPECT_THAT(order(), ElementsAre("zebra", "*"));
}

TEST_F(Plan, TheStarIsNotDueWhenEveryChangeHasAHandler) {
  component("config", 2);
  component("rest", 1);
  in_use_ = {{"config", content(1)}, {"rest", content(1)}};
  handler("*");
  handler("config");
  EXPECT_THAT(order(), ElementsAre("config"));
}

TEST_F(Plan, TheStarHearsOfWhatIsGone) {
  in_use_ = {{"removed", content(1)}};
  handler("*");
  EXPECT_THAT(order(), ElementsAre("*"));
}

TEST_F(Plan, TheStarComesEarlierForWhoAsks) {
  component("a", 1);
  component("rest", 1);
  handler("a", {"*"});
  handler("*");
  EXPECT_THAT(order(), ElementsAre("*", "a"));
}

TEST_F(Plan, WhatNobodyHandlesIsRefusedByName) {
  component("textures", 1);
  component("config", 1);
  handler("config");
  const base::Error error = refused();
  EXPECT_EQ(error.code, base::Code::unhandled);
  EXPECT_EQ(unhandled_, "textures");
  EXPECT_THAT(error.text, HasSubstr("textures"));
  EXPECT_FALSE(error.retriable);
}

TEST_F(Plan, WhatNobodyHandlesIsAcceptedOnDemand) {
  component("textures", 1);
  manifest_.unhandled = payload::Unhandled::accept;
  EXPECT_THAT(order(), IsEmpty());
}

TEST_F(Plan, ACycleIsRefused) {
  component("a", 1, {"b"});
  component("b", 1);
  handler("a");
  handler("b", {"a"});
  EXPECT_EQ(refused().code, base::Code::invalid_argument);
}

TEST_F(Plan, ACycleOfOneIsRefused) {
  component("a", 1);
  handler("a", {"a"});
  EXPECT_EQ(refused().code, base::Code::invalid_argument);
}

TEST_F(Plan, ACycleIsRefusedEvenWhereItIsNotDueInWhole) {
  component("a", 1, {"b"});
  component("b", 1);
  in_use_ = {{"b", content(1)}};
  handler("a");
  handler("b", {"a"});
  EXPECT_EQ(refused().code, base::Code::invalid_argument);
}

TEST_F(Plan, AThousandComponentsInAChain) {
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "c" + std::to_string(i);
    component(name, 1, i == 0 ? std::vector<std::string>{} : std::vector<std::string>{expected.back()});
    handler(name);
    expected.push_back(name);
  }
  EXPECT_EQ(order(), expected);
}

}  // namespace
}  // namespace okg::reload
