// As in a container: an empty root, PID 1, another user, no /proc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// A root that holds nothing but the program, an image and two volumes.
class EmptyRoot : public testing::Test {
 protected:
  void SetUp() override {
#ifdef OKG_SANITIZED
    GTEST_SKIP() << "the program is not static under sanitizers";
#endif
    if (!is_root()) GTEST_SKIP() << "chroot needs root";
    std::filesystem::create_directories(root_ / "okg/payload");
    std::filesystem::create_directories(root_ / "okg/run");
    std::filesystem::copy_file(OKG_PROGRAM, root_ / "okg/okg");
    make_payload(root_ / "data", "2.4.1");
  }
  Process::Surroundings inside() const {
    Process::Surroundings surroundings;
    surroundings.program = "/okg/okg";
    surroundings.root = root_.path();
    return surroundings;
  }
  Finished run(const Words& words) const {
    Process process(words, inside());
    return process.finish();
  }

  TemporaryDirectory root_;
};

TEST_F(EmptyRoot, PublishNeedsNothingElse) {
  const Finished done = run({"publish", "--from", "/data", "--once"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, IsEmpty());
  // The program found itself without /proc.
  EXPECT_TRUE(same_content(root_ / "okg/payload/bin/okg", OKG_PROGRAM));
  EXPECT_EQ(run({"ready", "--from", "/data", "--gate", "published"}).code, 0);
}

TEST_F(EmptyRoot, StayingPublisherReportsAndEnds) {
  FakeServer server(root_ / "okg/run", [](const Asked&) { return Reply{200, status_json({}), {}}; });
  Process process({"publish", "--from", "/data"}, inside());
  ASSERT_TRUE(process.says("active 2.4.1"));
  process.signal(SIGTERM);
  EXPECT_EQ(process.finish().code, 0);
}

TEST_F(EmptyRoot, EveryOtherCommandWorksToo) {
  EXPECT_EQ(run({"pack", "/data", "--version", "2.4.1"}).code, 0);
  EXPECT_EQ(run({"status"}).code, 69);
  EXPECT_EQ(run({"--help"}).code, 0);
  FakeServer server(root_ / "okg/run", [](const Asked&) { return Reply{200, status_json({}), {}}; });
  EXPECT_EQ(run({"status"}).code, 0);
  EXPECT_EQ(run({"probe", "live"}).code, 0);
}

class FirstProcess : public testing::Test {
 protected:
  void SetUp() override {
    if (!may_unshare()) GTEST_SKIP() << "PID namespaces are not permitted here";
  }
  Process::Surroundings first(const Place& place) const {
    Process::Surroundings surroundings{place.variables()};
    surroundings.first_of_all = true;
    return surroundings;
  }
};

TEST_F(FirstProcess, EndsOnSignals) {
  for (const int number : {SIGTERM, SIGINT}) {
    const Place place;
    make_payload(place.image(), "1");
    Process process({"publish", "--from", place.image()}, first(place));
    ASSERT_TRUE(process.says("published 1"));
    process.signal(number);
    EXPECT_EQ(process.finish().code, 0);
    EXPECT_LT(process.took(), std::chrono::seconds(1));
  }
}

TEST_F(FirstProcess, EndsInTheMiddleOfAWait) {
  const Place place;
  make_payload(place.image(), "1");
  Process process({"publish", "--from", place.image(), "--once", "--wait", "1h"}, first(place));
  ASSERT_TRUE(process.says("published 1"));
  process.signal(SIGTERM);
  EXPECT_EQ(process.finish().code, 75);
}

TEST(ClosedOutput, DoesNotEndAStayingPublisher) {
  const Place place;
  make_payload(place.image(), "1");
  Process process({"publish", "--from", place.image()}, place.variables());
  ASSERT_TRUE(process.says("published 1"));
  process.hang_up();
  FakeServer server(place.run(), [](const Asked&) { return Reply{200, status_json({}), {}}; });
  // It goes on asking after it could not tell.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (server.asked().size() < 3) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  process.signal(SIGTERM);
  EXPECT_EQ(process.finish().code, 0);
}

TEST(OtherUser, MayAskAndPublishWhereItMay) {
  if (!is_root()) GTEST_SKIP() << "changing the user needs root";
  const Place place;
  make_payload(place.image(), "1");
  std::filesystem::permissions(place.payload(), std::filesystem::perms::all);
  Process::Surroundings surroundings{place.variables()};
  surroundings.user = 65534;
  Process process({"publish", "--from", place.image(), "--once"}, surroundings);
  const Finished done = process.finish();
  EXPECT_EQ(done.code, 0) << done.err;
  std::filesystem::permissions(place.payload(),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  make_payload(place.image(), "2");
  Process refused({"publish", "--from", place.image(), "--once"}, surroundings);
  const Finished denied = refused.finish();
  EXPECT_EQ(denied.code, 1);
  EXPECT_THAT(denied.err, HasSubstr(place.payload()));
}

}  // namespace
}  // namespace okg::test
