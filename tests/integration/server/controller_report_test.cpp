// What the controller is told of a server, and what operators order by it, through the public API.
#include <gtest/gtest.h>

#include "controller_fixture.hpp"

namespace okg::test {
namespace {

TEST_F(ControllerTest, ReportsWhoRunsWhat) {
  Component scripts("scripts/a.lua");
  scripts.attach(*server_, "scripts");
  scripts.check = [](const std::string& text, StopToken) -> Result<void> {
    return text == "bad" ? Result<void>(rejected("a.lua: bad")) : Result<void>();
  };
  start();
  const auto digest = scene_.publish("2.4.1+7", {{"scripts/a.lua", "good"}});
  ASSERT_TRUE(
      poll_until(*server_, [&] { return controller_.label("okg-sdk/payload-version") == "2.4.1-7"; }));
  EXPECT_EQ(controller_.label("okg-sdk/reload-state"), "active");
  EXPECT_EQ(controller_.read()["metadata"]["annotations"]["okg-sdk/payload-digest"], digest);
  EXPECT_EQ(controller_.read()["metadata"]["annotations"]["okg-sdk/payload-version"], "2.4.1+7");
  scene_.publish("3", {{"scripts/a.lua", "bad"}});
  ASSERT_TRUE(poll_until(*server_, [&] { return controller_.label("okg-sdk/reload-state") == "failed"; }));
  ASSERT_TRUE(poll_until(*server_, [&] {
    return controller_.read()["metadata"]["annotations"].contains("okg-sdk/reload-error");
  }));
  EXPECT_EQ(controller_.label("okg-sdk/payload-version"), "2.4.1-7") << "what is really in use";
  controller_.set({{"metadata", {{"labels", {{"okg-sdk/payload-version", "lie"}}}}}});
  ASSERT_TRUE(
      poll_until(*server_, [&] { return controller_.label("okg-sdk/payload-version") == "2.4.1-7"; }));
  // The rollout is put back to what has been in use all the time: nothing is reloaded, and nothing is wrong.
  scene_.publish("2.4.1+7", {{"scripts/a.lua", "good"}});
  ASSERT_TRUE(poll_until(*server_, [&] { return controller_.label("okg-sdk/reload-state") == "active"; }));
  ASSERT_TRUE(poll_until(*server_, [&] {
    return !controller_.read()["metadata"]["annotations"].contains("okg-sdk/reload-error");
  }));
}

TEST_F(ControllerTest, OperatorsOrderByAnnotationOnce) {
  Component scripts("scripts/a.lua");
  scripts.attach(*server_, "scripts");
  start();
  const auto one = scene_.publish("1", {{"scripts/a.lua", "one"}});
  ASSERT_TRUE(poll_until(*server_, [&] { return scripts.text() == "one"; }));
  const auto two = scene_.publish("2", {{"scripts/a.lua", "two"}});
  ASSERT_TRUE(poll_until(*server_, [&] { return scripts.text() == "two"; }));
  controller_.set({{"metadata", {{"annotations", {{"gs-sync/okg-rollback", one + "#n1"}}}}}});
  ASSERT_TRUE(poll_until(*server_, [&] { return scripts.text() == "one"; }));
  controller_.set({{"metadata", {{"annotations", {{"gs-sync/okg-reload", two + "#n2"}}}}}});
  ASSERT_TRUE(poll_until(*server_, [&] { return scripts.text() == "two"; }));
  // A server that is started again finds both annotations there still, and does nothing.
  const auto commits = scripts.commits.size();
  server_->close();
  server_.reset();
  server_.emplace(scene_.options());
  Component again("scripts/a.lua");
  again.attach(*server_, "scripts");
  start();
  ASSERT_TRUE(poll_until(*server_, [&] { return again.text() == "two"; }));
  controller_.set({{"metadata", {{"annotations", {{"x", "y"}}}}}});
  poll_until(*server_, [&] { return server_->snapshot().annotation("x").has_value(); });
  EXPECT_EQ(again.commits.size(), 1U);
  EXPECT_GE(commits, 3U);
}

TEST_F(ControllerTest, KnowsWhyItWasStarted) {
  EXPECT_EQ(server_->start_report().reason, StartReason::fresh_pod);
  EXPECT_FALSE(server_->start_report().downtime);
  start();
  server_->close();
  server_.reset();
  server_.emplace(scene_.options());
  start();
  const auto report = server_->start_report();
  EXPECT_EQ(report.reason, StartReason::restart);
  ASSERT_TRUE(report.downtime);
  EXPECT_LT(*report.downtime, 60s);
  EXPECT_EQ(status(*server_)["start"]["reason"], "restart");
  ASSERT_TRUE(poll_until(*server_, [&] {
    const json annotations = controller_.read()["metadata"]["annotations"];
    return annotations.contains("okg-sdk/start-reason") &&
           json::parse(annotations["okg-sdk/start-reason"].get<std::string>())["reason"] == "restart";
  }));
}

}  // namespace
}  // namespace okg::test
