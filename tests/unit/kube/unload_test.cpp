// The library's own OpenSSL goes with the library, and does not go before a thread that uses it.
#include <spawn.h>
#include <sys/wait.h>

#include "unit/kube/rig.hpp"

namespace okg::kube::test {
namespace {

int run_host(const FakeApiServer& server, const char* mode) {
  std::vector<std::string> variables;
  for (const char* name : {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "OKG_SERVICE_ACCOUNT_DIR"})
    variables.push_back(std::string(name) + "=" + *server.environment()(name));
  // Must not be read: with it there is no TLS.
  variables.emplace_back("OPENSSL_CONF=" OKG_BAD_OPENSSL_CONF);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string arguments[] = {OKG_KUBE_HOST, mode, OKG_KUBE_PLUGIN};
  char* const argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
  pid_t child = 0;
  if (::posix_spawn(&child, OKG_KUBE_HOST, nullptr, nullptr, argv, environment.data()) != 0) return -1;
  int status = -1;
  return ::waitpid(child, &status, 0) == child ? status : -1;
}

class Unload : public testing::Test {
 protected:
  Unload() {
    // A handshake for each request.
    server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) {
      answer.json(200, "{}", {{"Connection", "close"}});
      answer.close();
    });
  }
  FakeApiServer server;
};

TEST_F(Unload, TwentyTimesAndNothingIsLeft) {
  EXPECT_EQ(run_host(server, "unload"), 0);
  EXPECT_GE(server.connections(), 20U);
}

TEST_F(Unload, ExitInTheMiddleOfRequests) {
  for (int i = 0; i < 5; ++i) ASSERT_EQ(run_host(server, "exit"), 0) << i;
}

}  // namespace
}  // namespace okg::kube::test
