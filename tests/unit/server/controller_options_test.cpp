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

}  // namespace
}  // namespace okg::server
