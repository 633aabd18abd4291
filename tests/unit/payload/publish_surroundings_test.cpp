// The volume, its lock, the run directory, the program: what a publish finds around it.
#include <sys/file.h>

#include <thread>

#include "payload/sha256.hpp"
#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class PublishSurroundingsTest : public PayloadTest {};

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

TEST_F(PublishSurroundingsTest, LeavesItsStampForTheServer) {
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

TEST_F(PublishSurroundingsTest, WorksWithoutABootId) {
  os.boot = "";
  const std::string from = image("1", kOne);
  ASSERT_TRUE(publish_from(from));
  EXPECT_TRUE(nlohmann::json::parse(read_file(run + "/desired.json"))["boot_id"].is_null());
  EXPECT_FALSE(desired_stamp_ns(os, open_directory(run).get(), digest_of(from)));
}

TEST_F(PublishSurroundingsTest, OnlyWarnsWhenTheRunDirectoryIsNotThere) {
  auto chosen = options(image("1", kOne));
  chosen.run = top / "nowhere";
  ASSERT_TRUE(publish(os, chosen));
  EXPECT_EQ(warnings.size(), 1U);
  EXPECT_EQ(in_use(), kOne);
}

TEST_F(PublishSurroundingsTest, InstallsTheProgram) {
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

TEST_F(PublishSurroundingsTest, TidiesUpAfterAKill) {
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

TEST_F(PublishSurroundingsTest, RefusesToWorkThroughLinks) {
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

TEST_F(PublishSurroundingsTest, WaitsForTheLock) {
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

TEST_F(PublishSurroundingsTest, RefusesALockThatIsNoFile) {
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

TEST_F(PublishSurroundingsTest, StopsAndLeavesTheRestToTheNextStart) {
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

TEST_F(PublishSurroundingsTest, StopsWhileItWaitsForTheLock) {
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

TEST_F(PublishSurroundingsTest, MakesTheLinkItsOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give the link to somebody else";
  const std::string from = image("1", kOne);
  ASSERT_TRUE(publish_from(from));
  ASSERT_EQ(::lchown((volume + "/current").c_str(), 65534, 65534), 0);
  const auto published = publish_from(from);
  ASSERT_TRUE(published);
  EXPECT_TRUE(published->already_there);
  EXPECT_EQ((*read_current(os, open_directory(volume).get()))->owner, 0U);
}

TEST_F(PublishSurroundingsTest, RefusesAContainersOwnFileSystem) {
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

TEST_F(PublishSurroundingsTest, NeedsAVolume) {
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

}  // namespace
}  // namespace okg::payload
