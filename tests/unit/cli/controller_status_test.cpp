#include "cli/controller_status.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/status_table.hpp"
#include "integration/cli/support.hpp"

namespace okg::cli {
namespace {

using base::Json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Json kController = {
    {"kind", "local"},
    {"link", "connected"},
    {"trouble", nullptr},
    {"requests", 3},
    {"errors", 0},
    {"name", "game"},
    {"ops_state", "Allocated"},
    {"state", "PreUpdate"},
    {"update_priority", "0"},
    {"deletion_priority", nullptr},
    {"network",
     {{"type", "local"},
      {"state", "Ready"},
      {"internal", Json::array()},
      {"external",
       {{{"ip", "1.2.3.4"}, {"ports", {{{"name", "g"}, {"protocol", "UDP"}, {"port", "7777"}}}}}}}}},
    {"update",
     {{"id", 1},
      {"kind", "update"},
      {"phase", "coming"},
      {"waits", true},
      {"allowed", false},
      {"deadline_ms", 59'000},
      {"revision", "r2"},
      {"containers", {{{"name", "game"}, {"image", "game:2"}}, {{"name", "sidecar"}, {"image", nullptr}}}}}},
    {"writes",
     {{{"write", 4},
       {"field", "opsState"},
       {"value", "Kill"},
       {"result", "conflict"},
       {"text", "somebody"}}}}};
const Json kStart = {
    {"reason", "in_place_update"}, {"final", true},    {"image_from", "game:1"}, {"image_to", "game:2"},
    {"downtime_ms", 800},          {"same_pod", true}, {"same_ip", true},        {"same_network", true},
    {"instance_before", "x"}};

// As it comes over the socket.
std::optional<ControllerStatus> controller_of(const Json& status) {
  return cli::controller_of(Json::parse(status.dump(-1, ' ', false, Json::error_handler_t::replace)));
}
std::optional<StartStatus> start_of(const Json& status) {
  return cli::start_of(Json::parse(status.dump()));
}

Json with(Json json, const Json& changes) {
  json.merge_patch(changes);
  return json;
}

TEST(ControllerStatus, IsReadAndSpoken) {
  const auto controller = controller_of({{"controller", kController}});
  ASSERT_TRUE(controller && controller->update);
  EXPECT_EQ(describe(*controller),
            "local, connected: opsState Allocated, state PreUpdate, network Ready 1.2.3.4:7777/UDP");
  EXPECT_EQ(describe(*controller->update),
            "coming for game to game:2, sidecar (r2): waits for the game, at most 59.0 s more");
  ASSERT_EQ(controller->writes.size(), 1U);
  EXPECT_EQ(controller->writes[0].write, 4U);
  EXPECT_EQ(controller->writes[0].result, "conflict");
  EXPECT_EQ(controller->deletion_priority, std::nullopt);
  const auto start = start_of({{"start", kStart}});
  ASSERT_TRUE(start);
  EXPECT_EQ(describe(*start), "in-place update, game:1 to game:2, 800 ms down; same pod, IP, network");
}

TEST(ControllerStatus, SaysWhatIsNotKnownOrNotWell) {
  const auto update = [](const Json& changes) {
    return describe(*controller_of({{"controller", with(kController, {{"update", changes}})}})->update);
  };
  EXPECT_THAT(update({{"containers", nullptr}, {"revision", nullptr}}),
              HasSubstr("coming, of which containers is not known: waits for the game"));
  EXPECT_THAT(update({{"allowed", true}}), HasSubstr("(r2): allowed"));
  EXPECT_THAT(update({{"waits", false}}), HasSubstr("waits for nobody, at most 59.0 s more"));
  EXPECT_THAT(update({{"phase", "started"}}), HasSubstr("(r2), in 59.0 s"));
  EXPECT_THAT(update({{"phase", "started"}, {"deadline_ms", nullptr}}),
              AllOf(HasSubstr("started for game"), Not(HasSubstr("waits"))));
  EXPECT_THAT(update({{"kind", "deletion"}, {"containers", nullptr}}), HasSubstr("deletion coming (r2)"));
  EXPECT_THAT(update({{"deadline_ms", INT64_MIN}}), HasSubstr("waits for the game, whose time is up"));
  EXPECT_EQ(describe(*controller_of({{"controller", {{"kind", "off"}, {"link", "off"}}}})), "off");
  EXPECT_EQ(describe(*controller_of(
                {{"controller", {{"kind", "kubernetes"}, {"link", "connecting"}, {"trouble", "403"}}}})),
            "kubernetes, connecting; trouble: 403");
  EXPECT_EQ(describe(*start_of({{"start", {{"reason", "fresh_pod"}, {"final", true}}}})), "fresh pod");
  EXPECT_EQ(describe(*start_of({{"start", with(kStart, {{"reason", "crash"},
                                                        {"image_from", nullptr},
                                                        {"image_to", nullptr},
                                                        {"final", false},
                                                        {"same_ip", false},
                                                        {"same_network", nullptr}})}})),
            "crash, 800 ms down; same pod; another IP (the controller has not been heard yet)");
}

// A server may be broken, or hostile.
TEST(ControllerStatus, SurvivesAnything) {
  for (const Json& nonsense : {Json(1), Json("x"), Json::array({1, "x", Json::object()}), Json(nullptr)}) {
    EXPECT_FALSE(controller_of({{"controller", nonsense}}));
    EXPECT_FALSE(start_of({{"start", nonsense}}));
    for (const auto& [key, value] : kController.items()) {
      const auto controller = controller_of({{"controller", with(kController, {{key, nonsense}})}});
      ASSERT_TRUE(controller);
      describe(*controller);
      if (controller->update) describe(*controller->update);
    }
    for (const auto& [key, value] : kController["update"].items())
      describe(*controller_of({{"controller", with(kController, {{"update", {{key, nonsense}}}})}})->update);
    for (const auto& [key, value] : kStart.items())
      describe(*start_of({{"start", with(kStart, {{key, nonsense}})}}));
  }
  const auto controller =
      controller_of({{"controller", with(kController, {{"state", "\x1b[2J\n" + std::string(5000, 'x')}})}});
  EXPECT_LT(describe(*controller).size(), 1000U);
  EXPECT_EQ(describe(*controller).find_first_of("\n\x1b"), std::string::npos);
  Json many = kController;
  many["writes"] = Json::array();
  many["update"]["containers"] = Json::array();
  for (int i = 0; i < 10'000; ++i) {
    many["writes"].push_back({{"write", i}});
    many["update"]["containers"].push_back({{"name", "c"}});
  }
  const auto bounded = controller_of({{"controller", many}});
  EXPECT_LE(bounded->writes.size(), 16U);
  EXPECT_LE(bounded->update->containers->size(), 16U);
}

TEST(ControllerStatus, IsInTheTableAndTheLine) {
  const base::UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const Output output(nowhere.get(), nowhere.get(), false);
  const auto status = [](const Json& changes) { return *parse_status(test::status_json(changes)); };
  const ServerStatus full = status({{"controller", kController}, {"start", kStart}});
  const std::string table = status_table(output, full);
  EXPECT_THAT(table, HasSubstr("\ncontroller local, connected: opsState Allocated, state PreUpdate"));
  EXPECT_THAT(table, HasSubstr("\nupdate     coming for game to game:2"));
  EXPECT_THAT(table, HasSubstr("\nstart      in-place update, game:1 to game:2"));
  EXPECT_THAT(status_line(full), HasSubstr("; opsState Allocated; update coming for game to game:2"));
  EXPECT_THAT(status_line(status({{"controller", with(kController, {{"link", "connecting"}})}})),
              HasSubstr("; controller connecting"));
  // What passes by itself is no change.
  const Json later = with(kController, {{"requests", 9}, {"update", {{"deadline_ms", 58'000}}}});
  EXPECT_TRUE(same_status(status({{"controller", kController}}), status({{"controller", later}})));
  EXPECT_FALSE(same_status(status({{"controller", kController}}),
                           status({{"controller", with(kController, {{"ops_state", "None"}})}})));
}

}  // namespace
}  // namespace okg::cli
