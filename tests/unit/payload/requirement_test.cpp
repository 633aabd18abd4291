#include "payload/requirement.hpp"

#include <gtest/gtest.h>

#include <string>

namespace okg::payload {
namespace {

using base::Code;

struct Case {
  const char* requirement;
  const char* version;
  bool met;
};

TEST(Requirement, Compares) {
  for (const Case& c : {Case{">=2.4 <2.5", "2.4", true},
                        Case{">=2.4 <2.5", "2.4.17", true},
                        Case{">=2.4 <2.5", "2.5", false},
                        Case{">=2.4 <2.5", "2.5.0", false},
                        Case{">=2.4 <2.5", "2.3.99", false},
                        Case{">=2.4,<2.5", "2.4.1", true},
                        Case{">= 2.4 , < 2.5", "2.4.1", true},
                        Case{"2.4", "2.4.0", true},
                        Case{"=2.4", "2.4.1", false},
                        Case{"==2.4.0", "2.4", true},
                        Case{">2.9", "2.10", true},
                        Case{"<=2", "2.0.0.0", true},
                        Case{"<=2", "2.0.0.1", false},
                        Case{"1", "1+build.7", true},
                        Case{"1+x", "1", true},
                        Case{">=2.5", "2.5-rc1", false},
                        Case{"<2.5", "2.5-rc1", true},
                        Case{">=2.5-rc1", "2.5", true},
                        Case{">2.5-rc.9", "2.5-rc.10", true},
                        Case{">2.5-rc.9", "2.5-rc.x", true},
                        Case{">2.5-rc", "2.5-rc.1", true},
                        Case{">2.5-99999999999999999999999998", "2.5-99999999999999999999999999", true},
                        Case{">2.5-beta", "2.5-alpha", false},
                        Case{"=2.5-rc1", "2.5-rc1+anything", true},
                        Case{">=18446744073709551615", "18446744073709551615", true}}) {
    const auto done = require_server(c.requirement, c.version);
    EXPECT_EQ(done.has_value(), c.met) << c.requirement << " with " << c.version;
    if (!done) {
      EXPECT_EQ(done.error().code, Code::requires_unmet);
    }
  }
}

TEST(Requirement, SaysBothSides) {
  const auto done = require_server(">=3", "2.4.1");
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text.find(">=3"), std::string::npos);
  EXPECT_NE(done.error().text.find("2.4.1"), std::string::npos);
}

TEST(Requirement, IsNotMetByAServerWithoutAProperVersion) {
  for (const char* version : {"", "latest", "2.x", "v2", "2..1", "-1", "2.4-", "2 3"}) {
    const auto done = require_server(">=0", version);
    ASSERT_FALSE(done) << version;
    EXPECT_EQ(done.error().code, Code::requires_unmet);
  }
}

TEST(Requirement, IsRefusedWhenMalformed) {
  for (const std::string& text :
       {std::string(), std::string(" "), std::string(","), std::string(">="), std::string(">=x"),
        std::string("~2"), std::string("2.*"), std::string("=>2"), std::string(">=2 <"), std::string("2.4-"),
        std::string("2."), std::string("18446744073709551616"), std::string("!=2"), std::string("2\n3"),
        std::string(300, '1')}) {
    EXPECT_FALSE(check_requirement(text)) << text;
    EXPECT_FALSE(require_server(text, "2")) << text;
  }
  EXPECT_TRUE(check_requirement(">=2.4 <2.5"));
}

}  // namespace
}  // namespace okg::payload
