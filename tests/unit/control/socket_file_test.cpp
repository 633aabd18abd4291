// The socket's file in the run directory, and the endpoint's beginning and end.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "unit/control/support.hpp"

namespace okg::control::test {
namespace {

using namespace std::chrono_literals;

bool is_socket(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

// Everything in a directory, the socket's temporary names too.
std::vector<std::string> names(const std::string& directory) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    out.push_back(entry.path().filename());
  return out;
}

TEST(SocketFile, IsForEverybodyAndRemovedAtTheEnd) {
  Directory directory;
  const mode_t before = ::umask(077);
  {
    Rig rig(EndpointOptions{.run_directory = directory.path()});
    ASSERT_TRUE(rig.opened) << rig.opened.error().text;
    struct stat info{};
    ASSERT_EQ(::lstat(rig.socket_path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode, static_cast<mode_t>(S_IFSOCK | 0666));
    EXPECT_EQ(names(directory.path()), std::vector<std::string>{"okg.sock"});
  }
  ::umask(before);
  EXPECT_TRUE(names(directory.path()).empty());
}

TEST(SocketFile, ReplacesWhatADeadServerLeft) {
  Directory directory;
  const std::string path = directory.path() + "/okg.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  base::UniqueFd stale(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(stale.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  stale.reset();
  EXPECT_FALSE(Client::unix_socket(path).connected());
  Rig rig(EndpointOptions{.run_directory = directory.path()});
  ASSERT_TRUE(rig.opened) << rig.opened.error().text;
  EXPECT_EQ(rig.ask(get("/livez")).status, 200);
}

TEST(SocketFile, ReplacesALinkWithoutFollowingIt) {
  Directory directory, elsewhere;
  std::ofstream(elsewhere.path() + "/precious") << "mine";
  std::filesystem::create_symlink(elsewhere.path() + "/precious", directory.path() + "/okg.sock");
  Rig rig(EndpointOptions{.run_directory = directory.path()});
  ASSERT_TRUE(rig.opened) << rig.opened.error().text;
  EXPECT_TRUE(is_socket(rig.socket_path()));
  EXPECT_TRUE(std::filesystem::is_regular_file(elsewhere.path() + "/precious"));
  EXPECT_EQ(rig.ask(get("/livez")).status, 200);
}

TEST(SocketFile, WhatCannotBeReplacedIsAnErrorThatLeavesNothing) {
  Directory directory;
  std::filesystem::create_directories(directory.path() + "/okg.sock/x");
  Rig rig(EndpointOptions{.run_directory = directory.path()});
  ASSERT_FALSE(rig.opened);
  EXPECT_NE(rig.opened.error().text.find("okg.sock"), std::string::npos);
  EXPECT_EQ(names(directory.path()), std::vector<std::string>{"okg.sock"});
}

TEST(SocketFile, ASuccessorsIsLeftAlone) {
  Directory directory;
  auto first = std::make_unique<Rig>(EndpointOptions{.run_directory = directory.path()});
  Rig second(EndpointOptions{.run_directory = directory.path()});
  first.reset();
  EXPECT_EQ(second.ask(get("/livez")).status, 200);
}

TEST(SocketFile, PathsLongerThanASocketAddress) {
  Directory directory;
  // Around the limit: the final name fits and the temporary one does not; then neither does.
  for (const std::size_t length : {80u, 98u, 99u, 107u, 108u, 109u, 200u}) {
    std::string run = directory.path() + "/";
    run += std::string(length - run.size(), 'r');
    std::filesystem::create_directory(run);
    Rig rig(EndpointOptions{.run_directory = run});
    ASSERT_TRUE(rig.opened) << length << ": " << rig.opened.error().text;
    EXPECT_EQ(rig.ask(get("/livez")).status, 200) << length;
    const auto answer = ask_socket(run, {.target = "/livez"}, 20s);
    ASSERT_TRUE(answer) << length << ": " << answer.error().text;
    EXPECT_EQ(answer->status, 200);
  }
}

// A system where /proc is not mounted.
class NoProc : public base::Os {
 public:
  int stat(int directory, const char* path, struct stat* out) override {
    if (std::string_view(path).starts_with("/proc/")) return -ENOENT;
    return Os::stat(directory, path, out);
  }
};

TEST(SocketFile, APathThatIsTooLongWithoutProcIsAClearError) {
  Directory directory;
  const std::string run = directory.path() + "/" + std::string(120, 'r');
  std::filesystem::create_directory(run);
  NoProc os;
  FakeBackend backend;
  boost::asio::io_context io;
  Endpoint endpoint(io, backend, {.run_directory = run}, os, {});
  const auto opened = endpoint.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, base::Code::unsupported);
  EXPECT_NE(opened.error().text.find("107 bytes"), std::string::npos);
  EXPECT_TRUE(names(run).empty());
}

TEST(Closing, EndsEveryConnectionAndAnswersNothingMore) {
  Rig rig(EndpointOptions{.http = "127.0.0.1:0", .legacy_reload = "/reload"});
  const unsigned short port = rig.port();
  Client idle = rig.unix_socket(), waiting = rig.tcp(), half = rig.unix_socket();
  EXPECT_EQ(idle.ask(get("/livez")).status, 200);
  half.send("GET /li");
  waiting.send(get("/reload"));
  ASSERT_TRUE(rig.backend.wait_until([](const auto& state) { return state.looks == 1; }));
  rig.on_io([&](Endpoint& endpoint) {
    idle.send(get("/livez"));  // arrives while it is closed
    endpoint.close();
    endpoint.close();
    endpoint.notify();
    EXPECT_EQ(endpoint.port(), 0);
    EXPECT_FALSE(endpoint.open());
  });
  EXPECT_TRUE(idle.wait_closed());
  EXPECT_EQ(waiting.receive().status, 0);
  EXPECT_TRUE(half.wait_closed());
  EXPECT_FALSE(rig.unix_socket().connected());
  EXPECT_FALSE(Client::tcp(port).connected());
  EXPECT_FALSE(std::filesystem::exists(rig.socket_path()));
}

TEST(Closing, ADestroyedEndpointsHandlersTouchNothing) {
  Directory directory;
  boost::asio::io_context io;
  Client client = Client(base::UniqueFd());
  {
    FakeBackend backend;
    backend.change([](auto& state) {
      state.desired = digest_of(1);
      state.outcomes[digest_of(1)] = {Verdict::pending, ""};
    });
    Endpoint endpoint(io, backend, {.run_directory = directory.path(), .legacy_reload = "/reload"},
                      base::Os::real(), {});
    ASSERT_TRUE(endpoint.open());
    client = Client::unix_socket(directory.path() + "/okg.sock");
    client.send(get("/reload"));
    while (backend.state().outcomes_asked == 0) io.run_one();
    endpoint.notify();  // queued, and never to be acted on
    Client late = Client::unix_socket(directory.path() + "/okg.sock");
    late.send(get("/reload"));
  }
  io.restart();
  io.run();  // all were cancelled: it ends
  EXPECT_TRUE(client.wait_closed());
}

TEST(Closing, HandlersMayAlsoDieWithTheirContext) {
  Directory directory;
  FakeBackend backend;
  Client client = Client(base::UniqueFd());
  {
    boost::asio::io_context io;
    Endpoint endpoint(io, backend, {.run_directory = directory.path(), .legacy_reload = "/reload"},
                      base::Os::real(), {});
    ASSERT_TRUE(endpoint.open());
    client = Client::unix_socket(directory.path() + "/okg.sock");
    client.send(get("/reload"));
    while (backend.state().looks == 0) io.run_one();
  }
  EXPECT_TRUE(client.wait_closed());
}

TEST(Closing, FromInsideTheBackend) {
  Directory directory;
  boost::asio::io_context io;
  FakeBackend backend;
  Endpoint endpoint(io, backend, {.run_directory = directory.path()}, base::Os::real(), {});
  ASSERT_TRUE(endpoint.open());
  backend.change([&](auto& state) { state.on_look = [&](FakeBackend::State&) { endpoint.close(); }; });
  Client client = Client::unix_socket(directory.path() + "/okg.sock");
  client.send(get("/v1/status"));
  io.run();  // ends, since nothing is left to do
  EXPECT_EQ(client.receive().status, 0);
}

TEST(Descriptors, NoneIsLeftToAProgramThatIsStarted) {
  Rig rig(EndpointOptions{.http = "127.0.0.1:0"});
  Client client = rig.unix_socket(), tcp = rig.tcp();
  EXPECT_EQ(client.ask(get("/livez")).status, 200);
  EXPECT_EQ(tcp.ask(get("/livez")).status, 200);
  int kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone).string().starts_with("socket:"))
      kept += (::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0 ? 1 : 0;
  }
  EXPECT_EQ(kept, 0);
}

}  // namespace
}  // namespace okg::control::test
