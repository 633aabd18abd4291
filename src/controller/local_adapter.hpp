// The controller of a laptop: a file, <run>/gameserver.json. Who edits it, by hand or by `okg local`, plays
// OKG.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "controller/adapter.hpp"

namespace okg::controller {

class LocalAdapter final : public Adapter {
 public:
  // The descriptor stays the caller's.
  LocalAdapter(boost::asio::io_context& io, base::Os& os, int run_directory, std::string run_path,
               std::string name, base::Log log);
  ~LocalAdapter() override { stop(); }

  const char* name() const override { return "local"; }
  void start(AdapterSink sink) override;
  void send(Patch patch) override;
  void reread() override;
  void tick() override;
  void stop() override;

 private:
  void watch();
  void look(bool again);
  void later(std::function<void()> call);

  boost::asio::io_context& io_;
  base::Os& os_;
  int run_;
  std::string run_path_, name_;
  base::Log log_;
  AdapterSink sink_;
  base::UniqueFd inotify_fd_;
  boost::asio::posix::stream_descriptor inotify_;
  std::optional<std::string> text_;  // of the file, as it was last seen
  std::string trouble_;
  bool linked_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace okg::controller
