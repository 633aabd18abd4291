// Where the API is, is what the environment said when the server was made.
#include "server/controller_options.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace okg::server {
namespace {

TEST(ControllerOptions, RemembersWhereTheApiIs) {
  std::map<std::string, std::string> variables{{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
                                               {"KUBERNETES_SERVICE_PORT", "443"},
                                               {"KUBERNETES_SERVICE_PORT_HTTPS", "6443"},
                                               {"OKG_SERVICE_ACCOUNT_DIR", "/var/run/a"},
                                               {"OKG_POD_NAME", "game-0"}};
  const base::Environment environment = [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  base::Os& os = base::Os::real();
  const auto options = resolve_controller(os, environment, "/nowhere", "kubernetes", 0);
  ASSERT_TRUE(options) << options.error().text;
  // The game sets the environment of its next server, or of a child.
  variables = {{"OKG_SERVICE_ACCOUNT_DIR", "/var/run/b"}};
  EXPECT_EQ(options->api("KUBERNETES_SERVICE_HOST"), "10.96.0.1");
  EXPECT_EQ(options->api("KUBERNETES_SERVICE_PORT"), "443");
  EXPECT_EQ(options->api("KUBERNETES_SERVICE_PORT_HTTPS"), "6443");
  EXPECT_EQ(options->api("OKG_SERVICE_ACCOUNT_DIR"), "/var/run/a");
  EXPECT_EQ(options->api("HOME"), std::nullopt);

  const auto bare = resolve_controller(os, environment, "/nowhere", "kubernetes", 0);
  ASSERT_TRUE(bare) << bare.error().text;
  EXPECT_EQ(bare->api("KUBERNETES_SERVICE_HOST"), std::nullopt);
}

}  // namespace
}  // namespace okg::server
