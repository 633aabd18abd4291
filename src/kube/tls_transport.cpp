#include "kube/tls_transport.hpp"

#include "base/fork.hpp"
#include "kube/request_lane.hpp"
#include "kube/stream_lane.hpp"

namespace okg::kube {
namespace {

class TlsTransport final : public Transport {
 public:
  TlsTransport(boost::asio::io_context& io, base::Os& os, Config config, base::Log log,
               TransportLimits limits)
      : lanes_(std::make_unique<Lanes>()) {
    const auto access = std::make_shared<Access>(os, std::move(config), log, limits);
    lanes_->requests = std::make_shared<RequestLane>(io, access);
    lanes_->streams = std::make_shared<StreamLane>(io, access);
  }
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;
  ~TlsTransport() override {
    // What a child holds of the io loop is in an unknown state, and the connections are the parent's.
    if (forked())
      static_cast<void>(lanes_.release());
    else
      TlsTransport::close();
  }

  void send(Request request, std::chrono::milliseconds deadline, Done done) override {
    if (!forked()) lanes_->requests->send(std::move(request), deadline, std::move(done));
  }
  void stream(Request request, std::chrono::milliseconds open_deadline, std::chrono::milliseconds silence,
              StreamHandlers handlers) override {
    if (!forked()) lanes_->streams->stream(std::move(request), open_deadline, silence, std::move(handlers));
  }
  void stop_stream() override {
    if (!forked()) lanes_->streams->stop();
  }
  void close() override {
    if (forked()) return;
    lanes_->requests->close();
    lanes_->streams->close();
  }

 private:
  struct Lanes {
    std::shared_ptr<RequestLane> requests;
    std::shared_ptr<StreamLane> streams;
  };

  bool forked() const { return born_in_ != base::fork_generation(); }

  const unsigned born_in_ = base::fork_generation();
  std::unique_ptr<Lanes> lanes_;
};

}  // namespace

std::unique_ptr<Transport> make_tls_transport(boost::asio::io_context& io, base::Os& os, Config config,
                                              base::Log log, TransportLimits limits) {
  return std::make_unique<TlsTransport>(io, os, std::move(config), log, limits);
}

}  // namespace okg::kube
