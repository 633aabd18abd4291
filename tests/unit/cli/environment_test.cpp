#include "base/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "support/faulty_os.hpp"
#include "support/temporary_directory.hpp"

namespace okg::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Environment with(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

// An Os whose /okg/run is there or not, whatever this machine has.
class FakeRoot : public Os {
 public:
  explicit FakeRoot(bool mounted) : mounted_(mounted) {}
  int stat(int directory, const char* path, struct stat* out) override {
    if (std::string(path) == "/okg/run") return mounted_ ? 0 : -ENOENT;
    return Os::stat(directory, path, out);
  }
  uid_t effective_uid() override { return uid; }
  uid_t uid = 1000;

 private:
  bool mounted_;
};

TEST(OffCluster, IsWhereNothingSpeaksOfACluster) {
  FakeRoot laptop(false), pod(true);
  EXPECT_TRUE(off_cluster(laptop, with({})));
  EXPECT_FALSE(off_cluster(laptop, with({{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}})));
  EXPECT_FALSE(off_cluster(laptop, with({{"OKG_RUN_DIR", "/x"}})));
  EXPECT_FALSE(off_cluster(pod, with({})));
  EXPECT_TRUE(off_cluster(laptop, with({{"OKG_PAYLOAD_DIR", "/x"}})));
}

TEST(DefaultDirectories, OnACluster) {
  FakeRoot pod(true);
  const Directories found = default_directories(pod, with({}), "game");
  EXPECT_EQ(found.payload, "/okg/payload");
  EXPECT_EQ(found.run, "/okg/run");
  EXPECT_EQ(found.hot, "/okg/hot");
  EXPECT_EQ(found.podinfo, "/etc/podinfo");
}

TEST(DefaultDirectories, OnALaptopHaveUserAndName) {
  FakeRoot laptop(false);
  const Directories here = default_directories(laptop, with({}), "game");
  EXPECT_EQ(here.payload, "/tmp/okg-1000/game/payload");
  EXPECT_EQ(here.run, "/tmp/okg-1000/game/run");
  const Directories there =
      default_directories(laptop, with({{"XDG_RUNTIME_DIR", "/run/user/1000"}}), "game");
  EXPECT_EQ(there.hot, "/run/user/1000/okg-1000/game/hot");
  EXPECT_EQ(there.podinfo, "/run/user/1000/okg-1000/game/podinfo");
}

TEST(DefaultDirectories, VariablesWin) {
  FakeRoot laptop(false);
  const Directories found = default_directories(
      laptop, with({{"OKG_PAYLOAD_DIR", "/p"}, {"OKG_HOT_DIR", "/h"}, {"OKG_PODINFO_DIR", "/i"}}), "game");
  EXPECT_EQ(found.payload, "/p");
  EXPECT_EQ(found.run, "/tmp/okg-1000/game/run");
  EXPECT_EQ(found.hot, "/h");
  EXPECT_EQ(found.podinfo, "/i");
}

TEST(ServerName, IsOneSegment) {
  EXPECT_TRUE(check_server_name("game-2048"));
  for (const char* bad : {"", ".", "..", ".hidden", "a/b", "/", "\xff"})
    EXPECT_EQ(check_server_name(bad).error().code, Code::invalid_argument) << bad;
  EXPECT_FALSE(check_server_name(std::string(65, 'a')));
}

TEST(LocalServerNames, AreTheDirectories) {
  const test::TemporaryDirectory home;
  FakeRoot laptop(false);
  laptop.uid = ::geteuid();
  const Environment here = with({{"XDG_RUNTIME_DIR", home.path()}});
  EXPECT_THAT(*local_server_names(laptop, here), IsEmpty());
  const std::string own = user_directory(laptop, here);
  EXPECT_EQ(own, home.path() + "/okg-" + std::to_string(::geteuid()));
  for (const char* name : {"/red/run", "/blue/run", "/.hidden/run"})
    std::filesystem::create_directories(own + name);
  test::write_file(own + "/file", "");
  std::filesystem::create_directory_symlink("/tmp", own + "/link");
  EXPECT_THAT(*local_server_names(laptop, here), ElementsAre("blue", "red"));
}

TEST(LocalServerNames, OfSomebodyElseAreNotTrusted) {
  const test::TemporaryDirectory home;
  FakeRoot laptop(false);
  laptop.uid = ::geteuid() + 1;
  const Environment here = with({{"XDG_RUNTIME_DIR", home.path()}});
  std::filesystem::create_directories(user_directory(laptop, here) + "/game");
  const auto names = local_server_names(laptop, here);
  ASSERT_FALSE(names);
  EXPECT_EQ(names.error().code, Code::denied);
  EXPECT_THAT(names.error().text, HasSubstr("belongs to user"));
}

}  // namespace
}  // namespace okg::base
