// An API server that forbids what we need, and allows it later.
#include "unit/controller/rig.hpp"

namespace okg::controller::test {
namespace {

constexpr char kPodinfo[] = "game.kruise.io/gs-opsState=\"None\"\ngame.kruise.io/gs-state=\"Ready\"\n";

With quick(bool falls_back) {
  With with;
  with.times.unwatched = 10ms;
  with.times.rights = 40ms;
  with.falls_back = falls_back;
  with.starts = false;
  return with;
}

TEST(Rights, WithoutAWatchTheObjectIsRead) {
  Rig rig(quick(true));
  rig.podinfo(kPodinfo);
  rig.gs.meet(Ask::watch, forbidding("watch"));
  rig.start();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  EXPECT_TRUE(rig.hears("Allocated"));
  EXPECT_EQ(rig.conversation->link(), Link::connected);
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Maintaining")), "ok");
  EXPECT_THAT(rig.log(), HasSubstr("cannot watch resource \"gameservers\""));
  // It is tried again now and then, and said once.
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 3));
  EXPECT_EQ(rig.log().find("cannot watch"), rig.log().rfind("cannot watch"));
  rig.gs.meet(Ask::watch, nullptr);
  ASSERT_TRUE(rig.run_until([&] { return rig.server.open_connections() == 2; }));
  rig.run_for(60ms);
  const std::size_t reads = rig.gs.count(Ask::get);
  EXPECT_TRUE(rig.hears("None"));
  EXPECT_EQ(rig.gs.count(Ask::get), reads);
}

TEST(Rights, WithoutAReadItIsTheDownwardVolume) {
  Rig rig(quick(true));
  rig.podinfo(kPodinfo);
  rig.gs.meet(Ask::get, forbidding("get"));
  rig.start();
  ASSERT_TRUE(rig.run_until_linked(Link::limited));
  EXPECT_STREQ(rig.adapter->name(), "downward");
  EXPECT_THAT(rig.log(), HasSubstr("cannot get resource \"gameservers\""));
  EXPECT_THAT(rig.links.back().second, HasSubstr("cannot get resource \"gameservers\""));
  ASSERT_TRUE(rig.run_until_view("None"));
  const auto ticket = rig.set(kOpsStateField, "Allocated");
  ASSERT_TRUE(rig.run_until([&] { return rig.token() == "Allocated"; })) << rig.token();
  rig.podinfo("game.kruise.io/gs-opsState=\"Allocated\"\n");
  EXPECT_EQ(rig.end_of(ticket), "ok");
  EXPECT_EQ(rig.gs.count(Ask::patch), 0U);
  rig.gs.change({{"spec", {{"opsState", "Allocated"}}}});
  rig.gs.meet(Ask::get, nullptr);
  ASSERT_TRUE(rig.run_until_linked(Link::connected));
  EXPECT_STREQ(rig.adapter->name(), "kubernetes");
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Maintaining")), "ok");
  EXPECT_EQ(rig.gs.object()["spec"]["opsState"], "Maintaining");
}

TEST(Rights, AForbiddenReadIsNotTriedAllTheTime) {
  With with = quick(true);
  with.times.unwatched = 10'000s;
  Rig rig(with);
  rig.podinfo(kPodinfo);
  rig.gs.meet(Ask::get, forbidding("get"));
  rig.start();
  ASSERT_TRUE(rig.run_until_linked(Link::limited));
  rig.set(kOpsStateField, "Allocated");
  rig.run_for(100ms);
  EXPECT_EQ(rig.requests(), 1U);
}

TEST(Rights, WithoutAPatchItIsTheDownwardVolume) {
  Rig rig(quick(true));
  rig.podinfo(kPodinfo);
  rig.gs.meet(Ask::patch, forbidding("patch"));
  rig.gs.meet(Ask::rehearsal, forbidding("patch"));
  rig.start();
  ASSERT_TRUE(rig.run_until_linked(Link::connected));
  const auto ticket = rig.set(kOpsStateField, "Allocated");
  ASSERT_TRUE(rig.run_until_linked(Link::limited));
  EXPECT_THAT(rig.links.back().second, HasSubstr("cannot patch resource \"gameservers\""));
  ASSERT_TRUE(rig.run_until([&] { return rig.token() == "Allocated"; }));
  // The connection comes and goes: that grants no rights.
  const std::size_t watches = rig.gs.count(Ask::watch);
  rig.server.cut_all();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, watches + 1));
  EXPECT_EQ(rig.conversation->link(), Link::limited);
  rig.podinfo("game.kruise.io/gs-opsState=\"Allocated\"\n");
  EXPECT_EQ(rig.end_of(ticket), "ok");
  rig.gs.change({{"spec", {{"opsState", "Allocated"}}}});
  ASSERT_TRUE(rig.run_until_asked(Ask::rehearsal, 3));
  EXPECT_EQ(rig.gs.count(Ask::patch), 1U);
  rig.gs.meet(Ask::patch, nullptr);
  rig.gs.meet(Ask::rehearsal, nullptr);
  ASSERT_TRUE(rig.run_until_linked(Link::connected));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Maintaining")), "ok");
  EXPECT_EQ(rig.gs.object()["spec"]["opsState"], "Maintaining");
  const std::size_t tries = rig.gs.count(Ask::rehearsal);
  rig.run_for(60ms);
  EXPECT_EQ(rig.gs.count(Ask::rehearsal), tries);
}

// What only an API can be told waits for it.
TEST(Rights, WhatIsReportedArrivesOnceTheyAreThere) {
  Rig rig(quick(true));
  rig.podinfo(kPodinfo);
  rig.gs.meet(Ask::patch, forbidding("patch"));
  rig.gs.meet(Ask::rehearsal, forbidding("patch"));
  rig.start();
  const auto report = [&](const char* key, const char* value) {
    Wish wish;
    wish.field = label_field(key);
    wish.value = value;
    wish.ours = true;
    rig.set(std::move(wish));
  };
  report(keys::kReloadState, "active");
  ASSERT_TRUE(rig.run_until_linked(Link::limited));
  report(keys::kPayloadVersion, "7");
  rig.run_for(50ms);
  EXPECT_EQ(rig.gs.count(Ask::patch), 1U);
  rig.gs.meet(Ask::patch, nullptr);
  rig.gs.meet(Ask::rehearsal, nullptr);
  ASSERT_TRUE(rig.run_until([&] {
    const auto labels = rig.gs.object()["metadata"].value("labels", nlohmann::json::object());
    return labels.value(keys::kPayloadVersion, "") == "7" && labels.value(keys::kReloadState, "") == "active";
  }));
}

// A webhook that does not want this one says 403, too.
TEST(Rights, APatchThatSomebodyDoesNotWant) {
  Rig rig(quick(true));
  rig.podinfo(kPodinfo);
  rig.gs.meet_once(Ask::patch, refusing(403, "Forbidden", "admission webhook \"x\" denied the request: no"));
  rig.start();
  ASSERT_TRUE(rig.run_until_view("None"));
  EXPECT_THAT(rig.end_of(rig.set(kOpsStateField, "Allocated")), HasSubstr("admission webhook"));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Maintaining")), "ok");
  EXPECT_EQ(rig.conversation->link(), Link::connected);
}

// An API server that was just started has not read yet who may do what.
TEST(Rights, ARightThatWasThereIsMissingForAMoment) {
  With with = quick(true);
  with.times.unwatched = with.times.rights = 10'000s;
  with.starts = true;
  Rig rig(with);
  rig.podinfo(kPodinfo);
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  for (const Ask ask : {Ask::get, Ask::watch, Ask::patch, Ask::rehearsal})
    rig.gs.meet(ask, forbidding("do that to"));
  rig.gs.end_watches();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 2));
  ASSERT_TRUE(rig.run_until_asked(Ask::get, 3));
  rig.gs.meet(Ask::get, nullptr);
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 4));
  const auto ticket = rig.set(kOpsStateField, "Maintaining");
  ASSERT_TRUE(rig.run_until_asked(Ask::rehearsal, 2));
  EXPECT_NE(rig.conversation->link(), Link::limited);
  for (const Ask ask : {Ask::watch, Ask::patch, Ask::rehearsal}) rig.gs.meet(ask, nullptr);
  EXPECT_EQ(rig.end_of(ticket), "ok");
  ASSERT_TRUE(rig.run_until([&] { return rig.server.open_connections() == 2; }));
  EXPECT_EQ(rig.conversation->link(), Link::connected);
  EXPECT_TRUE(rig.hears("None"));
  for (const auto& [link, why] : rig.links) EXPECT_NE(link, Link::limited) << why;
}

With with_brief_doubt() {
  With with = quick(true);
  with.times.doubt = 20ms;
  with.starts = true;
  return with;
}

TEST(Rights, ARightThatIsTakenAway) {
  Rig rig(with_brief_doubt());
  rig.podinfo(kPodinfo);
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  for (const Ask ask : {Ask::patch, Ask::rehearsal}) rig.gs.meet(ask, forbidding("patch"));
  rig.set(kOpsStateField, "Maintaining");
  ASSERT_TRUE(rig.run_until_linked(Link::limited));
  EXPECT_THAT(rig.links.back().second, HasSubstr("cannot patch resource \"gameservers\""));
  rig.gs.meet(Ask::watch, forbidding("watch"));
  rig.gs.end_watches();
  ASSERT_TRUE(rig.run_until([&] { return rig.log().find("cannot watch") != std::string::npos; }));
  // What was missing is not doubted again.
  const std::size_t tries = rig.gs.count(Ask::patch);
  rig.run_for(100ms);
  EXPECT_EQ(rig.gs.count(Ask::patch), tries);
}

// All of them, as when the RoleBinding is gone: it is the read that is missed.
TEST(Rights, AllRightsAreTakenAway) {
  Rig rig(with_brief_doubt());
  rig.podinfo(kPodinfo);
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Maintaining")), "ok");
  for (const Ask ask : {Ask::watch, Ask::patch, Ask::rehearsal}) rig.gs.meet(ask, forbidding("do that to"));
  rig.gs.meet(Ask::get, forbidding("get"));
  rig.set(kOpsStateField, "Allocated");
  ASSERT_TRUE(rig.run_until_linked(Link::limited));
  EXPECT_THAT(rig.links.back().second, HasSubstr("cannot get resource \"gameservers\""));
  EXPECT_STREQ(rig.adapter->name(), "downward");
}

TEST(Rights, NeitherRightsNorAVolume) {
  Rig rig(quick(true));
  rig.gs.meet(Ask::get, forbidding("get"));
  rig.start();
  ASSERT_TRUE(rig.run_until([&] {
    return !rig.links.empty() && rig.links.back().second.find("downwardAPI") != std::string::npos;
  }));
  EXPECT_EQ(rig.conversation->link(), Link::connecting);
  EXPECT_THAT(rig.links.back().second, HasSubstr("cannot get resource \"gameservers\""));
}

// In peace: a watch ends after 400 s, a read comes every 75 s where watching is forbidden, which is tried
// every 10 minutes. Here each is a thousandth of that.
TEST(Rights, AnHourOfPeace) {
  const KubernetesTimes times;
  const auto an_hour = std::chrono::milliseconds(1h);
  EXPECT_LE(an_hour / times.watch + 1, 60);
  EXPECT_LE(an_hour / times.unwatched + an_hour / times.rights, 60);
  With with = quick(false);
  with.times.unwatched = times.unwatched / 1000;
  with.times.rights = times.rights / 1000;
  Rig rig(with);
  rig.gs.meet(Ask::watch, forbidding("watch"));
  rig.start();
  rig.run_for(an_hour / 1000);
  EXPECT_LE(rig.requests(), 60U);
  EXPECT_GE(rig.requests(), 3U);
}

TEST(Rights, AnHourOfPeaceWithAWatch) {
  Rig rig;
  for (int i = 1; i <= 9; ++i) {  // 400 s each
    ASSERT_TRUE(rig.run_until_asked(Ask::watch, static_cast<std::size_t>(i)));
    rig.run_until([&] { return rig.server.wait_stream(static_cast<std::size_t>(i)) != nullptr; });
    rig.gs.bookmark();
    EXPECT_TRUE(rig.hears("s" + std::to_string(i)));
    rig.os.monotonic_shift_ns += 400'000'000'000;
    rig.gs.end_watches();
  }
  rig.run_for(20ms);
  EXPECT_LE(rig.requests(), 11U);
}

}  // namespace
}  // namespace okg::controller::test
