// The room with an OpenSSL of its own inside, as libokg is built, for host.cpp to load and unload. Asks the
// API server of the environment GET / again and again.
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/environment.hpp"
#include "kube/config.hpp"
#include "kube/tls_transport.hpp"

namespace {

using namespace std::chrono_literals;

struct Asker {
  boost::asio::io_context io{1};
  std::unique_ptr<okg::kube::Transport> transport;
  std::mutex mutex;
  std::condition_variable changed;
  int answers = 0, failures = 0;
  bool stopping = false;
  std::thread thread;

  void ask() {
    transport->send({.target = "/"}, 20s, [this](const okg::base::Result<okg::kube::Response>& result) {
      const std::lock_guard hold(mutex);
      ++(result ? answers : failures);
      changed.notify_all();
      if (!stopping) ask();
    });
  }
};

}  // namespace

#define OKG_TEST_EXPORT extern "C" __attribute__((visibility("default")))

OKG_TEST_EXPORT void* okg_test_start() {
  const auto config = okg::kube::in_cluster_config(okg::base::Os::real(), okg::base::process_environment());
  if (!config) return nullptr;
  auto asker = std::make_unique<Asker>();
  asker->transport = okg::kube::make_tls_transport(asker->io, okg::base::Os::real(), *config, {});
  asker->ask();
  asker->thread = std::thread([raw = asker.get()] { raw->io.run(); });
  return asker.release();
}

// For so many more of them.
OKG_TEST_EXPORT int okg_test_wait(void* handle, int answers) {
  auto* const asker = static_cast<Asker*>(handle);
  std::unique_lock hold(asker->mutex);
  answers += asker->answers;
  return asker->changed.wait_for(hold, 20s,
                                 [&] { return asker->answers >= answers || asker->failures > 0; }) &&
                 asker->failures == 0
             ? 1
             : 0;
}

OKG_TEST_EXPORT void okg_test_stop(void* handle) {
  const std::unique_ptr<Asker> asker(static_cast<Asker*>(handle));
  {
    const std::lock_guard hold(asker->mutex);
    asker->stopping = true;
  }
  asker->io.stop();
  asker->thread.join();
  asker->transport.reset();
}
