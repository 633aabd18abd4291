// The conversation with an API server that does what it should.
#include <filesystem>

#include "unit/controller/rig.hpp"

namespace okg::controller::test {
namespace {

TEST(KubernetesAdapter, ReadsWatchesAndPatches) {
  Rig rig;
  EXPECT_EQ(rig.view(), "None");
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  const FakeRequest watch = rig.gs.asked(Ask::watch)[0];
  EXPECT_THAT(watch.query, HasSubstr("watch=1"));
  EXPECT_THAT(watch.query, HasSubstr("allowWatchBookmarks=true"));
  EXPECT_THAT(watch.query, HasSubstr("fieldSelector=metadata.name%3Dgss-0"));
  EXPECT_THAT(watch.query, HasSubstr("timeoutSeconds=400"));
  EXPECT_THAT(watch.query, HasSubstr("resourceVersion=" + rig.gs.version()));
  EXPECT_TRUE(rig.hears("Allocated"));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Maintaining")), "ok");
  EXPECT_EQ(rig.gs.object()["spec"]["opsState"], "Maintaining");
  EXPECT_EQ(rig.view(), "Maintaining");
  EXPECT_EQ(rig.requests(), 3U) << "one read, one watch, one patch";
  EXPECT_EQ(rig.adapter->counts().requests, 3U);
  EXPECT_EQ(rig.adapter->counts().errors, 0U);
}

TEST(KubernetesAdapter, FieldsOfEveryKind) {
  Rig rig;
  const auto priority = rig.set(kUpdatePriorityField, "7");
  const auto label = rig.set(label_field("okg-sdk/payload-version"), "1.2");
  const auto annotation = rig.set(annotation_field("example.com/a"), "any text");
  EXPECT_EQ(rig.end_of(priority), "ok");
  EXPECT_EQ(rig.end_of(label), "ok");
  EXPECT_EQ(rig.end_of(annotation), "ok");
  const auto object = rig.gs.object();
  EXPECT_EQ(object["spec"]["updatePriority"], 7);
  EXPECT_EQ(object["metadata"]["labels"]["okg-sdk/payload-version"], "1.2");
  EXPECT_EQ(object["metadata"]["annotations"]["example.com/a"], "any text");
  EXPECT_LE(rig.gs.count(Ask::patch), 2U) << "what waits goes together";
  EXPECT_EQ(rig.end_of(rig.set(label_field("okg-sdk/payload-version"), std::nullopt)), "ok");
  EXPECT_FALSE(rig.gs.object()["metadata"]["labels"].contains("okg-sdk/payload-version"));
}

TEST(KubernetesAdapter, TheObjectComesAfterThePod) {
  Rig rig({.starts = false});
  rig.gs.remove();
  rig.start();
  ASSERT_TRUE(rig.run_until_linked(Link::connected));
  const auto ticket = rig.set(kOpsStateField, "Allocated");
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  EXPECT_TRUE(rig.views.empty());
  rig.gs.create();
  EXPECT_EQ(rig.end_of(ticket), "ok");
  EXPECT_EQ(rig.view(), "Allocated");
  EXPECT_EQ(rig.gs.count(Ask::get), 1U);
}

TEST(KubernetesAdapter, TheVolumeIsLookedAtBeforeAnythingIsTold) {
  Rig rig({.volume = true, .starts = false});
  const std::string grace = R"({"revision":"r2","containerImages":{},"graceSeconds":10})";
  rig.podinfo("");
  rig.podinfo(keys::kGrace + std::string("=") + nlohmann::json(grace).dump() + "\n", "annotations");
  rig.start();
  std::filesystem::remove_all(rig.root / "podinfo");  // later is too late
  ASSERT_TRUE(rig.run_until_view("None"));
  ASSERT_NE(rig.views[0]->annotation(keys::kGrace), nullptr);
  EXPECT_EQ(*rig.views[0]->annotation(keys::kGrace), grace);
}

TEST(KubernetesAdapter, DeletedAndMadeAnew) {
  Rig rig;
  EXPECT_TRUE(rig.hears("Allocated"));
  rig.gs.remove();
  rig.gs.create();
  EXPECT_TRUE(rig.run_until_view("None"));
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Maintaining")), "ok");
  EXPECT_EQ(rig.gs.object()["spec"]["opsState"], "Maintaining");
}

TEST(KubernetesAdapter, AnotherPodsGameServerIsNotOurs) {
  Rig rig({.pod_uid = "pod-2"});
  const auto ticket = rig.set(kOpsStateField, "Allocated");
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  rig.gs.change({{"spec", {{"opsState", "Kill"}}}});
  rig.gs.remove();
  rig.run_for(20ms);
  EXPECT_TRUE(rig.views.empty());
  rig.gs.create();  // still the old pod's
  rig.gs.change({{"metadata", {{"ownerReferences", {{{"kind", "Pod"}, {"uid", "pod-2"}}}}}}});
  EXPECT_EQ(rig.end_of(ticket), "ok");
  EXPECT_EQ(rig.view(), "Allocated");
}

TEST(KubernetesAdapter, AConflictIsReadAndDecidedAgain) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  // Another field changes at the same moment: nothing of that is told by the watch in time.
  rig.gs.meet_once(Ask::patch, [&](const FakeRequest&, FakeAnswer& answer) {
    rig.gs.change({{"spec", {{"updatePriority", 3}}}});
    answer.refuse(409, "Conflict", "the object has been modified");
  });
  EXPECT_EQ(rig.end_of(rig.set(kOpsStateField, "Allocated")), "ok");
  EXPECT_EQ(rig.gs.object()["spec"]["updatePriority"], 3);
  // The same field: it is theirs.
  rig.gs.meet_once(Ask::patch, [&](const FakeRequest&, FakeAnswer& answer) {
    rig.gs.change({{"spec", {{"opsState", "Kill"}}}});
    answer.refuse(409, "Conflict", "the object has been modified");
  });
  EXPECT_THAT(rig.end_of(rig.set(kOpsStateField, "None")), HasSubstr("conflict"));
  EXPECT_TRUE(rig.run_until_view("Kill"));
  EXPECT_EQ(rig.gs.object()["spec"]["opsState"], "Kill");
}

TEST(KubernetesAdapter, GoesOnFromTheLastVersion) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  EXPECT_TRUE(rig.hears("Allocated"));
  const std::string last = rig.gs.version();
  rig.os.monotonic_shift_ns += 400'000'000'000;
  rig.gs.end_watches();
  rig.gs.change({{"spec", {{"opsState", "Maintaining"}}}});  // while nobody watches
  EXPECT_TRUE(rig.run_until_view("Maintaining"));
  ASSERT_EQ(rig.gs.count(Ask::watch), 2U);
  EXPECT_THAT(rig.gs.asked(Ask::watch)[1].query, HasSubstr("resourceVersion=" + last));
  EXPECT_EQ(rig.gs.count(Ask::get), 1U);
  EXPECT_EQ(rig.links.size(), 1U) << "that is no trouble";
}

TEST(KubernetesAdapter, GoesOnFromABookmark) {
  Rig rig;
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 1));
  EXPECT_TRUE(rig.hears("Allocated"));
  rig.gs.bookmark();
  const std::string last = rig.gs.version();
  rig.gs.tell(R"({"type":"MARK","object":{}})");  // of a kind that nobody knows
  rig.gs.end_watches();
  ASSERT_TRUE(rig.run_until_asked(Ask::watch, 2));
  EXPECT_THAT(rig.gs.asked(Ask::watch)[1].query, HasSubstr("resourceVersion=" + last));
}

TEST(KubernetesAdapter, PiecesOfOneByte) {
  Rig rig({.starts = false});
  rig.gs.meet_once(Ask::get,
                   [&](const FakeRequest&, FakeAnswer& answer) { answer.chunked(200, rig.gs.text(), 1); });
  rig.gs.meet_once(Ask::watch, [&](const FakeRequest&, FakeAnswer& answer) {
    const auto stream = answer.stream();
    auto object = rig.gs.object();
    object["metadata"]["resourceVersion"] = "900";
    object["spec"]["opsState"] = "Allocated";
    const std::string line = nlohmann::json{{"type", "MODIFIED"}, {"object", object}}.dump() + "\n";
    for (const char& byte : line) stream->chunk({&byte, 1});
  });
  rig.start();
  EXPECT_TRUE(rig.run_until_view("Allocated"));
}

}  // namespace
}  // namespace okg::controller::test
