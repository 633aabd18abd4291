#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "integration/cli/support.hpp"
#include "payload/sha256.hpp"

namespace okg::test {
namespace {

using testing::HasSubstr;

TEST(Pack, PrintsTheDigestOfTheManifest) {
  const TemporaryDirectory directory;
  const std::string digest = make_payload(directory / "image", "2.4.1");
  EXPECT_EQ(digest, payload::sha256(read_file(directory / "image/manifest.json")).text());
  const auto manifest = base::Json::parse(read_file(directory / "image/manifest.json"));
  EXPECT_EQ(manifest["version"], "2.4.1");
  EXPECT_TRUE(manifest["components"].contains("scripts"));
}

TEST(Pack, IsTheSameEverywhereAndAlways) {
  const TemporaryDirectory one, other;
  const std::string digest = make_payload(one / "a", "2.4.1");
  EXPECT_EQ(make_payload(other / "b", "2.4.1"), digest);
  EXPECT_EQ(make_payload(one / "a", "2.4.1"), digest);
  EXPECT_NE(make_payload(one / "a", "2.4.2"), digest);
  EXPECT_NE(make_payload(one / "a", "2.4.1", "other"), digest);
}

TEST(Pack, SaysMoreAsJson) {
  const TemporaryDirectory directory;
  const std::string digest = make_payload(directory / "image", "1", "12345");
  const Finished done = okg({"--json", "pack", directory / "image", "--version", "1"});
  ASSERT_EQ(done.code, 0);
  const auto events = done.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["digest"], digest);
  EXPECT_EQ(events[0]["files"], 2);
  EXPECT_EQ(events[0]["bytes"], 7);
}

TEST(Pack, TakesComponentsOrderAndRequirement) {
  const TemporaryDirectory directory;
  write_file(directory / "image/files/lua/a.lua", "x");
  write_file(directory / "image/files/data/b.json", "{}");
  const Finished done = okg({"pack", directory / "image", "--version", "1", "--component", "scripts=lua/",
                             "--component", "config=data/", "--after", "scripts=config", "--requires-server",
                             ">=2.4 <2.5", "--unhandled", "accept"});
  ASSERT_EQ(done.code, 0) << done.err;
  const auto manifest = base::Json::parse(read_file(directory / "image/manifest.json"));
  EXPECT_EQ(manifest["components"]["scripts"]["after"], base::Json({"config"}));
  EXPECT_EQ(manifest["requires"]["server"], ">=2.4 <2.5");
  EXPECT_EQ(manifest["unhandled"], "accept");
}

TEST(Pack, TakesItsDirectoryAfterTheFlagsToo) {
  const TemporaryDirectory directory;
  write_file(directory / "image/files/lua/a.lua", "x");
  write_file(directory / "image/files/b", "x");
  const Finished done = okg({"pack", "--version", "1", "--component", "scripts=lua/", "--component", "rest=.",
                             directory / "image"});
  EXPECT_EQ(done.code, 0) << done.err;
}

TEST(Pack, RecordsTheDateOnlyWhenToldOne) {
  const TemporaryDirectory directory;
  write_file(directory / "image/files/a", "x");
  const Finished plain = okg({"pack", directory / "image", "--version", "1"});
  EXPECT_THAT(read_file(directory / "image/manifest.json"), testing::Not(HasSubstr("created")));
  const Finished dated =
      okg({"pack", directory / "image", "--version", "1"}, {{"SOURCE_DATE_EPOCH", "86400"}});
  EXPECT_THAT(read_file(directory / "image/manifest.json"), HasSubstr("1970-01-02T00:00:00Z"));
  EXPECT_NE(plain.out, dated.out);
  EXPECT_EQ(okg({"pack", directory / "image", "--version", "1"}, {{"SOURCE_DATE_EPOCH", "yesterday"}}).code,
            2);
}

TEST(Pack, RefusesWhatAPayloadCannotHold) {
  const TemporaryDirectory directory;
  write_file(directory / "image/files/a", "x");
  ASSERT_EQ(::symlink("/etc/passwd", (directory / "image/files/link").c_str()), 0);
  const Finished done = okg({"pack", directory / "image", "--version", "1"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("link"));
  EXPECT_FALSE(std::filesystem::exists(directory / "image/manifest.json"));
}

TEST(Pack, WantsADirectory) {
  const TemporaryDirectory directory;
  write_file(directory / "file", "x");
  write_file(directory / "image/files", "x");
  for (const std::string& path : {directory / "file", directory / "image"}) {
    const Finished done = okg({"pack", path, "--version", "1"});
    EXPECT_EQ(done.code, 2) << path;
    EXPECT_THAT(done.err, HasSubstr("not a directory"));
  }
}

TEST(Pack, FailsWhenItsDigestCannotBeWritten) {
  const TemporaryDirectory directory;
  make_payload(directory / "image", "1");
  Process::Surroundings full;
  full.output = "/dev/full";
  for (const Words& words : {Words{"pack", directory / "image", "--version", "1"},
                             Words{"pack", directory / "image", "--version", "1", "--json"}}) {
    const Finished done = Process(words, full).finish();
    EXPECT_EQ(done.code, 1);
    EXPECT_THAT(done.err, HasSubstr("stdout: cannot be written: No space left on device"));
  }
}

}  // namespace
}  // namespace okg::test
