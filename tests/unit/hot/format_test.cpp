#include "hot/format.hpp"

#include <gtest/gtest.h>

#include "hot/engine.hpp"
#include "hot/layout.hpp"

namespace okg::hot {
namespace {

TEST(HotFormat, EverySizeHasTheSmallestSlotThatHoldsIt) {
  for (std::uint64_t bytes = 1; bytes <= kMostSlot; ++bytes) {
    const unsigned size_class = class_for(bytes);
    ASSERT_LT(size_class, kClasses) << bytes;
    ASSERT_GE(slot_bytes(size_class), bytes);
    if (size_class > 0) {
      ASSERT_LT(slot_bytes(size_class - 1), bytes);
    }
  }
}

TEST(HotFormat, SlotsAreAlignedAndInTheirSlab) {
  for (unsigned i = 0; i < kClasses; ++i) {
    const SlabShape& shape = kSlabShapes[i];
    EXPECT_EQ(slot_bytes(i) % kSlotUnit, 0U);
    EXPECT_EQ(shape.begin % kSlotUnit, 0U);
    EXPECT_GE(shape.slots, 7U);
    EXPECT_LE(shape.begin + shape.slots * slot_bytes(i), shape.pages * kPageBytes);
    EXPECT_GE(shape.begin, shape.bit_words * 8);
    // Less than a slot is left over.
    EXPECT_GT(shape.begin + (shape.slots + 1) * slot_bytes(i) + 32, shape.pages * kPageBytes);
  }
}

TEST(HotFormat, PageWordsComeBackAsTheyWent) {
  const PageWord word{PageKind::slab, 7, 42, 16};
  const PageWord back = PageWord::from(word.word());
  EXPECT_EQ(back.kind, PageKind::slab);
  EXPECT_EQ(back.shard, 7);
  EXPECT_EQ(back.size_class, 42);
  EXPECT_EQ(back.count, 16U);
}

TEST(HotFormat, OnlyASoundLayoutIsLaidOut) {
  const std::array<std::uint8_t, 16> id{};
  EXPECT_TRUE(lay_out(1 << 20, 1, 512, id, 1));
  for (const auto& [bytes, shards, words] :
       {std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>{0, 1, 512},
        {kLeastBytes - 1, 1, 512},
        {kMostBytes + kPageBytes, 1, 512},
        {1 << 20, 0, 512},
        {1 << 20, 3, 512},
        {1 << 20, 32, 512},
        {1 << 20, 1, 0},
        {1 << 20, 1, 513},
        {1 << 20, 16, 65536},
        {UINT64_MAX, 16, 512}}) {
    EXPECT_FALSE(lay_out(bytes, shards, words, id, 1)) << bytes << " " << shards << " " << words;
  }
}

TEST(HotFormat, EveryBitOfTheHeaderIsChecked) {
  const auto header = lay_out(1 << 20, 2, 512, {}, 77);
  ASSERT_TRUE(header);
  ASSERT_TRUE(check_header(&*header, sizeof *header));
  for (std::size_t bit = 0; bit < sizeof(Header) * 8; ++bit) {
    Header damaged = *header;
    reinterpret_cast<unsigned char*>(&damaged)[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    EXPECT_FALSE(check_header(&damaged, sizeof damaged)) << "bit " << bit;
  }
  for (std::size_t size = 0; size < sizeof(Header); ++size) EXPECT_FALSE(check_header(&*header, size));
}

}  // namespace
}  // namespace okg::hot
