// Whatever `current` was before: it is replaced when it is a link, and left alone when it is not.
#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class PublishCurrentTest : public PayloadTest {
 protected:
  std::string from = image("1", {{"a", "1"}});
};

TEST_F(PublishCurrentTest, RefusesADirectoryOrFile) {
  fs::create_directory(volume + "/current");
  const auto refuses = [&] {
    const auto published = publish_from(from);
    ASSERT_FALSE(published);
    EXPECT_EQ(published.error().code, Code::bad_path);
    EXPECT_NE(published.error().text.find("current"), std::string::npos);
    EXPECT_NE(published.error().text.find("not a symbolic link"), std::string::npos);
  };
  refuses();
  EXPECT_TRUE(fs::is_directory(volume + "/current"));
  fs::remove(volume + "/current");
  write_file(volume + "/current", "mine");
  refuses();
  EXPECT_EQ(read_file(volume + "/current"), "mine");
}

TEST_F(PublishCurrentTest, ReplacesALinkToSomewhereElse) {
  make_files(top / "outside", {{"a", "evil"}});
  for (const std::string& target :
       {std::string("../.."), top / "outside", std::string("../outside"), std::string("current"),
        std::string("v"), std::string("v/../../outside"), std::string("nowhere")}) {
    fs::remove(volume + "/current");
    fs::create_symlink(target, volume + "/current");
    warnings.clear();
    const auto published = publish_from(from);
    ASSERT_TRUE(published) << target << ": " << published.error().text;
    EXPECT_FALSE(published->already_there);
    EXPECT_EQ(warnings.size(), 1U) << target;
    EXPECT_EQ(in_use(), (Files{{"a", "1"}}));
  }
  EXPECT_EQ(read_file(top / "outside/a"), "evil");
}

TEST_F(PublishCurrentTest, ReplacesADanglingLink) {
  fs::create_symlink("v/" + digest_of(from).hex(), volume + "/current");
  const auto published = publish_from(from);
  ASSERT_TRUE(published) << published.error().text;
  EXPECT_EQ(in_use(), (Files{{"a", "1"}}));
  fs::remove(volume + "/current");
  fs::create_symlink("v/" + std::string(64, '0') + ".4", volume + "/current");
  ASSERT_TRUE(publish_from(from));
  EXPECT_EQ(in_use(), (Files{{"a", "1"}}));
}

}  // namespace
}  // namespace okg::payload
