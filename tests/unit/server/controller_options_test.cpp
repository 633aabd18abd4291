#include "server/controller_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "support/temporary_directory.hpp"

namespace okg::server {
namespace {

using testing::HasSubstr;

base::Result<ControllerOptions> resolve(const std::map<std::string, std::string>& variables) {
  const auto environment = [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.empty()) return std::nullopt;
    return found->second;
  };
  return resolve_controller(base::Os::real(), environment, "/nowhere", "", 0);
}

TEST(ControllerOptionsTest, APodIsWhatItsHostIsCalled) {
  const auto options = resolve({{"OKG_CONTROLLER", "kubernetes"}, {"HOSTNAME", "game-2"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->pod_name, "game-2");
  const auto named =
      resolve({{"OKG_CONTROLLER", "kubernetes"}, {"HOSTNAME", "node-7"}, {"OKG_POD_NAME", "game-2"}});
  ASSERT_TRUE(named);
  EXPECT_EQ(named->pod_name, "game-2");
}

// It stands in a path and in a selector.
TEST(ControllerOptionsTest, WhatIsNoNameOfAPodIsNotAskedFor) {
  for (const char* name :
       {"game/../../pods", "game?limit=1", "Game", "game 2", "game,metadata.name=x", "-"}) {
    const auto options = resolve({{"OKG_CONTROLLER", "kubernetes"}, {"OKG_POD_NAME", name}});
    ASSERT_FALSE(options) << name;
    EXPECT_THAT(options.error().text, HasSubstr("OKG_POD_NAME: ")) << name;
  }
  const auto nowhere =
      resolve({{"OKG_CONTROLLER", "kubernetes"}, {"OKG_POD_NAME", "game-2"}, {"OKG_POD_NAMESPACE", "a/b"}});
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().text, HasSubstr("OKG_POD_NAMESPACE: "));
  const auto nobody = resolve({{"OKG_CONTROLLER", "kubernetes"}});
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().text, HasSubstr("OKG_POD_NAME: not set"));
}

TEST(ControllerOptionsTest, OffClusterAHostMayHaveAnyName) {
  const auto options = resolve({{"OKG_CONTROLLER", "local"}, {"HOSTNAME", "My_Laptop"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->pod_name, "");
}

// The game may change its environment while our threads run, for its next server or for a child.
TEST(ControllerOptionsTest, RemembersWhereTheApiIs) {
  std::map<std::string, std::string> variables{
      {"KUBERNETES_SERVICE_HOST", "10.96.0.1"},  {"KUBERNETES_SERVICE_PORT", "443"},
      {"KUBERNETES_SERVICE_PORT_HTTPS", "6443"}, {"OKG_SERVICE_ACCOUNT_DIR", "/var/run/a"},
      {"OKG_CONTROLLER", "kubernetes"},          {"OKG_POD_NAME", "game-0"}};
  const auto options = resolve(variables);
  ASSERT_TRUE(options) << options.error().text;
  variables["OKG_SERVICE_ACCOUNT_DIR"] = "/var/run/b";
  variables.erase("KUBERNETES_SERVICE_HOST");
  EXPECT_EQ(options->api("KUBERNETES_SERVICE_HOST"), "10.96.0.1");
  EXPECT_EQ(options->api("KUBERNETES_SERVICE_PORT"), "443");
  EXPECT_EQ(options->api("KUBERNETES_SERVICE_PORT_HTTPS"), "6443");
  EXPECT_EQ(options->api("OKG_SERVICE_ACCOUNT_DIR"), "/var/run/a");
  EXPECT_EQ(options->api("HOME"), std::nullopt);
  const auto other = resolve(variables);
  ASSERT_TRUE(other) << other.error().text;
  EXPECT_EQ(other->api("KUBERNETES_SERVICE_HOST"), std::nullopt);
  EXPECT_EQ(other->api("OKG_SERVICE_ACCOUNT_DIR"), "/var/run/b");
}

}  // namespace
}  // namespace okg::server
