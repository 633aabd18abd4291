#include "hot/crc32c.hpp"

#include <gtest/gtest.h>

#include <string>

namespace okg::hot {
namespace {

// RFC 3720, B.4.
TEST(Crc32c, IsThatOfTheStandard) {
  EXPECT_EQ(crc32c(0, "123456789", 9), 0xE3069283U);
  EXPECT_EQ(crc32c(0, std::string(32, '\0').data(), 32), 0x8A9136AAU);
  EXPECT_EQ(crc32c(0, std::string(32, '\xff').data(), 32), 0x62A8AB43U);
  EXPECT_EQ(crc32c(0, "", 0), 0U);
}

TEST(Crc32c, GoesOnWhereItEnded) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  const std::uint32_t whole = crc32c(0, text.data(), text.size());
  for (std::size_t i = 0; i <= text.size(); ++i)
    EXPECT_EQ(crc32c(crc32c(0, text.data(), i), text.data() + i, text.size() - i), whole);
}

// Long ones are made of pieces: of every length the same as byte by byte.
TEST(Crc32c, IsTheSameInPiecesAndByteByByte) {
  std::string text(8000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2654435761U >> 13);
  std::uint32_t expected = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    ASSERT_EQ(crc32c(0, text.data(), i), expected) << i;
    expected = crc32c(expected, &text[i], 1);
  }
}

}  // namespace
}  // namespace okg::hot
