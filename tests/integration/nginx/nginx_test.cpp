// The upstream document's server, unchanged: nginx.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "control/client.hpp"
#include "integration/nginx/pages.hpp"

namespace okg::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class Nginx : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/sbin/nginx", X_OK) != 0) GTEST_SKIP() << "no nginx: apt-get install nginx-light";
  }
  void start(const Words& more = {}) {
    Variables variables = pod().variables();
    variables["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin";
    variables["PORT"] = std::to_string(nginx_.port);
    // What it writes is read at its end: a pipe would be full by then.
    const std::string log = nginx_.pod / "nginx.log";
    okg_ = std::make_unique<Process>(
        Words{}, Process::Surroundings{
                     variables, write_script(nginx_.command(more), log), "", "", false, {}, false, ""});
    ASSERT_TRUE(eventually([&] { return pod().outcome().find("active") != std::string::npos; })) << said();
  }
  // The program with its stderr in a file.
  std::string write_script(const Words& words, const std::string& log) const {
    std::string script = "#!/bin/sh\nexec '" + std::string(OKG_PROGRAM) + "'";
    for (const std::string& word : words) script += " '" + word + "'";
    write_file(nginx_.pod / "start", script + " 2> '" + log + "'\n");
    std::filesystem::permissions(nginx_.pod / "start", std::filesystem::perms(0755));
    return nginx_.pod / "start";
  }
  std::string said() const { return pod().read(pod() / "nginx.log"); }
  std::size_t reconfigured() const {
    const std::string text = said();
    std::size_t count = 0;
    // "[notice] 7#7: reconfiguring", after "signal 1 (SIGHUP) received from 9, reconfiguring"
    for (std::size_t at = 0; (at = text.find(": reconfiguring\n", at)) != text.npos; ++at) ++count;
    return count;
  }
  const Pod& pod() const { return nginx_.pod; }

  const NginxPod nginx_;
  std::unique_ptr<Process> okg_;
};

TEST_F(Nginx, GoesFromVersionToVersionUnderLoad) {
  nginx_.publish("1", 1);
  start();
  {
    Players players(nginx_);
    std::size_t loaded = 0;
    for (int i = 1; i <= 10; ++i) {
      const int example = 1 + i % 2;
      ASSERT_EQ(nginx_.publish_and_wait(std::to_string(i) + ".0." + std::to_string(example), example), 0)
          << pod().status().dump();
      EXPECT_THAT(nginx_.get("/texts/en.json"),
                  HasSubstr(example == 2 ? "*_* Game over!" : "\"Game over!\""));
      // Somebody has loaded a page of this version.
      loaded = players.loaded();
      ASSERT_TRUE(eventually([&] { return players.loaded() >= loaded + 8; }));
    }
    EXPECT_THAT(players.complaints(), IsEmpty());
  }
  EXPECT_EQ(reconfigured(), 10U);
  okg_->signal(SIGQUIT);
  EXPECT_EQ(okg_->finish().code, 0);
}

TEST_F(Nginx, AThousandFilesAreOneReconfiguration) {
  Files files;
  for (int i = 0; i < 1000; ++i) files["scripts/" + std::to_string(i) + ".js"] = "one " + std::to_string(i);
  nginx_.publish("1", 1, files);
  start();
  for (auto& [path, text] : files) text.replace(0, 3, "two");
  ASSERT_EQ(nginx_.publish_and_wait("2", 2, files), 0);
  EXPECT_EQ(reconfigured(), 1U);
  EXPECT_EQ(nginx_.get("/scripts/999.js"), "two 999");
  RecordProperty("total_us", std::to_string(pod().status()["last"]["total_us"].get<std::int64_t>()));
}

TEST_F(Nginx, ABadConfigurationIsRefusedBeforeAnythingMoves) {
  nginx_.publish("1", 1);
  start();
  const std::string before = pod().read(pod().run() + "/nginx.conf");
  EXPECT_EQ(nginx_.publish_and_wait("2", 2, {{"nginx.conf", "nonsense;\n"}}), 1);
  const auto last = pod().status()["last"];
  EXPECT_EQ(last["stage"], "prepare");
  EXPECT_THAT(last["text"].get<std::string>(), HasSubstr("unknown directive \"nonsense\""));
  EXPECT_EQ(pod().read(pod().run() + "/nginx.conf"), before);
  EXPECT_THAT(nginx_.get("/texts/en.json"), HasSubstr("\"Game over!\""));
  EXPECT_EQ(reconfigured(), 0U);
  EXPECT_EQ(nginx_.publish_and_wait("3", 2), 0);
  EXPECT_THAT(nginx_.get("/texts/en.json"), HasSubstr("*_* Game over!"));
}

TEST_F(Nginx, ABadPageIsTakenBack) {
  nginx_.publish("1", 1, {{"health.html", "fine 1"}});
  start({"--timeout", "1s", "--confirm", "http:" + nginx_.url("/health.html") + "=fine {version}"});
  EXPECT_EQ(nginx_.publish_and_wait("2", 2, {{"health.html", "oops"}}), 1);
  const auto last = pod().status()["last"];
  EXPECT_EQ(last["stage"], "confirm");
  EXPECT_THAT(last["text"].get<std::string>(), HasSubstr("does not hold \"fine 2\": \"oops\""));
  EXPECT_EQ(nginx_.get("/health.html"), "fine 1");
  EXPECT_THAT(nginx_.get("/texts/en.json"), HasSubstr("\"Game over!\""));
  EXPECT_EQ(nginx_.publish_and_wait("3", 2, {{"health.html", "fine 3"}}), 0);
}

TEST_F(Nginx, WorkersAndDescriptorsDoNotPileUp) {
  nginx_.publish("1", 1);
  start();
  ASSERT_EQ(nginx_.publish_and_wait("first", 2), 0);
  const auto descriptors = [&] {
    return std::distance(std::filesystem::directory_iterator("/proc/" + std::to_string(okg_->pid()) + "/fd"),
                         {});
  };
  const auto before = descriptors();
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(nginx_.publish_and_wait("round-" + std::to_string(i), 1 + i % 2), 0);
  EXPECT_TRUE(eventually([&] { return nginx_.workers(okg_->pid()) == 3; })) << nginx_.workers(okg_->pid());
  EXPECT_TRUE(eventually([&] { return descriptors() <= before; })) << descriptors() << " before " << before;
}

// A build that sets all mtimes to one value: nginx's ETag is made of mtime and size.
TEST_F(Nginx, AChangedFileOfTheSameSizeAndTimeIsNotTakenForTheOld) {
  const auto normalise = [&](const std::string& version) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(pod() / ("image-" + version))) {
      const timespec times[] = {{315'532'800, 0}, {315'532'800, 0}};  // 1980-01-01, as zip and Nix have it
      ::utimensat(AT_FDCWD, entry.path().c_str(), times, 0);
    }
  };
  nginx_.publish("1", 1, {{"same.js", "hp=100"}});
  start();
  const auto ask = [&](const std::string& tag) {
    control::Request request;
    if (!tag.empty()) request.headers["If-None-Match"] = tag;
    return control::ask_url(nginx_.url("/same.js"), request, 10s);
  };
  std::string tag;
  for (const char* version : {"2", "3", "4"}) {
    const std::string text = std::string("hp=90") + version;
    const std::string image = pod() / (std::string("image-") + version);
    std::filesystem::copy(pod() / "image-1", image, std::filesystem::copy_options::recursive);
    write_file(image + "/files/same.js", text);
    normalise(version);
    ASSERT_EQ(pod().okg({"pack", image, "--version", version}).code, 0);
    normalise(version);
    ASSERT_EQ(pod().okg({"publish", "--once", "--wait", "60s", "--from", image}).code, 0);
    const auto answer = ask(tag);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200) << version;
    EXPECT_EQ(answer->body, text);
    tag = answer->headers.at("etag");
    EXPECT_EQ(ask(tag)->status, 304);
  }
}

}  // namespace
}  // namespace okg::test
