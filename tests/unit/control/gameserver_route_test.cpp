// POST /v1/gameserver: what may be asked for, and what is answered.
#include <gmock/gmock.h>

#include <string>

#include "base/json.hpp"
#include "control/wish.hpp"
#include "unit/control/support.hpp"

namespace okg::control::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::string kMark = "X-OKG-Request: 1\r\n";
using Field = GameServerWish::Field;

TEST(GameServerRoute, HandsOnWhatIsWanted) {
  struct Case {
    const char* body;
    Field field;
    const char* key;
    std::optional<std::string> value;
  };
  for (const Case& one :
       {Case{R"({"ops_state":"Allocated"})", Field::ops_state, "", "Allocated"},
        Case{R"({"update_priority":7})", Field::update_priority, "", "7"},
        Case{R"({"deletion_priority":-1})", Field::deletion_priority, "", "-1"},
        Case{R"({"label":{"key":"gs-sync/map","value":""}})", Field::label, "gs-sync/map", ""},
        Case{R"({"annotation":{"value":null,"key":"a"}})", Field::annotation, "a", std::nullopt}}) {
    Rig rig;
    const Answered answer = rig.ask(post("/v1/gameserver", one.body, kMark));
    EXPECT_EQ(answer.status, 202) << one.body;
    EXPECT_EQ(answer.body, R"({"write":7,"status":{"schema":"okg.status/v1"}})");
    const auto wishes = rig.backend.state().wishes;
    ASSERT_EQ(wishes.size(), 1U) << one.body;
    EXPECT_EQ(wishes[0].field, one.field);
    EXPECT_EQ(wishes[0].key, one.key);
    EXPECT_EQ(wishes[0].value, one.value);
  }
}

TEST(GameServerRoute, RefusesWhatIsNotUnderstood) {
  Rig rig;
  const std::pair<const char*, const char*> cases[] = {
      {"", "request body"},
      {"{}", "is empty"},
      {"[]", "request body"},
      {R"({"opsState":"Kill"})", "opsState"},
      {R"({"ops_state":null})", "ops_state: not a string"},
      {R"({"ops_state":"None","ops_state":"Kill"})", "ops_state"},
      {R"({"ops_state":"None","update_priority":1})", "one at a time"},
      {R"({"update_priority":"1"})", "not a whole number"},
      {R"({"update_priority":1.5})", "not a whole number"},
      {R"({"update_priority":18446744073709551615})", "not a whole number"},
      {R"({"label":"a"})", "label: not an object"},
      {R"({"label":{"key":"a"}})", "value: is needed"},
      {R"({"label":{"value":"a"}})", "key: is needed"},
      {R"({"label":{"key":"a","value":1}})", "neither a string nor null"},
      {R"({"label":{"key":"a","value":"b","force":true}})", "force"}};
  for (const auto& [body, named] : cases) {
    const Answered answer = rig.ask(post("/v1/gameserver", body, kMark));
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.headers.at("x-okg-error"), HasSubstr(named)) << body;
  }
  EXPECT_THAT(rig.backend.state().wishes, IsEmpty());
}

TEST(GameServerRoute, TellsWhatTheServerMakesOfIt) {
  Rig rig;
  for (const auto& [code, status] :
       {std::pair(base::Code::invalid_argument, 400), std::pair(base::Code::unsupported, 409),
        std::pair(base::Code::busy, 503), std::pair(base::Code::closed, 503)}) {
    rig.backend.change(
        [&, wanted = code](auto& state) { state.write_answer = base::Error(wanted, "because\nof it"); });
    const Answered answer = rig.ask(post("/v1/gameserver", R"({"ops_state":"kill"})", kMark));
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.headers.at("x-okg-error"), "because?of it");
    const auto json = base::Json::parse(answer.body);
    EXPECT_EQ(json["error"]["code"], base::code_name(code));
  }
}

TEST(GameServerRoute, IsGuardedLikeEveryOrder) {
  Rig rig(EndpointOptions{.http = "127.0.0.1:0"});
  const std::string body = R"({"ops_state":"Kill"})";
  EXPECT_EQ(rig.ask(post("/v1/gameserver", body)).status, 403);
  EXPECT_EQ(rig.ask(post("/v1/gameserver", body, "X-OKG-Request:\r\n")).status, 403);
  EXPECT_EQ(rig.ask(get("/v1/gameserver")).status, 405);
  EXPECT_EQ(rig.ask_tcp(post("/v1/gameserver", body, kMark)).status, 404);
  rig.backend.change([](auto& state) { state.allowed = false; });
  EXPECT_EQ(rig.ask(post("/v1/gameserver", body, kMark)).status, 403);
  EXPECT_THAT(rig.backend.state().wishes, IsEmpty());
}

TEST(GameServerRoute, CountsAsAnOrder) {
  Settings settings;
  settings.orders_per_second = 0.001;
  settings.orders_burst = 2;
  Rig rig({}, settings);
  Client client = rig.unix_socket();
  const std::string request = post("/v1/gameserver", R"({"ops_state":"Kill"})", kMark);
  EXPECT_EQ(client.ask(request).status, 202);
  EXPECT_EQ(client.ask(request).status, 202);
  EXPECT_EQ(client.ask(request).status, 429);
  EXPECT_EQ(client.ask(get("/livez")).status, 200);
}

}  // namespace
}  // namespace okg::control::test
