// The same on a hugetlbfs (a pod's HugePages-2Mi), where it can be had: its files have pages of 2 MiB only,
// it knows no write(), and its memory is the node's.
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "hot/reader.hpp"
#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

class HugetlbfsTest : public HotTest {
 protected:
  void SetUp() override {
    std::ifstream info("/proc/meminfo");
    std::uint64_t free = 0;
    for (std::string line; std::getline(info, line);)
      if (constexpr std::string_view kName = "HugePages_Free:"; line.starts_with(kName))
        free = std::stoull(line.substr(kName.size()));
    if (free < 8) GTEST_SKIP() << "no huge pages: echo 16 > /proc/sys/vm/nr_hugepages";
    std::filesystem::create_directories(top / "huge");
    if (::mount("okg", (top / "huge").c_str(), "hugetlbfs", 0, "size=16M,mode=0700") != 0)
      GTEST_SKIP() << "no hugetlbfs may be mounted here";
    is_mounted_ = true;
  }
  void TearDown() override {
    if (!is_mounted_) return;
    EXPECT_EQ(::umount((top / "huge").c_str()), 0) << "a mapping is left";
  }
  StoreOptions huge(std::uint64_t bytes) {
    StoreOptions chosen = options();
    chosen.segment.directory = top / "huge";
    chosen.segment.max_bytes = bytes;
    return chosen;
  }

 private:
  bool is_mounted_ = false;
};

TEST_F(HugetlbfsTest, IsThereForTheNextProcess) {
  for (const std::uint64_t bytes : {std::uint64_t{4} << 20, (std::uint64_t{3} << 20) + kPageBytes}) {
    {
      const auto store = open(huge(bytes));
      EXPECT_EQ(store->report().opened, Opened::created);
      ASSERT_TRUE((*store->table("players", {}))->put(key_of(1), "kept"));
    }
    {
      const auto store = open(huge(bytes));
      EXPECT_EQ(store->report().opened, Opened::resumed);
      EXPECT_EQ(get(**store->table("players", {}), 1), "kept");
      poll_to_the_end(*store);
      EXPECT_TRUE(store->engine().verify());
    }
    const auto reader = Reader::open(os, top / "huge/world.okghot");
    ASSERT_TRUE(reader) << reader.error().text;
    EXPECT_TRUE((*reader)->refresh());
    std::filesystem::remove(top / "huge/world.okghot");
  }
}

TEST_F(HugetlbfsTest, WhatItHasNoPagesForIsNoSpace) {
  const base::Error error = open_error(huge(64 << 20));
  EXPECT_EQ(error.code, base::Code::no_space) << error.text;
  StoreOptions grows = huge(64 << 20);
  grows.segment.first_bytes = 2 << 20;
  const auto store = open(grows);
  const auto table = store->table("players", {});
  base::Status put;
  const std::string value(1 << 20, 'v');
  std::uint64_t key = 0;
  while (key < 64 && (put = (*table)->put(key_of(key), value))) ++key;
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, base::Code::no_space) << put.error().text;
  EXPECT_GT(key, 4U);
  EXPECT_EQ(get(**table, key - 1), value);
}

}  // namespace
}  // namespace okg::hot
