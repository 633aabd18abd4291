#include "controller/podinfo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "controller/keys.hpp"
#include "support/temporary_directory.hpp"

namespace okg::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// Swaps its content as the kubelet does: a new directory, and the link ..data renamed over.
class Volume {
 public:
  void put(const std::string& labels, const std::string& annotations) {
    const std::string name = "..2026_" + std::to_string(++count_);
    fs::create_directory(root_ / name);
    std::ofstream(root_ / name + "/labels") << labels;
    std::ofstream(root_ / name + "/annotations") << annotations;
    fs::create_symlink(name, root_ / "..data_tmp");
    fs::rename(root_ / "..data_tmp", root_ / "..data");
    for (const char* file : {"labels", "annotations"})
      if (!fs::exists(fs::symlink_status(root_ / file)))
        fs::create_symlink(std::string("..data/") + file, root_ / file);
  }
  std::string path() const { return root_ / ""; }

 private:
  okg::test::TemporaryDirectory root_;
  int count_ = 0;
};

TEST(PodinfoLines, AreGoQuoted) {
  EXPECT_THAT(
      parse_podinfo("a=\"b\"\nk.io/c-d=\"\"\nq=\"say \\\"x\\\" \\\\ \\n\\t\\x00\\u00e4\\U0001F600\"\n"),
      UnorderedElementsAre(Pair("a", "b"), Pair("k.io/c-d", ""),
                           Pair("q", std::string("say \"x\" \\ \n\t\0\xc3\xa4\xf0\x9f\x98\x80", 19))));
  // Whatever else stands there is left out.
  EXPECT_THAT(
      parse_podinfo("=\"x\"\nno\na=b\na=\"b\nc=\"\\q\"\nd=\"\\u12\"\ne=\"\\U00110000\"\nf=\"x\"y\ng=\"1\""),
      UnorderedElementsAre(Pair("g", "1")));
}

TEST(Podinfo, IsAGameServer) {
  Volume volume;
  volume.put(
      "game.kruise.io/gs-opsState=\"Allocated\"\ngame.kruise.io/gs-state=\"PreUpdate\"\n"
      "lifecycle.apps.kruise.io/state=\"PreparingUpdate\"\ngame.kruise.io/gs-update-priority=\"3\"\n"
      "game.kruise.io/network-disabled=\"false\"\n",
      "gs-sync/match-id=\"m-42\"\ngame.kruise.io/network-type=\"Kubernetes-HostPort\"\n"
      "game.kruise.io/"
      "network-status=\"{\\\"currentNetworkState\\\":\\\"Ready\\\",\\\"externalAddresses\\\":[{\\\"ip\\\":"
      "\\\"48.9.9.8\\\",\\\"ports\\\":[{\\\"name\\\":\\\"g\\\",\\\"protocol\\\":\\\"TCP\\\",\\\"port\\\":"
      "8211}]}],"
      "\\\"createTime\\\":null}\"\n");
  Podinfo podinfo(base::Os::real(), volume.path());
  const auto found = podinfo.look();
  ASSERT_TRUE(found) << found.error().text;
  ASSERT_TRUE(*found);
  const Object& object = **found;
  EXPECT_EQ(object.ops_state, "Allocated");
  EXPECT_EQ(object.state, "PreUpdate");
  EXPECT_EQ(object.lifecycle, "PreparingUpdate");
  EXPECT_EQ(object.update_priority, "3");
  EXPECT_EQ(*object.annotation(keys::kMatchId), "m-42");
  EXPECT_TRUE(object.network.ready());
  EXPECT_EQ(object.network.type, "Kubernetes-HostPort");
  EXPECT_EQ(object.network.desired, "Ready");
  ASSERT_EQ(object.network.external.size(), 1U);
  EXPECT_EQ(object.network.external[0].ports[0].number, "8211");
}

TEST(Podinfo, TellsEachSwapOnce) {
  Volume volume;
  volume.put("a=\"1\"\n", "");
  Podinfo podinfo(base::Os::real(), volume.path());
  EXPECT_TRUE(*podinfo.look());
  EXPECT_FALSE(*podinfo.look());
  volume.put("a=\"2\"\n", "");
  const auto found = podinfo.look();
  ASSERT_TRUE(*found);
  EXPECT_EQ(*(*found)->label("a"), "2");
  volume.put("a=\"2\"\n", "");
  EXPECT_FALSE(*podinfo.look()) << "swapped, and nothing new in it";
}

TEST(Podinfo, WithoutAVolumeSaysSo) {
  okg::test::TemporaryDirectory root;
  EXPECT_EQ(Podinfo(base::Os::real(), root / "none").look().error().code, base::Code::not_found);
  EXPECT_EQ(Podinfo(base::Os::real(), root / "").look().error().code, base::Code::not_found);
}

TEST(Podinfo, PlainFilesAreReadToo) {
  okg::test::TemporaryDirectory root;
  std::ofstream(root / "labels") << "a=\"1\"\n";
  Podinfo podinfo(base::Os::real(), root / "");
  EXPECT_TRUE(*podinfo.look());
  EXPECT_FALSE(*podinfo.look());
  std::ofstream(root / "labels") << "a=\"2\"\n";
  EXPECT_TRUE(*podinfo.look());
}

}  // namespace
}  // namespace okg::controller
