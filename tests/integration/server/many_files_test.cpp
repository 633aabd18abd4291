// A payload of very many files, from the image to the game: whole, once, and with most of it shared on the
// disk.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "integration/server/scene.hpp"

namespace okg::test {
namespace {

constexpr std::size_t kFiles = 2'000;
constexpr std::size_t kFilesLong = 100'000;

std::string name(std::size_t i) {
  return "scripts/d" + std::to_string(i % 100) + "/" + std::to_string(i) + ".lua";
}

// What prepare saw of a payload.
struct Seen {
  std::size_t files = 0;
  std::size_t of_this_generation = 0;
};

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// One file in a hundred changes from the first generation to the second.
void of_many_files(std::size_t count) {
  Scene scene;
  Files files;
  for (std::size_t i = 0; i < count; ++i) files[name(i)] = "generation 1 of " + std::to_string(i);
  scene.publish("1", files);

  okg::GameServer server(scene.options());
  std::mutex mutex;  // nothing else orders what the worker writes after what was read of the payload before
  std::vector<Seen> prepared;
  std::vector<std::string> committed;
  server.on_reload<Seen>(
      "scripts", {.prepare = [&](okg::Payload payload, okg::StopToken) -> okg::Result<std::unique_ptr<Seen>> {
                    auto seen = std::make_unique<Seen>();
                    for (std::size_t i = 0; i < count; ++i) {
                      const auto text = payload.read(name(i));
                      if (!text) return text.error();
                      ++seen->files;
                      seen->of_this_generation +=
                          text->starts_with("generation " + std::string(payload.version()) + " ");
                    }
                    const std::lock_guard lock(mutex);
                    prepared.push_back(*seen);
                    return seen;
                  },
                  .commit =
                      [&](std::unique_ptr<Seen> next) {
                        committed.push_back(std::to_string(next ? next->of_this_generation : 0));
                        return std::unique_ptr<Seen>();
                      }});
  const auto started = server.start({.initial_payload = 100s});
  ASSERT_TRUE(started) << started.error().text;
  {
    const std::lock_guard lock(mutex);
    ASSERT_EQ(prepared.size(), 1U);
    EXPECT_EQ(prepared[0].files, count);
    EXPECT_EQ(prepared[0].of_this_generation, count);
  }

  const std::size_t descriptors = open_descriptors();
  for (std::size_t i = 0; i < count; i += 100) files[name(i)] = "generation 2 of " + std::to_string(i);
  const std::string second = scene.publish("2", files);
  ASSERT_TRUE(poll_until(
      server, [&] { return server.payload().digest() == second; }, 100s))
      << status(server).dump(1);
  EXPECT_EQ(committed, (std::vector<std::string>{std::to_string(count), std::to_string((count + 99) / 100)}));
  ASSERT_EQ(prepared.size(), 2U);
  EXPECT_EQ(prepared[1].files, count);
  EXPECT_LE(open_descriptors(), descriptors + 4);  // two payloads are pinned during probation

  struct stat same{}, changed{};
  const std::string volume = scene.payload_dir() + "/v/" + second.substr(second.find(':') + 1) + "/files/";
  ASSERT_EQ(::stat((volume + name(1)).c_str(), &same), 0);
  ASSERT_EQ(::stat((volume + name(0)).c_str(), &changed), 0);
  EXPECT_EQ(same.st_nlink, 2U);
  EXPECT_EQ(changed.st_nlink, 1U);
}

TEST(ManyFiles, AreOneReloadAndShareTheDisk) {
  of_many_files(kFiles);
}

TEST(ManyFiles, AHundredThousandAreOneReloadAndShareTheDisk) {
  if (std::getenv("OKG_LONG") == nullptr) GTEST_SKIP() << "takes minutes: set OKG_LONG=1";
  of_many_files(kFilesLong);
}

}  // namespace
}  // namespace okg::test
