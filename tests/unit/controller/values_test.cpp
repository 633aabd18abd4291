#include "controller/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace okg::controller {
namespace {

using ::testing::HasSubstr;

TEST(OpsStates, AreLabelValues) {
  for (const char* fine :
       {"None", "Allocated", "Maintaining", "WaitToBeDeleted", "Kill", "Draining", "in.match_2-b", "7"})
    EXPECT_TRUE(check_ops_state(fine)) << fine;
  // What OKG cannot copy to a label of the pod stops all of its synchronisation.
  for (const char* wrong : {"", "two words", "a:b", "a/b", "a|b", "-5", ".a", "a-", "\xc3\xa4", "a\n"})
    EXPECT_FALSE(check_ops_state(wrong)) << wrong;
  EXPECT_TRUE(check_ops_state(std::string(63, 'a')));
  EXPECT_FALSE(check_ops_state(std::string(64, 'a')));
}

TEST(OpsStates, WrongOnlyByTheirCaseAreRefusedWithAHint) {
  EXPECT_THAT(check_ops_state("kill").error().text, HasSubstr("did you mean Kill?"));
  EXPECT_THAT(check_ops_state("waitToBeDeleted").error().text, HasSubstr("did you mean WaitToBeDeleted?"));
  EXPECT_THAT(check_ops_state("NONE").error().text, HasSubstr("did you mean None?"));
}

TEST(Keys, HaveAPrefixThatIsADnsName) {
  for (const char* fine : {"map", "gs-sync/map", "game.kruise.io/gs-opsState", "a.b-c.d/e_f.g"})
    EXPECT_TRUE(check_key(fine)) << fine;
  for (const char* wrong :
       {"", "/", "a/", "/a", "A.b/c", "a..b/c", "a-/c", "-a/c", "a/b/c", "a b", "a.b-.c/d"})
    EXPECT_FALSE(check_key(wrong)) << wrong;
}

TEST(Priorities, AreNeverNegative) {
  EXPECT_TRUE(check_priority(0));
  EXPECT_TRUE(check_priority(2147483647));
  EXPECT_THAT(check_priority(-5).error().text, HasSubstr("negative"));
  EXPECT_FALSE(check_priority(std::int64_t{1} << 31));
}

TEST(LabelSafe, KeepsWhatItCan) {
  EXPECT_EQ(label_safe("2.4.1+build.7"), "2.4.1-build.7");
  EXPECT_EQ(label_safe("+1+"), "1");
  EXPECT_EQ(label_safe("\xc3\xa4"), "");
  EXPECT_EQ(label_safe(std::string(70, 'x')), std::string(63, 'x'));
  for (const char* text : {"a b", "--", "v1/", "2.4.1", "x\n"})
    EXPECT_TRUE(check_label_value(label_safe(text))) << text;
}

TEST(Annotations, AreUtf8OfBoundedSize) {
  EXPECT_TRUE(check_annotation_value("\xc3\xa4 {\"a\": 1}\n"));
  EXPECT_FALSE(check_annotation_value("\xff"));
  EXPECT_FALSE(check_annotation_value(std::string(64 * 1024 + 1, 'a')));
}

}  // namespace
}  // namespace okg::controller
