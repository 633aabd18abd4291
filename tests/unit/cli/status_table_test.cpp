#include "cli/status_table.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli/support.hpp"

namespace okg::cli {
namespace {

using base::Json;
using test::status_json;
using testing::HasSubstr;

ServerStatus status(const Json& changes) {
  return *parse_status(status_json(changes));
}

class StatusTable : public testing::Test {
 protected:
  base::UniqueFd nowhere_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Output output_{nowhere_.get(), nowhere_.get(), false};
  std::string table(const Json& changes) { return status_table(output_, status(changes)); }
};

TEST_F(StatusTable, OfAServerThatHasNothingYet) {
  EXPECT_EQ(table({{"state", "starting"}, {"ready", false}, {"tick_age_ms", nullptr}}),
            "state      starting\n"
            "ready      no\n"
            "active     -\n"
            "desired    -\n"
            "last good  -\n"
            "last       -\n"
            "reloads    0 ok, 0 failed, 0 superseded\n"
            "watch      inotify\n"
            "server     2.4.0, okg 0.1.0, pid 1\n"
            "instance   5d8c1d1e-9d5a-4c53-8a43-0d8f0f6e1a11\n");
}

TEST_F(StatusTable, SaysWhatIsTheMatter) {
  const std::string shown = table({{"ready", false},
                                   {"not_ready_reason", "no payload"},
                                   {"trouble", "no inotify"},
                                   {"reloads", {{"ok", 1}, {"rolled_back", 2}}}});
  EXPECT_THAT(shown, HasSubstr("ready      no: no payload\ntrouble    no inotify\n"));
  EXPECT_THAT(shown, HasSubstr("reloads    1 ok, 0 failed, 0 superseded, 2 rolled back\n"));
}

TEST_F(StatusTable, SaysThatARollbackHoldsAndWhatIsInParts) {
  const std::string one = "sha256:" + std::string(64, '1'), two = "sha256:" + std::string(64, '2');
  const Json changes = {{"active", {{"digest", one}, {"version", "1.0"}}},
                        {"desired", {{"digest", two}, {"version", "2.0"}}},
                        {"hold", {{"desired", two}, {"to", one}}},
                        {"inconsistent", true}};
  const std::string shown = table(changes);
  EXPECT_THAT(shown, HasSubstr("in parts   what is in use is not whole: a commit failed and could not be "
                               "undone; publish what works, or restart the server\n"));
  EXPECT_THAT(shown, HasSubstr("on hold    2.0 was rolled back on request, to 1.0, until "
                               "something newer is published\n"));
  EXPECT_EQ(status_line(status(changes)),
            "idle, ready; active 1.0; desired 2.0; what is in use is in parts only; rolled back on request, "
            "to 1.0, until something newer is published");
}

TEST_F(StatusTable, ListsEveryRefusal) {
  const Json refused =
      Json::array({{{"digest", "sha256:" + std::string(64, '1')}, {"stage", "verify"}, {"text", "bit"}},
                   {{"digest", "sha256:" + std::string(64, '2')}, {"stage", "requires"}}});
  EXPECT_THAT(table({{"refused", refused}}),
              HasSubstr("refused    111111111111  verify: bit\n           222222222222  requires\n"));
}

TEST_F(StatusTable, ListsHotStates) {
  const Json hot = Json::array({{{"name", "world"},
                                 {"opened", "resumed"},
                                 {"records", 3},
                                 {"bytes", 2048},
                                 {"file_bytes", 1 << 20},
                                 {"max_bytes", 64 << 20}},
                                {{"name", "a\nb"}, {"opened", "read_only"}, {"crash_loop", true}},
                                "no object"});
  EXPECT_THAT(
      table({{"hot", hot}}),
      HasSubstr("hot        world: resumed, 3 records, 2.00 KiB, file 1.00 MiB of 64.0 MiB\n"
                "           a\\x0ab: read_only, 0 records, 0 B, file 0 B of 0 B, crash loop\nserver"));
}

TEST_F(StatusTable, SaysWhatWillBeTriedAgain) {
  EXPECT_THAT(
      table({{"last",
              {{"version", "2"},
               {"result", "failed"},
               {"stage", "verify"},
               {"text", "disk"},
               {"code", "io"},
               {"retriable", true},
               {"attempt", 3},
               {"total_us", 18446744073709551615ULL}}}}),
      HasSubstr("last       2  failed at verify: disk [io] (attempt 3, will be tried again)\nreloads"));
}

TEST(StatusLine, HasWhatMatters) {
  EXPECT_EQ(status_line(status({{"active", {{"digest", "sha256:" + std::string(64, '1')}, {"version", "1"}}},
                                {"desired", {{"digest", "sha256:" + std::string(64, '2')}, {"version", "2"}}},
                                {"last", {{"version", "2"}, {"result", "failed"}, {"stage", "verify"}}}})),
            "idle, ready; active 1; desired 2; reload of 2 failed at verify");
}

TEST(SameStatus, LooksAwayFromTheClock) {
  EXPECT_TRUE(same_status(status({{"tick_age_ms", 1}}), status({{"tick_age_ms", 2}})));
  EXPECT_FALSE(same_status(status({{"state", "idle"}}), status({{"state", "stalled"}})));
}

}  // namespace
}  // namespace okg::cli
