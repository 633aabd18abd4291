// Who may have which file: made whole, held by one, ours alone, and as it was when it is none.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

TEST_F(HotTest, ANewFileIsOursAlone) {
  const auto store = open();
  EXPECT_EQ(store->report().opened, Opened::created);
  EXPECT_EQ(store->report().epoch, 1U);
  EXPECT_EQ(store->report().inherited_bytes, 0U);
  struct stat info{};
  ASSERT_EQ(::stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(info.st_size, 4 << 20);
  EXPECT_GE(info.st_blocks * 512, 4 << 20) << "every byte is there before it is touched";
  ASSERT_EQ(::stat((top / "hot").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(HotTest, OneHasItAtATime) {
  const auto store = open();
  const base::Error error = open_error();
  EXPECT_EQ(error.code, base::Code::in_use);
  EXPECT_NE(error.text.find("\"pid\":" + std::to_string(::getpid())), std::string::npos) << error.text;
}

TEST_F(HotTest, TheNextOneWaitsForTheLock) {
  auto store = open();
  auto chosen = options();
  chosen.segment.lock_wait = std::chrono::seconds(20);
  std::unique_ptr<Store> next;
  std::thread waiting([&] { next = open(chosen); });
  const auto tried = os.calls(okg::test::Call::lock_open_file);
  while (os.calls(okg::test::Call::lock_open_file) < tried + 2) std::this_thread::yield();
  store.reset();
  waiting.join();
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->report().opened, Opened::resumed);
}

TEST_F(HotTest, WaitingForTheLockCanBeEnded) {
  const auto store = open();
  auto chosen = options();
  chosen.segment.lock_wait = std::chrono::hours(1);
  std::stop_source stop;
  chosen.segment.stop = stop.get_token();
  const auto tried = os.calls(okg::test::Call::lock_open_file);
  std::thread stopper([&] {
    while (os.calls(okg::test::Call::lock_open_file) < tried + 2) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ(open_error(chosen).code, base::Code::in_use);
  stopper.join();
}

// Any close() of the file in the process gives up a lock of fcntl(F_SETLK).
TEST_F(HotTest, AStrangersCloseDoesNotGiveTheLockUp) {
  const auto store = open();
  for (const char* name : {"hot/world.okghot", "hot/world.lock"})
    ::close(::open((top / name).c_str(), O_RDONLY));
  EXPECT_EQ(open_error().code, base::Code::in_use);
}

TEST_F(HotTest, AForkedChildNeitherSeesNorHoldsIt) {
  auto store = open();
  const auto table = store->table("players", {});
  ASSERT_TRUE((*table)->put(key_of(1), "one"));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[1]);
    const bool is_gone = (*table)->put(key_of(1), "two").error().code == base::Code::closed &&
                         get(**table, 1) == "(damaged)" && store->engine().size().records == 0 &&
                         !store->poll(std::chrono::seconds(1));
    store.reset();
    char byte = 0;
    (void)!::read(ends[0], &byte, 1);  // lives on when the parent's store is closed
    ::_exit(is_gone ? 0 : 1);
  }
  store.reset();
  auto chosen = options();
  chosen.segment.lock_wait = std::chrono::seconds(10);  // until the child has run for the first time
  store = open(chosen);
  ASSERT_NE(store, nullptr) << "the child holds the lock";
  EXPECT_TRUE(store->report().was_clean);
  EXPECT_EQ(get(**store->table("players", {}), 1), "one");
  ::close(ends[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  ::close(ends[0]);
}

TEST_F(HotTest, WhatIsNotOursAloneIsRefused) {
  open().reset();
  ASSERT_EQ(::chmod(file().c_str(), 0640), 0);
  EXPECT_EQ(open_error().code, base::Code::denied);
  ASSERT_EQ(::chmod(file().c_str(), 0600), 0);
  ASSERT_EQ(::link(file().c_str(), (top / "hot/other").c_str()), 0);
  EXPECT_EQ(open_error().code, base::Code::denied);
  ASSERT_EQ(::unlink((top / "hot/other").c_str()), 0);
  os.uid = 4711;
  const base::Error error = open_error();
  EXPECT_EQ(error.code, base::Code::denied);
  EXPECT_NE(error.text.find("4711"), std::string::npos) << error.text;
}

TEST_F(HotTest, LinksAndOtherKindsOfFilesAreRefused) {
  open().reset();
  ASSERT_EQ(::rename(file().c_str(), (top / "elsewhere").c_str()), 0);
  ASSERT_EQ(::symlink((top / "elsewhere").c_str(), file().c_str()), 0);
  EXPECT_EQ(open_error().code, base::Code::denied);
  ASSERT_EQ(::unlink(file().c_str()), 0);
  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
  EXPECT_EQ(open_error().code, base::Code::denied);
}

TEST_F(HotTest, ANameIsAFilesName) {
  for (const char* name : {"", ".", "..", "a/b", ".hidden", "a.b", "white space", "ü", "a\nb"}) {
    auto chosen = options();
    chosen.segment.name = name;
    EXPECT_EQ(open_error(chosen).code, base::Code::invalid_argument) << name;
  }
}

TEST_F(HotTest, WhatIsCutOffIsLeftAsItIs) {
  open().reset();
  const std::string whole = okg::test::read_file(file());
  for (const std::size_t size :
       {0UL, 1UL, 127UL, 128UL, 4095UL, 4096UL, 8192UL, 100'000UL, whole.size() - 1}) {
    ASSERT_EQ(::truncate(file().c_str(), static_cast<off_t>(size)), 0);
    const base::Error error = open_error();
    EXPECT_EQ(error.code, base::Code::corrupt) << size << ": " << error.text;
    EXPECT_EQ(okg::test::read_file(file()).size(), size);
    std::ofstream(file(), std::ios::binary).write(whole.data(), static_cast<std::streamsize>(whole.size()));
  }
  EXPECT_EQ(open()->report().opened, Opened::resumed);
}

TEST_F(HotTest, ANewerFormatIsLeftAsItIs) {
  open().reset();
  const std::string before = [&] {
    std::fstream change(file(), std::ios::in | std::ios::out | std::ios::binary);
    change.seekp(offsetof(Header, major));
    change.put(9);
    change.close();
    return okg::test::read_file(file());
  }();
  const base::Error error = open_error();
  EXPECT_EQ(error.code, base::Code::unsupported);
  EXPECT_NE(error.text.find("9.0"), std::string::npos) << error.text;
  EXPECT_TRUE(okg::test::read_file(file()) == before);
}

TEST_F(HotTest, LeftoversOfAKilledMakerAreSweptAway) {
  std::filesystem::create_directories(top / "hot");
  okg::test::write_file(top / "hot/.world.okghot.0123456789abcdef", "half");
  okg::test::write_file(top / "hot/.other.okghot.0123456789abcdef", "not ours");
  open();
  EXPECT_FALSE(std::filesystem::exists(top / "hot/.world.okghot.0123456789abcdef"));
  EXPECT_TRUE(std::filesystem::exists(top / "hot/.other.okghot.0123456789abcdef"));
}

TEST_F(HotTest, ALittleRoomAtFirstIsNeverMoreThanThereMayBe) {
  auto chosen = options();
  chosen.segment.max_bytes = 1310720;
  chosen.segment.shards = 16;
  chosen.segment.first_bytes = 1;
  auto store = open(chosen);
  ASSERT_TRUE((*store->table("players", {}))->put(key_of(1), "one"));
  store.reset();
  EXPECT_NE(open(chosen), nullptr);
}

TEST_F(HotTest, HolesOfACopyAreFilledBeforeTheyAreTouched) {
  open().reset();
  const std::string whole = okg::test::read_file(file());
  ASSERT_EQ(::truncate(file().c_str(), 0), 0);
  ASSERT_EQ(::truncate(file().c_str(), static_cast<off_t>(whole.size())), 0);
  std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
  out.write(whole.data(), 64 * 1024);  // as cp --sparse: the rest is zeros, of which nothing was touched
  out.close();
  ASSERT_NE(open(), nullptr);
  struct stat info{};
  ASSERT_EQ(::stat(file().c_str(), &info), 0);
  EXPECT_GE(info.st_blocks * 512, 4 << 20);
}

// Beyond it the kernel would end the process.
TEST_F(HotTest, TheLargestFileThatMayBeIsAskedFirst) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1 << 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const base::Error error = open_error();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(error.code, base::Code::no_space);
  EXPECT_NE(error.text.find("RLIMIT_FSIZE"), std::string::npos) << error.text;
}

TEST_F(HotTest, ItGrowsWhereItMay) {
  auto chosen = options();
  chosen.segment.max_bytes = 256 << 20;
  chosen.segment.first_bytes = 1 << 20;
  auto store = open(chosen);
  const auto table = store->table("players", {});
  const auto size = [&] { return std::filesystem::file_size(file()); };
  const auto first = size();
  EXPECT_LT(first, 16U << 20);
  for (std::uint64_t key = 0; key < 20; ++key)
    ASSERT_TRUE((*table)->put(key_of(key), std::string(4 << 20, static_cast<char>('a' + key))));
  EXPECT_GT(size(), 80U << 20);
  ASSERT_TRUE(store->engine().verify());
  store.reset();
  store = open(chosen);
  const auto again = store->table("players", {});
  EXPECT_EQ(store->report().size.records, 20U);
  std::string value(4 << 20, '\0');
  std::size_t bytes = 0;
  ASSERT_EQ((*again)->get(key_of(7), value.data(), value.size(), &bytes), Got::found);
  EXPECT_EQ(value, std::string(4 << 20, 'h'));
}

TEST_F(HotTest, TheMemoryLimitIsAskedFirst) {
  auto chosen = options();
  chosen.segment.cgroup_root = top / "cgroup";
  okg::test::write_file(top / "cgroup/memory.max", "67108864\n");
  okg::test::write_file(top / "cgroup/memory.current", "66000000\n");
  okg::test::write_file(top / "cgroup/memory.stat", "anon 1\ninactive_file 0\n");
  const base::Error error = open_error(chosen);
  EXPECT_EQ(error.code, base::Code::no_headroom);
  EXPECT_FALSE(std::filesystem::exists(file()));
  okg::test::write_file(top / "cgroup/memory.stat", "anon 1\ninactive_file 60000000\n");
  EXPECT_NE(open(chosen), nullptr);
  // What was there before us is charged to the pod, though our own counter does not show it.
  chosen.segment.name = "growing";
  chosen.segment.max_bytes = 60 << 20;
  chosen.segment.first_bytes = 40 << 20;
  okg::test::write_file(top / "cgroup/memory.current", "1000\n");
  okg::test::write_file(top / "cgroup/memory.max", std::to_string(44 << 20) + "\n");
  EXPECT_NE(open(chosen), nullptr);
  const auto resumed = open(chosen);
  const auto table = resumed->table("players", {});
  base::Status done;
  for (std::uint64_t key = 0; key < 60 && done; ++key)
    done = (*table)->put(key_of(key), std::string(1 << 20, 'x'));
  EXPECT_EQ(done.error().code, base::Code::no_headroom);
}

}  // namespace
}  // namespace okg::hot
