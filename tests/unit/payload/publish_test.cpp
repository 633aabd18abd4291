// Publishing when nothing goes wrong but what the volume already holds.
#include "payload/publish.hpp"

#include <sys/file.h>

#include <thread>

#include "payload/sha256.hpp"
#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class PublishTest : public PayloadTest {};

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

TEST_F(PublishTest, PutsAPayloadOnTheVolume) {
  const std::string from = image("1", kOne);
  const auto published = publish_from(from);
  ASSERT_TRUE(published) << published.error().text;
  EXPECT_EQ(published->digest, digest_of(from));
  EXPECT_EQ(published->version, "1");
  EXPECT_EQ(published->files, kOne.size());
  EXPECT_EQ(published->bytes, 6U + 2 + 8 + 7);
  EXPECT_EQ(published->reused_bytes, 0U);
  EXPECT_FALSE(published->already_there);
  EXPECT_GT(published->took.count(), 0);
  EXPECT_EQ(current(), "v/" + published->digest.hex());
  EXPECT_EQ(in_use(), kOne);
  EXPECT_EQ(read_file(version_directory(published->digest) + "/manifest.json"),
            read_file(from + "/manifest.json"));
  EXPECT_EQ(read_file(version_directory(published->digest) + "/files.list"), read_file(from + "/files.list"));
  EXPECT_EQ(names_in(volume), (std::vector<std::string>{".lock", ".staging", "current", "v"}));
  EXPECT_EQ(staged(), 0U);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(PublishTest, SetsEveryModeWhateverTheUmaskIs) {
  const std::string from = image("1", kOne);
  for (const mode_t mask : {0U, 077U}) {
    TemporaryDirectory::remove(volume);
    fs::create_directory(volume);
    const mode_t before = ::umask(mask);
    auto chosen = options(from);
    chosen.program = from + "/manifest.json";
    const auto published = publish(os, chosen);
    ::umask(before);
    ASSERT_TRUE(published) << published.error().text;
    const std::string version = version_directory(published->digest);
    for (const auto& [path, mode] : std::map<std::string, mode_t>{{volume + "/v", 0755},
                                                                  {volume + "/.staging", 0700},
                                                                  {volume + "/.lock", 0644},
                                                                  {volume + "/bin", 0755},
                                                                  {volume + "/bin/okg", 0555},
                                                                  {version, 0555},
                                                                  {version + "/manifest.json", 0444},
                                                                  {version + "/files.list", 0444},
                                                                  {version + "/files", 0555},
                                                                  {version + "/files/scripts", 0555},
                                                                  {version + "/files/scripts/ui", 0555},
                                                                  {version + "/files/scripts/ui/a.lua", 0444},
                                                                  {version + "/files/scripts/run", 0555},
                                                                  {run + "/desired.json", 0644}})
      EXPECT_EQ(mode_of(path), mode) << path;
  }
}

TEST_F(PublishTest, DoesNothingWhenItIsThereAndSound) {
  const std::string from = image("1", kOne);
  ASSERT_TRUE(publish_from(from));
  const ino_t link = inode_of(volume + "/current");
  const std::string desired = read_file(run + "/desired.json");
  os.reset();
  const auto again = publish_from(from);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_TRUE(again->already_there);
  EXPECT_EQ(os.calls(test::Call::write), 0U);
  EXPECT_EQ(os.calls(test::Call::rename), 0U);
  EXPECT_EQ(inode_of(volume + "/current"), link);
  EXPECT_EQ(read_file(run + "/desired.json"), desired);
}

TEST_F(PublishTest, MovesToANewVersionAndKeepsTheOld) {
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

TEST_F(PublishTest, ReusesWhatMovedToAnotherPath) {
  ASSERT_TRUE(publish_from(image("1", {{"a/x", "same"}, {"a/y", "same"}, {"b", "other"}})));
  const auto published = publish_from(image("2", {{"c/z", "same"}, {"*c/run", "same"}, {"d", "other"}}));
  ASSERT_TRUE(published);
  EXPECT_EQ(published->reused_bytes, 4U + 5);  // not the one that has to be executable
  EXPECT_EQ(in_use(), (Files{{"c/z", "same"}, {"*c/run", "same"}, {"d", "other"}}));
}

TEST_F(PublishTest, TrustsNothingThatItReuses) {
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

TEST_F(PublishTest, CopiesWhereLinksAreRefused) {
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

TEST_F(PublishTest, GoesBackToAVersionThatIsThereWithoutCopying) {
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

TEST_F(PublishTest, PutsAFreshCopyBesideADamagedOne) {
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

TEST_F(PublishTest, TakesASoundCopyInsteadOfTheDamagedOneInUse) {
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

TEST_F(PublishTest, DoesNotMindWhatElseHasTheName) {
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
TEST_F(PublishTest, LooksAtWhatAppearsUnderItsName) {
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

TEST_F(PublishTest, WorksWhereRenameCannotRefuseToReplace) {
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

TEST_F(PublishTest, PacksAPlainDirectoryOnTheWay) {
  make_files(top / "plain", kOne);
  auto chosen = options(top / "plain");
  EXPECT_EQ(publish(os, chosen).error().code, Code::invalid_argument);
  chosen.pack.emplace();
  chosen.pack->version = "7";
  const auto published = publish(os, chosen);
  ASSERT_TRUE(published) << published.error().text;
  EXPECT_EQ(published->version, "7");
  EXPECT_EQ(in_use(), kOne);
  EXPECT_EQ(names_in(top / "plain"), (std::vector<std::string>{"index.html", "scripts", "texts"}));
  EXPECT_EQ(published->digest, digest_of(image("7", kOne)));
}

TEST_F(PublishTest, DoesNotRelabelAPackedDirectory) {
  auto chosen = options(image("1", kOne));
  chosen.pack.emplace();
  chosen.pack->version = "2";
  EXPECT_EQ(publish(os, chosen).error().code, Code::invalid_argument);
  chosen.pack->version = "1";
  EXPECT_TRUE(publish(os, chosen));
}

TEST_F(PublishTest, RefusesASourceThatIsNotWhatItsManifestSays) {
  ASSERT_TRUE(publish_from(image("1", kOne)));
  const auto refuses = [&](const char* what, Code code,
                           const std::function<void(const std::string& from)>& damage) {
    TemporaryDirectory::remove(top / "image-2");
    const std::string from = image("2", two());
    damage(from);
    const auto published = publish_from(from);
    ASSERT_FALSE(published) << what;
    EXPECT_EQ(published.error().code, code) << what << ": " << published.error().text;
    EXPECT_EQ(in_use(), kOne) << what;
    EXPECT_EQ(staged(), 0U) << what;
    EXPECT_EQ(names_in(volume + "/v").size(), 1U) << what;
  };
  refuses("changed", Code::digest_mismatch,
          [](const std::string& from) { write_file(from + "/files/texts/en.json", "{\"a\":3}"); });
  refuses("shorter", Code::digest_mismatch,
          [](const std::string& from) { write_file(from + "/files/texts/en.json", "{}"); });
  refuses("longer", Code::digest_mismatch,
          [](const std::string& from) { write_file(from + "/files/texts/en.json", "{\"a\":2} "); });
  refuses("missing", Code::not_found,
          [](const std::string& from) { fs::remove(from + "/files/texts/en.json"); });
  refuses("extra", Code::bad_path, [](const std::string& from) { write_file(from + "/files/new", ""); });
  refuses("link", Code::bad_path, [](const std::string& from) {
    fs::remove(from + "/files/texts/en.json");
    fs::create_symlink("/etc/passwd", from + "/files/texts/en.json");
  });
  refuses("linked directory", Code::bad_path, [](const std::string& from) {
    fs::rename(from + "/files/texts", from + "/texts");
    fs::create_directory_symlink("../texts", from + "/files/texts");
  });
  refuses("fifo", Code::bad_path, [](const std::string& from) {
    fs::remove(from + "/files/texts/en.json");
    ASSERT_EQ(::mkfifo((from + "/files/texts/en.json").c_str(), 0644), 0);
  });
  refuses("list", Code::digest_mismatch,
          [](const std::string& from) { write_file(from + "/files.list", ""); });
  refuses("no list", Code::io, [](const std::string& from) { fs::remove(from + "/files.list"); });
  refuses("manifest", Code::bad_manifest,
          [](const std::string& from) { write_file(from + "/manifest.json", "{}"); });
  refuses("nothing at all", Code::not_found,
          [](const std::string& from) { TemporaryDirectory::remove(from); });
}

TEST_F(PublishTest, PublishesNoEmptyDirectories) {
  const std::string from = image("1", kOne);
  fs::create_directories(from + "/files/empty/more");
  ASSERT_TRUE(publish_from(from));
  EXPECT_EQ(in_use(), kOne);
}

TEST_F(PublishTest, PublishesAnEmptyPayload) {
  ASSERT_TRUE(publish_from(image("1", {})));
  EXPECT_TRUE(in_use().empty());
}

TEST_F(PublishTest, GivesChangedFilesATimeThatClientsNotice) {
  constexpr std::int64_t kReal = 1'700'000'000;
  const auto publish_with = [&](const std::string& version, const Files& files,
                                const std::map<std::string, std::int64_t>& times) {
    const std::string from = image(version, files);
    for (const auto& [path, time] : times) test::set_mtime(from + "/files/" + path, time);
    const auto published = publish_from(from);
    EXPECT_TRUE(published) << published.error().text;
    return version_directory(published->digest) + "/files/";
  };
  const std::int64_t now = ::time(nullptr);
  const std::int64_t future = now + 1'000'000;
  std::string files = publish_with("1", {{"zero", "1"}, {"zip", "1"}, {"real", "1"}, {"future", "1"}},
                                   {{"zero", 0}, {"zip", 315'532'800}, {"real", kReal}, {"future", future}});
  EXPECT_GE(test::mtime_of(files + "zero"), now - 1);
  EXPECT_GE(test::mtime_of(files + "zip"), now - 1);
  EXPECT_GE(test::mtime_of(files + "future"), now - 1);
  EXPECT_LT(test::mtime_of(files + "future"), future);
  EXPECT_EQ(test::mtime_of(files + "real"), kReal);

  // The same mtime and size as before, and other content.
  files = publish_with("2", {{"zero", "1"}, {"real", "2"}}, {{"zero", 0}, {"real", kReal}});
  EXPECT_NE(test::mtime_of(files + "real"), kReal);

  // A build that sets them all to one time.
  files = publish_with("3", {{"a", "1"}, {"b", "1"}}, {{"a", kReal}, {"b", kReal}});
  EXPECT_GE(test::mtime_of(files + "a"), now - 1);
  const std::int64_t before = test::mtime_of(files + "a");
  files = publish_with("4", {{"a", "2"}, {"b", "1"}}, {{"a", kReal}, {"b", kReal}});
  EXPECT_NE(test::mtime_of(files + "a"), before);  // even within one second
  EXPECT_EQ(test::mtime_of(files + "b"), before);
}

TEST_F(PublishTest, DoesNotCareWhatTimeItIs) {
  const std::string first = image("1", kOne);
  const std::string second = image("2", two());
  for (const std::int64_t years : {-80, -10, 0, 10, 200}) {
    os.realtime_shift_ns = years * 365 * 86400 * 1'000'000'000;
    ASSERT_TRUE(publish_from(first)) << years;
    EXPECT_EQ(in_use(), kOne);
    ASSERT_TRUE(publish_from(second)) << years;
    EXPECT_EQ(in_use(), two());
    EXPECT_EQ(names_in(volume + "/v").size(), 2U);
  }
}

TEST_F(PublishTest, LeavesItsStampForTheServer) {
  const std::string from = image("1", kOne);
  const std::int64_t before = os.monotonic_ns();
  ASSERT_TRUE(publish_from(from));
  const UniqueFd directory = open_directory(run);
  const auto stamp = desired_stamp_ns(os, directory.get(), digest_of(from));
  ASSERT_TRUE(stamp);
  EXPECT_GE(*stamp, before);
  EXPECT_LE(*stamp, os.monotonic_ns());
  EXPECT_FALSE(desired_stamp_ns(os, directory.get(), sha256("another")));
  const auto object = nlohmann::json::parse(read_file(run + "/desired.json"));
  EXPECT_EQ(object["schema"], "okg.desired/v1");
  EXPECT_EQ(object["digest"], digest_of(from).text());
  EXPECT_EQ(object["version"], "1");
  EXPECT_EQ(object["boot_id"], os.boot_id());

  os.boot = "another boot";
  EXPECT_FALSE(desired_stamp_ns(os, directory.get(), digest_of(from)));
  os.boot.reset();
  os.monotonic_shift_ns = -86'400'000'000'000;  // a stamp from the future is of another machine
  EXPECT_FALSE(desired_stamp_ns(os, directory.get(), digest_of(from)));
  os.monotonic_shift_ns = 0;
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string(100'000, ' '),
        std::string("{\"schema\":\"okg.desired/v1\"}")}) {
    write_file(run + "/desired.json", text);
    EXPECT_FALSE(desired_stamp_ns(os, directory.get(), digest_of(from)));
  }
  fs::remove(run + "/desired.json");
  fs::create_symlink("/etc/passwd", run + "/desired.json");
  EXPECT_FALSE(desired_stamp_ns(os, directory.get(), digest_of(from)));
  // What is in the way is replaced, not written through.
  ASSERT_TRUE(publish_from(image("2", two())));
  EXPECT_FALSE(fs::is_symlink(run + "/desired.json"));
}

TEST_F(PublishTest, WorksWithoutABootId) {
  os.boot = "";
  const std::string from = image("1", kOne);
  ASSERT_TRUE(publish_from(from));
  EXPECT_TRUE(nlohmann::json::parse(read_file(run + "/desired.json"))["boot_id"].is_null());
  EXPECT_FALSE(desired_stamp_ns(os, open_directory(run).get(), digest_of(from)));
}

TEST_F(PublishTest, OnlyWarnsWhenTheRunDirectoryIsNotThere) {
  auto chosen = options(image("1", kOne));
  chosen.run = top / "nowhere";
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(warnings.size(), 1U);
  EXPECT_EQ(in_use(), kOne);
}

TEST_F(PublishTest, InstallsTheProgram) {
  write_file(top / "okg-1", std::string(700'000, '1'), 0755);
  write_file(top / "okg-2", std::string(700'000, '2'), 0755);
  auto chosen = options(image("1", kOne));
  chosen.program = top / "okg-1";
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(read_file(volume + "/bin/okg"), read_file(top / "okg-1"));
  const ino_t inode = inode_of(volume + "/bin/okg");
  write_file(volume + "/bin/.okg.0123", "left by a kill");
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(inode_of(volume + "/bin/okg"), inode);
  EXPECT_EQ(names_in(volume + "/bin"), std::vector<std::string>{"okg"});
  chosen.program = top / "okg-2";
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(read_file(volume + "/bin/okg"), read_file(top / "okg-2"));
  EXPECT_TRUE(warnings.empty());
  for (const std::string& program : {top / "nowhere", top.path()}) {
    chosen.program = program;
    ASSERT_TRUE(publish(os, chosen));
  }
  fs::remove_all(volume + "/bin");
  write_file(volume + "/bin", "in the way");
  chosen.program = top / "okg-1";
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(warnings.size(), 3U);
}

TEST_F(PublishTest, TidiesUpAfterAKill) {
  const std::string from = image("1", kOne);
  ASSERT_TRUE(publish_from(from));
  make_files(volume + "/.staging/abc.123/files", kOne);
  make_files(volume + "/.staging/gc.abc/files", kOne);
  ::chmod((volume + "/.staging/gc.abc/files").c_str(), 0555);
  ::chmod((volume + "/.staging/gc.abc").c_str(), 0555);
  write_file(volume + "/.staging/file", "");
  fs::create_symlink("v/x", volume + "/.current.0123");
  ASSERT_TRUE(publish_from(from));
  EXPECT_EQ(names_in(volume), (std::vector<std::string>{".lock", ".staging", "current", "v"}));
  EXPECT_EQ(staged(), 0U);
}

TEST_F(PublishTest, RefusesToWorkThroughLinks) {
  const std::string from = image("1", kOne);
  make_files(top / "outside", {{"precious", "1"}});
  for (const char* name : {"v", ".staging"}) {
    fs::create_directory_symlink("../outside", volume + "/" + name);
    const auto published = publish_from(from);
    ASSERT_FALSE(published) << name;
    EXPECT_EQ(published.error().code, Code::bad_path) << published.error().text;
    fs::remove(volume + "/" + name);
  }
  EXPECT_EQ(names_in(top / "outside"), std::vector<std::string>{"precious"});
}

TEST_F(PublishTest, WaitsForTheLock) {
  const std::string from = image("1", kOne);
  ASSERT_TRUE(publish_from(from));
  UniqueFd other(::open((volume + "/.lock").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  const auto refused = publish_from(from);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_TRUE(refused.error().retriable);

  auto chosen = options(from);
  chosen.lock_wait = std::chrono::minutes(1);
  os.reset();
  std::jthread release([&] {
    while (os.calls(test::Call::lock) < 3) std::this_thread::yield();  // it is waiting
    other.reset();
  });
  EXPECT_TRUE(publish(os, chosen));

  // A lock on a file that has no name any more keeps nobody out.
  bool removed = false;
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind == test::Call::lock && !removed) removed = fs::remove(volume + "/.lock");
  });
  EXPECT_TRUE(publish_from(from));
  EXPECT_TRUE(fs::exists(volume + "/.lock"));
}

TEST_F(PublishTest, RefusesALockThatIsNoFile) {
  const std::string from = image("1", kOne);
  fs::create_symlink(top / "elsewhere", volume + "/.lock");
  EXPECT_FALSE(publish_from(from));
  EXPECT_FALSE(fs::exists(top / "elsewhere"));
  fs::remove(volume + "/.lock");
  ASSERT_EQ(::mkfifo((volume + "/.lock").c_str(), 0644), 0);
  EXPECT_EQ(publish_from(from).error().code, Code::bad_path);
  fs::remove(volume + "/.lock");
  fs::create_directory(volume + "/.lock");
  EXPECT_FALSE(publish_from(from));
}

TEST_F(PublishTest, StopsAndLeavesTheRestToTheNextStart) {
  ASSERT_TRUE(publish_from(image("1", kOne)));
  Files large = two();
  large["large"] = std::string(4 << 20, 'x');
  auto chosen = options(image("2", large));
  std::stop_source stop;
  chosen.stop = stop.get_token();
  std::uint64_t seen = 0;
  chosen.progress = [&](const PublishProgress& progress) {
    if (progress.bytes > 1 << 20) stop.request_stop();
    seen = progress.bytes;
  };
  const auto published = publish(os, chosen);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Code::timeout);
  EXPECT_LT(seen, 2U << 20);
  EXPECT_EQ(in_use(), kOne);
  EXPECT_EQ(staged(), 1U);
  EXPECT_TRUE(publish_from(top / "image-2"));
  EXPECT_EQ(staged(), 0U);
  EXPECT_EQ(in_use(), large);
}

TEST_F(PublishTest, StopsWhileItWaitsForTheLock) {
  const std::string from = image("1", kOne);
  UniqueFd other(::open((volume + "/.lock").c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  auto chosen = options(from);
  chosen.lock_wait = std::chrono::hours(1);
  std::stop_source stop;
  chosen.stop = stop.get_token();
  os.reset();
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind == test::Call::lock) stop.request_stop();
  });
  EXPECT_EQ(publish(os, chosen).error().code, Code::timeout);
}

TEST_F(PublishTest, ReportsProgressUpToTheWhole) {
  auto chosen = options(image("1", {{"large", std::string(2 << 20, 'x')}, {"small", "1"}, {"empty", ""}}));
  PublishProgress last;
  std::uint64_t calls = 0;
  chosen.progress = [&](const PublishProgress& progress) {
    EXPECT_GE(progress.bytes, last.bytes);
    EXPECT_GE(progress.files, last.files);
    last = progress;
    ++calls;
  };
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(last.files, 3U);
  EXPECT_EQ(last.of_files, 3U);
  EXPECT_EQ(last.bytes, (2U << 20) + 1);
  EXPECT_EQ(last.of_bytes, last.bytes);
  EXPECT_GT(calls, 3U);
}

TEST_F(PublishTest, SyncsOnlyWhenAsked) {
  auto chosen = options(image("1", kOne));
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(os.calls(test::Call::syncfs) + os.calls(test::Call::fsync), 0U);
  chosen = options(image("2", two()));
  chosen.sync = true;
  os.fail_every(test::Call::syncfs, EIO);
  EXPECT_EQ(publish(os, chosen).error().code, Code::io);
  EXPECT_EQ(in_use(), kOne);
  os.reset();
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(os.calls(test::Call::syncfs), 1U);
  EXPECT_EQ(os.calls(test::Call::fsync), 2U);
}

TEST_F(PublishTest, MakesTheLinkItsOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give the link to somebody else";
  const std::string from = image("1", kOne);
  ASSERT_TRUE(publish_from(from));
  ASSERT_EQ(::lchown((volume + "/current").c_str(), 65534, 65534), 0);
  const auto published = publish_from(from);
  ASSERT_TRUE(published);
  EXPECT_TRUE(published->already_there);
  EXPECT_EQ((*read_current(os, open_directory(volume).get()))->owner, 0U);
}

TEST_F(PublishTest, RefusesAContainersOwnFileSystem) {
  struct stat here{};
  struct stat slash{};
  const TemporaryDirectory disk("/tmp");
  ASSERT_EQ(::stat(disk.path().c_str(), &here), 0);
  ASSERT_EQ(::stat("/", &slash), 0);
  if (here.st_dev != slash.st_dev) GTEST_SKIP() << "/tmp is a volume of its own here";
  const std::string from = image("1", kOne);
  auto chosen = options(from);
  chosen.to = disk.path();
  os.on_statfs = [](struct statfs* out) { out->f_type = 0x794c7630; };
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_TRUE(publish(os, chosen));  // a laptop's directory
  EXPECT_EQ(warnings.size(), 1U);
  ::setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
  const auto refused = publish(os, chosen);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::invalid_argument);
  EXPECT_NE(refused.error().text.find("not a volume"), std::string::npos);
  EXPECT_TRUE(publish_from(from));  // tmpfs, another device
  os.on_statfs = nullptr;
  EXPECT_TRUE(publish(os, chosen));
  ::unsetenv("KUBERNETES_SERVICE_HOST");
}

TEST_F(PublishTest, NeedsAVolume) {
  const std::string from = image("1", kOne);
  auto chosen = options(from);
  chosen.to = top / "nowhere";
  EXPECT_EQ(publish(os, chosen).error().code, Code::not_found);
  chosen.to = from + "/manifest.json";
  EXPECT_EQ(publish(os, chosen).error().code, Code::invalid_argument);
  const UniqueFd removed = open_directory(volume);
  fs::remove(volume);
  chosen.to = "/proc/self/fd/" + std::to_string(removed.get());
  EXPECT_EQ(publish(os, chosen).error().code, Code::io);
}

TEST_F(PublishTest, TellsTheDigestOfADirectory) {
  const std::string from = image("1", kOne);
  EXPECT_EQ(*payload_digest(os, from), sha256(read_file(from + "/manifest.json")));
  EXPECT_EQ(payload_digest(os, volume).error().code, Code::not_found);
  EXPECT_EQ(payload_digest(os, top / "nowhere").error().code, Code::not_found);
  ASSERT_TRUE(publish_from(from));
  EXPECT_EQ(*payload_digest(os, volume + "/current"), digest_of(from));
}

}  // namespace
}  // namespace okg::payload
