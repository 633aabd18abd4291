#include "controller/object_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace okg::controller {
namespace {

// As OKG 1.0.0 makes it (reference facts 10.1), shortened, with the managers that the API server notes.
constexpr char kGameServer[] = R"({"apiVersion":"game.kruise.io/v1alpha1","kind":"GameServer",
 "metadata":{"name":"gss-2048-0","namespace":"default","uid":"7c0f","resourceVersion":"18342","generation":4,
  "labels":{"app":"gss-2048","gs-sync/update-block":"true","number":7},
  "annotations":{"gs-sync/match-id":"m-42"},
  "ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"gss-2048-0","uid":"f1d9","controller":true}],
  "managedFields":[
   {"manager":"manager","operation":"Update","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{".":{},"f:updatePriority":{}}}},
   {"manager":"matchmaker","operation":"Update","fieldsV1":{"f:metadata":{"f:annotations":{"f:gs-sync/match-id":{}}},"f:spec":{"f:opsState":{}}}},
   {"manager":"manager","operation":"Update","subresource":"status","fieldsV1":{"f:status":{"f:podStatus":{}}}}]},
 "spec":{"opsState":"Allocated","updatePriority":0,"deletionPriority":"5","networkDisabled":false},
 "status":{"desiredState":"Ready","currentState":"Ready","updatePriority":"0",
  "networkStatus":{"networkType":"Kubernetes-HostPort","desiredNetworkState":"Ready","currentNetworkState":"Ready",
   "internalAddresses":[{"ip":"172.16.0.8","ports":[{"name":"80","protocol":"TCP","port":80}]}],
   "externalAddresses":[{"ip":"48.98.98.8","ports":[{"name":"80","protocol":"TCP","port":"8211"}],
                         "portRange":{"protocol":"UDP","portRange":"512-520"},"endPoint":"game.example"}]},
  "podStatus":{"phase":"Running","podIP":"172.16.0.8","conditions":[{"type":"Ready","status":"True"}],
   "containerStatuses":[{"name":"game","image":"r/2048:v1","imageID":"r/2048@sha256:aa","containerID":"containerd://c1","restartCount":2,"state":{"running":{}}}]}}})";

TEST(GameServerJson, IsReadAsFarAsItMatters) {
  const auto read = read_object(kGameServer);
  ASSERT_TRUE(read) << read.error().text;
  const Object& object = **read;
  EXPECT_EQ(object.name, "gss-2048-0");
  EXPECT_EQ(object.resource_version, "18342");
  EXPECT_EQ(object.owner_pod_uid, "f1d9");
  EXPECT_EQ(object.ops_state, "Allocated");
  EXPECT_EQ(object.update_priority, "0");    // a number
  EXPECT_EQ(object.deletion_priority, "5");  // a text
  EXPECT_EQ(object.state, "Ready");
  EXPECT_EQ(object.labels.count("number"), 0U);  // no text: not a label
  EXPECT_EQ(object.get(label_field("gs-sync/update-block")), "true");
  EXPECT_EQ(object.get(annotation_field("gs-sync/match-id")), "m-42");
  EXPECT_EQ(object.get(annotation_field("nothing")), std::nullopt);
  ASSERT_EQ(object.network.external.size(), 1U);
  EXPECT_TRUE(object.network.ready());
  EXPECT_EQ(object.network.external[0].ports[0].number, "8211");
  EXPECT_EQ(object.network.internal[0].ports[0].number, "80");
  EXPECT_EQ(object.network.external[0].range->range, "512-520");
  EXPECT_EQ(object.network.external[0].end_point, "game.example");
  EXPECT_EQ(object.pod_ip, "172.16.0.8");
  EXPECT_EQ(object.containers.at("game").image, "r/2048:v1");
  EXPECT_EQ(object.containers.at("game").restarts, 2);
}

TEST(GameServerJson, TellsWhoWroteAField) {
  const auto read = read_object(kGameServer);
  ASSERT_TRUE(read);
  EXPECT_FALSE((*read)->written_by_controller(kOpsStateField));
  EXPECT_TRUE((*read)->written_by_controller(kUpdatePriorityField));
  EXPECT_TRUE((*read)->written_by_controller(label_field("app")));
  EXPECT_FALSE((*read)->written_by_controller(annotation_field("gs-sync/match-id")));
  EXPECT_FALSE((*read)->written_by_controller("label/unknown"));
}

TEST(GameServerJson, OfTheWrongShapeIsNoCrash) {
  for (
      const char* odd :
      {R"({"metadata":7,"spec":[],"status":"x"})",
       R"({"metadata":{"labels":[1],"ownerReferences":{"kind":"Pod"},"managedFields":[1,{"fieldsV1":3}]}})",
       R"({"status":{"networkStatus":{"externalAddresses":[{"ports":[3,{"port":{}}]},7]},"podStatus":{"containerStatuses":[null]}}})",
       R"({"spec":{"opsState":null,"updatePriority":1.5,"networkDisabled":"no"}})", "{}"})
    EXPECT_TRUE(read_object(odd)) << odd;
  for (const char* wrong : {"", "[]", "7", "{", "{\"a\":}", "\xff", "{\"metadata\":{\"name\":\"\xff\"}}"})
    EXPECT_FALSE(read_object(wrong)) << wrong;
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "{\"status\":";
  EXPECT_FALSE(read_object(deep));
  std::string nested = R"({"metadata":{"labels":)";
  for (int i = 0; i < 100'000; ++i) nested += "[";
  nested += std::string(100'000, ']') + "}}";
  EXPECT_TRUE(read_object(nested));
}

TEST(Watch, LinesAreEvents) {
  const auto changed = read_watch_event(std::string(R"({"type":"MODIFIED","object":)") + kGameServer + "}");
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->kind, WatchEvent::Kind::changed);
  EXPECT_EQ(changed->object->ops_state, "Allocated");
  EXPECT_EQ(changed->object->containers.size(), 1U);
  const auto deleted = read_watch_event(R"({"type":"DELETED","object":{"metadata":{"name":"a"}}})");
  EXPECT_EQ(deleted->kind, WatchEvent::Kind::deleted);
  const auto bookmark =
      read_watch_event(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"99"}}})");
  EXPECT_EQ(bookmark->kind, WatchEvent::Kind::bookmark);
  EXPECT_EQ(bookmark->resource_version, "99");
  const auto gone = read_watch_event(
      R"({"type":"ERROR","object":{"kind":"Status","message":"too old resource version","reason":"Expired","code":410}})");
  EXPECT_EQ(gone->kind, WatchEvent::Kind::error);
  EXPECT_EQ(gone->code, 410);
  EXPECT_EQ(read_watch_event(R"({"type":"NEW"})")->kind, WatchEvent::Kind::unknown);
  EXPECT_FALSE(read_watch_event(R"({"type":"MODIFIED")"));
}

TEST(ResourceVersions, AreComparedAsNumbers) {
  EXPECT_TRUE(is_older("9", "10"));
  EXPECT_FALSE(is_older("10", "9"));
  EXPECT_FALSE(is_older("10", "10"));
  EXPECT_FALSE(is_older("a", "b"));
  EXPECT_FALSE(is_older("", "1"));
}

}  // namespace
}  // namespace okg::controller
