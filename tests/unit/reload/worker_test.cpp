#include "reload/worker.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace okg::reload {
namespace {

TEST(Worker, RunsTasksInOrderOnOneOtherThread) {
  std::vector<int> order;  // touched by the worker only, until stop()
  std::vector<std::thread::id> threads;
  std::promise<void> done;
  Worker worker;
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(worker.run([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    }));
  ASSERT_TRUE(worker.run([&] { done.set_value(); }));
  done.get_future().wait();
  worker.stop();
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_NE(threads.front(), std::this_thread::get_id());
  EXPECT_EQ(std::count(threads.begin(), threads.end(), threads.front()), 100);
}

TEST(Worker, StopWaitsForWhatRunsAndDropsWhatHasNotBegun) {
  Worker worker;
  std::promise<void> begun, go_on;
  bool finished = false;
  auto dropped = std::make_shared<int>(1);
  ASSERT_TRUE(worker.run([&] {
    begun.set_value();
    go_on.get_future().wait();
    finished = true;
  }));
  std::atomic<bool> ran = false;
  ASSERT_TRUE(worker.run([&ran, dropped] { ran = true; }));
  begun.get_future().wait();
  std::thread stopper([&] { worker.stop(); });
  while (dropped.use_count() > 1) std::this_thread::yield();  // stop() has thrown it away
  go_on.set_value();
  stopper.join();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(ran);
}

TEST(Worker, AfterStopItIsClosed) {
  Worker worker;
  worker.stop();
  worker.stop();
  const auto refused = worker.run([] {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Code::closed);
}

TEST(Worker, ATaskIsDestroyedBeforeTheNextBegins) {
  Worker worker;
  auto held = std::make_shared<int>(1);
  std::promise<long> count;
  ASSERT_TRUE(worker.run([held] {}));
  ASSERT_TRUE(worker.run([&, weak = std::weak_ptr(held)] { count.set_value(weak.use_count()); }));
  EXPECT_EQ(count.get_future().get(), 1);
}

TEST(Worker, ATaskMayAskForAnother) {
  Worker worker;
  std::promise<void> done;
  ASSERT_TRUE(worker.run([&] { EXPECT_TRUE(worker.run([&] { done.set_value(); })); }));
  done.get_future().wait();
}

TEST(Worker, TakesNoSignals) {
  Worker worker;
  std::promise<bool> blocked;
  ASSERT_TRUE(worker.run([&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked.set_value(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1);
  }));
  EXPECT_TRUE(blocked.get_future().get());
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  EXPECT_EQ(sigismember(&mine, SIGTERM), 0);
}

// In a child, since a limit on processes is for good; not as root, who has none.
TEST(Worker, WithoutAThreadItSaysSo) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(12'345) != 0) ::_exit(77);
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_NPROC, &none) != 0) ::_exit(77);
    Worker worker;
    const auto started = worker.run([] {});
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    const bool well = !started && started.error().code == base::Code::no_memory &&
                      started.error().retriable && sigismember(&mask, SIGTERM) == 0;
    ::_exit(well ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "processes cannot be limited here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace okg::reload
