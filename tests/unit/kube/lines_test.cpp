// Lines that come in any pieces.
#include "kube/lines.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace okg::kube {
namespace {

std::vector<std::string> take(Lines& lines) {
  std::vector<std::string> out;
  std::string_view line;
  Lines::Next next{};
  while ((next = lines.next(&line)) == Lines::Next::line) out.emplace_back(line);
  if (next == Lines::Next::too_long) out.emplace_back("too long");
  return out;
}

TEST(Lines, SplitAnywhere) {
  const std::string text = "one\ntwo\r\n\n\r\nthree\n";
  const std::vector<std::string> expected{"one", "two", "three"};
  for (std::size_t a = 0; a <= text.size(); ++a)
    for (std::size_t b = a; b <= text.size(); ++b) {
      Lines lines(10);
      std::vector<std::string> found;
      for (const auto& piece : {text.substr(0, a), text.substr(a, b - a), text.substr(b)}) {
        lines.append(piece);
        for (const auto& line : take(lines)) found.push_back(line);
      }
      EXPECT_EQ(found, expected) << a << " " << b;
      EXPECT_FALSE(lines.holds_rest());
    }
}

TEST(Lines, ARestIsNoLine) {
  Lines lines(10);
  lines.append("one\ntw");
  EXPECT_EQ(take(lines), std::vector<std::string>{"one"});
  EXPECT_TRUE(lines.holds_rest());
  lines.append("o\n");
  EXPECT_EQ(take(lines), std::vector<std::string>{"two"});
  EXPECT_FALSE(lines.holds_rest());
}

TEST(Lines, HaveALimit) {
  Lines just(3);
  just.append("abc\nabc");
  EXPECT_EQ(take(just), std::vector<std::string>{"abc"});
  just.append("\n");
  EXPECT_EQ(take(just), std::vector<std::string>{"abc"});
  Lines over(3);
  over.append("abc\nabcd");
  EXPECT_EQ(take(over), (std::vector<std::string>{"abc", "too long"}));
  over.append("\nabc\n");
  EXPECT_EQ(take(over), std::vector<std::string>{"too long"}) << "and stays so";
  Lines ended(3);
  ended.append("abcd\n");
  EXPECT_EQ(take(ended), std::vector<std::string>{"too long"});
}

TEST(Lines, ALongOneInSmallPiecesCostsNoSquare) {
  const std::string piece(16, 'x');
  Lines lines(std::size_t{2} << 20);
  std::string_view line;
  for (int i = 0; i < (2 << 20) / 16; ++i) {
    lines.append(piece);
    ASSERT_EQ(lines.next(&line), Lines::Next::none);
  }
  lines.append("\n");
  ASSERT_EQ(lines.next(&line), Lines::Next::line);
  EXPECT_EQ(line.size(), std::size_t{2} << 20);
}

}  // namespace
}  // namespace okg::kube
