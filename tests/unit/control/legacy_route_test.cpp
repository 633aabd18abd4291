// The route for scripts and sidecars that know nothing of okg.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "control/token.hpp"
#include "unit/control/support.hpp"

namespace okg::control::test {
namespace {

const EndpointOptions kOptions{.http = "127.0.0.1:0", .legacy_reload = "/reload"};

void desire(Rig& rig, Verdict verdict, const std::string& text = "") {
  rig.backend.change([&](auto& state) {
    state.desired = digest_of(1);
    state.outcomes[digest_of(1)] = {verdict, text};
  });
}

TEST(LegacyRoute, IsEmptyAndOkWhenWhatIsDesiredIsInUse) {
  Rig rig(kOptions);
  desire(rig, Verdict::active);
  for (const std::string& request :
       {get("/reload"), post("/reload", ""), post("/reload", "any=thing"), get("/reload?x=1")}) {
    for (const bool tcp : {false, true}) {
      const Answered answer = tcp ? rig.ask_tcp(request) : rig.ask(request);
      EXPECT_EQ(answer.status, 200);
      EXPECT_EQ(answer.body, "");
    }
  }
  EXPECT_EQ(rig.backend.state().reloads, 0);  // publishing has asked for it already
}

TEST(LegacyRoute, FailsAtOnceWhereWaitingIsInVain) {
  Rig rig(kOptions);
  for (const Verdict verdict : {Verdict::failed, Verdict::damaged, Verdict::unmet, Verdict::stalled}) {
    desire(rig, verdict, "a.lua:3: '=' expected\r\nX-Evil: 1" + std::string(1000, 'x'));
    const Answered answer = rig.ask_tcp(get("/reload"));
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(answer.headers.at("x-okg-error").substr(0, 34), "a.lua:3: '=' expected??X-Evil: 1xx");
    EXPECT_EQ(answer.headers.at("x-okg-error").size(), 400u);
    EXPECT_EQ(answer.headers.count("x-evil"), 0u);
  }
}

TEST(LegacyRoute, WaitsForWhatIsDesiredInTheEnd) {
  Rig rig(kOptions);
  // Nothing is desired yet, then something is on its way, then something else is desired and in use.
  Client client = rig.tcp();
  client.send(get("/reload"));
  ASSERT_TRUE(rig.backend.wait_until([](const auto& state) { return state.looks == 1; }));
  for (const Verdict verdict :
       {Verdict::not_found, Verdict::starting, Verdict::pending, Verdict::superseded}) {
    const int asked = rig.backend.state().outcomes_asked;
    desire(rig, verdict);
    rig.notify();
    ASSERT_TRUE(rig.backend.wait_until([&](const auto& state) { return state.outcomes_asked > asked; }));
  }
  rig.backend.change([](auto& state) {
    state.desired = digest_of(2);
    state.outcomes[digest_of(2)] = {Verdict::active, ""};
  });
  rig.notify();
  EXPECT_EQ(client.receive().status, 200);
}

TEST(LegacyRoute, GivesUpInTheEnd) {
  Rig rig(kOptions, Settings{.legacy_wait = std::chrono::milliseconds(50)});
  const Answered nothing = rig.ask_tcp(get("/reload"));
  EXPECT_EQ(nothing.status, 500);
  EXPECT_EQ(nothing.body, "");
  EXPECT_EQ(nothing.headers.at("x-okg-error"), "nothing is desired; publish a payload first");
  desire(rig, Verdict::pending, "preparing");
  const Answered pending = rig.ask_tcp(get("/reload"));
  EXPECT_EQ(pending.status, 500);
  EXPECT_EQ(pending.headers.at("x-okg-error"), "preparing");
}

TEST(LegacyRoute, SeesWhatWasPublishedBeforeTheRequest) {
  Rig rig(kOptions);
  desire(rig, Verdict::active);
  rig.backend.change([](auto& state) {
    state.on_look = [](FakeBackend::State& seen) {
      seen.desired = digest_of(2);
      seen.outcomes[digest_of(2)] = {Verdict::failed, "v2 is bad"};
    };
  });
  const Answered answer = rig.ask_tcp(get("/reload"));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.headers.at("x-okg-error"), "v2 is bad");
}

TEST(LegacyRoute, WrongMethodHasNoBodyEither) {
  Rig rig(kOptions);
  const Answered answer = rig.ask_tcp("PUT /reload HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers.at("allow"), "GET, HEAD, POST");
  EXPECT_EQ(answer.body, "");
}

TEST(LegacyRoute, OverTcpTheHostHasToBeSafe) {
  Rig rig(kOptions);
  desire(rig, Verdict::active);
  const auto ask = [&](Client client, const std::string& host) {
    return client.ask("GET /reload HTTP/1.1\r\n" + host + "\r\n").status;
  };
  for (const char* host :
       {"localhost", "LocalHost:3000", "127.0.0.1", "127.0.0.1:3000", "[::1]", "[::1]:3000", "10.1.2.3"})
    EXPECT_EQ(ask(rig.tcp(), std::string("Host: ") + host + "\r\n"), 200) << host;
  for (const char* host :
       {"Host: evil.example\r\n", "Host: localhost.evil.example\r\n", "Host: 127.0.0.1.evil.example\r\n",
        "Host: localhost:\r\n", "Host: localhost:x\r\n", "Host: localhost:70000\r\n", "Host: ::1\r\n",
        "Host: [localhost]\r\n", "Host: [127.0.0.1]\r\n", "Host: 1.2.3\r\n", "Host: [::1\r\n",
        "Host: a@127.0.0.1\r\n", "Host:\r\n", ""}) {
    EXPECT_EQ(ask(rig.tcp(), host), 403) << host;
    EXPECT_EQ(ask(rig.unix_socket(), host), 200) << host;  // a browser cannot reach this one
  }
}

class Token : public ::testing::Test {
 protected:
  Token()
      : rig({.http = "127.0.0.1:0", .legacy_reload = "/reload", .token_file = directory.path() + "/token"}) {
    desire(rig, Verdict::active);
  }
  void write(const std::string& content) {
    std::ofstream(directory.path() + "/next") << content;
    std::filesystem::rename(directory.path() + "/next", directory.path() + "/token");
  }
  int ask(const std::string& authorization) {
    const Answered answer = rig.ask_tcp(get("/reload", authorization));
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(answer.headers.count("www-authenticate"), answer.status == 401 ? 1u : 0u);
    return answer.status;
  }
  Directory directory;
  Rig rig;
};

TEST_F(Token, IsWantedOverTcpOnly) {
  write("s3cret\n");
  EXPECT_EQ(ask("Authorization: Bearer s3cret\r\n"), 200);
  EXPECT_EQ(ask("Authorization: bearer  s3cret\r\n"), 200);
  for (const char* wrong :
       {"", "Authorization: Bearer s3cre\r\n", "Authorization: Bearer s3crets\r\n",
        "Authorization: Bearer s3creT\r\n", "Authorization: Bearer\r\n", "Authorization: Bearer \r\n",
        "Authorization: Basic s3cret\r\n", "Authorization: s3cret\r\n"})
    EXPECT_EQ(ask(wrong), 401) << wrong;
  EXPECT_EQ(rig.ask(get("/reload")).status, 200);
  EXPECT_EQ(rig.ask_tcp(get("/livez")).status, 200);
}

TEST_F(Token, WhatStandsBehindItIsCut) {
  for (const char* content : {"s3cret", "s3cret\n", "s3cret\r\n", "s3cret \t\r\n\n"}) {
    write(content);
    EXPECT_EQ(ask("Authorization: Bearer s3cret\r\n"), 200) << content;
  }
}

TEST_F(Token, HoldsNoBlankAndNoControlCharacter) {
  const std::string path = directory.path() + "/token";
  for (const std::string& content : {std::string("two words"), std::string("one\ntwo\n"), std::string(" led"),
                                     std::string("a\tb"), std::string("a\0b", 3), std::string("a\x7f")}) {
    write(content);
    const auto token = read_token(base::Os::real(), path);
    ASSERT_FALSE(token) << content;
    EXPECT_EQ(token.error().code, base::Code::invalid_argument);
    EXPECT_EQ(token.error().text, "OKG_TOKEN_FILE: " + path + ": holds a blank or a control character");
    EXPECT_EQ(ask("Authorization: Bearer " + content.substr(0, 1) + "\r\n"), 401);
  }
  EXPECT_EQ(ask("Authorization: Bearer two words\r\n"), 401);
}

TEST_F(Token, MayBeALinkAsASecretIsMounted) {
  const std::string path = directory.path() + "/token";
  std::filesystem::create_directory(directory.path() + "/..data");
  std::ofstream(directory.path() + "/..data/token") << "s3cret\n";
  std::filesystem::create_symlink("..data/token", path);
  EXPECT_EQ(ask("Authorization: Bearer s3cret\r\n"), 200);
}

TEST_F(Token, IsReadAgainWhenItChanges) {
  write("one");
  EXPECT_EQ(ask("Authorization: Bearer one\r\n"), 200);
  write("two");  // same size, perhaps the same time stamp
  EXPECT_EQ(ask("Authorization: Bearer one\r\n"), 401);
  EXPECT_EQ(ask("Authorization: Bearer two\r\n"), 200);
}

TEST_F(Token, LetsNobodyInWithoutAFile) {
  const std::string path = directory.path() + "/token";
  EXPECT_EQ(ask("Authorization: Bearer x\r\n"), 401);
  EXPECT_EQ(ask("Authorization: Bearer x\r\n"), 401);
  EXPECT_EQ(rig.log().size(), 1u);  // said once, not at each request
  write("\n");
  EXPECT_EQ(ask("Authorization: Bearer \r\n"), 401);
  EXPECT_EQ(ask(""), 401);
  write(std::string(5000, 'x'));
  EXPECT_EQ(ask("Authorization: Bearer " + std::string(5000, 'x') + "\r\n"), 401);
  std::filesystem::remove(path);
  std::filesystem::create_symlink("nowhere", path);
  EXPECT_EQ(ask("Authorization: Bearer x\r\n"), 401);
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(ask("Authorization: Bearer x\r\n"), 401);  // and it did not block
  EXPECT_EQ(rig.ask_tcp(get("/livez")).status, 200);
  std::filesystem::remove(path);
  write("x");
  EXPECT_EQ(ask("Authorization: Bearer x\r\n"), 200);
}

// docs/en/getting_started/hot_update.md of OpenKruiseGame, verbatim but for the port.
constexpr const char* kRequestScript = R"(#!/bin/bash

# 循环发送 HTTP 请求，直到服务器返回成功响应为止
while true; do
  response=$(curl -s -w "%{http_code}" http://localhost:3000/reload)
  if [[ $response -eq 200 ]]; then
    echo "Server reloaded successfully!"
    break
  else
    echo "Server reload failed, response code: $response"
  fi
  sleep 1
done
)";

TEST(LegacyRoute, UpstreamsScriptEndsAfterOneSuccess) {
  if (std::system("command -v curl >/dev/null && command -v bash >/dev/null") != 0)
    GTEST_SKIP() << "bash or curl is missing";
  Rig rig(kOptions);
  desire(rig, Verdict::failed, "v1 is bad");
  Directory directory;
  const std::string path = directory.path() + "/request.sh";
  std::string script = kRequestScript;
  script.replace(script.find("3000"), 4, std::to_string(rig.port()));
  std::ofstream(path) << script;
  std::FILE* running = ::popen(("exec timeout 60 bash " + path + " 2>&1").c_str(), "r");
  ASSERT_NE(running, nullptr);
  std::string output;
  char line[256];
  while (std::fgets(line, sizeof line, running) != nullptr) {
    output += line;
    desire(rig, Verdict::active);  // after its first failure
  }
  EXPECT_EQ(::pclose(running), 0);
  EXPECT_EQ(output, "Server reload failed, response code: 500\nServer reloaded successfully!\n");
}

TEST(LegacyRoute, AThousandAtOnceAreOneReload) {
  Rig rig(kOptions, Settings{.connections_per_peer = 1100});
  desire(rig, Verdict::pending);
  constexpr int kCallers = 1000;
  std::vector<Client> clients;
  clients.reserve(kCallers);
  for (int i = 0; i < kCallers; ++i) {
    clients.push_back(rig.tcp());
    ASSERT_TRUE(clients.back().connected());
    ASSERT_TRUE(clients.back().send(get("/reload")));
  }
  ASSERT_TRUE(rig.backend.wait_until([&](const auto& state) { return state.outcomes_asked >= kCallers; }));
  EXPECT_LE(rig.backend.state().looks, kCallers);
  desire(rig, Verdict::active);
  rig.notify();
  int ok = 0;
  for (Client& client : clients) ok += client.receive().status == 200 ? 1 : 0;
  EXPECT_EQ(ok, kCallers);
  EXPECT_EQ(rig.backend.state().reloads, 0);
}

TEST(LegacyRoute, OneLookServesAllThatArrivedTogether) {
  Rig rig(kOptions);
  desire(rig, Verdict::active);
  constexpr int kCallers = 20;
  std::vector<Client> clients;
  for (int i = 0; i < kCallers; ++i) {
    clients.push_back(rig.unix_socket());
    EXPECT_EQ(clients.back().ask(get("/livez")).status, 200);
  }
  ASSERT_EQ(rig.backend.state().looks, 0);
  // While the io thread is busy here, all requests arrive; they are found in one turn.
  rig.on_io([&](Endpoint&) {
    for (Client& client : clients) ASSERT_TRUE(client.send(get("/reload")));
  });
  for (Client& client : clients) EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(rig.backend.state().looks, 1);
}

}  // namespace
}  // namespace okg::control::test
