#include "server/orders.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/temporary_directory.hpp"

namespace okg::server {
namespace {

class OrdersTest : public ::testing::Test {
 protected:
  OrdersTest() : run_(::open((root_ / "").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~OrdersTest() override { ::close(run_); }

  okg::test::TemporaryDirectory root_;
  int run_;
};

TEST_F(OrdersTest, AreCarriedOutOnceAlsoOverARestart) {
  const controller::say::Ask reload{false, "sha256:aa", "1"}, rollback{true, "last_good", "1"};
  {
    Orders orders(base::Os::real(), run_);
    EXPECT_TRUE(*orders.begin(reload));
    EXPECT_FALSE(*orders.begin(reload));
    EXPECT_TRUE(*orders.begin(rollback));
  }
  Orders orders(base::Os::real(), run_);
  EXPECT_FALSE(*orders.begin(reload));
  EXPECT_FALSE(*orders.begin(rollback));
  EXPECT_TRUE(*orders.begin({false, "sha256:aa", "2"})) << "another nonce is another order";
}

TEST_F(OrdersTest, WhatCannotBeRememberedIsNotCarriedOut) {
  Orders orders(base::Os::real(), -1);
  EXPECT_FALSE(orders.begin({false, "sha256:aa", "1"}));
  EXPECT_FALSE(orders.begin({false, "sha256:aa", "1"})) << "nor the second time";
}

TEST_F(OrdersTest, AMemoryThatMakesNoSenseIsNone) {
  std::ofstream(root_ / kOrdersFile) << "{\"reload\": 7";
  Orders orders(base::Os::real(), run_);
  EXPECT_TRUE(*orders.begin({false, "sha256:aa", "1"}));
}

}  // namespace
}  // namespace okg::server
