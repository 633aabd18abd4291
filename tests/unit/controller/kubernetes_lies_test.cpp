// An API server that lies, and one that forbids.
#include <thread>

#include "unit/controller/rig.hpp"

namespace okg::controller::test {
namespace {

With patient() {
  With with;
  with.times.backoff_max = 10s;
  return with;
}

TEST(KubernetesLies, AReadThatIsNoGameServer) {
  Rig rig({.starts = false});
  const std::string long_version(100, '1');
  for (const std::string& body :
       {std::string("{}"), std::string(), std::string("[]"), std::string("\"text\""),
        std::string("{\"metadata\":"), std::string(R"({"kind":"Status","status":"Success"})"),
        std::string(R"({"kind":"GameServerList","items":[]})"),
        std::string(R"({"metadata":{"name":"gss-1","uid":"u","resourceVersion":"1"}})"),
        std::string(R"({"metadata":{"name":"gss-0","uid":"","resourceVersion":"1"}})"),
        std::string(R"({"metadata":{"name":"gss-0","uid":"u","resourceVersion":"1&limit=9 x"}})"),
        R"({"metadata":{"name":"gss-0","uid":"u","resourceVersion":")" + long_version + R"("}})",
        std::string(R"({"metadata":[1],"spec":3,"status":"x"})"), std::string(300'000, '[')})
    rig.gs.meet_once(Ask::get, [body](const FakeRequest&, FakeAnswer& answer) { answer.json(200, body); });
  rig.start();
  ASSERT_TRUE(rig.run_until_linked(Link::connected));
  EXPECT_EQ(rig.gs.count(Ask::get), 14U);
  EXPECT_THAT(rig.log(), HasSubstr("the answer is no GameServer"));
  ASSERT_EQ(rig.views.size(), 1U);
}

TEST(KubernetesLies, LinesThatMeanNothing) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  int n = 0;
  for (const char* line :
       {"garbage", "{}", "[]", R"({"type":"MODIFIED"})", R"({"type":"MODIFIED","object":[]})",
        R"({"type":"ADDED","object":{"metadata":{}}})", R"({"type":"DELETED","object":{"metadata":{}}})",
        R"({"type":"MODIFIED","object":{"metadata":{"name":"gss-0","uid":"u"}}})",
        R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1 2&x=y"}}})",
        R"({"type":"BOOKMARK"})",
        R"({"type":"MODIFIED","object":{"metadata":{"name":"gss-1","uid":"u","resourceVersion":"5000"},)"
        R"("spec":{"opsState":"Kill"}}})",
        R"({"type":"DELETED","object":{"metadata":{"name":"gss-1","uid":"u","resourceVersion":"5000"}}})"}) {
    rig.gs.tell(line);
    EXPECT_TRUE(rig.hears("s" + std::to_string(++n))) << line;
  }
  EXPECT_GT(rig.gs.count(Ask::watch), 1U);
  for (const ObjectPtr& view : rig.views) EXPECT_EQ(view->name, "gss-0");
}

TEST(KubernetesLies, NonsenseWithoutAnEnd) {
  Rig rig(patient());
  rig.gs.meet(Ask::watch, [](const FakeRequest&, FakeAnswer& answer) {
    answer.raw(FakeAnswer::head(200, {{"Transfer-Encoding", "chunked"}}));
    answer.flood("8\r\ngarbage\n\r\n");
  });
  rig.gs.end_watches();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 3));
  const std::size_t before = rig.requests(), logged = rig.logged.size();
  rig.run_for(200ms);
  EXPECT_LE(rig.requests() - before, 24U);
  EXPECT_LE(rig.logged.size() - logged, 24U) << "a line of the log for each of theirs";
  EXPECT_EQ(rig.view(), "None");
}

TEST(KubernetesLies, MoreThanTwoMebibytes) {
  Rig rig({.starts = false});
  const std::string filler(std::size_t{3} << 20, 'x');
  rig.gs.meet_once(Ask::get, [&](const FakeRequest&, FakeAnswer& answer) {
    auto object = rig.gs.object();
    object["status"]["filler"] = filler;
    answer.json(200, object.dump());
  });
  rig.gs.meet_once(Ask::watch, [&](const FakeRequest&, FakeAnswer& answer) {
    answer.stream()->line(R"({"type":"MODIFIED","object":{"filler":")" + filler + "\"}}");
  });
  rig.gs.meet_once(Ask::patch, [&](const FakeRequest&, FakeAnswer& answer) { answer.json(200, filler); });
  rig.start();
  ASSERT_TRUE(rig.run_until_linked(Link::connected));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  EXPECT_TRUE(rig.hears("Maintaining"));
  EXPECT_THAT(rig.log(), HasSubstr("larger than 2.00 MiB"));
}

TEST(KubernetesLies, ABackupIsRestored) {
  Rig rig;
  for (const char* state : {"Allocated", "Maintaining"}) EXPECT_TRUE(rig.hears(state));
  rig.server.stop();
  rig.gs.set_version(50);  // a smaller number, and what stood there then
  rig.gs.change({{"spec", {{"opsState", "None"}}}});
  rig.server.start();
  EXPECT_TRUE(rig.run_until_view("None"));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  EXPECT_TRUE(rig.hears("Maintaining"));
  EXPECT_THAT(rig.log(), HasSubstr("went back"));
}

// A watch from a version that is yet to come stays open, and tells nothing.
TEST(KubernetesLies, ABackupIsRestoredAndTheWatchStaysOpen) {
  Rig rig;
  EXPECT_TRUE(rig.hears("Allocated"));
  rig.gs.set_version(50);
  rig.adapter->reread();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 2));
  EXPECT_THAT(rig.gs.asked(Ask::watch)[1].query, HasSubstr("resourceVersion=50"));
  EXPECT_TRUE(rig.hears("Maintaining"));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
}

TEST(KubernetesLies, AWatchThatNeverSaidAnythingIsNotBelieved) {
  Rig rig;
  for (std::size_t watch = 1; watch <= 2; ++watch) {
    ASSERT_TRUE(rig.run_until_asked(Ask::watch, watch));
    ASSERT_TRUE(rig.run_until([&] { return rig.server.open_connections() == 2; }));
    rig.run_for(20ms);  // until its head has come
    rig.os.monotonic_shift_ns += 400'000'000'000;
    rig.gs.end_watches();
  }
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 3));
  EXPECT_EQ(rig.gs.count(Ask::get), 3U);
}

// What a read found before the watch told of the end.
TEST(KubernetesLies, AReadThatIsLateDoesNotBringBackWhatWasDeleted) {
  Rig rig;
  EXPECT_TRUE(rig.hears("Allocated"));
  rig.gs.meet_once(Ask::get, [&](const FakeRequest&, FakeAnswer& answer) {
    const std::string before = rig.gs.text();
    rig.gs.remove();
    rig.gs.create();
    std::this_thread::sleep_for(50ms);  // the watch is faster
    answer.json(200, before);
  });
  rig.adapter->reread();
  ASSERT_TRUE(rig.run_until_view("None"));
  const std::size_t views = rig.views.size();
  ASSERT_TRUE(rig.run_until_asked(Ask::get, 2));
  rig.run_for(100ms);
  for (std::size_t i = views; i < rig.views.size(); ++i) EXPECT_EQ(rig.views[i]->ops_state, "None");
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Maintaining")), "ok");
}

TEST(KubernetesLies, NorDoesItForgetWhatWasMadeMeanwhile) {
  Rig rig({.starts = false});
  rig.gs.remove();
  rig.start();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.gs.meet_once(Ask::get, [&](const FakeRequest&, FakeAnswer& answer) {
    rig.gs.create();
    std::this_thread::sleep_for(50ms);
    answer.refuse(404, "NotFound", "gameservers.game.kruise.io \"gss-0\" not found");
  });
  rig.adapter->reread();
  ASSERT_TRUE(rig.run_until_view("None"));
  rig.run_for(100ms);
  EXPECT_EQ(rig.gs.count(Ask::get), 3U) << "who was first is asked again";
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
}

// The patch arrived, the GameServer was deleted, and its answer is the last to come.
TEST(KubernetesLies, NorDoesAnAnswerBringBackWhatWasDeleted) {
  Rig rig({.volume = true});
  EXPECT_TRUE(rig.hears("Maintaining"));
  rig.gs.meet_once(Ask::patch, [&](const FakeRequest&, FakeAnswer& answer) {
    rig.gs.change({{"spec", {{"opsState", "Allocated"}}}});
    const std::string before = rig.gs.text();
    rig.gs.remove();
    std::this_thread::sleep_for(50ms);
    answer.json(200, before);
  });
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  const std::size_t views = rig.views.size();
  rig.podinfo("game.kruise.io/gs-opsState=\"None\"\n");
  rig.run_for(50ms);
  EXPECT_EQ(rig.views.size(), views) << "of what is gone nothing is shown";
}

TEST(KubernetesLies, VersionsThatGoBackOnTheWatch) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  EXPECT_TRUE(rig.hears("Allocated"));
  auto object = rig.gs.object();
  object["metadata"]["resourceVersion"] = "3";
  object["spec"]["opsState"] = "Kill";
  rig.gs.tell(nlohmann::json{{"type", "MODIFIED"}, {"object", object}}.dump());
  EXPECT_TRUE(rig.hears("Maintaining"));
  for (const ObjectPtr& view : rig.views) EXPECT_NE(view->ops_state, "Kill");
}

TEST(KubernetesLies, AnotherUidEveryTime) {
  Rig rig(patient());
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  Wish label;
  label.field = label_field("okg-sdk/reload-state");
  label.value = "active";
  label.ours = true;
  rig.set(label);
  for (int i = 0; i < 200; ++i) {
    auto object = rig.gs.object();
    object["metadata"]["uid"] = "other-" + std::to_string(i);
    object["metadata"]["resourceVersion"] = std::to_string(7 * i + 1000);
    rig.gs.tell(nlohmann::json{{"type", "MODIFIED"}, {"object", object}}.dump());
  }
  rig.run_for(100ms);
  EXPECT_LE(rig.requests(), 40U);
}

TEST(KubernetesLies, RefusesEverything) {
  for (const unsigned status : {100U, 302U, 400U, 404U, 409U, 418U, 500U, 503U}) {
    Rig rig(patient());
    ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
    for (const Ask ask : {Ask::get, Ask::watch, Ask::patch})
      rig.gs.meet(ask, [status](const FakeRequest&, FakeAnswer& answer) { answer.json(status, "no"); });
    rig.server.cut_all();
    rig.run_until_linked(Link::connecting);
    rig.set(kOpsStateField, "Allocated");
    const std::size_t before = rig.requests();
    rig.run_for(100ms);
    EXPECT_LE(rig.requests() - before, 30U) << status;
  }
}

// Without OKG's definitions the path itself is missing.
TEST(KubernetesLies, NoSuchApi) {
  Rig rig({.starts = false});
  rig.gs.meet(Ask::get,
              [](const FakeRequest&, FakeAnswer& answer) { answer.json(404, "404 page not found\n"); });
  rig.start();
  ASSERT_TRUE(rig.run_until_asked(Ask::get, 3));
  EXPECT_EQ(rig.gs.count(Ask::watch), 0U);
  EXPECT_EQ(rig.links.size(), 1U);
  EXPECT_THAT(rig.links[0].second, HasSubstr("404 page not found"));
}

TEST(KubernetesLies, AnAnswerToAPatchThatIsNoGameServer) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  // Each is waited longer for than the one before.
  for (const char* body : {"", R"({"metadata":{"name":"gss-1","uid":"u","resourceVersion":"9999"}})"})
    rig.gs.meet_once(Ask::patch, [body](const FakeRequest&, FakeAnswer& answer) { answer.json(200, body); });
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  EXPECT_EQ(rig.gs.count(Ask::patch), 3U);
  for (const ObjectPtr& view : rig.views) EXPECT_EQ(view->name, "gss-0");
}

TEST(KubernetesLies, AReadForAConflictLeavesTheWatchAlone) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.gs.meet_once(Ask::patch, refusing(409, "Conflict", "the object has been modified"));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  EXPECT_TRUE(rig.hears("Maintaining"));
  EXPECT_EQ(rig.gs.count(Ask::get), 2U);
  EXPECT_EQ(rig.gs.count(Ask::watch), 1U);
}

TEST(KubernetesLies, TooOldAgainAndAgain) {
  With with;
  with.times.backoff_max = 10s;
  Rig rig(with);
  rig.gs.meet(Ask::watch, [](const FakeRequest&, FakeAnswer& answer) {
    answer.stream()->line(R"({"type":"ERROR","object":{"kind":"Status","code":410}})");
  });
  rig.gs.end_watches();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 4));
  const std::size_t before = rig.requests();
  rig.run_for(200ms);
  EXPECT_LE(rig.requests() - before, 24U) << "the pauses do not grow";
  EXPECT_EQ(rig.view(), "None");
}

TEST(KubernetesLies, AWatchThatEndsAtOnce) {
  With with;
  with.times.backoff_max = 10s;
  Rig rig(with);
  rig.gs.meet(Ask::watch, [](const FakeRequest&, FakeAnswer& answer) { answer.stream()->end(); });
  rig.gs.end_watches();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 3));
  const std::size_t before = rig.requests();
  rig.run_for(200ms);
  EXPECT_LE(rig.requests() - before, 12U) << "the pauses do not grow";
}

}  // namespace
}  // namespace okg::controller::test
