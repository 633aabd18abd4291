#include "base/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace okg::base {
namespace {

Code code_of(const std::string& text, int depth = 16) {
  const auto parsed = parse_json_object(text, "x.json", Code::bad_manifest, depth);
  return parsed ? Code::ok : parsed.error().code;
}

std::string nested(int depth) {
  return "{\"a\":" + std::string(static_cast<std::size_t>(depth) - 1, '[') +
         std::string(static_cast<std::size_t>(depth) - 1, ']') + "}";
}

TEST(Json, ParsesAnObject) {
  const auto parsed = parse_json_object(R"({"a":1,"b":{"a":[true,null,"x"]}})", "x.json", Code::io);
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)["b"]["a"][2], "x");
}

TEST(Json, RefusesWhatIsNoObjectOrNoJson) {
  for (const std::string& text : {std::string(),
                                  std::string(" "),
                                  std::string("[]"),
                                  std::string("1"),
                                  std::string("null"),
                                  std::string("\"x\""),
                                  std::string("{"),
                                  std::string("{}}"),
                                  std::string("{} x"),
                                  std::string("{\"a\":}"),
                                  std::string("{'a':1}"),
                                  std::string("{\"a\":1,}"),
                                  std::string("{\"a\":01}"),
                                  std::string("{\"a\":NaN}"),
                                  std::string("{\"a\":\"\xFF\"}"),
                                  std::string("{\"a\":\"\n\"}"),
                                  std::string("{\"a\":\"\\ud800\"}"),
                                  std::string("{/**/}"),
                                  std::string("{\"a\":1e9999}"),
                                  std::string("{\"a\":\"b\0\"}", 11)}) {
    const auto parsed = parse_json_object(text, "x.json", Code::bad_manifest);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Code::bad_manifest);
    EXPECT_EQ(parsed.error().text.rfind("x.json: ", 0), 0U) << parsed.error().text;
  }
}

TEST(Json, SaysWhere) {
  EXPECT_EQ(parse_json_object("{\"a\":x}", "x.json", Code::io).error().text, "x.json: not JSON (at byte 6)");
}

TEST(Json, RefusesAKeyThatStandsTwiceInOneObject) {
  EXPECT_EQ(code_of(R"({"a":1,"a":1})"), Code::bad_manifest);
  EXPECT_EQ(code_of(R"({"a":{"b":1,"c":2,"b":3}})"), Code::bad_manifest);
  EXPECT_EQ(code_of(R"({"a":[{"b":1},{"b":1,"b":2}]})"), Code::bad_manifest);
  EXPECT_EQ(code_of("{\"a\":1,\"\\u0061\":1}"), Code::bad_manifest);
  EXPECT_EQ(code_of(R"({"a":{"b":1},"b":{"b":1},"c":[{"b":1},{"b":1}]})"), Code::ok);
}

TEST(Json, LimitsDepth) {
  EXPECT_EQ(code_of(nested(16)), Code::ok);
  EXPECT_EQ(code_of(nested(17)), Code::bad_manifest);
  EXPECT_EQ(code_of(nested(3), 3), Code::ok);
  EXPECT_EQ(code_of(nested(4), 3), Code::bad_manifest);
  EXPECT_EQ(code_of(nested(1'000'000)), Code::bad_manifest);
  EXPECT_EQ(code_of("{\"a\":" + std::string(1'000'000, '[')), Code::bad_manifest);
}

TEST(Json, GivesMembersOfTheRightTypeOnly) {
  const auto object = *parse_json_object(
      R"({"s":"x","u":3,"i":-3,"f":3.0,"b":true,"n":null,"big":18446744073709551615,"huge":18446744073709551616})",
      "x", Code::io);
  EXPECT_EQ(get_string(object, "s"), "x");
  EXPECT_EQ(get_uint(object, "u"), 3U);
  EXPECT_EQ(get_uint(object, "big"), UINT64_MAX);
  EXPECT_EQ(get_int(object, "i"), -3);
  EXPECT_EQ(get_int(object, "u"), 3);
  EXPECT_EQ(get_bool(object, "b"), true);
  for (const char* key : {"u", "i", "f", "b", "n", "none"}) EXPECT_FALSE(get_string(object, key)) << key;
  for (const char* key : {"s", "i", "f", "b", "n", "none", "huge"})
    EXPECT_FALSE(get_uint(object, key)) << key;
  for (const char* key : {"s", "f", "b", "n", "none", "big", "huge"})
    EXPECT_FALSE(get_int(object, key)) << key;
  for (const char* key : {"s", "u", "n", "none"}) EXPECT_FALSE(get_bool(object, key)) << key;
  EXPECT_FALSE(get_string(Json::array(), "s"));
  EXPECT_FALSE(get_string(Json(), "s"));
}

TEST(Json, DumpsWhateverATextHolds) {
  Json object;
  object["a"] = "x\xFFy\n";
  EXPECT_EQ(dump(object), "{\"a\":\"x\xEF\xBF\xBDy\\n\"}");
  OrderedJson ordered;
  ordered["z"] = 1;
  ordered["a"] = "\xC3";
  EXPECT_EQ(dump(ordered), "{\"z\":1,\"a\":\"\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace okg::base
