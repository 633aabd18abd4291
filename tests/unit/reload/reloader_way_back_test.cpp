// Every failure leaves or restores what was good.
#include <gtest/gtest.h>

#include "unit/reload/drive.hpp"

namespace okg::reload {
namespace {

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

}  // namespace
}  // namespace okg::reload
