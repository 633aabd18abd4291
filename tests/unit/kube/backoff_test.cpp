// How long to wait: within bounds, growing, spread, and never less than the server asked for.
#include "kube/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace okg::kube {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST(Backoff, StaysWithinItsBounds) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff(100ms, 10s, seed);
    for (int n = 1; n <= 100; ++n) {
      const milliseconds wait = backoff.next();
      EXPECT_GE(wait, 100ms);
      EXPECT_LE(wait, n < 7 ? 100ms * (1 << n) : 10s);
    }
  }
}

TEST(Backoff, GrowsToItsMaximumAndStartsAnewAfterASuccess) {
  milliseconds longest = 0ms, first = 0ms, after = 0ms;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Backoff backoff(100ms, 10s, seed);
    first = std::max(first, backoff.next());
    for (int n = 0; n < 20; ++n) longest = std::max(longest, backoff.next());
    backoff.succeeded();
    after = std::max(after, backoff.next());
  }
  EXPECT_GT(longest, 9s);
  EXPECT_GT(first, 150ms);
  EXPECT_LE(first, 200ms);
  EXPECT_LE(after, 200ms);
}

TEST(Backoff, ServersDoNotComeBackTogether) {
  std::set<milliseconds> waits;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Backoff backoff(1s, 60s, seed);
    for (int n = 0; n < 6; ++n) backoff.next();
    waits.insert(backoff.next());
  }
  EXPECT_GT(waits.size(), 900U);
  // In every tenth of the time there are some.
  for (int tenth = 0; tenth < 10; ++tenth) {
    const auto from = 1s + milliseconds(5900 * tenth);
    EXPECT_GT(std::distance(waits.lower_bound(from), waits.lower_bound(from + 5900ms)), 30) << tenth;
  }
}

TEST(Backoff, WhatTheServerAskedForIsAFloorThatIsBounded) {
  std::set<milliseconds> waits;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Backoff backoff(100ms, 2s, seed);
    const milliseconds wait = backoff.next(30s);
    EXPECT_GE(wait, 30s);
    EXPECT_LE(wait, 30s + 100ms);
    waits.insert(wait);
    EXPECT_GE(backoff.next(std::chrono::hours(100)), kLongestRetryAfter);
    EXPECT_LE(backoff.next(std::chrono::hours(100)), kLongestRetryAfter + 2s);
    EXPECT_GE(backoff.next(0ms), 100ms);
    EXPECT_GE(backoff.next(-5s), 100ms);
  }
  EXPECT_GT(waits.size(), 50U) << "those who were told the same come back together";
}

TEST(Backoff, NonsenseIsMadeToFit) {
  Backoff backoff(0ms, -1s, 1);
  for (int n = 0; n < 10; ++n) EXPECT_EQ(backoff.next(), 1ms);
  Backoff endless(milliseconds::max(), milliseconds::max(), 1);
  for (int n = 0; n < 10; ++n) EXPECT_LE(endless.next(milliseconds::max()), std::chrono::hours(25));
}

}  // namespace
}  // namespace okg::kube
