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

}  // namespace
}  // namespace okg::hot
