// Every failure leaves or restores what was good.
#include <gtest/gtest.h>

#include "unit/reload/drive.hpp"

namespace okg::reload {
namespace {

using base::Code;

const Target kA = payload_of('a'), kB = payload_of('b'), kC = payload_of('c');

TEST(ReloaderWayBack, AnOfferOfLastGoodFallsWithWhatIsKept) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  drive.publish(kA);  // the way back is open, but the game cannot commit now
  ASSERT_TRUE(drive.offer && drive.restore);

  drive.pass(10 * kSecond);  // and B becomes good: what is kept of A is dropped
  EXPECT_TRUE(drive.good(kB));
  EXPECT_FALSE(drive.begin());
  EXPECT_TRUE(drive.verify) << "A is loaded from the volume instead";

  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(ReloaderWayBack, WhatIsInUseInPartsDoesNotBecomeGood) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  drive.fail_commit(kC, false);
  EXPECT_TRUE(drive.working_on(kB));

  drive.pass(20 * kSecond);
  EXPECT_TRUE(drive.good(kA));
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
  EXPECT_TRUE(drive.good(kA)) << "probation begins anew";
  drive.pass(10 * kSecond);
  EXPECT_TRUE(drive.good(kB));
}

TEST(ReloaderWayBack, WhatCannotBeMendedGivesWayToLastGood) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  drive.fail_commit(kC, false);
  drive.verified(failure_at(Stage::verify, Code::digest_mismatch));  // B is damaged by now
  ASSERT_TRUE(drive.working_on(kA));
  drive.verified();
  EXPECT_TRUE(drive.everything);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(ReloaderWayBack, WhatIsReportedBadGivesWayToLastGood) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  ASSERT_TRUE(drive.report_bad());
  EXPECT_EQ(drive.reloader->last()->failure->stage, Stage::probation);
  EXPECT_TRUE(drive.offer && drive.restore) << "its objects are here: nothing is loaded";
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_TRUE(drive.refused(kB));
  EXPECT_EQ(drive.reloader->rolled_back_count(), 1U);
  EXPECT_EQ(drive.reloader->ok_count(), 2U) << "never taken back";
  EXPECT_EQ(drive.reloader->last()->failure->text, "players cannot log in");
  drive.kill();
  drive.publish(kB);
  EXPECT_TRUE(drive.working_on(kA)) << "not even after a restart";
}

TEST(ReloaderWayBack, OnlyWhatIsOnProbationCanBeReported) {
  Drive drive;
  EXPECT_FALSE(drive.report_bad());
  drive.publish(kA);
  drive.go_well();
  EXPECT_FALSE(drive.report_bad()) << "there is nothing to go back to";
  drive.pass(10 * kSecond);
  EXPECT_FALSE(drive.report_bad()) << "it is good";
  drive.publish(kB);
  EXPECT_FALSE(drive.report_bad()) << "B is not in use yet";
}

TEST(ReloaderWayBack, AFailedRestoreLoadsLastGoodFromTheVolume) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  ASSERT_TRUE(drive.report_bad());
  ASSERT_TRUE(drive.begin());
  drive.committed(failure_at(Stage::commit, Code::rejected));
  EXPECT_FALSE(drive.reloader->keeps_last_good());
  EXPECT_FALSE(drive.refused(kA)) << "the payload is not to blame";
  ASSERT_TRUE(drive.verify);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_EQ(drive.reloader->rolled_back_count(), 1U);
}

TEST(ReloaderWayBack, AFailedCommitLeavesTheFormer) {
  Drive drive;
  drive.make_good(kA);
  drive.fail_commit(kB);
  EXPECT_TRUE(drive.in_use(kA));
  EXPECT_TRUE(drive.refused(kB));
  EXPECT_FALSE(drive.reloader->working_on());
}

TEST(ReloaderWayBack, AfterARestartLastGoodIsLoaded) {
  Drive drive;
  drive.make_good(kA);
  drive.kill();
  EXPECT_FALSE(drive.reloader->keeps_last_good());
  drive.publish(kB);
  drive.go_well();
  ASSERT_TRUE(drive.report_bad());
  EXPECT_FALSE(drive.offer);
  ASSERT_TRUE(drive.verify);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

TEST(ReloaderWayBack, ForceKeepsWhatWasReportedAndProvesItAnew) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  ASSERT_TRUE(drive.report_bad());
  drive.take(drive.reloader->reload(true, drive.now));  // before the game came to go back
  EXPECT_FALSE(drive.offer);
  EXPECT_TRUE(drive.in_use(kB));
  EXPECT_EQ(drive.reloader->phase(), Phase::probation);
  drive.pass(10 * kSecond);
  EXPECT_TRUE(drive.good(kB));
}

TEST(ReloaderWayBack, ForceDoesNotProveWhatIsInUseInParts) {
  Drive drive;
  drive.make_good(kA);
  drive.publish(kB);
  drive.go_well();
  drive.take(drive.reloader->rollback(kA, drive.now));
  ASSERT_TRUE(drive.begin());
  ASSERT_TRUE(drive.report_bad());  // while the game goes back
  drive.committed(failure_at(Stage::commit, Code::rejected), false);
  drive.take(drive.reloader->reload(true, drive.now));
  drive.pass(10 * kSecond);
  EXPECT_TRUE(drive.good(kA)) << "B is in use in parts only";
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kB));
  drive.pass(10 * kSecond);
  EXPECT_TRUE(drive.good(kB));
}

}  // namespace
}  // namespace okg::reload
