// The boot guard: what a death while a payload is taken into use leads to.
#include <gtest/gtest.h>

#include "unit/reload/drive.hpp"

namespace okg::reload {
namespace {

using base::Code;

const Target kA = payload_of('a'), kB = payload_of('b');

Guard with_good(const Target& target) {
  Drive drive;
  drive.make_good(target);
  return drive.saved;
}

TEST(ReloaderBoot, ThreeDeathsInPrepareAreEnough) {
  Drive drive(with_good(kA));
  for (int start = 0; start < 3; ++start) {
    drive.publish(kB);
    drive.verified();
    ASSERT_TRUE(drive.prepare) << "start " << start;
    drive.kill();
  }
  drive.publish(kB);
  drive.verified();
  EXPECT_FALSE(drive.prepare);
  ASSERT_EQ(drive.ends().size(), 1U);
  EXPECT_EQ(drive.ends()[0].failure->code, Code::crash_loop);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(ReloaderBoot, ThreeDeathsOnProbationAreEnough) {
  Drive drive(with_good(kA));
  for (int start = 0; start < 3; ++start) {
    drive.publish(kB);
    drive.go_well();
    ASSERT_TRUE(drive.in_use(kB)) << "start " << start;
    drive.pass(9 * kSecond);
    drive.kill();
  }
  drive.publish(kB);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_TRUE(drive.refused(kB));
}

TEST(ReloaderBoot, AFailedTryBeforeEachDeathHidesNoCrashLoop) {
  Drive drive(with_good(kA));
  for (int start = 0; start < 3; ++start) {
    drive.publish(kB);
    drive.verified();
    drive.prepared(failure_at(Stage::prepare, Code::busy, true));
    drive.go_well();  // A, meanwhile
    drive.pass(2 * kSecond);
    drive.verified();
    ASSERT_TRUE(drive.prepare) << "start " << start;
    drive.kill();
  }
  drive.publish(kB);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_TRUE(drive.refused(kB));
}

TEST(ReloaderBoot, ADeathCountsOnceHoweverOftenPrepareBegan) {
  Drive drive(with_good(kA));
  for (int start = 0; start < 2; ++start) {
    drive.publish(kB);
    drive.go_well();
    drive.publish(payload_of(start == 0 ? 'c' : 'd'));
    drive.verified();
    drive.prepared();
    ASSERT_TRUE(drive.begin());
    drive.committed(failure_at(Stage::commit, Code::rejected), false);  // inconsistent: B is loaded anew
    drive.verified();
    ASSERT_TRUE(drive.prepare && drive.everything);
    drive.kill();
  }
  drive.publish(kB);
  drive.verified();
  EXPECT_TRUE(drive.prepare) << "two deaths are no crash loop";
}

TEST(ReloaderBoot, AForcedReloadForgetsDeathsButNotTheAttemptUnderWay) {
  Drive drive(with_good(kA));
  drive.publish(kB);
  drive.verified();
  drive.take(drive.reloader->reload(true, drive.now));
  ASSERT_EQ(drive.saved.attempts.size(), 1U);
  EXPECT_EQ(drive.saved.attempts[0].count, 1U);
}

TEST(ReloaderBoot, WhatIsGoodIsNotCounted) {
  Drive drive(with_good(kA));
  for (int start = 0; start < 4; ++start) {
    drive.publish(kA);
    drive.verified();
    ASSERT_TRUE(drive.prepare) << "start " << start;
    EXPECT_TRUE(drive.saved.attempts.empty());
    drive.kill();
  }
}

TEST(ReloaderBoot, ProbationClearsTheCount) {
  Drive drive(with_good(kA));
  for (int start = 0; start < 2; ++start) {
    drive.publish(kB);
    drive.go_well();
    drive.kill();
  }
  drive.make_good(kB);
  EXPECT_TRUE(drive.saved.attempts.empty());
}

TEST(ReloaderBoot, AnotherBinaryIsJudgedByItsOwnDeaths) {
  Drive drive(with_good(kA));
  for (int start = 0; start < 3; ++start) {
    drive.publish(kB);
    drive.verified();
    drive.kill(start == 2 ? "2.5" : "");
  }
  drive.publish(kB);
  drive.verified();
  EXPECT_TRUE(drive.prepare);
}

TEST(ReloaderBoot, WithoutALastGoodThereIsNothingElseToTry) {
  Drive drive;
  for (int start = 0; start < 6; ++start) {
    drive.publish(kB);
    drive.verified();
    ASSERT_TRUE(drive.prepare) << "start " << start;
    drive.kill();
  }
}

}  // namespace
}  // namespace okg::reload
