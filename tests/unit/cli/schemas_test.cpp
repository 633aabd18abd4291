// How two sets of schemas differ, field by field, and how they are found in a program's bytes.
#include "cli/schemas.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_directory.hpp"

namespace okg::cli {
namespace {

using testing::HasSubstr;

Schemas program(std::vector<Schema> all) {
  return {false, std::move(all)};
}

std::string changes(const std::string& from, const std::string& to) {
  std::string out;
  for (const FieldChange& change : compare_fields(*parse_fields(from), *parse_fields(to)))
    out += std::to_string(static_cast<int>(change.what)) + " " + change.name + " " + change.from + ">" +
           change.to + ";";
  return out;
}

TEST(Schemas, FieldByField) {
  EXPECT_EQ(changes("a:u8@0", "a:u8@0"), "");
  EXPECT_EQ(changes("a:u8@0", "a:u8@0 b:u16@2"), "0 b >u16@2;");
  EXPECT_EQ(changes("a:u8@0 b:u16@2", "b:u16@2"), "1 a u8@0>;");
  EXPECT_EQ(changes("a:u8@0", "a:i8@0"), "2 a u8@0>i8@0;");
  EXPECT_EQ(changes("a:u8@0 b:u8@1", "b:u8@0 a:u8@1"), "3 a u8@0>u8@1;3 b u8@1>u8@0;");
  EXPECT_EQ(changes("in:{a:u8@0 b:u8@1}[2]@4", "in:{a:u8@0 c:u8@1}[2]@4"), "1 in[].b u8@1>;0 in[].c >u8@1;");
  EXPECT_EQ(changes("in:{a:u8@0}[2]@4", "in:{a:u8@0}[3]@4"), "2 in {a:u8@0}[2]@4>{a:u8@0}[3]@4;");
}

TEST(Schemas, SayWhatCameWentAndChanged) {
  const auto from =
      program({{"Gone", 4, 1, 0, "a:u8@0"}, {"Player", 1, 4, 0, "hp:u32@0"}, {"Same", 1, 1, 0, "a:u8@0"}});
  const auto to =
      program({{"New", 1, 1, 0, "a:u8@0"}, {"Player", 2, 8, 0, "hp:u64@0"}, {"Same", 1, 1, 0, "a:u8@0"}});
  EXPECT_TRUE(compare_schemas(from, from).empty());
  const auto changes = compare_schemas(from, to);
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].name, "Gone");
  EXPECT_EQ(changes[0].what, SchemaChange::What::removed);
  EXPECT_EQ(changes[0].from, 4U);
  EXPECT_EQ(changes[1].name, "New");
  EXPECT_EQ(changes[1].what, SchemaChange::What::added);
  EXPECT_EQ(changes[2].name, "Player");
  EXPECT_EQ(changes[2].to, 2U);
  EXPECT_FALSE(changes[2].needs_version);
  ASSERT_EQ(changes[2].fields.size(), 1U);
  EXPECT_EQ(changes[2].fields[0].to, "u64@0");
}

TEST(Schemas, CallOutAChangeWithoutANewVersion) {
  const auto changes =
      compare_schemas(program({{"Player", 2, 4, 0, "hp:u32@0"}}), program({{"Player", 2, 4, 0, "hp:i32@0"}}));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_TRUE(changes[0].needs_version);
  // The fingerprint knows more than the text.
  EXPECT_TRUE(
      compare_schemas(program({{"P", 2, 0, 77, ""}}), program({{"P", 2, 0, 78, ""}}))[0].needs_version);
  EXPECT_TRUE(compare_schemas(program({{"P", 2, 0, 77, ""}}), program({{"P", 2, 0, 77, ""}})).empty());
}

TEST(Schemas, OfASegmentAreMatchedByWhatTheyLookLike) {
  const Schemas segment{true, {{"players", 1, 8, 77, "hp:u32@0 mp:u32@4"}, {"plain", 1, 0, 0, ""}}};
  EXPECT_EQ(compare_schemas(segment, program({{"Player", 1, 8, 77, "hp:u32@0 mp:u32@4"}})).size(),
            1U);  // plain
  const auto changes =
      compare_schemas(segment, program({{"Player", 2, 12, 78, "hp:u32@0 mp:u32@4 x:u32@8"}}));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[1].name, "players / Player");
  EXPECT_EQ(changes[1].fields.size(), 1U);
}

class SchemasIn : public testing::Test {
 protected:
  base::Result<Schemas> in(const std::string& bytes) {
    test::write_file(directory_ / "program", bytes);
    return schemas_of(base::Os::real(), directory_ / "program", {});
  }
  test::TemporaryDirectory directory_;
  const std::string marker_ = std::string("okg.hot.schema/") + "v1 ";
};

TEST_F(SchemasIn, AProgramsBytesWhereverTheyLie) {
  const std::string text = marker_ + "Player 2 4 hp:u32@0";
  for (const std::size_t before :
       {std::size_t{0}, std::size_t{1 << 20} - 700, std::size_t{1 << 20} - 5, std::size_t{3 << 20}})
    for (const std::size_t after : {std::size_t{0}, std::size_t{1}, std::size_t{5000}}) {
      const auto found = in(std::string(before, 'x') + text + std::string(after, '\0'));
      ASSERT_TRUE(found) << before << found.error().text;
      ASSERT_EQ(found->all.size(), 1U);
      EXPECT_EQ(found->all[0].name, "Player");
      EXPECT_EQ(found->all[0].version, 2U);
      EXPECT_EQ(found->all[0].bytes, 4U);
      EXPECT_EQ(found->all[0].fields, "hp:u32@0");
    }
}

TEST_F(SchemasIn, OnceEachAndNothingElse) {
  const std::string zero(1, '\0');
  const std::string one = marker_ + "A 1 1 a:u8@0" + zero, other = marker_ + "A 1 1 a:i8@0" + zero;
  const auto found =
      in(marker_ + zero + one + one + marker_ + "B 1" + zero + marker_ + "C 1 1 nonsense" + zero + other);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->all.size(), 2U);
  EXPECT_EQ(found->all[0].name, "A");
  EXPECT_EQ(found->all[1].name, "A #2");
}

TEST_F(SchemasIn, AFileWithoutAnyIsBadInput) {
  const auto found = in("nothing");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, base::Code::invalid_argument);
  EXPECT_THAT(found.error().text, HasSubstr("OKG_HOT_SCHEMA"));
}

}  // namespace
}  // namespace okg::cli
