#include "cli/setting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace okg::cli {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

std::string body(const Words& words, bool remove = false) {
  const auto setting = parse_setting(words, remove);
  return setting ? base::dump(to_body(*setting)) : setting.error().text;
}

TEST(Setting, BecomesTheBodyOfARequest) {
  EXPECT_EQ(body({"ops-state", "Allocated"}), R"({"ops_state":"Allocated"})");
  EXPECT_EQ(body({"update-priority", "0"}), R"({"update_priority":0})");
  EXPECT_EQ(body({"deletion-priority", "2147483647"}), R"({"deletion_priority":2147483647})");
  EXPECT_EQ(body({"label", "gs-sync/map", "dust-2"}), R"({"label":{"key":"gs-sync/map","value":"dust-2"}})");
  EXPECT_EQ(body({"label", "map", ""}), R"({"label":{"key":"map","value":""}})");
  EXPECT_EQ(body({"annotation", "a/b", "-x\n"}), R"({"annotation":{"key":"a/b","value":"-x\n"}})");
  EXPECT_EQ(body({"annotation", "a/b"}, true), R"({"annotation":{"key":"a/b","value":null}})");
}

TEST(Setting, IsRefusedBeforeItIsSent) {
  EXPECT_THAT(body({}), HasSubstr("WHAT: is needed"));
  EXPECT_THAT(body({"opsState", "None"}), HasSubstr("\"opsState\": cannot be set"));
  EXPECT_THAT(body({"ops-state"}), HasSubstr("needs one value"));
  EXPECT_THAT(body({"ops-state", "kill"}), HasSubstr("did you mean Kill?"));
  EXPECT_THAT(body({"ops-state", "a b"}), HasSubstr("\"a b\""));
  EXPECT_THAT(body({"ops-state", "A", "B"}), HasSubstr("needs one value"));
  EXPECT_THAT(body({"ops-state"}, true), HasSubstr("--remove"));
  EXPECT_THAT(body({"update-priority", "high"}), HasSubstr("\"high\""));
  EXPECT_THAT(body({"update-priority", "2147483648"}), HasSubstr("at most 2147483647"));
  EXPECT_THAT(body({"update-priority", "99999999999999999999"}), HasSubstr("update-priority"));
  EXPECT_THAT(body({"label", "map"}), HasSubstr("needs a key and a value"));
  EXPECT_THAT(body({"label", "map", "a b"}), HasSubstr("no label value"));
  EXPECT_THAT(body({"label", "a b", "c"}), HasSubstr("no key"));
  EXPECT_THAT(body({"annotation", "map", "x"}, true), HasSubstr("--remove takes its key alone"));
  EXPECT_THAT(body({"annotation", "map", "\xff"}), HasSubstr("no UTF-8"));
}

}  // namespace
}  // namespace okg::cli
