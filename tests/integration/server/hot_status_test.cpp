// The hot states of a server stand in its status for as long as they are open.
#include <gtest/gtest.h>

#include <optional>

#include "integration/server/scene.hpp"

namespace okg::test {
namespace {

TEST(HotStatus, IsThereWhileItIsOpen) {
  Scene scene;
  const std::string directory = scene.run_dir() + "-hot";
  okg::GameServer server(scene.options());
  ASSERT_TRUE(server.start());
  EXPECT_EQ(status(server).at("hot"), nlohmann::json::array());
  for (const char* opened : {"created", "resumed"}) {
    auto hot = server.hot_state("world", {.directory = directory, .max_bytes = 2 << 20});
    ASSERT_TRUE(hot) << hot.error().text;
    auto table = hot->table<std::uint64_t, std::uint32_t>("scores");
    ASSERT_TRUE(table);
    ASSERT_TRUE(table->put(7, 42));
    const nlohmann::json all = status(server).at("hot");
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].at("name"), "world");
    EXPECT_EQ(all[0].at("opened"), opened);
    EXPECT_EQ(all[0].at("records"), 1);
    EXPECT_EQ(all[0].at("max_bytes"), 2 << 20);
    EXPECT_EQ(all[0].at("was_clean"), true);
  }
  EXPECT_EQ(status(server).at("hot"), nlohmann::json::array());
}

TEST(HotStatus, MayOutliveItsServer) {
  Scene scene;
  std::optional<okg::HotState> hot;
  {
    okg::GameServer server(scene.options());
    ASSERT_TRUE(server.start());
    auto opened = server.hot_state("world", {.directory = scene.run_dir() + "-hot", .max_bytes = 2 << 20});
    ASSERT_TRUE(opened) << opened.error().text;
    hot.emplace(*std::move(opened));
  }
  const auto table = hot->table<std::uint64_t, std::uint32_t>("scores");
  ASSERT_TRUE(table);
  hot.reset();
}

}  // namespace
}  // namespace okg::test
