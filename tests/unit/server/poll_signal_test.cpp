#include "server/poll_signal.hpp"

#include <gtest/gtest.h>
#include <poll.h>

namespace okg::server {
namespace {

bool readable(const PollSignal& signal) {
  pollfd fd{signal.fd(), POLLIN, 0};
  return ::poll(&fd, 1, 0) == 1;
}

TEST(PollSignals, AreQuietOnlyWhenEverySourceWasServed) {
  PollSignal signal(base::Os::real());
  ASSERT_TRUE(signal.open());
  EXPECT_FALSE(signal.pending() || readable(signal));
  signal.raise(PollSignal::kReload);
  signal.raise(PollSignal::kController);
  signal.raise(PollSignal::kReload);
  EXPECT_TRUE(signal.pending() && readable(signal));
  EXPECT_NE(signal.since(), 0);
  signal.lower(PollSignal::kReload);
  EXPECT_TRUE(signal.pending() && readable(signal)) << "the other one";
  signal.lower(PollSignal::kController);
  EXPECT_FALSE(signal.pending() || readable(signal));
  EXPECT_EQ(signal.since(), 0);
}

TEST(PollSignals, AMarkIsForThoseWhoPollAnyway) {
  PollSignal signal(base::Os::real());
  ASSERT_TRUE(signal.open());
  signal.mark(PollSignal::kReload);
  EXPECT_TRUE(signal.pending());
  EXPECT_FALSE(readable(signal));
  signal.lower(PollSignal::kReload);
  EXPECT_FALSE(signal.pending());
}

}  // namespace
}  // namespace okg::server
