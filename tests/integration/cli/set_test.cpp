// okg set against a server that answers as told. With a real one: tests/integration/server/set_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using base::Json;
using testing::HasSubstr;
using testing::IsEmpty;

// Takes the write, and then shows `controller` in its status.
FakeServer::Handler takes(const Json& controller) {
  return [controller](const Asked& asked) {
    if (asked.method == "POST") return Reply{202, R"({"write":7,"status":{}})", ""};
    return Reply{200, status_json({{"controller", controller}}), ""};
  };
}

Json write(const std::string& result, const std::string& text = {}) {
  return {
      {"kind", "local"},
      {"link", "connected"},
      {"ops_state", "None"},
      {"writes", {{{"write", 6}, {"result", "denied"}}, {{"write", 7}, {"result", result}, {"text", text}}}}};
}

TEST(Set, AsksWithTheGuardsAndWaitsForTheEnd) {
  const Place place;
  const FakeServer server(place.run(), takes(write("written")));
  const Finished done = okg({"set", "label", "gs-sync/map", "dust-2"}, place.variables());
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "set: label gs-sync/map dust-2\n");
  const Asked asked = server.asked().at(0);
  EXPECT_EQ(asked.target, "/v1/gameserver");
  EXPECT_THAT(asked.head, HasSubstr("X-OKG-Request: 1"));
  EXPECT_EQ(asked.body, R"({"label":{"key":"gs-sync/map","value":"dust-2"}})");
  const Finished json = okg({"set", "annotation", "gs-sync/motd", "--remove", "--json"}, place.variables());
  EXPECT_EQ(json.out, R"({"result":"set","field":"annotation/gs-sync/motd","value":null,"text":null})"
                      "\n");
}

// Words that are commands, or look like flags, are values here.
TEST(Set, TakesAnyValue) {
  const Place place;
  const FakeServer server(place.run(), takes(write("written")));
  for (const Words& words : {Words{"set", "annotation", "status", "set"}, Words{"set", "annotation", "a", ""},
                             Words{"set", "annotation", "a", "--", "--json"}})
    EXPECT_EQ(okg(words, place.variables()).code, 0) << words.back();
  EXPECT_EQ(server.asked().at(0).body, R"({"annotation":{"key":"status","value":"set"}})");
}

TEST(Set, IsDoneWhenTheGameServerShowsIt) {
  const Place place;
  Json shown = write("pending");
  shown["ops_state"] = "Maintaining";
  shown["update_priority"] = "3";
  const FakeServer server(place.run(), takes(shown));
  EXPECT_EQ(okg({"set", "ops-state", "Maintaining"}, place.variables()).code, 0);
  EXPECT_EQ(okg({"set", "update-priority", "3"}, place.variables()).code, 0);
}

TEST(Set, FailsWithTheReason) {
  const Place place;
  FakeServer server(place.run(), takes(write("conflict", "opsState: holds \"Kill\"")));
  Finished done = okg({"set", "ops-state", "Maintaining"}, place.variables());
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.err, "okg: set: opsState: holds \"Kill\"\n");
  EXPECT_THAT(done.out, IsEmpty());
  server.answer(takes(write("denied", "patch gameservers: not allowed")));
  done = okg({"set", "ops-state", "Maintaining", "--json"}, place.variables());
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.events().at(0)["result"], "denied");
}

TEST(Set, SaysWhatItWaitsFor) {
  const Place place;
  FakeServer server(place.run(), takes(write("timeout", "opsState: was not written in time")));
  Finished done = okg({"set", "ops-state", "Maintaining", "--wait", "100ms"}, place.variables());
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("was not written in time"));
  Json lost = write("pending");
  lost["trouble"] = "connection refused";
  server.answer(takes(lost));
  done = okg({"set", "ops-state", "Maintaining", "--wait", "100ms"}, place.variables());
  EXPECT_EQ(done.code, 75);
  EXPECT_THAT(done.err, HasSubstr("connection refused"));
  server.answer(takes(nullptr));
  EXPECT_EQ(okg({"set", "ops-state", "Maintaining", "--wait", "0"}, place.variables()).code, 75);
}

TEST(Set, HandsOnWhatTheServerRefuses) {
  const Place place;
  FakeServer server(place.run(), takes(nullptr));
  const auto refuse = [&](int status, const std::string& body) {
    server.answer([=](const Asked&) { return Reply{status, body, ""}; });
    return okg({"set", "ops-state", "Sleeping"}, place.variables());
  };
  const std::string error = R"({"error":{"code":"x","text":"did you mean Nap?"}})";
  EXPECT_EQ(refuse(400, error).code, 2);
  EXPECT_THAT(refuse(400, error).err, HasSubstr("did you mean Nap?"));
  EXPECT_EQ(refuse(409, error).code, 1);
  EXPECT_EQ(refuse(403, error).code, 1);
  EXPECT_EQ(refuse(503, error).code, 75);
  EXPECT_EQ(refuse(429, error).code, 75);
  EXPECT_THAT(refuse(404, error).err, HasSubstr("older"));
  for (const char* nonsense : {"", "[]", "{}", R"({"write":"x"})", "\xff"})
    EXPECT_EQ(refuse(202, nonsense).code, 1) << nonsense;
}

TEST(Set, NeedsAServer) {
  const Place place;
  const Finished done = okg({"set", "ops-state", "None"}, place.variables());
  EXPECT_EQ(done.code, 69);
  EXPECT_THAT(done.err, HasSubstr(place.run() + "/okg.sock"));
}

}  // namespace
}  // namespace okg::test
