// A timer of the io thread's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace okg::controller {

// What it was set for does not happen once it was set anew, cancelled or destroyed: not even when the time
// was over already, and only its turn had not come.
class Alarm {
 public:
  explicit Alarm(boost::asio::io_context& io) : timer_(io) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { ++*turn_; }

  void set(std::chrono::milliseconds after, std::function<void()> call) {
    timer_.expires_after(after);
    armed_ = true;
    timer_.async_wait([this, turn = turn_, mine = ++*turn_, call = std::move(call)](auto error) {
      if (error || *turn != mine) return;  // we may be gone
      armed_ = false;
      call();
    });
  }
  void cancel() {
    ++*turn_;
    armed_ = false;
    timer_.cancel();
  }
  // It was set, and that is still to happen.
  bool armed() const { return armed_; }

 private:
  bool armed_ = false;
  boost::asio::steady_timer timer_;
  std::shared_ptr<std::uint64_t> turn_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace okg::controller
