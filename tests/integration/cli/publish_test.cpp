// okg publish without a server: onto the volume, or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string current_of(const std::string& volume) {
  std::error_code none;
  return std::filesystem::read_symlink(volume + "/current", none).string();
}

std::string target_of(const std::string& digest) {
  return "v/" + digest.substr(7);
}

TEST(PublishOnce, MovesCurrentWithoutAnyServer) {
  const Place place;
  const std::string digest = make_payload(place.image(), "2.4.1");
  const Finished done = okg({"publish", "--from", place.image(), "--to", place.payload(), "--run",
                             place.run(), "--once", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const auto events = done.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["event"], "published");
  EXPECT_EQ(events[0]["version"], "2.4.1");
  EXPECT_EQ(events[0]["digest"], digest);
  EXPECT_EQ(events[0]["files"], 2);
  EXPECT_EQ(events[0]["reused"], 0);
  EXPECT_TRUE(events[0]["ms"].is_number());
  EXPECT_EQ(current_of(place.payload()), target_of(digest));
  EXPECT_EQ(read_file(place.payload() + "/current/files/scripts/a.lua"), "hello");
  EXPECT_TRUE(same_content(place.payload() + "/bin/okg", OKG_PROGRAM));
  const auto desired = base::Json::parse(read_file(place.run() + "/desired.json"));
  EXPECT_EQ(desired["digest"], digest);
}

TEST(PublishOnce, ReusesWhatIsTheSame) {
  const Place place;
  make_payload(place.image(), "1");
  const Words publish{"publish", "--from", place.image(), "--once", "--json"};
  ASSERT_EQ(okg(publish, place.variables()).code, 0);
  make_payload(place.image(), "2", "changed");
  const Finished second = okg(publish, place.variables());
  ASSERT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(second.events()[0]["reused"], 2);  // config/game.json
  // Again, and nothing is to be done.
  EXPECT_EQ(okg(publish, place.variables()).code, 0);
}

TEST(PublishOnce, PacksPlainFilesOnTheWay) {
  const Place place;
  write_file(place / "plain/scripts/a.lua", "x");
  const Finished done =
      okg({"publish", "--from", place / "plain", "--version", "dev", "--once", "--json"}, place.variables());
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.events()[0]["version"], "dev");
  EXPECT_EQ(read_file(place.payload() + "/current/files/scripts/a.lua"), "x");
  EXPECT_FALSE(std::filesystem::exists(place / "plain/manifest.json"));
}

TEST(PublishOnce, RefusesAnotherVersionThanTheManifests) {
  const Place place;
  make_payload(place.image(), "1");
  const Finished done =
      okg({"publish", "--from", place.image(), "--version", "2", "--once"}, place.variables());
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("--version \"2\""));
  EXPECT_EQ(okg({"publish", "--from", place.image(), "--version", "1", "--once"}, place.variables()).code, 0);
}

TEST(PublishOnce, OverBudgetIsAFailureAndWritesNothing) {
  const Place place;
  make_payload(place.image(), "1");
  const Finished done =
      okg({"publish", "--from", place.image(), "--budget", "16Ki", "--once", "--json"}, place.variables());
  EXPECT_EQ(done.code, 1);
  const auto events = done.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["event"], "failed");
  EXPECT_EQ(events[0]["code"], "no_space");
  EXPECT_THAT(done.err, HasSubstr("budget"));
  EXPECT_EQ(current_of(place.payload()), "");
}

TEST(PublishOnce, DamagedImageIsAFailure) {
  const Place place;
  make_payload(place.image(), "1");
  write_file(place.image() + "/files/scripts/a.lua", "hellO");
  const Finished done = okg({"publish", "--from", place.image(), "--once"}, place.variables());
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("a.lua"));
  EXPECT_EQ(current_of(place.payload()), "");
  write_file(place.image() + "/manifest.json", "{");
  const Finished broken = okg({"publish", "--from", place.image(), "--once", "--json"}, place.variables());
  EXPECT_EQ(broken.code, 2);
  EXPECT_THAT(broken.err, HasSubstr(place.image()));
  EXPECT_EQ(broken.events().at(0)["stage"], "publish");
  EXPECT_EQ(okg({"ready", "--from", place.image()}, place.variables()).code, 2);
}

TEST(PublishOnce, KeepsTheVolumeOutOfThePayload) {
  const Place place;
  write_file(place / "plain/a.lua", "x");
  std::filesystem::create_directories(place / "plain/volume");
  std::filesystem::create_directory_symlink(place / "plain/volume", place / "link");
  for (const std::string& to : {place / "plain", place / "plain/", place / "plain/new",
                                place / "plain/volume", place / "link", place / "payload/../plain/volume/"}) {
    const Finished done = okg(
        {"publish", "--from", place / "plain", "--to", to, "--version", "1", "--run", place.run(), "--once"});
    EXPECT_EQ(done.code, 2) << to;
    EXPECT_THAT(done.err, HasSubstr("--to")) << to;
  }
  Process::Surroundings inside;
  inside.directory = place / "plain";
  EXPECT_EQ(
      Process({"publish", "--from", ".", "--to", "new", "--version", "1", "--run", place.run(), "--once"},
              inside)
          .finish()
          .code,
      2);
  EXPECT_FALSE(std::filesystem::exists(place / "plain/new"));
  EXPECT_TRUE(std::filesystem::is_empty(place / "plain/volume"));
  // Beside it, with a name that begins alike, is another place.
  EXPECT_EQ(okg({"publish", "--from", place / "plain", "--to", place / "plain2", "--version", "1", "--run",
                 place.run(), "--once"})
                .code,
            0);
}

TEST(PublishOnce, MakesTheVolumeOnlyBelowWhatIsThere) {
  const Place place;
  make_payload(place.image(), "1");
  EXPECT_EQ(
      okg({"publish", "--from", place.image(), "--to", place / "new", "--run", place.run(), "--once"}).code,
      0);
  const Finished deeper =
      okg({"publish", "--from", place.image(), "--to", place / "a/b", "--run", place.run(), "--once"});
  EXPECT_EQ(deeper.code, 2);
  EXPECT_THAT(deeper.err, HasSubstr(place / "a/b"));
  EXPECT_FALSE(std::filesystem::exists(place / "a"));
}

TEST(PublishOnce, NeedsToKnowNoServer) {
  const Place place;
  make_payload(place.image(), "1");
  const Variables nowhere{{"XDG_RUNTIME_DIR", place / "none"}};
  EXPECT_EQ(okg({"publish", "--from", place.image(), "--to", place.payload(), "--once"}, nowhere).code, 0);
  // Who asks for the outcome has to say whose.
  EXPECT_EQ(
      okg({"publish", "--from", place.image(), "--to", place.payload(), "--once", "--wait", "1s"}, nowhere)
          .code,
      2);
}

TEST(PublishOnce, OffClusterMakesItsDirectoriesPrivate) {
  const Place place;
  make_payload(place.image(), "1");
  const std::string home = place / "home";
  std::filesystem::create_directories(home);
  const Finished done =
      okg({"publish", "--from", place.image(), "--once"}, {{"XDG_RUNTIME_DIR", home}, {"OKG_NAME", "game"}});
  ASSERT_EQ(done.code, 0) << done.err;
  const std::string own = home + "/okg-" + std::to_string(::geteuid());
  EXPECT_EQ(mode_of(own), 0700U);
  EXPECT_EQ(mode_of(own + "/game/payload"), 0700U);
  EXPECT_EQ(mode_of(own + "/game/run"), 0700U);
  EXPECT_TRUE(std::filesystem::exists(own + "/game/run/desired.json"));
}

// A server that is down remembers in boot.json what it will go back to.
TEST(PublishOnce, KeepsWhatBootJsonNames) {
  const Place place;
  const Words publish{"publish", "--from", place.image(), "--once"};
  std::vector<std::string> published;
  const auto publish_next = [&] {
    const std::string version = std::to_string(published.size() + 1);
    published.push_back(make_payload(place.image(), version, version));
    ASSERT_EQ(okg(publish, place.variables()).code, 0);
  };
  const auto is_there = [&](std::size_t i) {
    return std::filesystem::exists(place.payload() + "/" + target_of(published.at(i)));
  };
  const auto hex = [&](std::size_t i) { return published.at(i).substr(7); };
  publish_next();
  publish_next();
  write_file(place.run() + "/boot.json", R"({"schema":"okg.boot/v1","last_good":{"directory":")" + hex(0) +
                                             R"("},"hold":{"desired":"sha256:)" + std::string(64, 'a') +
                                             R"(","to":")" + hex(1) + R"("}})");
  for (int i = 0; i < 3; ++i) publish_next();
  EXPECT_TRUE(is_there(0)) << "last-good";
  EXPECT_TRUE(is_there(1)) << "what a rollback on request holds on to";
  EXPECT_FALSE(is_there(2));
  write_file(place.run() + "/boot.json", R"({"last_good":["nonsense"]})");
  publish_next();
  EXPECT_FALSE(is_there(0));
  EXPECT_FALSE(is_there(1));
}

TEST(PublishOnce, TwoAtOnceBothSucceed) {
  const Place place;
  const std::string one = make_payload(place / "one", "1", "one");
  const std::string two = make_payload(place / "two", "2", "two");
  Process first({"publish", "--from", place / "one", "--once"}, place.variables());
  Process second({"publish", "--from", place / "two", "--once"}, place.variables());
  EXPECT_EQ(first.finish().code, 0);
  EXPECT_EQ(second.finish().code, 0);
  EXPECT_THAT(current_of(place.payload()), testing::AnyOf(target_of(one), target_of(two)));
  EXPECT_EQ(okg({"ready", "--from", place / (current_of(place.payload()) == target_of(one) ? "one" : "two"),
                 "--gate", "published"},
                place.variables())
                .code,
            0);
}

TEST(PublishOnceWait, EndsWithTryAgainWhenNobodyAnswers) {
  const Place place;
  make_payload(place.image(), "1");
  const Finished done =
      okg({"publish", "--from", place.image(), "--once", "--wait", "300ms", "--json"}, place.variables());
  EXPECT_EQ(done.code, 75);
  EXPECT_EQ(done.events().size(), 1U);
  EXPECT_THAT(done.err, HasSubstr("no outcome"));
}

TEST(Publish, StaysUntilItIsTold) {
  for (const int number : {SIGTERM, SIGINT}) {
    const Place place;
    make_payload(place.image(), "1");
    Process process({"publish", "--from", place.image(), "--json"}, place.variables());
    ASSERT_TRUE(process.says("\"published\""));
    process.signal(number);
    const Finished done = process.finish();
    EXPECT_EQ(done.code, 0);
    EXPECT_LT(process.took(), std::chrono::seconds(1));
  }
}

TEST(Publish, EndsInTheMiddleOfACopy) {
  const Place place("/tmp");  // memory may be scarce
  make_payload(place.image(), "1");
  // Sparse: quick to make, slow to copy and hash.
  write_file(place.image() + "/files/big", "");
  std::filesystem::resize_file(place.image() + "/files/big", 512 << 20);
  ASSERT_EQ(okg({"pack", place.image(), "--version", "1"}).code, 0);
  Process process({"publish", "--from", place.image()}, place.variables());
  // Copying has begun once something is staged.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!std::filesystem::exists(place.payload() + "/.staging") ||
         std::filesystem::is_empty(place.payload() + "/.staging"))
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  process.signal(SIGTERM);
  const Finished done = process.finish();
  EXPECT_EQ(done.code, 75) << done.err;
  EXPECT_LT(process.took(), std::chrono::seconds(1));
  EXPECT_EQ(current_of(place.payload()), "");
}

TEST(Publish, ReportsThatAnotherCameAfterIt) {
  const Place place;
  make_payload(place / "one", "1", "one");
  const std::string two = make_payload(place / "two", "2", "two");
  Process staying({"publish", "--from", place / "one", "--json"}, place.variables());
  ASSERT_TRUE(staying.says("\"published\""));
  ASSERT_EQ(okg({"publish", "--from", place / "two", "--once"}, place.variables()).code, 0);
  ASSERT_TRUE(staying.says("\"superseded\""));
  staying.signal(SIGTERM);
  EXPECT_EQ(staying.finish().code, 0);
  // It does not take it back.
  EXPECT_EQ(current_of(place.payload()), target_of(two));
}

TEST(Publish, DrawsNothingIntoPipes) {
  const Place place;
  make_payload(place.image(), "1");
  const Finished done = okg({"publish", "--from", place.image(), "--once"}, place.variables());
  EXPECT_THAT(done.err, IsEmpty());
  EXPECT_THAT(done.out, testing::Not(HasSubstr("\x1b")));
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 1);
}

}  // namespace
}  // namespace okg::test
