// A transport to the fake API server. Its io loop is run by the test's own thread, so that whatever it calls
// may look at the test's variables.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kube/config.hpp"
#include "kube/tls_transport.hpp"
#include "support/fake_api_server.hpp"
#include "support/faulty_os.hpp"

namespace okg::kube::test {

using base::Code;
using okg::test::FakeAnswer;
using okg::test::FakeApiServer;
using okg::test::FakeRequest;
using okg::test::FakeStream;
using testing::HasSubstr;
using namespace std::chrono_literals;

// Long enough for any machine; nothing waits for it but what fails.
inline constexpr std::chrono::milliseconds kPatience = 20s;

class Rig {
 public:
  explicit Rig(TransportLimits limits = {});
  // Beside a server that others use too.
  Rig(FakeApiServer& server, Config config, TransportLimits limits = {});

  // Runs the loop until `done` holds; false after 20 s.
  bool run_until(const std::function<bool()>& done);
  // What is due now.
  void run_ready();
  base::Result<Response> ask(Request request, std::chrono::milliseconds deadline = kPatience);
  base::Result<Response> get(const std::string& path, std::chrono::milliseconds deadline = kPatience);
  base::Result<Response> patch(const std::string& path, const std::string& body,
                               std::chrono::milliseconds deadline = kPatience);
  Config config() const;

 private:
  std::unique_ptr<FakeApiServer> own_;

 public:
  FakeApiServer& server;
  okg::test::FaultyOs os;
  std::vector<std::string> logged;
  boost::asio::io_context io{1};
  std::unique_ptr<Transport> transport;
  bool calling = false;  // a call of the transport's is under way
};

// What a stream did.
struct Seen {
  std::vector<unsigned> opened;
  std::vector<std::string> lines;
  std::vector<Response> refused;
  std::vector<base::Error> ended;
  StreamHandlers handlers(Rig& rig);
};

// "ok 200 BODY" or "CODE TEXT".
std::string text_of(const base::Result<Response>& result);

inline Request watch_request() {
  return {.method = "GET", .target = "/watch?watch=1"};
}

}  // namespace okg::kube::test
