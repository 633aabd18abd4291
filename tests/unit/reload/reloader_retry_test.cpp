// Failures that may pass: when they are tried again, and what is in use meanwhile.
#include <gtest/gtest.h>

#include "unit/reload/drive.hpp"

namespace okg::reload {
namespace {

using base::Code;

const Target kA = payload_of('a'), kB = payload_of('b'), kC = payload_of('c');
const Failure kBusy = failure_at(Stage::prepare, Code::busy, true);
const Failure kIo = failure_at(Stage::verify, Code::io, true);

TEST(ReloaderRetry, OneTwoFourEightSecondsThenNoMore) {
  Drive drive;
  drive.publish(kA);
  for (const Nanoseconds wait : {kSecond, 2 * kSecond, 4 * kSecond, 8 * kSecond}) {
    ASSERT_TRUE(drive.verify);
    drive.verified(kIo);
    ASSERT_TRUE(drive.reloader->next_deadline());
    EXPECT_EQ(*drive.reloader->next_deadline() - drive.now, wait);  // random is 0.5: no jitter
    EXPECT_TRUE(drive.ends().back().failure->retriable);
    drive.pass(wait - 1);
    EXPECT_FALSE(drive.verify);
    drive.pass(1);
  }
  drive.verified(kIo);
  EXPECT_FALSE(drive.ends().back().failure->retriable) << "this one is final";
  EXPECT_EQ(drive.ends().back().attempt, 5U);
  EXPECT_EQ(drive.reloader->failed_count(), 1U) << "a failure that is tried again is none";
  EXPECT_FALSE(drive.reloader->next_deadline());
  EXPECT_TRUE(drive.refused(kA));
}

TEST(ReloaderRetry, JitterIsAFifthEitherWay) {
  for (const double random : {0.0, 0.999}) {
    Reloader reloader({10 * kSecond, "2.4", [&] { return random; }}, {});
    reloader.desired(kA, 0);
    reloader.verified(1, "", kIo, 0);
    ASSERT_TRUE(reloader.next_deadline());
    EXPECT_NEAR(static_cast<double>(*reloader.next_deadline()), random < 0.5 ? 0.8e9 : 1.2e9, 1e6);
  }
}

TEST(ReloaderRetry, AskingEndsTheWait) {
  Drive drive;
  drive.publish(kA);
  drive.verified(kIo);
  drive.take(drive.reloader->reload(false, drive.now));
  ASSERT_TRUE(drive.verify);
  EXPECT_EQ(drive.reloader->attempt(), 2U);
}

TEST(ReloaderRetry, AskingTriesAgainWhatGaveUp) {
  Drive drive;
  drive.publish(kA);
  for (int i = 0; i < 5; ++i) {
    drive.verified(kIo);
    drive.pass(20 * kSecond);
  }
  ASSERT_TRUE(drive.refused(kA));
  drive.take(drive.reloader->reload(false, drive.now));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(ReloaderRetry, TheNextStartTriesAgainWhatGaveUp) {
  Drive drive;
  drive.publish(kA);
  for (int i = 0; i < 5; ++i) {
    drive.verified(kIo);
    drive.pass(20 * kSecond);
  }
  drive.kill();
  drive.publish(kA);
  EXPECT_TRUE(drive.verify);
}

TEST(ReloaderRetry, SomethingNewerDoesNotWait) {
  Drive drive;
  drive.publish(kA);
  drive.verified(kIo);
  drive.publish(kB);
  EXPECT_TRUE(drive.working_on(kB));
  EXPECT_EQ(drive.reloader->superseded_count(), 1U);
}

TEST(ReloaderRetry, ANewCopyDoesNotWait) {
  Drive drive;
  drive.publish(payload_of('a', 0, 1));
  drive.verified(kIo);
  drive.publish(payload_of('a', 0, 2));
  EXPECT_TRUE(drive.verify);
}

TEST(ReloaderRetry, AtBootLastGoodIsUsedMeanwhile) {
  Drive drive;
  drive.make_good(kA);
  drive.kill();
  drive.publish(kB);
  drive.verified();
  drive.prepared(kBusy);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
  drive.pass(2 * kSecond);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
}

TEST(ReloaderRetry, TwoThatFailAtBootWaitEachForItself) {
  Drive drive;
  drive.make_good(kA);
  drive.kill();
  drive.publish(kB);
  unsigned tries = 0;
  for (; drive.verify && tries < 100; ++tries) {
    drive.verified(kIo);
    while (!drive.verify && drive.reloader->next_deadline())
      drive.pass(*drive.reloader->next_deadline() - drive.now);
  }
  EXPECT_EQ(tries, 10U) << "five each";
  EXPECT_GE(drive.now, 16 * kSecond);
}

TEST(ReloaderRetry, ABrokenCommitIsMendedWhileItsRetryWaits) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.verified();
  drive.prepared();
  ASSERT_TRUE(drive.begin());
  drive.committed(failure_at(Stage::commit, Code::busy, true), false);
  EXPECT_TRUE(drive.reloader->inconsistent());
  ASSERT_TRUE(drive.working_on(kA)) << "the former payload comes first";
  drive.verified();
  EXPECT_TRUE(drive.everything);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
  drive.pass(2 * kSecond);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
}

TEST(ReloaderRetry, WhatIsReportedBadLeavesWhileARetryWaits) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  drive.publish(kC);
  drive.verified();
  drive.prepared(kBusy);
  ASSERT_TRUE(drive.report_bad());
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(ReloaderRetry, ADeadlineIsNeverBehindUs) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.verified();
  drive.prepared(kBusy);
  drive.take(drive.reloader->rollback(Target{kA.name, 0}, drive.now));  // nobody will retry B now
  drive.pass(2 * kSecond);
  EXPECT_FALSE(drive.reloader->next_deadline());

  drive.publish(kC);
  drive.go_well();
  drive.publish(kB);
  drive.verified();
  drive.prepared();
  ASSERT_TRUE(drive.begin());
  drive.pass(11 * kSecond);  // C's probation ends in the middle of a long commit
  EXPECT_FALSE(drive.reloader->next_deadline());
  drive.committed(failure_at(Stage::commit, Code::rejected));
  ASSERT_TRUE(drive.reloader->next_deadline());
  drive.pass(0);
  EXPECT_TRUE(drive.good(kC));
}

}  // namespace
}  // namespace okg::reload
