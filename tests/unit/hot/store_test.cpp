// What the report tells, and what happens when process after process dies young.
#include <set>
#include <thread>

#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

// Ends as a killed process does: the file as it is, nothing said. (Real kills: tests/crash/hot.)
void die(std::unique_ptr<Store> store, const std::string& file) {
  const std::string as_it_is = file + ".dead";
  std::filesystem::copy_file(file, as_it_is);
  store.reset();
  std::filesystem::rename(as_it_is, file);
}

TEST_F(HotTest, TheReportTellsWhatWasFound) {
  auto store = open();
  ASSERT_TRUE((*store->table("players", {}))->put(key_of(1), "one"));
  store.reset();
  store = open();
  EXPECT_EQ(store->report().opened, Opened::resumed);
  EXPECT_EQ(store->report().epoch, 2U);
  EXPECT_TRUE(store->report().was_clean);
  EXPECT_EQ(store->report().unclean_opens, 0U);
  EXPECT_EQ(store->report().size.records, 1U);
  EXPECT_EQ(store->report().size.bytes, 11U);
  EXPECT_GE(store->report().inherited_bytes, 4U << 20);
  EXPECT_NE(store->report().held_before_by.find("\"pid\""), std::string::npos);
  EXPECT_GE(store->report().downtime.count(), 0);
  EXPECT_LT(store->report().downtime, std::chrono::minutes(1));
}

TEST_F(HotTest, DowntimeIsNotKnownAfterANodesReboot) {
  open().reset();
  os.boot = "11111111-2222-3333-4444-555555555555";
  EXPECT_LT(open()->report().downtime.count(), 0);
}

TEST_F(HotTest, DeathsInARowAreCounted) {
  for (std::uint64_t deaths = 0; deaths < 4; ++deaths) {
    auto store = open();
    EXPECT_EQ(store->report().unclean_opens, deaths);
    EXPECT_EQ(store->report().was_clean, deaths == 0);
    EXPECT_FALSE(store->report().is_crash_loop) << "three killed updates are no loop";
    die(std::move(store), file());
  }
  auto store = open();
  store.reset();  // in good order
  store = open();
  EXPECT_EQ(store->report().unclean_opens, 0U);
}

TEST_F(HotTest, WhoLivesLongEnoughEndsTheCount) {
  die(open(), file());
  auto store = open();
  EXPECT_EQ(store->report().unclean_opens, 1U);
  os.monotonic_shift_ns = 61'000'000'000;
  store->poll(std::chrono::milliseconds(1));
  die(std::move(store), file());
  EXPECT_EQ(open()->report().unclean_opens, 1U);
}

class CrashLoopTest : public HotTest {
 protected:
  void SetUp() override {
    auto store = open();
    ASSERT_TRUE((*store->table("players", {}))->put(key_of(1), "poison"));
    die(std::move(store), file());
    for (int i = 0; i < 4; ++i) die(open(), file());
  }
  StoreOptions with(OnCrashLoop policy) {
    auto chosen = options();
    chosen.on_crash_loop = policy;
    return chosen;
  }
};

TEST_F(CrashLoopTest, IsReportedAndResumedUnlessAskedOtherwise) {
  const auto store = open();
  EXPECT_TRUE(store->report().is_crash_loop);
  EXPECT_EQ(store->report().opened, Opened::resumed);
  EXPECT_EQ(get(**store->table("players", {}), 1), "poison");
}

TEST_F(CrashLoopTest, ReadOnlyIsReadOnly) {
  auto store = open(with(OnCrashLoop::read_only));
  EXPECT_EQ(store->report().opened, Opened::read_only);
  const auto table = store->table("players", {});
  ASSERT_TRUE(table);
  EXPECT_EQ(get(**table, 1), "poison");
  EXPECT_EQ((*table)->put(key_of(1), "cure").error().code, base::Code::denied);
  EXPECT_EQ((*table)->erase(key_of(1)).error().code, base::Code::denied);
  EXPECT_EQ(store->table("others", {}).error().code, base::Code::denied);
  os.monotonic_shift_ns = 61'000'000'000;
  EXPECT_FALSE(store->poll(std::chrono::milliseconds(1)));
  store.reset();
  EXPECT_TRUE(open()->report().is_crash_loop) << "nobody has mended it";
}

TEST_F(CrashLoopTest, QuarantineKeepsTheFileUnderAnotherName) {
  const auto store = open(with(OnCrashLoop::quarantine));
  EXPECT_EQ(store->report().opened, Opened::quarantined);
  EXPECT_EQ(store->engine().size().records, 0U);
  ASSERT_TRUE(std::filesystem::exists(store->report().quarantined_as)) << store->report().quarantined_as;
  // Nothing of it is lost.
  auto chosen = options();
  chosen.segment.name = "aside";
  std::filesystem::rename(store->report().quarantined_as, top / "hot/aside.okghot");
  const auto aside = open(chosen);
  EXPECT_EQ(get(**aside->table("players", {}), 1), "poison");
}

TEST_F(CrashLoopTest, NoQuarantineTakesTheFileOfAnother) {
  std::set<std::string> aside;
  for (int loop = 0; loop < 3; ++loop) {
    auto store = open(with(OnCrashLoop::quarantine));
    ASSERT_EQ(store->report().opened, Opened::quarantined);
    EXPECT_TRUE(aside.insert(store->report().quarantined_as).second) << store->report().quarantined_as;
    for (int i = 0; i < 5; ++i) {
      die(std::move(store), file());
      store = open();
    }
    die(std::move(store), file());
  }
  for (const std::string& path : aside) EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(CrashLoopTest, WithoutRoomForANewFileTheOldOneStays) {
  os.fail_every(okg::test::Call::fallocate, ENOSPC);
  EXPECT_EQ(open_error(with(OnCrashLoop::quarantine)).code, base::Code::no_space);
  os.reset();
  for (const auto& entry : std::filesystem::directory_iterator(top / "hot"))
    EXPECT_NE(entry.path().filename().string().front(), '.') << entry.path();
  const auto store = open();
  EXPECT_TRUE(store->report().is_crash_loop) << "an error is no orderly end";
  EXPECT_EQ(get(**store->table("players", {}), 1), "poison");
}

TEST_F(HotTest, PollFindsTheRoomThereIsWithinItsBudget) {
  open().reset();
  const auto store = open();
  while (store->poll(std::chrono::milliseconds(1))) {
  }
  EXPECT_GT(os.calls(okg::test::Call::populate), 0U);
  EXPECT_FALSE(store->poll(std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace okg::hot
