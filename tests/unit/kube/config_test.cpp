// What a pod is told about its API server, in every form in which it may come.
#include "kube/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "support/faulty_os.hpp"
#include "support/temporary_directory.hpp"

namespace okg::kube {
namespace {

using base::Code;
using test::FaultyOs;
using test::TemporaryDirectory;
using test::write_file;
using testing::HasSubstr;
using Values = std::map<std::string, std::string>;

base::Environment environment_of(Values values) {
  return [values = std::move(values)](const char* name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    // As the kubelet projects it.
    write_file(directory_ / "..1/token", "abc");
    write_file(directory_ / "..1/ca.crt", "pem");
    write_file(directory_ / "..1/namespace", "games");
    std::filesystem::create_symlink("..1", directory_ / "..data");
    for (const char* name : {"token", "ca.crt", "namespace"})
      std::filesystem::create_symlink(std::string("..data/") + name, directory_ / name);
  }
  base::Result<Config> with(Values values) {
    values.emplace("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    return in_cluster_config(os_, environment_of(std::move(values)), directory_.path());
  }

  FaultyOs os_;
  TemporaryDirectory directory_;
};

TEST_F(ConfigTest, AsAPodHasIt) {
  const auto config = with({{"KUBERNETES_SERVICE_PORT", "6443"}, {"KUBERNETES_SERVICE_PORT_HTTPS", "443"}});
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->host, "10.96.0.1");
  EXPECT_EQ(config->port, 6443);
  EXPECT_EQ(config->name_space, "games");
  EXPECT_EQ(config->token_file, directory_ / "token");
  EXPECT_EQ(config->ca_file, directory_ / "ca.crt");
  EXPECT_EQ(with({{"KUBERNETES_SERVICE_PORT_HTTPS", "8443"}})->port, 8443);
  EXPECT_EQ(with({})->port, 443);
}

TEST_F(ConfigTest, HostsOfEveryKind) {
  for (const auto& [given, host] : Values{{"fd00::1", "fd00::1"},
                                          {"[fd00::1]", "fd00::1"},
                                          {"::1", "::1"},
                                          {"kubernetes.default.svc", "kubernetes.default.svc"},
                                          {"my_host-1.example", "my_host-1.example"}}) {
    const auto config = with({{"KUBERNETES_SERVICE_HOST", given}});
    ASSERT_TRUE(config) << config.error().text;
    EXPECT_EQ(config->host, host);
  }
  for (const std::string& given : {std::string("a b"), std::string("a\r\nX: y"), std::string("a/b"),
                                   std::string("a@b"), std::string(300, 'a'), std::string("[]")}) {
    const auto config = with({{"KUBERNETES_SERVICE_HOST", given}});
    ASSERT_FALSE(config) << given;
    EXPECT_EQ(config.error().code, Code::invalid_argument);
    EXPECT_THAT(config.error().text, HasSubstr("KUBERNETES_SERVICE_HOST"));
    EXPECT_EQ(config.error().text.find('\n'), std::string::npos);
  }
}

TEST_F(ConfigTest, PortsThatAreNone) {
  for (const char* port : {"0", "65536", "x", "-1", "443 ", "tcp://10.0.0.1:443"}) {
    const auto config = with({{"KUBERNETES_SERVICE_PORT", port}});
    ASSERT_FALSE(config) << port;
    EXPECT_EQ(config.error().code, Code::invalid_argument);
  }
}

TEST_F(ConfigTest, NoPodIsNotFound) {
  const auto nothing = in_cluster_config(os_, environment_of({}), directory_.path());
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Code::not_found);
  for (const char* name : {"token", "ca.crt"}) {
    TemporaryDirectory empty;
    write_file(empty / "token", "abc");
    write_file(empty / "ca.crt", "pem");
    std::filesystem::remove(empty / name);
    const auto config =
        in_cluster_config(os_, environment_of({{"KUBERNETES_SERVICE_HOST", "::1"}}), empty.path());
    ASSERT_FALSE(config) << name;
    EXPECT_EQ(config.error().code, Code::not_found);
    EXPECT_THAT(config.error().text, HasSubstr(name));
  }
}

TEST_F(ConfigTest, AVariableMovesTheDirectory) {
  const auto config = in_cluster_config(
      os_,
      environment_of({{"KUBERNETES_SERVICE_HOST", "::1"}, {"OKG_SERVICE_ACCOUNT_DIR", directory_.path()}}));
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->token_file, directory_ / "token");
  const auto elsewhere = in_cluster_config(os_, environment_of({{"KUBERNETES_SERVICE_HOST", "::1"}}));
  if (!elsewhere) {
    EXPECT_THAT(elsewhere.error().text, HasSubstr(kServiceAccountDirectory));
  }
}

TEST_F(ConfigTest, Namespaces) {
  const auto name_space = [&](const std::string& text) {
    write_file(directory_ / "..1/namespace", text);
    return with({});
  };
  EXPECT_EQ(name_space("kube-system\n")->name_space, "kube-system");
  for (const std::string& bad :
       {std::string(), std::string("\n"), std::string("a/b"), std::string("A"), std::string("-a"),
        std::string(64, 'a'), std::string("a\nb"), std::string(9000, 'a')}) {
    const auto config = name_space(bad);
    ASSERT_FALSE(config) << bad;
    EXPECT_EQ(config.error().code, Code::invalid_argument) << config.error().text;
  }
  std::filesystem::remove(directory_ / "namespace");
  ASSERT_TRUE(with({}));
  EXPECT_EQ(with({})->name_space, "");
}

TEST_F(ConfigTest, EveryFailingCallIsAnError) {
  with({});
  const std::uint64_t calls = os_.calls();
  ASSERT_GT(calls, 3U);
  for (std::uint64_t n = 1; n <= calls; ++n) {
    os_.reset();
    os_.fail_nth(n, EACCES);
    const auto config = with({});
    EXPECT_FALSE(config) << n;
  }
}

}  // namespace
}  // namespace okg::kube
