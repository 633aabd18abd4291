// One GameServer behind a FakeApiServer, kept as a real API server keeps it: a new version with each change,
// 409 for a patch of an older one, watches that go on from a version.
//
// All functions may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "support/fake_api_server.hpp"

namespace okg::test {

class FakeGameServer {
 public:
  using Json = nlohmann::json;
  using Handler = FakeApiServer::Handler;
  enum class Ask { get, watch, patch, rehearsal };  // rehearsal: a patch with dryRun=All

  // It is there from the beginning: opsState None, priorities 0, owned by the pod "pod-1".
  explicit FakeGameServer(FakeApiServer& server, std::string name = "gss-0");
  ~FakeGameServer() { server_.stop(); }  // whose handlers are ours
  FakeGameServer(const FakeGameServer&) = delete;
  FakeGameServer& operator=(const FakeGameServer&) = delete;

  // By somebody else.
  void change(const Json& merge_patch);
  void remove();
  void create();  // anew, with another UID
  Json object() const;
  std::string text() const { return object().dump(); }
  std::string version() const;
  std::string path() const { return "/apis/game.kruise.io/v1alpha1/namespaces/default/gameservers"; }

  // What the watches that are open are told.
  void bookmark();  // at a newer version, since other objects changed
  void tell(const std::string& line);
  void end_watches();  // in order, as after their timeout
  void forget_past();  // a watch from an earlier version is too old
  // As a backup that was restored: the object as it is, with this version, and nobody is told.
  void set_version(std::uint64_t version);

  // What such a request meets instead; null: what it should. The next one only, or all.
  void meet(Ask ask, Handler handler);
  void meet_once(Ask ask, Handler handler);
  std::size_t count(Ask ask) const { return asked(ask).size(); }
  std::vector<FakeRequest> asked(Ask ask) const;

 private:
  Json make();
  void store(Json object, const char* event);
  void answer(Ask ask, const FakeRequest& request, FakeAnswer& answer);
  void watch(const FakeRequest& request, FakeAnswer& answer);
  void patch(bool for_good, const FakeRequest& request, FakeAnswer& answer);
  void missing(FakeAnswer& answer) const;

  FakeApiServer& server_;
  const std::string name_;
  mutable std::mutex mutex_;
  std::uint64_t version_ = 100, forgotten_ = 0, uids_ = 0;
  Json object_;  // null: there is none
  std::vector<std::pair<std::uint64_t, std::string>> past_;
  std::vector<std::shared_ptr<FakeStream>> watches_;
  std::map<Ask, Handler> always_;
  std::map<Ask, std::deque<Handler>> once_;
  std::map<Ask, std::vector<FakeRequest>> asked_;
};

}  // namespace okg::test
