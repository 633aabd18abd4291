// What a refusal says, in the words of the real API server, and in those of somebody hostile.
#include "kube/answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace okg::kube {
namespace {

using base::Code;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::string status_json(unsigned code, const std::string& reason, const std::string& message) {
  return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" + message +
         R"(","reason":")" + reason + R"(","code":)" + std::to_string(code) + "}";
}

base::Error error(unsigned status, const std::string& body) {
  return error_of(Response{status, {}, body}, "patch gameserver gss-0");
}

TEST(Answer, EveryStatusHasItsCode) {
  const std::pair<unsigned, Code> expected[] = {
      {400, Code::invalid_argument},
      {422, Code::invalid_argument},
      {401, Code::denied},
      {403, Code::denied},
      {404, Code::not_found},
      {409, Code::conflict},
      {410, Code::superseded},
      {429, Code::busy},
      {503, Code::busy},
      {408, Code::timeout},
      {504, Code::timeout},
      {500, Code::io},
      {502, Code::io},
      {599, Code::io},
      {302, Code::io},
      {0, Code::io},
      {405, Code::unsupported},
      {415, Code::unsupported},
  };
  for (const auto& [status, code] : expected) {
    EXPECT_EQ(error(status, "").code, code) << status;
    EXPECT_EQ(error(status, status_json(status, "R", "m")).code, code) << status;
    EXPECT_EQ(is_gone(error(status, "")), status == 410) << status;
  }
  for (const unsigned status : {429U, 500U, 502U, 503U, 504U})
    EXPECT_TRUE(error(status, "").retriable) << status;
  for (const unsigned status : {400U, 401U, 403U, 404U, 409U, 410U, 422U})
    EXPECT_FALSE(error(status, "").retriable) << status;
}

TEST(Answer, MissingRightsAreNamedInTheServersWords) {
  const std::string message =
      R"(gameservers.game.kruise.io \"gss-0\" is forbidden: User \"system:serviceaccount:default:game\" cannot )"
      R"(patch resource \"gameservers\" in API group \"game.kruise.io\" in the namespace \"default\")";
  const auto said = error(403, status_json(403, "Forbidden", message));
  EXPECT_EQ(said.code, Code::denied);
  EXPECT_THAT(said.text, HasSubstr("patch gameserver gss-0: 403"));
  EXPECT_THAT(said.text, HasSubstr(R"(cannot patch resource "gameservers" in API group "game.kruise.io")"));
  EXPECT_THAT(error(401, status_json(401, "Unauthorized", "Unauthorized")).text,
              HasSubstr("the token is expired or not accepted"));
}

TEST(Answer, HostileTextStaysOneLine) {
  for (const std::string& body : {status_json(500, "R", R"(a\nb\u0000c\u001b[2Jd)"),
                                  std::string("<html>\r\n<h1>\x1b[2J") + '\0' + "x\xff</h1>",
                                  status_json(500, R"(x\ny)", ""), std::string(100'000, '\n')}) {
    const auto said = error(500, body);
    EXPECT_EQ(said.text.find_first_of("\r\n\x1b"), said.text.npos) << said.text;
    EXPECT_EQ(said.text.find('\0'), said.text.npos);
    EXPECT_LT(said.text.size(), 4000U);
  }
  EXPECT_LT(error(422, status_json(422, "Invalid", std::string(1'000'000, 'x'))).text.size(), 1000U);
}

TEST(Answer, WhatIsNoStatusIsTakenAsItIs) {
  EXPECT_THAT(error(502, "Bad Gateway by a proxy").text, HasSubstr("Bad Gateway by a proxy"));
  EXPECT_THAT(error(404, R"({"kind":"Other","message":"m"})").text, HasSubstr(R"({"kind":"Other")"));
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("[]"), std::string("{}"), std::string("null"),
        std::string(R"({"kind":"Status")"), std::string(R"({"kind":7})"), std::string(R"({"kind":"Pod"})"),
        std::string(5000, '[')})
    EXPECT_FALSE(parse_status(text)) << text;
}

TEST(Answer, AStatusHasWhatItSays) {
  const auto status = parse_status(
      R"({"kind":"Status","message":"m","reason":"TooManyRequests","details":{"retryAfterSeconds":7},"code":429})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 429U);
  EXPECT_EQ(status->reason, "TooManyRequests");
  EXPECT_EQ(status->message, "m");
  EXPECT_EQ(status->retry_after, 7s);
  const auto lying = parse_status(
      R"({"kind":"Status","message":{},"reason":[],"details":{"retryAfterSeconds":99999999999999999},"code":99999999})");
  ASSERT_TRUE(lying);
  EXPECT_EQ(lying->code, 999U);
  EXPECT_LE(*lying->retry_after, 24h);
  EXPECT_FALSE(parse_status(R"({"kind":"Status","details":{"retryAfterSeconds":-1}})")->retry_after);
  EXPECT_FALSE(parse_status(R"({"kind":"Status","details":"none"})")->retry_after);
}

TEST(Answer, AnErrorEventOfAWatch) {
  const auto gone = parse_error_event(
      R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
      R"x("message":"too old resource version: 1 (18342)","reason":"Expired","code":410}})x");
  ASSERT_TRUE(gone);
  const auto said = error_of(*gone, "watch gameserver gss-0");
  EXPECT_TRUE(is_gone(said));
  EXPECT_THAT(said.text, HasSubstr("too old resource version"));
  const auto without_code =
      parse_error_event(R"({"type":"ERROR","object":{"kind":"Status","reason":"Expired"}})");
  ASSERT_TRUE(without_code);
  EXPECT_TRUE(is_gone(error_of(*without_code, "watch")));
  for (const char* line :
       {"", "{}", R"({"type":"ADDED","object":{"kind":"Status"}})", R"({"type":"ERROR"})",
        R"({"type":"ERROR","object":[]})", R"({"type":"ERROR","object":{"kind":"Pod"}})", R"({"type":"ERR)"})
    EXPECT_FALSE(parse_error_event(line)) << line;
}

}  // namespace
}  // namespace okg::kube
