#include "controller/gameserver_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>
#include <vector>

#include "support/temporary_directory.hpp"

namespace okg::controller {
namespace {

class GameServerFileTest : public ::testing::Test {
 protected:
  GameServerFileTest() : run_(::open((root_ / "").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~GameServerFileTest() override { ::close(run_); }
  base::Result<std::string> count_up() {
    return edit_gameserver_file(
        base::Os::real(), run_, "g", [](base::OrderedJson& gameserver) -> base::Status {
          auto& count = gameserver["metadata"]["labels"]["count"];
          count = std::to_string(count.is_string() ? std::stoi(count.get<std::string>()) + 1 : 1);
          return {};
        });
  }

  okg::test::TemporaryDirectory root_;
  int run_;
};

TEST_F(GameServerFileTest, IsMadeWhenItIsNotThere) {
  EXPECT_EQ(read_gameserver_file(base::Os::real(), run_).error().code, base::Code::not_found);
  const auto made = count_up();
  ASSERT_TRUE(made);
  EXPECT_EQ(*read_gameserver_file(base::Os::real(), run_), *made);
  EXPECT_NE(made->find("\"opsState\": \"None\""), std::string::npos);
}

TEST_F(GameServerFileTest, EditsOfManyLoseNothing) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) ASSERT_TRUE(count_up());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_NE(count_up()->find("\"count\": \"201\""), std::string::npos);
}

TEST_F(GameServerFileTest, WhatIsNoJsonIsNotOverwritten) {
  std::ofstream(root_ / "gameserver.json") << "{ half";
  EXPECT_EQ(count_up().error().code, base::Code::io);
  std::string text;
  std::getline(std::ifstream(root_ / "gameserver.json"), text);
  EXPECT_EQ(text, "{ half");
}

TEST_F(GameServerFileTest, OnlyOverWhatWasSeen) {
  const auto first = count_up();
  ASSERT_TRUE(count_up());
  const auto late = edit_gameserver_file(
      base::Os::real(), run_, "g", [](base::OrderedJson&) { return base::Status(); }, *first);
  EXPECT_EQ(late.error().code, base::Code::conflict);
}

}  // namespace
}  // namespace okg::controller
