// What one peer may use, and that it takes nothing from another.
#include <fcntl.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "control/limits.hpp"
#include "unit/control/support.hpp"

namespace okg::control::test {
namespace {

using namespace std::chrono_literals;
using Kind = PeerTable::Kind;

TEST(PeerTable, BurstThenRate) {
  const PeerTable::Time start{};
  PeerTable table(
      Settings{.reads_per_second = 10, .reads_burst = 3, .orders_per_second = 1, .orders_burst = 1});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(table.allow("a", Kind::read, start));
  EXPECT_FALSE(table.allow("a", Kind::read, start));
  EXPECT_TRUE(table.allow("a", Kind::order, start));  // counted apart
  EXPECT_FALSE(table.allow("a", Kind::order, start));
  EXPECT_TRUE(table.allow("b", Kind::read, start));  // and per peer
  EXPECT_TRUE(table.allow("a", Kind::read, start + 101ms));
  EXPECT_FALSE(table.allow("a", Kind::read, start + 101ms));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(table.allow("a", Kind::read, start + 1h));
  EXPECT_FALSE(table.allow("a", Kind::read, start + 1h));
}

TEST(PeerTable, WhatIsPromised) {
  const PeerTable::Time start{};
  PeerTable table(Settings{});
  for (int i = 0; i < 32; ++i) EXPECT_TRUE(table.connect("a", Transport::tcp, start));
  for (int second = 0; second < 60; ++second)
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(table.allow("a", Kind::read, start + std::chrono::seconds(second)));
}

TEST(PeerTable, ConnectionsPerPeerAndInAll) {
  const PeerTable::Time start{};
  PeerTable table(Settings{.connections_per_peer = 2});
  EXPECT_TRUE(table.connect("a", Transport::tcp, start));
  EXPECT_TRUE(table.connect("a", Transport::tcp, start));
  EXPECT_FALSE(table.connect("a", Transport::tcp, start));
  EXPECT_TRUE(table.connect("b", Transport::tcp, start));
  EXPECT_TRUE(table.connect("c", Transport::tcp, start));
  EXPECT_FALSE(table.connect("d", Transport::tcp, start));
  table.disconnect("a", Transport::tcp);
  EXPECT_TRUE(table.connect("d", Transport::tcp, start));
  table.disconnect("nobody", Transport::tcp);
  EXPECT_FALSE(table.connect("a", Transport::tcp, start));
}

TEST(PeerTable, TheUnixSocketHasItsOwnPlaces) {
  const PeerTable::Time start{};
  PeerTable table(Settings{.connections_per_peer = 32});
  for (int i = 0; i < 32; ++i) {
    EXPECT_TRUE(table.connect("10.0.0.1", Transport::tcp, start));
    EXPECT_TRUE(table.connect("10.0.0.2", Transport::tcp, start));
  }
  EXPECT_FALSE(table.connect("10.0.0.3", Transport::tcp, start));
  for (const char* peer : {"uid 1000", "uid 2000", "uid 0"}) {
    for (int i = 0; i < 32; ++i) EXPECT_TRUE(table.connect(peer, Transport::unix_socket, start)) << peer;
    EXPECT_FALSE(table.connect(peer, Transport::unix_socket, start)) << peer;
  }
  // Nor does the Unix socket give a place back to TCP.
  table.disconnect("uid 0", Transport::unix_socket);
  EXPECT_FALSE(table.connect("10.0.0.3", Transport::tcp, start));
  table.disconnect("10.0.0.1", Transport::tcp);
  EXPECT_TRUE(table.connect("10.0.0.3", Transport::tcp, start));
}

TEST(PeerTable, DoesNotGrowForEver) {
  const PeerTable::Time now{};
  PeerTable table(Settings{.reads_burst = 2});
  EXPECT_TRUE(table.connect("connected", Transport::tcp, now));
  while (table.allow("connected", Kind::read, now)) {
  }
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(table.allow(std::to_string(i), Kind::read, now));
  EXPECT_LE(table.size(), PeerTable::kMostPeers);
  // A flood of others neither frees who is here nor loses its place.
  EXPECT_FALSE(table.allow("connected", Kind::read, now));
  EXPECT_TRUE(table.connect("new", Transport::tcp, now));
}

TEST(Rates, AFloodGets429AndTheConnectionStays) {
  Rig rig(
      EndpointOptions{.legacy_reload = "/reload"},
      Settings{.reads_per_second = 0.001, .reads_burst = 5, .orders_per_second = 0.001, .orders_burst = 2});
  rig.backend.change([](auto& state) { state.reload_answer = {Verdict::active, ""}; });
  Client client = rig.unix_socket();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.ask(get("/livez")).status, 200);
  const Answered refused = client.ask(get("/v1/status"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_EQ(refused.headers.count("connection"), 0u);
  const Answered legacy = client.ask(get("/reload"));
  EXPECT_EQ(legacy.status, 429);
  EXPECT_EQ(legacy.body, "");
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(client.ask(post("/v1/reload", "{}", "X-OKG-Request: 1\r\n")).status, 200);
  EXPECT_EQ(client.ask(post("/v1/rollback", "{}", "X-OKG-Request: 1\r\n")).status, 429);
  EXPECT_EQ(rig.backend.state().rollbacks, 0);
}

TEST(Rates, AnotherPeerIsServed) {
  Rig rig(EndpointOptions{.http = "127.0.0.1:0"}, Settings{.reads_per_second = 0.001, .reads_burst = 3});
  Client flood = rig.tcp("127.0.0.2"), other = rig.tcp("127.0.0.3");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(flood.ask(get("/readyz")).status, i < 3 ? 200 : 429);
  EXPECT_EQ(other.ask(get("/readyz")).status, 200);
  EXPECT_EQ(rig.ask(get("/readyz")).status, 200);
}

TEST(Connections, OneTooManyGets429) {
  Rig rig(EndpointOptions{.http = "127.0.0.1:0"}, Settings{.connections_per_peer = 3});
  std::vector<Client> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(rig.tcp("127.0.0.2"));
    EXPECT_EQ(held.back().ask(get("/livez")).status, 200);
  }
  for (int i = 0; i < 100; ++i) {
    Client refused = rig.tcp("127.0.0.2");
    const Answered answer = refused.ask(get("/livez"));
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.headers.at("retry-after"), "1");
    EXPECT_TRUE(refused.wait_closed());
  }
  EXPECT_EQ(rig.tcp("127.0.0.3").ask(get("/livez")).status, 200);
  held.pop_back();
  // The place is free again once the endpoint has seen it go.
  bool served = false;
  for (int i = 0; i < 10'000 && !served; ++i) served = rig.tcp("127.0.0.2").ask(get("/livez")).status == 200;
  EXPECT_TRUE(served);
}

TEST(Connections, TwoFloodsOverTcpLockNoProbeOut) {
  Rig rig(EndpointOptions{.http = "127.0.0.1:0"}, Settings{.connections_per_peer = 2});
  std::vector<Client> held;
  for (const char* from : {"127.0.0.2", "127.0.0.3"})
    for (int i = 0; i < 2; ++i) {
      held.push_back(rig.tcp(from));
      EXPECT_EQ(held.back().ask(get("/livez")).status, 200);
    }
  EXPECT_EQ(rig.tcp("127.0.0.4").ask(get("/livez")).status, 429);
  for (int i = 0; i < 2; ++i) {
    held.push_back(rig.unix_socket());
    EXPECT_EQ(held.back().ask(get("/readyz")).status, 200);
  }
}

TEST(Connections, ThirtyTwoOfOnePeerAreServed) {
  Rig rig;
  std::vector<Client> held;
  for (int i = 0; i < 32; ++i) held.push_back(rig.unix_socket());
  for (Client& client : held) EXPECT_EQ(client.ask(get("/readyz")).status, 200);
}

TEST(Descriptors, AcceptRecoversFromTooFew) {
  Rig rig({}, Settings{.accept_backoff = 10ms});
  Client first = rig.unix_socket();
  EXPECT_EQ(first.ask(get("/livez")).status, 200);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Client waiting = rig.unix_socket();  // may be accepted already
  std::vector<base::UniqueFd> all;
  for (;;) {
    const int fd = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) break;
    all.emplace_back(fd);
  }
  EXPECT_EQ(first.ask(get("/livez")).status, 200);  // who is there is served
  all.pop_back();
  Client late = rig.unix_socket();  // its own descriptor took the last one: cannot be accepted now
  ASSERT_TRUE(late.connected());
  late.send(get("/livez"));
  EXPECT_EQ(first.ask(get("/livez")).status, 200);
  all.clear();
  EXPECT_EQ(late.receive().status, 200);
  EXPECT_EQ(waiting.ask(get("/livez")).status, 200);
}

TEST(Descriptors, NumbersAboveAThousandWork) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 3000) GTEST_SKIP() << "the limit of open files is " << limit.rlim_cur;
  std::vector<base::UniqueFd> many;
  while (many.empty() || many.back().get() < 1100) {
    many.emplace_back(::fcntl(0, F_DUPFD_CLOEXEC, 3));
    ASSERT_GE(many.back().get(), 0);
  }
  Rig rig(EndpointOptions{.http = "127.0.0.1:0"});
  ASSERT_TRUE(rig.opened);
  Client client = rig.unix_socket();
  EXPECT_GT(client.fd(), 1024);
  EXPECT_EQ(client.ask(get("/livez")).status, 200);
  EXPECT_EQ(rig.ask_tcp(get("/livez")).status, 200);
  const auto answer = ask_socket(rig.run(), {.target = "/livez"}, 20s);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 200);
}

}  // namespace
}  // namespace okg::control::test
