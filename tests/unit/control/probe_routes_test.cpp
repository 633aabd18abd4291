// Probes, metrics, and what the second listener serves.
#include <string>

#include "unit/control/support.hpp"

namespace okg::control::test {
namespace {

EndpointOptions over_tcp() {
  return {.http = "127.0.0.1:0"};
}

TEST(Probes, AreEmptyOnBothListeners) {
  Rig rig(over_tcp());
  ASSERT_TRUE(rig.opened);
  for (const bool up : {true, false}) {
    rig.backend.change([&](auto& state) {
      state.live = up;
      state.ready = !up;
    });
    for (const bool tcp : {false, true}) {
      Client client = tcp ? rig.tcp() : rig.unix_socket();
      const Answered live = client.ask(get("/livez"));
      EXPECT_EQ(live.status, up ? 200 : 503);
      EXPECT_EQ(live.body, "");
      const Answered ready = client.ask(get("/readyz?verbose"));
      EXPECT_EQ(ready.status, up ? 503 : 200);
      EXPECT_EQ(ready.body, "");
      client.send("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");
      EXPECT_EQ(client.receive(true).status, up ? 200 : 503);
    }
  }
}

TEST(Probes, DoNotAskForTheHost) {
  Rig rig(over_tcp());
  EXPECT_EQ(rig.ask_tcp("GET /livez HTTP/1.1\r\nHost: game.example.com\r\n\r\n").status, 200);
  EXPECT_EQ(rig.ask_tcp("GET /livez HTTP/1.1\r\n\r\n").status, 200);
}

TEST(SecondListener, ServesNothingThatChangesState) {
  Rig rig(over_tcp());
  EXPECT_EQ(rig.ask_tcp(get("/v1/status")).status, 404);
  EXPECT_EQ(rig.ask_tcp(post("/v1/reload", "", "X-OKG-Request: 1\r\n")).status, 404);
  EXPECT_EQ(rig.ask_tcp(post("/v1/rollback", "", "X-OKG-Request: 1\r\n")).status, 404);
  EXPECT_EQ(rig.backend.state().reloads + rig.backend.state().rollbacks, 0);
}

TEST(SecondListener, TakesIpv6) {
  Rig rig(EndpointOptions{.http = "[::1]:0"});
  if (!rig.opened) GTEST_SKIP() << "no IPv6 here: " << rig.opened.error().text;
  const auto answer =
      ask_url("http://[::1]:" + std::to_string(rig.port()) + "/livez", {}, std::chrono::seconds(20));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 200);
}

TEST(SecondListener, APortInUseIsTheErrorAndTheSocketIsServed) {
  Rig first(over_tcp());
  Rig second(EndpointOptions{.http = "127.0.0.1:" + std::to_string(first.port())});
  ASSERT_FALSE(second.opened);
  EXPECT_NE(second.opened.error().text.find("OKG_HTTP: bind 127.0.0.1 port "), std::string::npos)
      << second.opened.error().text;
  EXPECT_EQ(second.ask(get("/livez")).status, 200);
}

TEST(SecondListener, ARunDirectoryThatIsMissingIsTheErrorAndTcpIsServed) {
  Rig rig(EndpointOptions{.run_directory = "/dev/shm/okg-no-such-directory", .http = "127.0.0.1:0"});
  ASSERT_FALSE(rig.opened);
  EXPECT_EQ(rig.opened.error().code, base::Code::not_found);
  EXPECT_EQ(rig.ask_tcp(get("/livez")).status, 200);
}

TEST(MetricsRoute, TellsEverything) {
  Rig rig(EndpointOptions{.legacy_reload = "/re\"load"});
  rig.backend.change([](auto& state) {
    Metrics& metrics = state.metrics;
    metrics.reloads_active = 7;
    metrics.reloads_failed = 1;
    metrics.reloads_superseded = 2;
    metrics.reloads_rolled_back = 3;
    PhaseHistogram prepare;
    prepare.add(0.0001);
    prepare.add(0.04);
    prepare.add(500);
    metrics.phases.emplace_back("prepare", prepare);
    metrics.payloads.push_back({"sha256:ab", "1.0 \"beta\"\\\n", "active"});
    metrics.ready = true;
    metrics.tick_age_seconds = 0.012;
    metrics.watch_fallback = true;
    metrics.watch_overflows = 4;
    metrics.hot.push_back({"world", 3, 300, 4096, 8192, {{0.5, 1}, {1, 0, 2}, 7.5}});
    metrics.controller = ControllerMetrics{"kubernetes", true, true, 9, 1, "Allocated", "PreUpdate"};
    state.desired = digest_of(1);
    state.outcomes[digest_of(1)] = {Verdict::failed, ""};
  });
  rig.ask(get("/nothing"));
  rig.ask(get("/elsewhere"));
  rig.ask(get("/livez"));
  rig.ask(get("/re\"load"));
  const Answered answer = rig.ask(get("/metrics"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(answer.body, R"(# TYPE okg_reloads counter
# HELP okg_reloads Reloads by how they ended.
okg_reloads_total{result="active"} 7
okg_reloads_total{result="failed"} 1
okg_reloads_total{result="superseded"} 2
okg_reloads_total{result="rolled_back"} 3
# TYPE okg_reload_duration_seconds histogram
# UNIT okg_reload_duration_seconds seconds
# HELP okg_reload_duration_seconds Time that each phase of a reload took.
okg_reload_duration_seconds_bucket{phase="prepare",le="0.0001"} 1
okg_reload_duration_seconds_bucket{phase="prepare",le="0.0005"} 1
okg_reload_duration_seconds_bucket{phase="prepare",le="0.001"} 1
okg_reload_duration_seconds_bucket{phase="prepare",le="0.005"} 1
okg_reload_duration_seconds_bucket{phase="prepare",le="0.01"} 1
okg_reload_duration_seconds_bucket{phase="prepare",le="0.05"} 2
okg_reload_duration_seconds_bucket{phase="prepare",le="0.1"} 2
okg_reload_duration_seconds_bucket{phase="prepare",le="0.5"} 2
okg_reload_duration_seconds_bucket{phase="prepare",le="1.0"} 2
okg_reload_duration_seconds_bucket{phase="prepare",le="5.0"} 2
okg_reload_duration_seconds_bucket{phase="prepare",le="30.0"} 2
okg_reload_duration_seconds_bucket{phase="prepare",le="120.0"} 2
okg_reload_duration_seconds_bucket{phase="prepare",le="+Inf"} 3
okg_reload_duration_seconds_count{phase="prepare"} 3
okg_reload_duration_seconds_sum{phase="prepare"} 500.0401
# TYPE okg_payload info
# HELP okg_payload The payload in use and the payload that is wanted.
okg_payload_info{version="1.0 \"beta\"\\\n",digest="sha256:ab",role="active"} 1
# TYPE okg_ready gauge
# HELP okg_ready 1 when the server is ready for players.
okg_ready 1
# TYPE okg_tick_age_seconds gauge
# UNIT okg_tick_age_seconds seconds
# HELP okg_tick_age_seconds Time since the game loop polled.
okg_tick_age_seconds 0.012
# TYPE okg_watch_fallback gauge
# HELP okg_watch_fallback 1 when the volume gives no events and is polled instead.
okg_watch_fallback 1
# TYPE okg_watch_overflows counter
# HELP okg_watch_overflows Times that the queue of events overflowed.
okg_watch_overflows_total 4
# TYPE okg_http_requests counter
# HELP okg_http_requests Requests answered by this endpoint.
okg_http_requests_total{route="/livez",code="200"} 1
okg_http_requests_total{route="/re\"load",code="500"} 1
okg_http_requests_total{route="other",code="404"} 2
# TYPE okg_hot_records gauge
# HELP okg_hot_records Records in hot state.
okg_hot_records{segment="world"} 3
# TYPE okg_hot_bytes gauge
# UNIT okg_hot_bytes bytes
# HELP okg_hot_bytes Bytes of keys and values in hot state.
okg_hot_bytes{segment="world"} 300
# TYPE okg_hot_file_bytes gauge
# UNIT okg_hot_file_bytes bytes
# HELP okg_hot_file_bytes Memory that the segment takes.
okg_hot_file_bytes{segment="world"} 4096
# TYPE okg_hot_max_bytes gauge
# UNIT okg_hot_max_bytes bytes
# HELP okg_hot_max_bytes Memory that the segment may take.
okg_hot_max_bytes{segment="world"} 8192
# TYPE okg_hot_commit_duration_seconds histogram
# UNIT okg_hot_commit_duration_seconds seconds
# HELP okg_hot_commit_duration_seconds Time that commits of transactions and regions took.
okg_hot_commit_duration_seconds_bucket{segment="world",le="0.5"} 1
okg_hot_commit_duration_seconds_bucket{segment="world",le="1.0"} 1
okg_hot_commit_duration_seconds_bucket{segment="world",le="+Inf"} 3
okg_hot_commit_duration_seconds_count{segment="world"} 3
okg_hot_commit_duration_seconds_sum{segment="world"} 7.5
# TYPE okg_gameserver info
# HELP okg_gameserver The GameServer as the controller has it.
okg_gameserver_info{controller="kubernetes",ops_state="Allocated",state="PreUpdate"} 1
# TYPE okg_controller_connected gauge
# HELP okg_controller_connected 1 while the controller is heard.
okg_controller_connected 1
# TYPE okg_update_pending gauge
# HELP okg_update_pending 1 while an update or the deletion of this pod is coming or going on.
okg_update_pending 1
# TYPE okg_api_requests counter
# HELP okg_api_requests Requests to the Kubernetes API.
okg_api_requests_total 9
# TYPE okg_api_errors counter
# HELP okg_api_errors Requests to the Kubernetes API that failed.
okg_api_errors_total 1
# EOF
)");
}

}  // namespace
}  // namespace okg::control::test
