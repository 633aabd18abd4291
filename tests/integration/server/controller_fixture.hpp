// A server off-cluster: a file is the GameServer, and the test plays OpenKruiseGame.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>

#include "scene.hpp"

namespace okg::test {

using nlohmann::json;

// <run>/gameserver.json as somebody edits it.
class Controller {
 public:
  explicit Controller(const Scene& scene)
      : file_(scene.run_dir() + "/gameserver.json"), lock_(scene.run_dir() + "/.gameserver.lock") {}

  json read() const {
    std::ifstream in(file_);
    return json::parse(in, nullptr, false);
  }
  // As an editor does: all of it anew, in place.
  void write(const json& gameserver) const { std::ofstream(file_) << gameserver.dump(2) << "\n"; }
  void write_text(const std::string& text) const { std::ofstream(file_) << text; }
  // Under the lock that okg's own edits take: an edit by hand may lose against one of the same microsecond.
  void set(const json& patch) const {
    const int lock = ::open(lock_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(::flock(lock, LOCK_EX), 0);
    json gameserver = read();
    gameserver.merge_patch(patch);
    write(gameserver);
    ::close(lock);
  }
  void ops_state(const std::string& state) const { set({{"spec", {{"opsState", state}}}}); }
  void lifecycle(const std::string& state) const {
    set({{"metadata", {{"labels", {{"lifecycle.apps.kruise.io/state", state}}}}}});
  }
  std::string ops_state() const { return read().at("spec").at("opsState"); }
  std::optional<std::string> label(const std::string& key) const {
    const json labels = read().at("metadata").at("labels");
    return labels.contains(key) ? std::optional(labels.at(key).get<std::string>()) : std::nullopt;
  }

 private:
  std::string file_, lock_;
};

inline constexpr char kHook[] = "gs-sync/update-block";

class ControllerTest : public ::testing::Test {
 protected:
  ControllerTest() { server_.emplace(scene_.options()); }

  // Until the game has been told of its GameServer.
  void start() {
    auto told = std::make_shared<bool>(false);
    server_->on_change([told](const GameServerSnapshot&) { *told = true; });
    ASSERT_TRUE(server_->start());
    ASSERT_TRUE(poll_until(*server_, [&] { return *told; }));
    // What it reports at its start is written: from here on an edit by hand loses against nothing of ours.
    ASSERT_TRUE(poll_until(*server_, [&] { return controller_.label("okg-sdk/reload-state").has_value(); }));
  }
  // Sets opsState and waits for the end of it.
  std::optional<okg_code> set(const std::string& state, WriteOptions options = {}) {
    std::optional<okg_code> code;
    options.written = [&](const Result<void>& result) { code = result ? OKG_OK : result.error().code; };
    const auto begun = server_->set_ops_state(state, std::move(options));
    if (!begun) return begun.error().code;
    poll_until(*server_, [&] { return code.has_value(); });
    return code;
  }

  Scene scene_;
  Controller controller_{scene_};
  std::optional<okg::GameServer> server_;
};

}  // namespace okg::test
