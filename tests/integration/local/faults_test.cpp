// --faults: writes are lost, late and garbled, and a server comes through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/local/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::HasSubstr;

TEST(LocalFaults, ALostWriteComesLater) {
  const Laptop laptop;
  const Finished done = laptop.okg(
      {"local", "set", "ops-state", "Maintaining", "--faults", "drop=0.9,garble=1,delay=50ms,seed=1"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("faults: a write is lost"));
  EXPECT_THAT(done.err, HasSubstr("late"));
  EXPECT_EQ(laptop.ops_state(), "Maintaining");
}

TEST(LocalFaults, CanBeInterrupted) {
  const Laptop laptop;
  Process process({"local", "set", "ops-state", "Kill", "--faults", "delay=1h,seed=3"}, laptop.variables());
  ASSERT_TRUE(process.says("late"));
  process.signal(SIGTERM);
  EXPECT_EQ(process.finish().code, 75);
  EXPECT_TRUE(laptop.gameserver().is_null());
}

// The file is garbage again and again; nothing that the server writes is lost, and it hears of everything.
TEST(LocalFaults, AServerComesThrough) {
  const Laptop laptop;
  Running server(laptop, {OKG_SERVER_MOODY}, {"--faults", "garble=1,seed=2"});
  EXPECT_TRUE(eventually([&] { return laptop.ops_state() == "Waiting"; }));
  for (int i = 0; i < 6; ++i) {
    const std::string value = "v" + std::to_string(i);
    EXPECT_EQ(laptop.okg({"set", "label", "gs-sync/from-server", value}).code, 0);
    EXPECT_EQ(laptop.okg({"local", "set", "label", "gs-sync/" + value, "x", "--faults", "garble=1"}).code, 0);
  }
  EXPECT_TRUE(eventually([&] { return laptop.label("gs-sync/from-server") == "v5"; }));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(laptop.label("gs-sync/v" + std::to_string(i)), "x");
  EXPECT_TRUE(eventually([&] { return laptop.status()["controller"]["link"] == "connected"; }));
  EXPECT_EQ(laptop.okg({"local", "update", "--faults", "drop=0.3,delay=100ms,garble=0.5,seed=4"}).code, 0);
  EXPECT_EQ(server.end().code, 0);
}

}  // namespace
}  // namespace okg::test
