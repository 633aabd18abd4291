// What is on the volume already: reused, taken as it is, or put aside.
#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class PublishCopiesTest : public PayloadTest {};

const Files kOne = {{"index.html", "<html>"},
                    {"*scripts/run", "#!"},
                    {"scripts/ui/a.lua", "return 1"},
                    {"texts/en.json", "{\"a\":1}"}};

Files two() {
  Files files = kOne;
  files["texts/en.json"] = "{\"a\":2}";
  files["texts/de.json"] = "{}";
  files.erase("index.html");
  return files;
}

ino_t inode_of(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info.st_ino;
}

TEST_F(PublishCopiesTest, MovesToANewVersionAndKeepsTheOld) {
  const std::string first = image("1", kOne);
  const std::string second = image("2", two());
  ASSERT_TRUE(publish_from(first));
  const auto published = publish_from(second);
  ASSERT_TRUE(published) << published.error().text;
  EXPECT_EQ(in_use(), two());
  EXPECT_EQ(names_in(volume + "/v").size(), 2U);
  EXPECT_EQ(staged(), 0U);
  // The unchanged files are the same files.
  EXPECT_EQ(published->reused_bytes, 2U + 8);
  const std::string old_files = version_directory(digest_of(first)) + "/files/";
  const std::string new_files = version_directory(digest_of(second)) + "/files/";
  EXPECT_EQ(inode_of(old_files + "scripts/run"), inode_of(new_files + "scripts/run"));
  EXPECT_NE(inode_of(old_files + "texts/en.json"), inode_of(new_files + "texts/en.json"));
}

TEST_F(PublishCopiesTest, ReusesWhatMovedToAnotherPath) {
  ASSERT_TRUE(publish_from(image("1", {{"a/x", "same"}, {"a/y", "same"}, {"b", "other"}})));
  const auto published = publish_from(image("2", {{"c/z", "same"}, {"*c/run", "same"}, {"d", "other"}}));
  ASSERT_TRUE(published);
  EXPECT_EQ(published->reused_bytes, 4U + 5);  // not the one that has to be executable
  EXPECT_EQ(in_use(), (Files{{"c/z", "same"}, {"*c/run", "same"}, {"d", "other"}}));
}

TEST_F(PublishCopiesTest, TrustsNothingThatItReuses) {
  const std::string first = image("1", kOne);
  ASSERT_TRUE(publish_from(first));
  const std::string old_files = version_directory(digest_of(first)) + "/files/";
  // Same size, same mode, other content; and one that a reader could not read.
  ::chmod((old_files + "scripts").c_str(), 0755);
  ::chmod((old_files + "scripts/ui").c_str(), 0755);
  write_file(old_files + "scripts/ui/a.lua", "return 9", 0444);
  ::chmod((old_files + "scripts/run").c_str(), 0500);
  const auto published = publish_from(image("2", two()));
  ASSERT_TRUE(published) << published.error().text;
  EXPECT_EQ(published->reused_bytes, 0U);
  EXPECT_EQ(in_use(), two());
  EXPECT_EQ(mode_of(version_directory(published->digest) + "/files/scripts/run"), 0555U);
}

TEST_F(PublishCopiesTest, CopiesWhereLinksAreRefused) {
  ASSERT_TRUE(publish_from(image("1", kOne)));
  const std::string second = image("2", two());
  for (const int error : {EPERM, EMLINK, EXDEV, ENOSYS}) {
    ASSERT_TRUE(publish_from(top / "image-1"));
    TemporaryDirectory::remove(version_directory(digest_of(second)));
    os.fail_every(test::Call::link, error);
    const auto published = publish_from(second);
    os.reset();
    ASSERT_TRUE(published) << published.error().text;
    EXPECT_EQ(published->reused_bytes, 0U);
    EXPECT_EQ(in_use(), two());
  }
}

TEST_F(PublishCopiesTest, GoesBackToAVersionThatIsThereWithoutCopying) {
  const std::string first = image("1", kOne);
  ASSERT_TRUE(publish_from(first));
  const ino_t directory = inode_of(version_directory(digest_of(first)));
  ASSERT_TRUE(publish_from(image("2", two())));
  // As a kill right after the rename leaves it.
  ::chmod(version_directory(digest_of(first)).c_str(), 0755);
  os.reset();
  auto chosen = options(first);
  chosen.run.clear();
  const auto published = publish(os, chosen);
  ASSERT_TRUE(published) << published.error().text;
  EXPECT_FALSE(published->already_there);
  EXPECT_EQ(os.calls(test::Call::write), 0U);
  EXPECT_EQ(inode_of(version_directory(digest_of(first))), directory);
  EXPECT_EQ(mode_of(version_directory(digest_of(first))), 0555U);
  EXPECT_EQ(in_use(), kOne);
}

TEST_F(PublishCopiesTest, PutsAFreshCopyBesideADamagedOne) {
  const std::string from = image("1", kOne);
  ASSERT_TRUE(publish_from(from));
  const std::string hex = digest_of(from).hex();
  // A server has it open: it stays.
  const UniqueFd root = open_directory(volume);
  const auto held = open_current(os, root.get());
  ASSERT_TRUE(held);
  const auto damage = [&](const std::string& name) {
    const std::string path = volume + "/v/" + name + "/files/texts";
    ::chmod(path.c_str(), 0755);
    write_file(path + "/en.json", "{\"a\":3}", 0444);
  };
  damage(hex);
  const auto published = publish_from(from);
  ASSERT_TRUE(published) << published.error().text;
  EXPECT_FALSE(published->already_there);
  EXPECT_EQ(current(), "v/" + hex + ".1");
  EXPECT_EQ(in_use(), kOne);
  EXPECT_EQ(warnings.size(), 1U);

  const auto again = publish_from(from);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->already_there);
  EXPECT_EQ(current(), "v/" + hex + ".1");

  damage(hex + ".1");
  ASSERT_TRUE(publish_from(from));
  EXPECT_EQ(current(), "v/" + hex + ".2");
  EXPECT_EQ(in_use(), kOne);
  EXPECT_EQ(names_in(volume + "/v"), (std::vector<std::string>{hex, hex + ".2"}));
}

TEST_F(PublishCopiesTest, TakesASoundCopyInsteadOfTheDamagedOneInUse) {
  const std::string from = image("1", kOne);
  ASSERT_TRUE(publish_from(from));
  const std::string hex = digest_of(from).hex();
  fs::copy(volume + "/v/" + hex, volume + "/v/" + hex + ".7", fs::copy_options::recursive);
  ::chmod((volume + "/v/" + hex).c_str(), 0755);
  fs::remove(volume + "/v/" + hex + "/manifest.json");
  ASSERT_TRUE(publish_from(from));
  EXPECT_EQ(current(), "v/" + hex + ".7");
  EXPECT_EQ(names_in(volume + "/v"), std::vector<std::string>{hex + ".7"});
}

TEST_F(PublishCopiesTest, DoesNotMindWhatElseHasTheName) {
  const std::string from = image("1", kOne);
  const std::string hex = digest_of(from).hex();
  fs::create_directory(volume + "/v");
  const auto in_the_way = [&](const std::function<void(const std::string&)>& make) {
    make(volume + "/v/" + hex);
    const auto published = publish_from(from);
    ASSERT_TRUE(published) << published.error().text;
    EXPECT_EQ(current(), "v/" + hex + ".1");
    EXPECT_EQ(in_use(), kOne);
    TemporaryDirectory::remove(volume + "/v");
    fs::create_directory(volume + "/v");
    fs::remove(volume + "/current");
  };
  in_the_way([](const std::string& path) { write_file(path, "junk"); });
  in_the_way([](const std::string& path) { fs::create_directory(path); });
  in_the_way([](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0644), 0); });
  fs::create_directory(top / "outside");
  in_the_way([](const std::string& path) { fs::create_directory_symlink("../../outside", path); });
  EXPECT_TRUE(fs::exists(top / "outside"));
}

// Somebody who does not keep to the lock makes the very directory while we copy.
TEST_F(PublishCopiesTest, LooksAtWhatAppearsUnderItsName) {
  const std::string from = image("1", kOne);
  const std::string target = version_directory(digest_of(from));
  for (const bool sound : {true, false}) {
    TemporaryDirectory::remove(volume);
    fs::create_directory(volume);
    os.before_each([&](std::uint64_t, test::Call kind) {
      if (kind != test::Call::rename_noreplace || fs::exists(target)) return;
      fs::copy(from, target, fs::copy_options::recursive);
      if (!sound) write_file(target + "/files/extra", "");
    });
    const auto published = publish_from(from);
    os.reset();
    ASSERT_TRUE(published) << published.error().text;
    EXPECT_EQ(current(), "v/" + digest_of(from).hex() + (sound ? "" : ".1"));
    EXPECT_EQ(in_use(), kOne);
    EXPECT_EQ(staged(), 0U);
  }
}

TEST_F(PublishCopiesTest, WorksWhereRenameCannotRefuseToReplace) {
  const std::string from = image("1", kOne);
  for (const int error : {EINVAL, ENOSYS}) {
    TemporaryDirectory::remove(volume);
    fs::create_directories(version_directory(digest_of(from)));
    os.fail_every(test::Call::rename_noreplace, error);
    const auto published = publish_from(from);
    os.reset();
    ASSERT_TRUE(published) << published.error().text;
    EXPECT_EQ(current(), "v/" + digest_of(from).hex() + ".1");
    EXPECT_EQ(in_use(), kOne);
  }
}

}  // namespace
}  // namespace okg::payload
