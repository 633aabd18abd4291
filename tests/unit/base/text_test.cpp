#include "base/text.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "support/faulty_os.hpp"

namespace okg::base {
namespace {

TEST(Quote, MakesOneHarmlessLine) {
  EXPECT_EQ(quote("a b"), "\"a b\"");
  EXPECT_EQ(quote("a\nb\x1b[0m\x7F"), "\"a\\x0ab\\x1b[0m\\x7f\"");
  EXPECT_EQ(quote("\xC3\xA9\xFF\xED\xA0\x80"), "\"\xC3\xA9\\xff\\xed\\xa0\\x80\"");
  EXPECT_EQ(quote(std::string("a\0b", 3)), "\"a\\x00b\"");
  EXPECT_LT(quote(std::string(10'000, 'x')).size(), 220U);
  EXPECT_LT(quote(std::string(10'000, '\n')).size(), 220U);
}

TEST(OneLine, KeepsToTheLimit) {
  EXPECT_EQ(one_line("a.lua:3:\n'=' expected"), "a.lua:3:\\x0a'=' expected");
  EXPECT_EQ(one_line(std::string(20, 'x'), 10), std::string(10, 'x') + "...");
  // Never in the middle of a character.
  EXPECT_TRUE(is_utf8(one_line("\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD", 4)));
}

TEST(Hex, IsLowerCase) {
  const std::uint8_t bytes[] = {0x00, 0xAB, 0xFF};
  EXPECT_EQ(to_hex(bytes, 3), "00abff");
  EXPECT_EQ(to_hex(bytes, 0), "");
}

TEST(Random, DiffersEachTimeAndWorksWithoutASource) {
  test::FaultyOs os;
  EXPECT_NE(random_hex(os), random_hex(os));
  EXPECT_TRUE(std::regex_match(random_hex(os), std::regex("[0-9a-f]{16}")));
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  EXPECT_TRUE(std::regex_match(make_uuid(os), uuid));
  EXPECT_NE(make_uuid(os), make_uuid(os));
  os.fail_every(test::Call::random, ENOSYS);
  const std::string first = random_hex(os);
  os.monotonic_shift_ns = 1'000'000;
  EXPECT_NE(random_hex(os), first);
  EXPECT_TRUE(std::regex_match(make_uuid(os), uuid));
}

TEST(Number, IsDigitsUpToALimit) {
  EXPECT_EQ(*parse_number("0", 10), 0U);
  EXPECT_EQ(*parse_number("10", 10), 10U);
  EXPECT_EQ(*parse_number("18446744073709551615", UINT64_MAX), UINT64_MAX);
  for (const char* text : {"", "11", "-1", "+1", " 1", "1 ", "0x1", "1.0", "18446744073709551616"})
    EXPECT_FALSE(parse_number(text, 10)) << text;
}

TEST(Duration, HasAUnit) {
  using std::chrono::milliseconds;
  EXPECT_EQ(*parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(*parse_duration("30s"), milliseconds(30'000));
  EXPECT_EQ(*parse_duration("2m"), milliseconds(120'000));
  EXPECT_EQ(*parse_duration("1h"), milliseconds(3'600'000));
  EXPECT_EQ(*parse_duration("0"), milliseconds(0));
  EXPECT_EQ(*parse_duration("0s"), milliseconds(0));
  for (const char* text : {"", "s", "30", "-1s", "1.5s", "30 s", "30S", "1d", "99999999999h",
                           "18446744073709551616ms", "1s1s"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Code::invalid_argument);
  }
}

TEST(Size, HasAUnitOrNone) {
  EXPECT_EQ(*parse_size("0"), 0U);
  EXPECT_EQ(*parse_size("4096"), 4096U);
  EXPECT_EQ(*parse_size("900Mi"), 900ULL << 20);
  EXPECT_EQ(*parse_size("1Gi"), 1ULL << 30);
  EXPECT_EQ(*parse_size("64Ki"), 65'536U);
  EXPECT_EQ(*parse_size("2Ti"), 2ULL << 40);
  EXPECT_EQ(*parse_size("5k"), 5'000U);
  EXPECT_EQ(*parse_size("5M"), 5'000'000U);
  EXPECT_EQ(*parse_size("5G"), 5'000'000'000U);
  for (const char* text :
       {"", "Mi", "-1", "1.5Gi", "1 Gi", "1GiB", "1mi", "1K", "9999999999Gi", "99999999999999999999"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Format, IsForPeople) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1536), "1.50 KiB");
  EXPECT_EQ(format_size(900ULL << 20), "900 MiB");
  EXPECT_EQ(format_size(UINT64_MAX), "16777216 TiB");
  EXPECT_EQ(format_duration(std::chrono::nanoseconds(999)), "999 ns");
  EXPECT_EQ(format_duration(std::chrono::microseconds(41)), "41.0 us");
  EXPECT_EQ(format_duration(std::chrono::milliseconds(11)), "11.0 ms");
  EXPECT_EQ(format_duration(std::chrono::milliseconds(2500)), "2.50 s");
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(1'795'352'400'000'000'000), "2026-11-22T13:00:00Z");
}

TEST(Utf8, IsStrict) {
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("\xC2\x80"), std::string("\xE0\xA0\x80"),
        std::string("\xF0\x90\x80\x80"), std::string("\xF4\x8F\xBF\xBF"), std::string("\xED\x9F\xBF"),
        std::string("\0", 1)})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const std::string& text :
       {std::string("\x80"), std::string("\xC2"), std::string("\xC0\x80"), std::string("\xC1\xBF"),
        std::string("\xE0\x9F\xBF"), std::string("\xED\xA0\x80"), std::string("\xF0\x8F\xBF\xBF"),
        std::string("\xF4\x90\x80\x80"), std::string("\xF5\x80\x80\x80"), std::string("\xE4\xB8"),
        std::string("a\xFF")})
    EXPECT_FALSE(is_utf8(text)) << text;
}

}  // namespace
}  // namespace okg::base
