// Memory in large pages, where the kernel gives them, and what happens where it does not.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>

#include "base/unique_fd.hpp"
#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

constexpr std::uint64_t kBytes = 4 * base::kLargePageBytes;

class LargePageTest : public HotTest {
 protected:
  StoreOptions large() {
    StoreOptions chosen = options();
    chosen.segment.max_bytes = kBytes;
    return chosen;
  }
  // Does this machine make one here, for anybody? Asked without a line of okg's.
  bool can_be_made() {
    constexpr std::size_t kLarge = 2 << 20;
    constexpr int kCollapse = 25;                // MADV_COLLAPSE
    constexpr std::size_t kWanted = 2 * kBytes;  // of what is left, some may go elsewhere meanwhile
    const base::UniqueFd fd(::open((top / "scratch").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (::ftruncate(fd.get(), kWanted) != 0) return false;
    void* const mapped = ::mmap(nullptr, kWanted + kLarge, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (mapped == MAP_FAILED) return false;
    // A large page is one of the file and of the address space.
    void* const again =
        ::mmap(reinterpret_cast<void*>(padded(reinterpret_cast<std::uintptr_t>(mapped), kLarge)), kWanted,
               PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd.get(), 0);
    for (std::size_t at = 0; at < kWanted; at += kLarge) static_cast<volatile char*>(again)[at] = 1;
    const bool made = ::madvise(again, kWanted, kCollapse) == 0;
    ::munmap(mapped, kWanted + kLarge);
    ::ftruncate(fd.get(), 0);
    return made;
  }
  // How much of the segment this process has as large pages, as the kernel says it.
  std::uint64_t mapped_as_large() {
    std::ifstream smaps("/proc/self/smaps");
    bool is_ours = false;
    for (std::string line; std::getline(smaps, line);) {
      if (line.ends_with(".okghot")) is_ours = true;
      if (constexpr std::string_view kName = "ShmemPmdMapped:"; is_ours && line.starts_with(kName))
        return std::stoull(line.substr(kName.size())) << 10;
    }
    return 0;
  }
};

TEST_F(LargePageTest, TheNextProcessHasThemToo) {
  if (!can_be_made()) GTEST_SKIP() << "this kernel makes no large pages of a tmpfs now";
  {
    const auto store = open(large());
    EXPECT_EQ(mapped_as_large(), kBytes);
    ASSERT_TRUE((*store->table("players", {}))->put(key_of(1), "kept"));
  }
  const auto store = open(large());
  EXPECT_EQ(get(**store->table("players", {}), 1), "kept");
  poll_to_the_end(*store);
  EXPECT_EQ(mapped_as_large(), kBytes);
}

TEST_F(LargePageTest, GrowthHasThemToo) {
  if (!can_be_made()) GTEST_SKIP() << "this kernel makes no large pages of a tmpfs now";
  StoreOptions grows = large();
  grows.segment.first_bytes = 1 << 20;
  const auto store = open(grows);
  EXPECT_EQ(mapped_as_large(), 0U);
  const std::string value(kBytes / 4, 'v');
  ASSERT_TRUE((*store->table("players", {}))->put(key_of(1), value));
  EXPECT_GT(mapped_as_large(), 0U);
}

TEST_F(LargePageTest, WithoutThemAllIsThereAllTheSame) {
  for (const int error : {EINVAL, ENOMEM, EAGAIN}) {
    os.fail_every(okg::test::Call::make_large_page, error);
    std::filesystem::remove(file());
    const auto store = open(large());
    const auto table = store->table("players", {});
    const std::string value(1 << 20, 'v');
    for (std::uint64_t key = 0; key < 5; ++key) ASSERT_TRUE((*table)->put(key_of(key), value));
    EXPECT_EQ(get(**table, 4), value);
  }
}

}  // namespace
}  // namespace okg::hot
