// Publishers that are not root, that are another uid than the one before, or that have nothing around them.
#include <grp.h>

#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

constexpr uid_t kNobody = 65534;
constexpr uid_t kSomebody = 65533;

class OtherUidTest : public PayloadTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
    for (const char* version : {"1", "2", "3"}) image(version, content(version));
    ASSERT_EQ(::chmod(top.path().c_str(), 0755), 0);
  }
  static Files content(const std::string& version) {
    return {{"a/b/same", "unchanged"}, {"*a/own", version}};
  }
  std::string from(const std::string& version) const { return top / ("image-" + version); }

  int as_nobody(const std::function<int()>& body) { return as(kNobody, body); }
  int as(uid_t uid, const std::function<int()>& body) {
    return in_child([&] {
      ::umask(077);
      if (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0) return 90;
      return body();
    });
  }
  void open_to_all(const std::string& path) {
    ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  }  // as an emptyDir is
};

TEST_F(OtherUidTest, AnyUidCanPublishCollectAndBeRead) {
  open_to_all(volume);
  open_to_all(run);
  ASSERT_EQ(as_nobody([&] {
              for (const char* version : {"1", "2", "3", "1", "2"}) {
                const auto published = publish_from(from(version));
                if (!published) return 1;
                if (published->reused_bytes != 9 && version != std::string("1") && !published->already_there)
                  return 2;
              }
              return names_in(volume + "/v").size() == 2 && staged() == 0 ? 0 : 3;
            }),
            0);
  EXPECT_EQ(in_use(), content("2"));
  EXPECT_EQ((*read_current(os, open_directory(volume).get()))->owner, kNobody);
  EXPECT_EQ(mode_of(volume + "/v"), 0755U);
  EXPECT_EQ(mode_of(volume + "/" + current() + "/files/a/own"), 0555U);
  EXPECT_EQ(mode_of(run + "/desired.json"), 0644U);
}

TEST_F(OtherUidTest, AnyUidCanReadWhatRootPublished) {
  const mode_t before = ::umask(077);
  ASSERT_TRUE(publish_from(from("1")));
  ::umask(before);
  EXPECT_EQ(as_nobody([&] { return read_volume(os, volume) ? 0 : 1; }), 0);
}

TEST_F(OtherUidTest, RootTakesOver) {
  open_to_all(volume);
  open_to_all(run);
  ASSERT_EQ(as_nobody([&] { return publish_from(from("1")) ? 0 : 1; }), 0);
  const auto same = publish_from(from("1"));
  ASSERT_TRUE(same) << same.error().text;
  EXPECT_TRUE(same->already_there);
  EXPECT_EQ((*read_current(os, open_directory(volume).get()))->owner, 0U);
  const auto published = publish_from(from("2"));
  ASSERT_TRUE(published) << published.error().text;
  EXPECT_EQ(published->reused_bytes, 0U);  // another uid could change what we would link
  EXPECT_EQ(in_use(), content("2"));
}

TEST_F(OtherUidTest, SaysWhyItCannotTakeOverFromRoot) {
  open_to_all(volume);
  open_to_all(run);
  ASSERT_TRUE(publish_from(from("1")));
  EXPECT_EQ(as_nobody([&] {
              const auto refused = publish_from(from("2"));
              return !refused && refused.error().code == Code::denied ? 0 : 1;
            }),
            0);
  EXPECT_EQ(in_use(), content("1"));
}

TEST_F(OtherUidTest, NamesTheOneWhoCanPublishHere) {
  open_to_all(volume);
  open_to_all(run);
  ASSERT_EQ(as(kSomebody, [&] { return publish_from(from("1")) ? 0 : 1; }), 0);
  ASSERT_EQ(as_nobody([&] {
              const auto refused = publish_from(from("2"));
              if (refused || refused.error().code != Code::denied) return 1;
              write_file(run + "/refused", refused.error().text);
              return 0;
            }),
            0);
  EXPECT_EQ(
      read_file(run + "/refused"),
      "publish: " + volume +
          ": open directory .staging: Permission denied: it belongs to uid 65533, and this is uid 65534: "
          "publish as uid 65533 again, or empty the volume");
  EXPECT_EQ(in_use(), content("1"));
  // Both pieces of advice hold.
  EXPECT_EQ(as(kSomebody, [&] { return publish_from(from("2")) ? 0 : 1; }), 0);
  EXPECT_EQ(in_use(), content("2"));
  for (const std::string& name : names_in(volume)) TemporaryDirectory::remove(volume + "/" + name);
  EXPECT_EQ(as_nobody([&] { return publish_from(from("3")) ? 0 : 1; }), 0);
  EXPECT_EQ(in_use(), content("3"));
}

// Not even a directory that nobody may write to is in the way: we collect what we own.
TEST_F(OtherUidTest, LeavesWhatItMayNotCollect) {
  open_to_all(volume);
  open_to_all(run);
  ASSERT_EQ(as_nobody([&] { return publish_from(from("1")) && publish_from(from("2")) ? 0 : 1; }), 0);
  const std::string theirs = volume + "/v/" + digest_of(from("1")).hex();
  ASSERT_EQ(::chown(theirs.c_str(), 0, 0), 0);
  EXPECT_EQ(as_nobody([&] { return publish_from(from("3")) ? 0 : 1; }), 0);
  EXPECT_TRUE(fs::exists(theirs));
  EXPECT_EQ(in_use(), content("3"));
}

// FROM scratch: no /proc, /dev, /etc, nothing.
TEST_F(OtherUidTest, WorksInAnEmptyRoot) {
  open_to_all(volume);
  open_to_all(run);
  const std::string root = top.path();
  EXPECT_EQ(in_child([&] {
              if (::chroot(root.c_str()) != 0 || ::chdir("/") != 0) return 77;
              if (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) return 90;
              PublishOptions chosen;
              chosen.from = "/image-1";
              chosen.to = "/volume";
              chosen.run = "/run";
              const auto published = publish(Os::real(), chosen);
              return published && read_volume(Os::real(), "/volume") ? 0 : 1;
            }),
            0);
  EXPECT_EQ(in_use(), content("1"));
  EXPECT_TRUE(nlohmann::json::parse(read_file(run + "/desired.json"))["boot_id"].is_null());
}

}  // namespace
}  // namespace okg::payload
