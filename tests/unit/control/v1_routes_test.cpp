// The routes of docs/interface.md, section 6, that the Unix socket serves: each with each of its codes.
#include <string>
#include <tuple>

#include "base/json.hpp"
#include "unit/control/support.hpp"

namespace okg::control::test {
namespace {

const std::string kMark = "X-OKG-Request: 1\r\n";

// Rows for Verdict → status, of the three ways a verdict is told.
struct Row {
  Verdict verdict;
  int status_code;  // GET /v1/status?wait=, timeout=0
  int order_code;   // POST /v1/reload and /v1/rollback
  const char* error_code;
};
constexpr Row kRows[] = {
    {Verdict::active, 200, 200, ""},
    {Verdict::pending, 202, 202, ""},
    {Verdict::failed, 409, 409, "failed"},
    {Verdict::unmet, 409, 412, "requires"},
    {Verdict::damaged, 409, 422, "damaged"},
    {Verdict::superseded, 410, 410, "superseded"},
    {Verdict::not_found, 404, 404, "not_found"},
    {Verdict::not_desired, 410, 409, "not_desired"},
    {Verdict::starting, 202, 503, "starting"},
    {Verdict::stalled, 202, 504, "stalled"},
    {Verdict::busy, 202, 429, "busy"},
};

class Verdicts : public ::testing::TestWithParam<Row> {};

TEST_P(Verdicts, StatusWait) {
  Rig rig;
  const auto digest = digest_of(1);
  rig.backend.change(
      [&](auto& state) { state.outcomes[digest] = {GetParam().verdict, "because\nof\xff it"}; });
  const Answered answer = rig.ask(get("/v1/status?wait=" + digest.text() + "&timeout=0"));
  EXPECT_EQ(answer.status, GetParam().status_code);
  EXPECT_EQ(answer.body, R"({"schema":"okg.status/v1"})");
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  EXPECT_EQ(answer.headers.count("x-okg-error"), answer.status == 200 ? 0u : 1u);
  if (answer.status != 200) {
    EXPECT_EQ(answer.headers.at("x-okg-error"), "because?of? it");
  }
  EXPECT_EQ(rig.backend.state().looks, 1);
}

TEST_P(Verdicts, Orders) {
  Rig rig;
  rig.backend.change([&](auto& state) {
    state.reload_answer = state.rollback_answer = {GetParam().verdict, "because\nof it"};
  });
  for (const char* route : {"/v1/reload", "/v1/rollback"}) {
    const Answered answer = rig.ask(post(route, "", kMark));
    EXPECT_EQ(answer.status, GetParam().order_code);
    const auto body = base::parse_json_object(answer.body, "answer", base::Code::io);
    ASSERT_TRUE(body) << answer.body;
    if (answer.status < 400) {
      EXPECT_EQ(base::get_string(*body, "schema"), "okg.status/v1");
    } else {
      EXPECT_EQ(base::get_string(body->at("error"), "code"), GetParam().error_code);
      EXPECT_EQ(base::get_string(body->at("error"), "text"), "because\\x0aof it");
      EXPECT_EQ(base::get_string(body->at("status"), "schema"), "okg.status/v1");
    }
    const bool again = answer.status == 429 || answer.status == 503;
    EXPECT_EQ(answer.headers.count("retry-after"), again ? 1u : 0u);
  }
  EXPECT_EQ(rig.backend.state().reloads, 1);
  EXPECT_EQ(rig.backend.state().rollbacks, 1);
  EXPECT_EQ(rig.backend.state().looks, 2);
}

INSTANTIATE_TEST_SUITE_P(All, Verdicts, ::testing::ValuesIn(kRows), [](const auto& row) {
  return "Verdict" + std::to_string(static_cast<int>(row.param.verdict));
});

TEST(Status, IsAnswered) {
  Rig rig;
  const Answered answer = rig.ask(get("/v1/status"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"schema":"okg.status/v1"})");
  EXPECT_EQ(answer.headers.count("x-okg-error"), 0u);
}

TEST(Status, TakesBothSpellingsOfADigest) {
  Rig rig;
  const auto digest = digest_of(1);
  rig.backend.change([&](auto& state) { state.outcomes[digest] = {Verdict::active, ""}; });
  EXPECT_EQ(rig.ask(get("/v1/status?wait=" + digest.hex())).status, 200);
  EXPECT_EQ(rig.ask(get("/v1/status?timeout=300&wait=sha256%3A" + digest.hex())).status, 200);
}

TEST(Status, RefusesWhatMakesNoSense) {
  Rig rig;
  const std::string digest = digest_of(1).text();
  for (const std::string& query :
       {std::string("wait="), std::string("wait=md5:12"), "wait=" + digest + "0",
        "wait=" + digest + "&wait=" + digest, "wait=" + digest + "&timeout=301",
        "wait=" + digest + "&timeout=-1", "wait=" + digest + "&timeout=1.5",
        "wait=" + digest + "&timeout=", std::string("wait=%zz"), std::string("a=%1")}) {
    const Answered answer = rig.ask(get("/v1/status?" + query));
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_NE(answer.body.find(R"({"error":{"code":"invalid_argument","text":")"), std::string::npos)
        << answer.body;
  }
}

TEST(Status, WaitsUntilThereIsAnOutcome) {
  Rig rig;
  const auto digest = digest_of(1);
  rig.backend.change([&](auto& state) { state.outcomes[digest] = {Verdict::starting, ""}; });
  Client client = rig.unix_socket();
  client.send(get("/v1/status?wait=" + digest.text() + "&timeout=300"));
  for (const Verdict still : {Verdict::pending, Verdict::stalled}) {
    const int asked = rig.backend.state().outcomes_asked;
    ASSERT_TRUE(rig.backend.wait_until([&](const auto& state) { return state.outcomes_asked >= 1; }));
    rig.backend.change([&](auto& state) { state.outcomes[digest] = {still, ""}; });
    rig.notify();
    ASSERT_TRUE(rig.backend.wait_until([&](const auto& state) { return state.outcomes_asked > asked; }));
  }
  rig.backend.change([&](auto& state) { state.outcomes[digest] = {Verdict::failed, "no"}; });
  rig.notify();
  EXPECT_EQ(client.receive().status, 409);
}

TEST(Status, AnswersWhenTheTimeIsUp) {
  Rig rig;
  const auto digest = digest_of(1);
  rig.backend.change(
      [&](auto& state) { state.outcomes[digest] = {Verdict::stalled, "the game loop does not poll"}; });
  const Answered answer = rig.ask(get("/v1/status?wait=" + digest.text() + "&timeout=1"));
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.headers.at("x-okg-error"), "the game loop does not poll");
}

TEST(Orders, NeedTheirHeader) {
  Rig rig;
  for (const char* route : {"/v1/reload", "/v1/rollback"}) {
    for (const char* headers : {"", "X-OKG-Request:\r\n"}) {
      const Answered answer = rig.ask(post(route, "{}", headers));
      EXPECT_EQ(answer.status, 403);
      EXPECT_NE(answer.body.find("X-OKG-Request"), std::string::npos);
    }
  }
  EXPECT_EQ(rig.backend.state().reloads + rig.backend.state().rollbacks, 0);
}

TEST(Orders, SayWhatIsAskedFor) {
  Rig rig;
  const auto digest = digest_of(7);
  rig.backend.change(
      [](auto& state) { state.reload_answer = state.rollback_answer = {Verdict::active, ""}; });
  const auto asked = [&] { return rig.backend.state().asked_digest; };

  EXPECT_EQ(
      rig.ask(post("/v1/reload", R"({"digest":")" + digest.text() + R"(","force":true})", kMark)).status,
      200);
  EXPECT_EQ(asked(), digest);
  EXPECT_TRUE(rig.backend.state().asked_force);
  EXPECT_EQ(rig.ask(post("/v1/reload", R"({"digest":null,"force":null})", kMark)).status, 200);
  EXPECT_EQ(asked(), std::nullopt);
  EXPECT_FALSE(rig.backend.state().asked_force);

  EXPECT_EQ(rig.ask(post("/v1/rollback", R"({"to":")" + digest.hex() + R"(","force":true})", kMark)).status,
            200);
  EXPECT_EQ(asked(), digest);
  EXPECT_TRUE(rig.backend.state().asked_force);
  EXPECT_EQ(rig.ask(post("/v1/rollback", R"({"to":"last_good"})", kMark)).status, 200);
  EXPECT_EQ(asked(), std::nullopt);
  EXPECT_FALSE(rig.backend.state().asked_force);
}

TEST(Orders, RefuseAMalformedBody) {
  Rig rig;
  for (const char* body :
       {"[]", "x", R"({"digest":1})", R"({"digest":"last_good"})", R"({"digest":"sha256:12"})",
        R"({"force":1})", R"({"force":"true"})", R"({"force":true,"force":true})", "{"}) {
    EXPECT_EQ(rig.ask(post("/v1/reload", body, kMark)).status, 400) << body;
  }
  for (const char* body : {R"({"to":"first_good"})", R"({"to":false})", "null"})
    EXPECT_EQ(rig.ask(post("/v1/rollback", body, kMark)).status, 400) << body;
  EXPECT_EQ(rig.backend.state().reloads + rig.backend.state().rollbacks, 0);
}

TEST(Orders, RefuseWhatTheyDoNotKnow) {
  Rig rig;
  for (const auto& [route, body, named] :
       {std::tuple{"/v1/rollback", R"({"digest":"sha256:12"})", "digest"},
        std::tuple{"/v1/rollback", R"({"to":"last_good","Force":true})", "Force"},
        std::tuple{"/v1/reload", R"({"to":"last_good"})", "to"},
        std::tuple{"/v1/reload", R"({"digest":null,"new\n":[1]})", "new"}}) {
    const Answered answer = rig.ask(post(route, body, kMark));
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_NE(answer.headers.at("x-okg-error").find(std::string("request body: \"") + named),
              std::string::npos)
        << answer.headers.at("x-okg-error");
  }
  EXPECT_EQ(rig.backend.state().reloads + rig.backend.state().rollbacks, 0);
}

TEST(Orders, WaitIfThatIsPreferred) {
  for (const auto& row : kRows) {
    if (row.verdict == Verdict::pending) continue;
    Rig rig;
    const auto digest = digest_of(1);
    rig.backend.change([&](auto& state) {
      state.target = digest;
      state.outcomes[digest] = {Verdict::pending, ""};
    });
    Client client = rig.unix_socket();
    client.send(post("/v1/reload", "", kMark + "Prefer: respond-async, wait=300\r\n"));
    ASSERT_TRUE(rig.backend.wait_until([](const auto& state) { return state.reloads == 1; }));
    rig.notify();
    ASSERT_TRUE(rig.backend.wait_until([](const auto& state) { return state.outcomes_asked > 0; }));
    rig.backend.change([&](auto& state) { state.outcomes[digest] = {row.verdict, "done"}; });
    rig.notify();
    EXPECT_EQ(client.receive().status, row.order_code);
  }
}

TEST(Orders, SayPendingWhenTheTimeIsUp) {
  Rig rig;
  const auto digest = digest_of(1);
  rig.backend.change([&](auto& state) {
    state.target = digest;
    state.outcomes[digest] = {Verdict::pending, "reload is preparing"};
  });
  const Answered pending = rig.ask(post("/v1/rollback", "", kMark + "Prefer: wait=1\r\n"));
  EXPECT_EQ(pending.status, 202);
  EXPECT_EQ(pending.headers.at("x-okg-error"), "reload is preparing");
  EXPECT_EQ(pending.body, R"({"schema":"okg.status/v1"})");
  EXPECT_EQ(rig.ask(post("/v1/rollback", "", kMark + "Prefer: wait=soon\r\n")).status, 202);
}

TEST(Routes, UnknownOnesAndWrongMethods) {
  Rig rig;
  for (const char* target : {"/", "/v1", "/v1/", "/v1/status/", "/v1/reloads", "//livez", "/livez/", "/LIVEZ",
                             "/%6civez", "/../livez", "/reload"})
    EXPECT_EQ(rig.ask(get(target)).status, 404) << target;
  const auto wrong = [&](const std::string& method, const std::string& target, const std::string& allowed) {
    const Answered answer = rig.ask(method + " " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(answer.status, 405) << method << target;
    EXPECT_EQ(answer.headers.at("allow"), allowed) << method << target;
  };
  for (const char* target : {"/livez", "/readyz", "/metrics", "/v1/status"})
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "BREW", "get"})
      wrong(method, target, "GET, HEAD");
  for (const char* target : {"/v1/reload", "/v1/rollback"})
    for (const char* method : {"GET", "PUT", "DELETE"}) wrong(method, target, "POST");
}

TEST(Routes, HeadGetsTheLengthOnly) {
  Rig rig;
  Client client = rig.unix_socket();
  client.send("HEAD /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
  const Answered answer = client.receive(true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-length"), "26");
  EXPECT_EQ(client.ask(get("/livez")).status, 200);  // nothing of a body is in the way
}

TEST(Routes, StrangersAreRefusedEverywhere) {
  Rig rig(EndpointOptions{.legacy_reload = "/reload"});
  Client before = rig.unix_socket();
  EXPECT_EQ(before.ask(get("/livez")).status, 200);
  rig.backend.change([](auto& state) { state.allowed = false; });
  for (const char* target : {"/livez", "/readyz", "/metrics", "/v1/status", "/reload", "/nothing"}) {
    Client client = rig.unix_socket();
    const Answered answer = client.ask(get(target));
    EXPECT_EQ(answer.status, 403) << target;
    EXPECT_EQ(answer.headers.at("connection"), "close");
    EXPECT_EQ(answer.body, "");
    EXPECT_TRUE(client.wait_closed());
  }
  EXPECT_EQ(before.ask(get("/livez")).status, 403);
  EXPECT_TRUE(before.wait_closed());
  EXPECT_EQ(rig.backend.state().looks, 0);
}

}  // namespace
}  // namespace okg::control::test
