// Whom the transport believes, and what it says to others.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "unit/kube/libc.hpp"
#include "unit/kube/rig.hpp"

namespace okg::kube::test {
namespace {

using okg::test::Certificate;
using okg::test::CertificateAuthority;
using okg::test::write_file;

class Tls : public testing::Test {
 protected:
  Tls() {
    rig.server.on("GET", "/", [](const FakeRequest&, FakeAnswer& answer) { answer.json(200, "{}"); });
  }
  // Neither a request nor a stream gets through, and no request was seen.
  void expect_refused(const std::string& why) {
    const auto answer = rig.get("/");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::denied) << answer.error().text;
    EXPECT_FALSE(answer.error().retriable);
    EXPECT_THAT(answer.error().text, HasSubstr(why));
    EXPECT_THAT(answer.error().text, HasSubstr("API server 127.0.0.1:"));
    Seen seen;
    rig.transport->stream({.target = "/"}, kPatience, kPatience, seen.handlers(rig));
    ASSERT_TRUE(rig.run_until([&] { return !seen.ended.empty(); }));
    EXPECT_EQ(seen.ended[0].code, Code::denied);
    EXPECT_TRUE(seen.opened.empty());
    EXPECT_TRUE(rig.server.requests().empty()) << "the token was sent to somebody else";
  }
  Rig rig;
};

TEST_F(Tls, TheRightOneIsBelieved) {
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
}

TEST_F(Tls, AnotherCa) {
  rig.server.write_ca(CertificateAuthority().pem());
  expect_refused("certificate");
}

TEST_F(Tls, AnotherCaOfTheSameName) {
  const CertificateAuthority other("test CA");
  rig.server.use_certificate(other.issue({"127.0.0.1"}));
  expect_refused("certificate");
}

TEST_F(Tls, SelfSigned) {
  // Whoever is its own CA is trusted by nobody.
  const CertificateAuthority self("127.0.0.1");
  rig.server.use_certificate(self.issue({"127.0.0.1"}));
  expect_refused("certificate");
}

TEST_F(Tls, AnotherAddress) {
  rig.server.use_certificate(rig.server.ca().issue({"127.0.0.2", "kubernetes.default.svc"}));
  expect_refused("IP address mismatch");
}

TEST_F(Tls, NoNamesAtAll) {
  // The name in the subject is none.
  rig.server.use_certificate(rig.server.ca().issue({}, -1h, 1h, "127.0.0.1"));
  expect_refused("IP address mismatch");
}

TEST_F(Tls, AnAddressAsAName) {
  const Certificate certificate = rig.server.ca().issue({"127.0.0.1.example"});
  rig.server.use_certificate(certificate);
  expect_refused("IP address mismatch");
}

TEST_F(Tls, ACertificateForSomethingElse) {
  rig.server.use_certificate(rig.server.ca().issue({"127.0.0.1"}, -1h, 1h, "kube-apiserver", "clientAuth"));
  expect_refused("certificate purpose");
}

TEST_F(Tls, ACaThatIsNoRootIsTrustedAsItIs) {
  const CertificateAuthority root("root");
  const CertificateAuthority below("below", &root);
  rig.server.use_certificate(below.issue({"127.0.0.1"}));
  rig.server.write_ca(below.pem());
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  const CertificateAuthority beside("beside", &root);
  rig.server.use_certificate(beside.issue({"127.0.0.1"}));
  rig.server.close_idle();
  ASSERT_TRUE(rig.server.wait_open(0));
  const auto answer = rig.get("/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::denied);
}

TEST_F(Tls, VersionsFrom12On) {
  rig.server.welcome(FakeApiServer::Welcome::tls_1_1);
  const auto old = rig.get("/");
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Code::io);
  EXPECT_THAT(old.error().text, HasSubstr("TLS handshake"));
  EXPECT_TRUE(rig.server.requests().empty());
  rig.server.welcome(FakeApiServer::Welcome::tls_1_2);
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
}

TEST_F(Tls, Expired) {
  rig.server.use_certificate(rig.server.ca().issue({"127.0.0.1"}, -2h, -1h));
  expect_refused("expired");
}

TEST_F(Tls, NotYetValid) {
  rig.server.use_certificate(rig.server.ca().issue({"127.0.0.1"}, 1h, 2h));
  expect_refused("not yet valid");
}

TEST_F(Tls, AHostThatIsAName) {
  Config config = rig.config();
  config.host = kLoopback;
  rig.server.use_certificate(rig.server.ca().issue({kLoopback}));
  Rig named(rig.server, config);
  EXPECT_EQ(text_of(named.get("/")), "ok 200 {}");
  EXPECT_EQ(rig.server.requests().back().headers.at("host"),
            std::string(kLoopback) + ":" + std::to_string(rig.server.port()));
  rig.server.use_certificate(rig.server.ca().issue({"127.0.0.1"}, -1h, 1h, kLoopback));
  Rig other(rig.server, config);
  const auto answer = other.get("/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::denied);
  EXPECT_THAT(answer.error().text, HasSubstr("ostname mismatch"));
}

// The first address of the name takes no connection, and does not say so.
TEST_F(Tls, AnAddressThatDoesNotAnswerLeavesTimeForTheNext) {
  const base::UniqueFd deaf(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  address.sin_port = htons(rig.server.port());
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
  ASSERT_EQ(::bind(deaf.get(), raw, sizeof address), 0);
  ASSERT_EQ(::listen(deaf.get(), 0), 0);
  std::vector<base::UniqueFd> queued;
  for (bool full = false; !full;) {
    queued.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(queued.back().get(), raw, sizeof address);
    pollfd connected{queued.back().get(), POLLOUT, 0};
    full = ::poll(&connected, 1, 50) == 0;
    ASSERT_LT(queued.size(), 100U);
  }
  Config config = rig.config();
  config.host = kDeafAndLoopback;
  rig.server.use_certificate(rig.server.ca().issue({config.host}));
  Rig named(rig.server, config);
  EXPECT_EQ(text_of(named.get("/", 1600ms)), "ok 200 {}");
}

TEST_F(Tls, AHostThatNobodyKnows) {
  Config config = rig.config();
  config.host = kNobody;
  Rig unknown(rig.server, config);
  const auto answer = unknown.get("/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::io) << answer.error().text;
  EXPECT_TRUE(answer.error().retriable);
  EXPECT_THAT(answer.error().text, HasSubstr("resolve its name"));
}

TEST_F(Tls, OnlyOneOfTheTwo) {
  // A server that speaks HTTP without TLS, or nothing.
  rig.server.welcome(FakeApiServer::Welcome::plain_http);
  const auto plain = rig.get("/");
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().code, Code::io);
  EXPECT_THAT(plain.error().text, HasSubstr("HTTPS"));
  rig.server.welcome(FakeApiServer::Welcome::hang_up);
  const auto nothing = rig.get("/");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Code::io) << nothing.error().text;
  rig.server.welcome(FakeApiServer::Welcome::silence);
  std::string text;
  for (auto deadline = 50ms; deadline < kPatience && text.find("handshake") == text.npos; deadline *= 2) {
    const auto silence = rig.get("/", deadline);
    ASSERT_FALSE(silence);
    EXPECT_EQ(silence.error().code, Code::timeout);
    text = silence.error().text;
  }
  EXPECT_THAT(text, HasSubstr("during the TLS handshake"));
  EXPECT_TRUE(rig.server.requests().empty());
}

TEST_F(Tls, NobodyListens) {
  rig.server.stop();
  const auto answer = rig.get("/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::io);
  EXPECT_TRUE(answer.error().retriable);
  EXPECT_THAT(answer.error().text, HasSubstr("connect"));
  rig.server.start();
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
}

TEST_F(Tls, ACaThatChangesIsReadForTheNextConnection) {
  ASSERT_TRUE(rig.get("/"));
  rig.server.rotate_ca();
  rig.server.write_ca(rig.server.ca().pem());
  EXPECT_TRUE(rig.get("/")) << "the open connection goes on";
  EXPECT_EQ(rig.server.connections(), 1U);
  rig.server.close_idle();
  ASSERT_TRUE(rig.server.wait_open(0));
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  EXPECT_EQ(rig.server.connections(), 2U);
}

TEST_F(Tls, TheOldCaIsNotBelievedAnyMore) {
  ASSERT_TRUE(rig.get("/"));
  rig.server.write_ca(CertificateAuthority().pem());
  rig.server.cut_all();
  ASSERT_TRUE(rig.server.wait_open(0));
  rig.run_ready();
  const auto answer = rig.get("/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::denied);
}

TEST_F(Tls, SeveralCasInOneFile) {
  const std::string first = rig.server.ca().pem();
  rig.server.rotate_ca();
  rig.server.write_ca("# old\n" + first + "\n# new\n" + rig.server.ca().pem());
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
}

TEST_F(Tls, ACaInItsPlaceRewritten) {
  const std::string path = rig.server.directory() + "/plain.crt";
  write_file(path, CertificateAuthority().pem());
  Config config = rig.config();
  config.ca_file = path;
  Rig plain(rig.server, config);
  EXPECT_FALSE(plain.get("/"));
  write_file(path, rig.server.ca().pem());
  EXPECT_EQ(text_of(plain.get("/")), "ok 200 {}");
}

TEST_F(Tls, ACaThatIsNone) {
  const std::string encrypted =
      "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,"
      "00112233445566778899AABBCCDDEEFF\n\nAAAA\n-----END CERTIFICATE-----\n";
  for (const std::string& text :
       {std::string(), std::string("no certificate"), encrypted,
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
    Rig other;
    other.server.write_ca(text);
    const auto answer = other.get("/");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::denied) << answer.error().text;
    EXPECT_THAT(answer.error().text, HasSubstr("ca.crt"));
    EXPECT_EQ(other.server.connections(), 0U);
  }
}

TEST_F(Tls, ABrokenCaLeavesTheLastOneInUse) {
  ASSERT_TRUE(rig.get("/"));
  rig.server.write_ca("broken");
  rig.server.cut_all();
  ASSERT_TRUE(rig.server.wait_open(0));
  rig.run_ready();
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  EXPECT_THAT(rig.logged, testing::Contains(HasSubstr("the CA read before stays in use")));
  rig.logged.clear();
  std::filesystem::remove(rig.server.directory() + "/ca.crt");
  rig.server.cut_all();
  ASSERT_TRUE(rig.server.wait_open(0));
  rig.run_ready();
  EXPECT_EQ(text_of(rig.get("/")), "ok 200 {}");
  EXPECT_THAT(rig.logged, testing::Contains(HasSubstr("No such file")));
}

}  // namespace
}  // namespace okg::kube::test
