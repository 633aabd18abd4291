// Publishing when nothing goes wrong.
#include "payload/publish.hpp"

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
