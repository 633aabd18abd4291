// The system fails at every single call of an open: one clear error, nothing changed, and the next open goes
// well.
#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

class HotFaultTest : public HotTest {
 protected:
  void each_call_fails(bool is_there, int error) {
    for (std::uint64_t n = 1;; ++n) {
      okg::test::TemporaryDirectory::remove(top / "hot");
      os.reset();
      if (is_there) {
        auto store = open();
        ASSERT_TRUE((*store->table("players", {}))->put(key_of(1), "one"));
      }
      os.reset();
      os.fail_nth(n, error);
      auto store = Store::open(os, options());
      const bool failed_any = os.failed() > 0;
      os.reset();
      if (!store) {
        EXPECT_FALSE(store.error().text.empty());
        EXPECT_EQ(store.error().text.find('\n'), std::string::npos);
        EXPECT_EQ(std::filesystem::exists(file()), is_there) << "call " << n << ": " << store.error().text;
        store = Store::open(os, options());
        ASSERT_TRUE(store) << "after call " << n << " failed: " << store.error().text;
      }
      const auto table = (*store)->table("players", {});
      ASSERT_TRUE(table);
      EXPECT_EQ(get(**table, 1), is_there ? "one" : "(missing)") << "call " << n;
      ASSERT_TRUE((*table)->put(key_of(2), "two"));
      for (const auto& entry : std::filesystem::directory_iterator(top / "hot"))
        EXPECT_NE(entry.path().filename().string().front(), '.') << "call " << n << " left " << entry.path();
      if (!failed_any) {
        EXPECT_GT(n, 8U);
        return;
      }
    }
  }
};

TEST_F(HotFaultTest, WhileItIsMade) {
  for (const int error : {EIO, ENOSPC, EMFILE, ENOMEM, EACCES}) each_call_fails(false, error);
}

TEST_F(HotFaultTest, WhileItIsResumed) {
  for (const int error : {EIO, ENOSPC, EMFILE, ENOMEM, EACCES}) each_call_fails(true, error);
}

// Whatever fails on the way: the old file is where it was, or under the name that the report gives.
TEST_F(HotFaultTest, WhileItIsPutAside) {
  auto chosen = options();
  chosen.on_crash_loop = OnCrashLoop::quarantine;
  chosen.crash_loop_opens = 1;
  for (std::uint64_t n = 1;; ++n) {
    okg::test::TemporaryDirectory::remove(top / "hot");
    os.reset();
    {
      auto store = open();
      ASSERT_TRUE((*store->table("players", {}))->put(key_of(1), "poison"));
      std::filesystem::copy_file(file(), top / "dead");
    }
    std::filesystem::rename(top / "dead", file());  // as a killed process leaves it
    os.fail_nth(n, EIO);
    auto store = Store::open(os, chosen);
    const bool failed_any = os.failed() > 0;
    os.reset();
    std::string poisoned = file();
    if (store) {
      EXPECT_EQ((*store)->report().opened, Opened::quarantined) << "call " << n;
      poisoned = (*store)->report().quarantined_as;
      store->reset();
    }
    ASSERT_TRUE(std::filesystem::exists(poisoned))
        << "call " << n << (store ? "" : ": " + store.error().text);
    std::filesystem::rename(poisoned, top / "hot/aside.okghot");
    auto aside = options();
    aside.segment.name = "aside";
    const auto kept = open(aside);
    ASSERT_NE(kept, nullptr) << "call " << n;
    EXPECT_EQ(get(**kept->table("players", {}), 1), "poison") << "call " << n;
    if (!failed_any) return;
  }
}

TEST_F(HotFaultTest, AFullFileSystemIsToldBeforeAByteIsTouched) {
  os.fail_every(okg::test::Call::fallocate, ENOSPC);
  const base::Error error = open_error();
  EXPECT_EQ(error.code, base::Code::no_space);
  EXPECT_NE(error.text.find("sizeLimit"), std::string::npos) << error.text;
  EXPECT_TRUE(std::filesystem::is_empty(top / "hot") || !std::filesystem::exists(file()));
}

TEST_F(HotFaultTest, RoomThatCannotBeHadWhileGrowingChangesNothing) {
  auto chosen = options();
  chosen.segment.max_bytes = 64 << 20;
  chosen.segment.first_bytes = 1 << 20;
  auto store = open(chosen);
  const auto table = store->table("players", {});
  os.fail_every(okg::test::Call::fallocate, ENOSPC);
  EXPECT_EQ((*table)->put(key_of(1), std::string(8 << 20, 'x')).error().code, base::Code::no_space);
  EXPECT_EQ(store->engine().size().records, 0U);
  ASSERT_TRUE(store->engine().verify());
  os.reset();
  EXPECT_TRUE((*table)->put(key_of(1), std::string(8 << 20, 'x')));
}

TEST_F(HotFaultTest, InterruptedCallsAreRepeated) {
  for (const auto call :
       {okg::test::Call::pread, okg::test::Call::fallocate, okg::test::Call::lock_open_file})
    os.interrupt(call);
  EXPECT_NE(open(), nullptr);
}

}  // namespace
}  // namespace okg::hot
