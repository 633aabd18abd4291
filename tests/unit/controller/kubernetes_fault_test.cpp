// What can go wrong between us and the API server: nothing is missed, nothing is lost, and nobody is
// overrun with requests.
#include <boost/asio/post.hpp>
#include <thread>

#include "unit/controller/rig.hpp"

namespace okg::controller::test {
namespace {

const okg::test::FakeHeaders kInOneSecond = {{"Retry-After", "1"}};

std::chrono::milliseconds between(const FakeRequest& a, const FakeRequest& b) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(b.at - a.at);
}

TEST(KubernetesFault, TooOldAVersionIsReadAnew) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.gs.forget_past();
  rig.gs.meet_once(Ask::get, [&](const FakeRequest&, FakeAnswer& answer) {
    rig.gs.change({{"spec", {{"opsState", "Allocated"}}}});
    answer.json(200, rig.gs.text());
  });
  rig.gs.end_watches();
  EXPECT_TRUE(rig.run_until_view("Allocated"));
  EXPECT_TRUE(rig.hears("Maintaining"));
  EXPECT_EQ(rig.gs.count(Ask::get), 2U);
}

TEST(KubernetesFault, TooOldAVersionAsAnEvent) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.gs.tell(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired",)"
              R"("message":"too old resource version"}})");
  ASSERT_TRUE(rig.run_until_asked(Ask::get, 2));
  EXPECT_EQ(rig.gs.count(Ask::watch), 2U);
  EXPECT_TRUE(rig.hears("Allocated"));
}

// As after a restart of the API server: the version of the object is older than all that is remembered, and
// stays that.
TEST(KubernetesFault, AnObjectThatHasNotChangedForLong) {
  Rig rig({.starts = false});
  rig.gs.forget_past();
  rig.start();
  ASSERT_TRUE(rig.run_until_asked(Ask::get, 2));
  rig.run_for(100ms);
  EXPECT_EQ(rig.requests(), 4U) << "read, too old, a watch of whatever is there, and read";
  EXPECT_EQ(rig.links.size(), 1U) << "that is no trouble";
  EXPECT_TRUE(rig.hears("Allocated"));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "None")), "ok");
  EXPECT_EQ(rig.requests(), 5U) << "a patch, and nothing is read";
}

TEST(KubernetesFault, DeletedWhileItsVersionWasTooOld) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.gs.forget_past();
  rig.gs.meet_once(Ask::watch, [&](const FakeRequest&, FakeAnswer& answer) {
    rig.gs.remove();
    rig.gs.forget_past();
    answer.refuse(410, "Expired", "too old resource version");
  });
  rig.gs.end_watches();
  ASSERT_TRUE(rig.run_until_asked(Ask::get, 2));
  rig.run_for(20ms);
  const auto ticket = rig.set(kOpsStateField, "Allocated");
  rig.run_for(20ms);
  EXPECT_EQ(rig.gs.count(Ask::patch), 0U) << "of what is not there";
  rig.gs.create();
  EXPECT_EQ(rig.end_of(ticket), "ok");
}

TEST(KubernetesFault, RetryAfterOfARead) {
  Rig rig({.starts = false});
  rig.gs.meet_once(Ask::get, refusing(429, "TooManyRequests", "too many requests", kInOneSecond));
  rig.start();
  ASSERT_TRUE(rig.run_until_linked(Link::connected));
  const auto reads = rig.gs.asked(Ask::get);
  ASSERT_EQ(reads.size(), 2U);
  EXPECT_GE(between(reads[0], reads[1]), 990ms);
  EXPECT_EQ(rig.adapter->counts().errors, 1U);
}

TEST(KubernetesFault, AnAnswerWithoutItsEnd) {
  Rig rig({.starts = false});
  rig.gs.meet_once(Ask::get, [&](const FakeRequest&, FakeAnswer& answer) {
    answer.raw(FakeAnswer::head(200, {{"Content-Length", "5000"}}) + rig.gs.text());
    answer.cut();
  });
  rig.gs.meet_once(Ask::watch, [&](const FakeRequest&, FakeAnswer& answer) {
    const auto stream = answer.stream();
    stream->chunk(
        R"({"type":"MODIFIED","object":{"metadata":{"name":"gss-0","uid":"u","resourceVersion":"9)");
    stream->cut();
  });
  rig.gs.meet_once(Ask::patch, [&](const FakeRequest&, FakeAnswer& answer) {
    rig.gs.change({{"spec", {{"opsState", "Allocated"}}}});  // it did arrive
    answer.raw(FakeAnswer::head(200, {{"Content-Length", "5000"}}) + "{\"metadata\":");
    answer.reset();
  });
  rig.start();
  ASSERT_TRUE(rig.run_until_view("None"));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  EXPECT_EQ(rig.gs.count(Ask::patch), 1U);
  EXPECT_TRUE(rig.hears("Maintaining"));
}

TEST(KubernetesFault, ConnectionsThatEndBetweenRequests) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  for (int i = 0; i < 3; ++i) {
    rig.server.close_idle();
    EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "s" + std::to_string(i))), "ok");
  }
}

TEST(KubernetesFault, SilenceOfAHalfOpenWatch) {
  With with;
  with.times.silence = 50ms;
  Rig rig(with);
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  // What is said meanwhile never arrives.
  rig.gs.meet_once(Ask::watch, [&](const FakeRequest&, FakeAnswer& answer) {
    answer.raw(FakeAnswer::head(200, {{"Transfer-Encoding", "chunked"}}));
    rig.gs.change({{"spec", {{"opsState", "Allocated"}}}});
    answer.ignore();
  });
  rig.gs.end_watches();
  EXPECT_TRUE(rig.run_until_view("Allocated"));
}

TEST(KubernetesFault, SlowAnswers) {
  With with;
  with.times.call = 60ms;
  with.starts = false;
  Rig rig(with);
  rig.gs.meet_once(Ask::get,
                   [&](const FakeRequest&, FakeAnswer& answer) { answer.drip(rig.gs.text(), 5ms); });
  rig.gs.meet_once(Ask::watch, [](const FakeRequest&, FakeAnswer& answer) { answer.stall(); });
  rig.gs.meet_once(Ask::patch, [](const FakeRequest&, FakeAnswer& answer) { answer.stall(); });
  rig.start();
  ASSERT_TRUE(rig.run_until_linked(Link::connected));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 2));
  EXPECT_THAT(rig.log(), HasSubstr("no answer in time"));
}

TEST(KubernetesFault, TheLatestValueIsSentAfterAnOutage) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.server.stop();
  ASSERT_TRUE(rig.run_until_linked(Link::connecting));
  const auto first = rig.set(kOpsStateField, "Maintaining");
  Wish wish;
  wish.field = kOpsStateField;
  wish.value = "Allocated";
  wish.known = {"None"};
  wish.deadline = rig.os.monotonic_ns() + 10'000'000'000;
  const auto second = rig.set(wish);
  rig.os.monotonic_shift_ns += 600'000'000'000;
  EXPECT_THAT(rig.end_of(first), HasSubstr("superseded"));
  EXPECT_THAT(rig.end_of(second), HasSubstr("timeout"));
  rig.server.start();
  EXPECT_TRUE(rig.run_until_view("Allocated"));
  EXPECT_EQ(rig.gs.object()["spec"]["opsState"], "Allocated");
  EXPECT_EQ(rig.gs.count(Ask::patch), 1U);
}

TEST(KubernetesFault, UnlessTheObjectSaysOtherwise) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.server.stop();
  ASSERT_TRUE(rig.run_until_linked(Link::connecting));
  const auto ticket = rig.set(kOpsStateField, "None again");
  rig.gs.change({{"spec", {{"opsState", "Allocated"}}}});
  rig.server.start();
  EXPECT_THAT(rig.end_of(ticket), HasSubstr("conflict"));
  EXPECT_TRUE(rig.run_until_view("Allocated"));
  EXPECT_EQ(rig.gs.count(Ask::patch), 0U);
}

TEST(KubernetesFault, APatchThatIsUnderWayWhenTheServerGoes) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.gs.meet(Ask::patch, [](const FakeRequest&, FakeAnswer& answer) { answer.stall(); });
  const auto ticket = rig.set(kOpsStateField, "Allocated");
  ASSERT_TRUE(rig.run_until_asked(Ask::patch, 1));
  rig.gs.meet(Ask::patch, nullptr);
  rig.server.stop();
  rig.run_for(20ms);
  rig.server.start();
  EXPECT_EQ(rig.end_of(ticket), "ok");
  EXPECT_EQ(rig.gs.object()["spec"]["opsState"], "Allocated");
}

TEST(KubernetesFault, ClockJumps) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  for (const std::int64_t hours : {-3, 24 * 365, 0}) {
    rig.os.realtime_shift_ns = hours * 3'600'000'000'000;
    rig.os.monotonic_shift_ns += 3'600'000'000'000;  // suspended
    EXPECT_TRUE(rig.hears("s" + std::to_string(hours + 3)));
    EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "None")), "ok");
  }
  EXPECT_LE(rig.requests(), 5U);
}

// A timer that has fired waits for its turn: by then the adapter may be gone.
TEST(KubernetesFault, GoneWhileATimerWaitsForItsTurn) {
  for (int turns = 0; turns < 4; ++turns) {
    Rig rig({.starts = false});
    rig.gs.meet(Ask::get, refusing(500, "InternalError", ""));
    rig.start();
    ASSERT_TRUE(rig.run_until_asked(Ask::get, 1));
    ASSERT_TRUE(rig.run_until([&] { return !rig.links.empty(); }));
    std::this_thread::sleep_for(10ms);  // it is due
    for (int i = 0; i < turns; ++i) boost::asio::post(rig.io, [] {});
    boost::asio::post(rig.io, [&] { rig.adapter.reset(); });
    rig.io.restart();
    rig.io.poll();
    EXPECT_FALSE(rig.adapter);
    EXPECT_EQ(rig.gs.count(Ask::get), 1U);
  }
}

// Ten connections at a time and ten reasons to stop: whatever is under way, nothing comes afterwards.
TEST(KubernetesFault, ClosedInEachPhase) {
  using Prepare = void (*)(Rig&);
  const Prepare phases[] = {
      [](Rig&) {},
      [](Rig& rig) { rig.run_for(1ms); },
      [](Rig& rig) {
        rig.gs.meet(Ask::get, [](const FakeRequest&, FakeAnswer& answer) { answer.stall(); });
        rig.run_until_asked(Ask::get, 1);
      },
      [](Rig& rig) { rig.run_until_asked(Ask::watch, 1); },
      [](Rig& rig) {
        rig.gs.meet(Ask::patch, [](const FakeRequest&, FakeAnswer& answer) { answer.stall(); });
        rig.set(kOpsStateField, "Allocated");
        rig.run_until_asked(Ask::patch, 1);
      },
      [](Rig& rig) {
        rig.gs.meet(Ask::get, refusing(500, "InternalError", ""));
        rig.run_until_asked(Ask::get, 2);  // between two tries
      },
      [](Rig& rig) {
        rig.gs.meet(Ask::patch, refusing(429, "TooManyRequests", "", kInOneSecond));
        rig.set(kOpsStateField, "Allocated");
        rig.run_until_asked(Ask::patch, 1);
        rig.run_for(5ms);
      },
      [](Rig& rig) {
        rig.gs.meet(Ask::get, forbidding("get"));
        rig.run_until_linked(Link::limited);
      },
      [](Rig& rig) {
        rig.server.stop();
        rig.run_until_linked(Link::connecting);
      },
  };
  for (const Prepare prepare : phases) {
    for (const bool destroyed : {false, true}) {
      Rig rig({.falls_back = true, .starts = false});
      rig.podinfo("game.kruise.io/gs-opsState=\"None\"\n");
      rig.start();
      prepare(rig);
      const std::size_t links = rig.links.size(), views = rig.views.size();
      if (destroyed)
        rig.adapter.reset();
      else
        rig.adapter->stop();
      rig.gs.change({{"spec", {{"opsState", "Kill"}}}});
      rig.io.restart();
      rig.io.run_for(15ms);
      EXPECT_EQ(rig.links.size(), links);
      EXPECT_EQ(rig.views.size(), views);
    }
  }
}

TEST(KubernetesFault, RetryAfterOfAWatch) {
  Rig rig({.starts = false});
  rig.gs.meet_once(Ask::watch, refusing(429, "TooManyRequests", "too many requests", kInOneSecond));
  rig.start();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 2));
  const auto watches = rig.gs.asked(Ask::watch);
  EXPECT_GE(between(watches[0], watches[1]), 990ms);
  EXPECT_EQ(rig.adapter->counts().errors, 1U);
}

TEST(KubernetesFault, FailuresOfEachKindAreTriedAgain) {
  for (const Ask ask : {Ask::get, Ask::watch, Ask::patch}) {
    Rig rig({.starts = false});
    for (int i = 0; i < 3; ++i) rig.gs.meet_once(ask, refusing(500, "InternalError", "etcd is not well"));
    rig.start();
    ASSERT_TRUE(rig.run_until_linked(Link::connected));
    EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
    ASSERT_TRUE(rig.run_until_asked(ask, 4));
    EXPECT_TRUE(rig.hears("Maintaining"));
    EXPECT_EQ(rig.adapter->counts().errors, 3U);
    EXPECT_THAT(ask == Ask::patch ? "etcd is not well" : rig.log(), HasSubstr("etcd is not well"));
  }
}

TEST(KubernetesFault, TokenExpiresAndIsRenewed) {
  for (const Ask ask : {Ask::get, Ask::watch, Ask::patch}) {
    Rig rig({.falls_back = true, .starts = false});
    rig.podinfo("game.kruise.io/gs-opsState=\"None\"\n");
    if (ask == Ask::get) rig.server.accept_token("second-token");
    rig.start();
    Ticket ticket = 0;
    if (ask != Ask::get) {
      ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
      rig.server.accept_token("second-token");
      if (ask == Ask::patch) ticket = rig.set(kOpsStateField, "Allocated");
    }
    const std::size_t before = rig.requests();
    ASSERT_TRUE(rig.run_until([&] {
      if (ask == Ask::watch) rig.gs.end_watches();  // again: asked for is not open yet
      return rig.requests() >= before + 4;
    }));
    EXPECT_NE(rig.conversation->link(), Link::limited) << "no rights are missing";
    rig.server.write_token("second-token");
    ASSERT_TRUE(rig.run_until_linked(Link::connected));
    EXPECT_EQ(ticket == 0 ? "ok" : rig.end_of(ticket), "ok");
    ASSERT_TRUE(rig.run_until([&] { return rig.gs.count(Ask::watch) >= (ask == Ask::watch ? 2 : 1); }));
    EXPECT_TRUE(rig.hears("Maintaining"));
    EXPECT_EQ(rig.server.requests().back().token, "second-token");
  }
}

TEST(KubernetesFault, AnotherCertificateAuthority) {
  Rig rig({.falls_back = true});
  rig.podinfo("game.kruise.io/gs-opsState=\"None\"\n");
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.server.rotate_ca();
  rig.server.cut_all();
  ASSERT_TRUE(rig.run_until_linked(Link::connecting));
  const auto ticket = rig.set(kOpsStateField, "Allocated");
  const std::size_t before = rig.server.connections();
  ASSERT_TRUE(rig.run_until([&] { return rig.server.connections() > before + 2; }));
  EXPECT_THAT(rig.links.back().second, HasSubstr("certificate"));
  rig.server.write_ca(rig.server.ca().pem());
  EXPECT_EQ(rig.end_of(ticket), "ok");
  EXPECT_TRUE(rig.hears("Maintaining"));
}

TEST(KubernetesFault, RetryAfterOfAPatch) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.gs.meet_once(Ask::patch, refusing(429, "TooManyRequests", "too many requests", kInOneSecond));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  const auto patches = rig.gs.asked(Ask::patch);
  ASSERT_EQ(patches.size(), 2U);
  EXPECT_GE(between(patches[0], patches[1]), 990ms);
  const auto reads = rig.gs.asked(Ask::get);
  ASSERT_EQ(reads.size(), 2U);
  EXPECT_GE(between(patches[0], reads[1]), 990ms) << "it has too much to do for that, too";
}

TEST(KubernetesFault, AFailingPatchIsNotTriedAllTheTime) {
  Rig rig;
  rig.gs.meet(Ask::patch, refusing(500, "InternalError", "etcd is not well"));
  rig.set(kOpsStateField, "Allocated");
  ASSERT_TRUE(rig.run_until_asked(Ask::patch, 2));
  rig.run_for(200ms);
  // Whatever the bucket allows: ten, and one in two seconds.
  EXPECT_LE(rig.gs.count(Ask::patch), 12U);
  EXPECT_LE(rig.gs.count(Ask::get), 14U);
  rig.gs.meet(Ask::patch, nullptr);
  rig.os.monotonic_shift_ns += 60'000'000'000;
  EXPECT_TRUE(rig.run_until_view("Allocated"));
}

TEST(KubernetesFault, ConflictsWithoutAnEnd) {
  With with;
  with.times.backoff_max = 10s;
  Rig rig(with);
  rig.gs.meet(Ask::patch, refusing(409, "Conflict", "the object has been modified"));
  rig.set(kOpsStateField, "Allocated");
  for (int i = 0; i < 100; ++i) {
    rig.run_for(3ms);
    rig.os.monotonic_shift_ns += 10'000'000'000;  // the bucket is full again
  }
  EXPECT_LE(rig.gs.count(Ask::patch), 20U);
  rig.gs.meet(Ask::patch, nullptr);
  EXPECT_TRUE(rig.run_until_view("Allocated"));
}

TEST(KubernetesFault, APatchOfWhatIsSaidNotToBeThere) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.gs.meet_once(Ask::patch, refusing(404, "NotFound", "not found"));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
}

}  // namespace
}  // namespace okg::controller::test
