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
  drive.publish(kC);
  drive.verified();
  drive.prepared();
  ASSERT_TRUE(drive.begin());
  drive.committed(failure_at(Stage::commit, Code::rejected), false);
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
  drive.publish(kC);
  drive.verified();
  drive.prepared();
  ASSERT_TRUE(drive.begin());
  drive.committed(failure_at(Stage::commit, Code::rejected), false);
  drive.verified(failure_at(Stage::verify, Code::digest_mismatch));  // B is damaged by now
  ASSERT_TRUE(drive.working_on(kA));
  drive.verified();
  EXPECT_TRUE(drive.everything);
  drive.go_well();
  EXPECT_TRUE(drive.in_use(kA));
}

}  // namespace
}  // namespace okg::reload
