// The real adapter over real TLS, and the real conversation, with a scripted API server: the test's own
// thread runs the io loop, and plays the part of server/controller_driver.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/conversation.hpp"
#include "controller/fallback_adapter.hpp"
#include "controller/keys.hpp"
#include "controller/kubernetes_adapter.hpp"
#include "support/fake_game_server.hpp"
#include "support/faulty_os.hpp"

namespace okg::controller::test {

using base::Code;
using okg::test::FakeAnswer;
using okg::test::FakeApiServer;
using okg::test::FakeGameServer;
using okg::test::FakeRequest;
using Ask = FakeGameServer::Ask;
using testing::HasSubstr;
using namespace std::chrono_literals;

// Long enough for any machine; nothing waits for it but what fails.
inline constexpr std::chrono::milliseconds kPatience = 20s;

// No waiting where nothing is wrong, and short where something is.
KubernetesTimes short_times();

struct With {
  KubernetesTimes times = short_times();
  bool falls_back = false;  // to a downward volume, see Rig::podinfo()
  bool volume = false;      // it comes along
  bool starts = true;       // at once, and waits until it is connected
  std::string pod_uid = "pod-1";
};

class Rig {
 public:
  explicit Rig(With with = {});
  ~Rig();

  void start();
  // Runs the loop until `done` holds; false after 20 s.
  bool run_until(const std::function<bool()>& done);
  // For so long: only to count what happens in it.
  void run_for(std::chrono::milliseconds time);
  bool run_until_asked(Ask ask, std::size_t times);
  bool run_until_view(const std::string& ops_state);
  bool run_until_linked(Link link);

  // The game's side.
  Ticket set(Wish wish);
  Ticket set(const Field& field, Value value);  // over whatever is to be seen now
  // "ok", or "CODE TEXT"; "" within 20 s it did not end.
  std::string end_of(Ticket ticket);
  std::string view() const;  // its opsState; "-" there is none

  // Somebody changes opsState, and the game hears of it: what came before has been heard then, too.
  bool hears(const std::string& ops_state);
  std::size_t requests() const { return server.requests().size(); }
  std::string log() const;
  // The pod's labels, or annotations, as the kubelet writes them.
  void podinfo(const std::string& text, const std::string& file = "labels");
  std::string token() const;  // of `okg probe ops`

  FakeApiServer server;
  FakeGameServer gs{server};
  okg::test::FaultyOs os;
  okg::test::TemporaryDirectory root;
  boost::asio::io_context io{1};
  std::vector<std::string> logged;
  std::vector<ObjectPtr> views;
  std::vector<std::pair<Link, std::string>> links;
  std::map<Ticket, std::optional<base::Error>> ended;
  std::unique_ptr<Conversation> conversation;
  std::unique_ptr<Adapter> adapter;

 private:
  Conversation::Clock clock();
  void take(Sayings sayings);
  void flush();

  const With with_;
  int run_directory_;
  std::vector<Patch> to_send_;
  bool to_reread_ = false, flushing_ = false;
  Ticket last_ticket_ = 0;
};

FakeApiServer::Handler refusing(unsigned code, const std::string& reason, const std::string& message,
                                const okg::test::FakeHeaders& more = {});
// As RBAC refuses.
FakeApiServer::Handler forbidding(const std::string& verb);

}  // namespace okg::controller::test
