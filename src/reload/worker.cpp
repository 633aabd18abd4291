#include "reload/worker.hpp"

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <utility>

namespace okg::reload {

base::Status Worker::run(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return base::Error(base::Code::closed, "worker: closed");
  if (!thread_.joinable()) {
    // Signals are the game's: the thread inherits a mask in which none reaches it.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    try {
      thread_ = std::thread([this] { loop(); });
    } catch (const std::system_error& failed) {
      pthread_sigmask(SIG_SETMASK, &old, nullptr);
      return base::Error(base::Code::no_memory, std::string("worker thread: ") + failed.what());
    }
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    pthread_setname_np(thread_.native_handle(), "okg-worker");
  }
  tasks_.push_back(std::move(task));
  wake_.notify_one();
  return {};
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    tasks_.clear();
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool Worker::is_current() {
  const std::lock_guard lock(mutex_);
  return thread_.get_id() == std::this_thread::get_id();
}

void Worker::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (stopping_) return;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

}  // namespace okg::reload
