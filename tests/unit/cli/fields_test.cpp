// What a value looks like, as text, and values shown by it. The texts are those that the compiler makes.
#include "cli/fields.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "okg/hot_value.hpp"

namespace cli_fields {

struct Inner {
  std::int16_t a;
  std::uint8_t b;
};
struct Player {
  std::uint32_t hp;
  char name[6];
  bool alive;
  Inner in[2];
  float pos[2][3];
  std::uint64_t id;
  double ratio;
};

}  // namespace cli_fields

OKG_HOT_SCHEMA(cli_fields::Inner, 1, a, b)
OKG_HOT_SCHEMA(cli_fields::Player, 3, hp, name, alive, in, pos, id, ratio)

namespace okg::cli {
namespace {

using cli_fields::Player;

std::string bytes_of(const auto& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

TEST(Fields, ShowAValueAsItsProgramWroteIt) {
  Player player{};
  player.hp = 7;
  std::memcpy(player.name, "bob", 4);
  player.alive = true;
  player.in[1] = {-5, 6};
  player.pos[1][2] = 1.5F;
  player.id = UINT64_MAX;
  player.ratio = 0.25;
  const auto shown = show_fields(hot_description<Player>.view(), bytes_of(player));
  ASSERT_TRUE(shown) << hot_description<Player>.view();
  EXPECT_EQ(base::dump(*shown),
            R"({"hp":7,"name":"bob","alive":true,"in":[{"a":0,"b":0},{"a":-5,"b":6}],)"
            R"("pos":[[0.0,0.0,0.0],[0.0,0.0,1.5]],"id":18446744073709551615,"ratio":0.25})");
}

TEST(Fields, ShowWhatIsNoStruct) {
  EXPECT_EQ(base::dump(*show_fields(hot_description<std::uint16_t>.view(), bytes_of(std::uint16_t{513}))),
            R"({"value":513})");
  using Three = std::array<std::uint8_t, 3>;
  EXPECT_EQ(base::dump(*show_fields(hot_description<Three>.view(), bytes_of(Three{1, 2, 3}))),
            R"({"value":[1,2,3]})");
}

TEST(Fields, OfBytesThatAreNoText) {
  EXPECT_EQ(base::dump(*show_fields("name:char[2]@0 b:bool@2 o:bytes[2]@3", "\xFF\x41\x07\x01\x02")),
            R"({"name":"0xff41","b":7,"o":"0x0102"})");
}

TEST(Fields, ThatCannotBeReadAreHex) {
  for (const char* text :
       {"", "hp", "hp:", "hp:u32", "hp:u32@", "hp:u33@0", "hp:u32@0 ", "hp:u32@0x", "hp:{a:u8@0@0",
        "hp:u8[0]@0", "hp:u8[99999999999999999999]@0", "a:u8[65536][65536]@0", "hp:bytes@0", ":u8@0",
        "hp:u64@0", "hp:u32@1", "hp:u8[5]@0", "hp:{a:u8@0}[5]@0", "a:u8@18446744073709551615"})
    EXPECT_EQ(base::dump(show_value(text, "abcd")), R"({"hex":"61626364"})") << text;
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "a:{";
  EXPECT_FALSE(parse_fields(deep));
}

// Millions of values of a few bytes of text would be gigabytes of JSON.
TEST(Fields, ThatWouldBeTooManyAreHex) {
  const std::string value(2 << 20, '\1');
  EXPECT_TRUE(show_fields("a:u8[1048576]@0", value));
  EXPECT_FALSE(show_fields("a:u8[1048577]@0", value));
  EXPECT_FALSE(show_fields("a:u8[600000]@0 b:u8[600000]@0", value));
  EXPECT_FALSE(show_fields("a:{b:u8[2000]@0}[1000]@0", value));
}

}  // namespace
}  // namespace okg::cli
