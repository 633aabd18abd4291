// One accepted connection as the thread that serves it uses it: TLS by OpenSSL, or none.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "support/certificates.hpp"

namespace okg::test {

// Wakes a thread out of poll(); lives as long as whoever may want to.
class Waker {
 public:
  Waker();
  void wake() const;
  void clear() const;
  int fd() const { return fd_.get(); }

 private:
  base::UniqueFd fd_;
};

class FakeWire {
 public:
  explicit FakeWire(base::UniqueFd socket);
  ~FakeWire();

  // Its thread only.
  bool accept(const Certificate& certificate, int newest_tls = 0);  // TLS from here on; 0: any version
  // Waits for the first; nullopt: the client has gone, or somebody woke us (see woken()).
  std::optional<std::string> read_some();
  bool woken() const { return woken_; }
  // Until somebody wakes us, or the time is over, or the client is gone. What it says is thrown away.
  void wait(std::chrono::milliseconds most);
  void wait_woken();                   // and leaves what the client says where it is
  bool write(std::string_view bytes);  // in one record, where it is not too long; false: the client is gone
  bool gone() const { return gone_; }
  void close();  // in order: close_notify, then FIN
  void cut();    // FIN alone
  void reset();  // RST

  // Any thread.
  void interrupt();  // as cut(), whatever its thread does
  const std::shared_ptr<Waker>& waker() const { return waker_; }

 private:
  struct Tls;
  bool readable(std::chrono::milliseconds most);

  base::UniqueFd socket_;
  std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();
  std::unique_ptr<Tls> tls_;
  bool woken_ = false;
  std::atomic<bool> gone_{false};
};

}  // namespace okg::test
