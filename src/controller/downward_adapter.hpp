// The controller without any rights: what the kubelet writes into the pod's downward volume comes in, and the
// token of `okg probe ops` goes out. Of what can be set only opsState and the hooks' labels go this way; it
// takes seconds, and a patch has ended when the volume shows what it asked for.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/os.hpp"
#include "controller/adapter.hpp"
#include "controller/ops_token.hpp"
#include "controller/podinfo.hpp"

namespace okg::controller {

class DownwardAdapter final : public Adapter {
 public:
  // `run_directory`: -1, and nothing can be said. It stays the caller's.
  DownwardAdapter(boost::asio::io_context& io, base::Os& os, std::string podinfo_directory, int run_directory,
                  HandshakeOptions hooks, base::Log log);
  ~DownwardAdapter() override { stop(); }

  const char* name() const override { return "downward"; }
  void start(AdapterSink sink) override;
  void send(Patch patch) override;
  void reread() override;
  void tick() override;
  void stop() override { *alive_ = false; }

 private:
  void later(std::function<void()> call);
  void carry_out(Patch patch);
  bool apply(const Field& field, const Value& value, OpsToken& token) const;
  void follow(const Object& object);
  void trouble(const std::string& text);

  boost::asio::io_context& io_;
  base::Os& os_;
  Podinfo podinfo_;
  int run_;
  HandshakeOptions hooks_;
  base::Log log_;
  AdapterSink sink_;
  OpsToken said_;
  std::string state_;  // the opsState, as far as we know
  ObjectPtr object_;
  std::optional<Patch> pending_;
  Nanoseconds pending_since_ = 0;
  std::string trouble_;
  bool linked_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace okg::controller
