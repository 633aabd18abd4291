#include "server/start_reason.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "controller/keys.hpp"
#include "support/temporary_directory.hpp"

namespace okg::server {
namespace {

constexpr std::int64_t kStarted = 1'777'000'000'000'000'000;  // 2026-04-24T03:06:40Z

Life life() {
  Life life;
  life.instance = "one";
  life.pod_uid = "pod-1";
  life.pod_ip = "10.0.0.1";
  life.network = "48.9.9.8 8211/TCP;";
  life.image = "r/game:1";
  life.image_id = "sha256:aa";
  life.started_ns = kStarted;
  life.ended = true;
  return life;
}

TEST(StartReasons, WithoutALifeBeforeThePodIsNew) {
  const auto report = decide_start(std::nullopt, life(), "game", nullptr);
  EXPECT_EQ(report.reason, StartReason::fresh_pod);
  EXPECT_TRUE(report.is_final);
  EXPECT_FALSE(report.same_pod);
}

TEST(StartReasons, NorIsTheRunDirectoryOfAnotherPodOurs) {
  Life now = life();
  now.pod_uid = "pod-2";
  EXPECT_EQ(decide_start(life(), now, "game", nullptr).reason, StartReason::fresh_pod);
}

TEST(StartReasons, AnOrderlyEndIsARestartAndAnyOtherACrash) {
  EXPECT_EQ(decide_start(life(), life(), "game", nullptr).reason, StartReason::restart);
  Life killed = life();
  killed.ended = false;
  const auto report = decide_start(killed, life(), "game", nullptr);
  EXPECT_EQ(report.reason, StartReason::crash);
  EXPECT_FALSE(report.is_final);
  EXPECT_EQ(report.same_pod, true);
  EXPECT_EQ(report.same_ip, true);
  EXPECT_EQ(report.same_network, true);
}

TEST(StartReasons, AnotherImageIsAnUpdate) {
  Life now = life();
  now.image = "r/game:2";
  now.pod_ip = "10.0.0.2";
  now.network.clear();
  const controller::Object object;
  const auto report = decide_start(life(), now, "game", &object);
  EXPECT_EQ(report.reason, StartReason::in_place_update);
  EXPECT_EQ(report.image_from, "r/game:1");
  EXPECT_EQ(report.image_to, "r/game:2");
  EXPECT_EQ(report.same_ip, false);
  EXPECT_FALSE(report.same_network) << "not known";
  EXPECT_TRUE(report.is_final);
}

TEST(StartReasons, SoIsKruisesRecordOfOurContainerSinceTheLastLife) {
  Life before = life();
  before.image.clear();
  before.image_id.clear();
  controller::Object object;
  const auto record = [&](const char* time, const char* container) {
    object.annotations[controller::keys::kUpdateState] =
        std::string(R"({"revision":"r2","updateTimestamp":")") + time +
        R"(","containerBatchesRecord":[{"timestamp":"x","containers":[")" + container + R"("]}]})";
    return decide_start(before, life(), "game", &object).reason;
  };
  EXPECT_EQ(record("2026-04-24T04:00:00Z", "game"), StartReason::in_place_update);
  EXPECT_EQ(record("2026-04-24T04:00:00Z", "sidecar"), StartReason::restart);
  EXPECT_EQ(record("2026-04-24T02:00:00Z", "game"), StartReason::restart) << "that was before";
}

class Clock : public base::Os {
 public:
  std::int64_t boottime_ns() override { return now; }
  std::string boot_id() override { return "boot"; }
  std::int64_t now = 1'000'000'000'000;
};

TEST(StartWatches, AreNotTakenInByTheStatusOfTheContainerBefore) {
  okg::test::TemporaryDirectory root;
  const int run = ::open((root / "").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Clock os;
  Life now = life();
  now.image.clear();
  now.image_id.clear();
  now.ended = false;
  controller::Object object;
  object.containers["game"] = {"r/game:1", "sha256:aa", "c1", 0};
  StartWatch first(os, run, now, "game");
  ASSERT_TRUE(first.begin());
  first.see(object);
  EXPECT_TRUE(first.report().is_final);
  first.ended();

  // The pod's status lags behind the new process.
  StartWatch second(os, run, now, "game");
  ASSERT_TRUE(second.begin());
  second.see(object);
  EXPECT_FALSE(second.report().is_final);
  EXPECT_EQ(second.report().image_to, "") << "not known yet";
  EXPECT_FALSE(second.alive());
  object.containers["game"] = {"r/game:2", "sha256:bb", "c2", 1};
  second.see(object);
  EXPECT_TRUE(second.report().is_final);
  EXPECT_EQ(second.report().reason, StartReason::in_place_update);
  EXPECT_EQ(second.report().image_from, "r/game:1");
  EXPECT_EQ(second.report().image_to, "r/game:2");
  second.ended();

  // Somebody in the container starts the server again: there never is another container.
  StartWatch third(os, run, now, "game");
  ASSERT_TRUE(third.begin());
  third.see(object);
  EXPECT_FALSE(third.report().is_final);
  os.now += 29'000'000'000;
  EXPECT_FALSE(third.alive());
  os.now += 2'000'000'000;
  EXPECT_TRUE(third.alive());
  EXPECT_TRUE(third.report().is_final);
  EXPECT_EQ(third.report().reason, StartReason::restart);
  EXPECT_FALSE(third.alive()) << "once";
  ::close(run);
}

TEST(StartWatches, TellHowLongNobodyWasThere) {
  okg::test::TemporaryDirectory root;
  const int run = ::open((root / "").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Clock os;
  Life now = life();
  now.ended = false;
  now.boot_id = "boot";
  {
    StartWatch first(os, run, now, "game");
    EXPECT_EQ(first.report().reason, StartReason::fresh_pod);
    EXPECT_EQ(first.report().downtime_ns, -1);
    ASSERT_TRUE(first.begin());
    os.now += 5'000'000'000;
    first.alive();  // and then it is killed
  }
  os.now += 250'000'000;
  {
    StartWatch second(os, run, now, "game");
    EXPECT_EQ(second.report().reason, StartReason::crash);
    EXPECT_EQ(second.report().downtime_ns, 250'000'000);
    ASSERT_TRUE(second.begin());
    controller::Object object;
    object.containers["game"] = {"r/game:2", "sha256:bb", "c2", 1};
    object.pod_ip = "10.0.0.1";
    second.see(object);
    EXPECT_EQ(second.report().reason, StartReason::in_place_update);
    EXPECT_EQ(second.report().image_to, "r/game:2");
    EXPECT_EQ(second.report().downtime_ns, 250'000'000);
    second.ended();
  }
  now.boot_id = "another boot";
  now.image = "r/game:2";
  now.image_id = "sha256:bb";
  StartWatch third(os, run, now, "game");
  EXPECT_EQ(third.report().reason, StartReason::restart);
  EXPECT_EQ(third.report().downtime_ns, -1) << "clocks of two boots do not compare";
  ::close(run);
}

}  // namespace
}  // namespace okg::server
