#include "integration/run/support.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>
#include <fstream>
#include <sstream>

namespace okg::test {
namespace {

using base::Json;

Words command(const Words& flags, const std::string& script) {
  Words out{"run"};
  out.insert(out.end(), flags.begin(), flags.end());
  out.insert(out.end(), {"--", "sh", "-c", script});
  return out;
}

}  // namespace

const char kServer[] =
    "trap 'exit 5' TERM; echo started with $OKG_RELOAD_VERSION >> $LOG; while :; do sleep 0.02; done";

Pod::Pod() = default;

Variables Pod::variables() const {
  Variables out = place_.variables();
  out["OKG_NAME"] = "game";
  out["OKG_PROBATION"] = "50ms";
  out["PATH"] = "/usr/local/bin:/usr/bin:/bin";
  out["LOG"] = place_ / "log";
  return out;
}

std::string Pod::pack(const std::string& version, const Files& files) const {
  const std::string image = place_ / ("image-" + version);
  std::filesystem::create_directories(image + "/files");
  write_file(image + "/files/version", version);
  for (const auto& [path, text] : files) {
    const std::filesystem::path file = image + "/files/" + path;
    std::filesystem::create_directories(file.parent_path());
    write_file(file.string(), text);
  }
  const Finished packed = okg({"pack", image, "--version", version});
  EXPECT_EQ(packed.code, 0) << packed.err;
  return packed.out.substr(0, packed.out.find('\n'));
}

void Pod::publish_packed(const std::string& version) const {
  const Finished done = okg({"publish", "--once", "--from", place_ / ("image-" + version)});
  EXPECT_EQ(done.code, 0) << done.err;
}

std::string Pod::publish(const std::string& version, const Files& files) const {
  const std::string digest = pack(version, files);
  publish_packed(version);
  return digest;
}

int Pod::publish_and_wait(const std::string& version, const Files& files) const {
  publish(version, files);
  return okg({"publish", "--once", "--wait", "30s", "--from", place_ / ("image-" + version)}).code;
}

Finished Pod::okg(const Words& words) const {
  return test::okg(words, variables());
}

Json Pod::status() const {
  const Finished done = okg({"status", "--json"});
  return done.code == 0 ? done.events().at(0) : Json(nullptr);
}

std::string Pod::outcome() const {
  const Json now = status();
  if (now.is_null() || now["active"].is_null() || now["last"].is_null()) return "";
  return now["active"].value("version", "") + " " + now["last"].value("result", "");
}

std::string Pod::read(const std::string& path) const {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> Pod::told() const {
  std::vector<std::string> out;
  std::istringstream in(read(place_ / "log"));
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

Supervised::Supervised(const Pod& pod, const Words& flags, const std::string& script)
    : pod_(pod), process_(command(flags, script), pod.variables()) {}

bool Supervised::is_up() {
  return eventually([&] {
    const Json now = pod_.status();
    return !now.is_null() && !now["active"].is_null() && now["ready"] == true;
  });
}

Finished Supervised::end() {
  process_.signal(SIGTERM);
  return process_.finish();
}

unsigned short free_port() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(socket.get(), generic, size), 0);
  EXPECT_EQ(::getsockname(socket.get(), generic, &size), 0);
  return ::ntohs(address.sin_port);
}

}  // namespace okg::test
