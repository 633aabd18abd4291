// A store in a directory of its own. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "store.hpp"
#include "support/temporary_directory.hpp"

namespace game2048 {

class StoreTest : public testing::Test {
 protected:
  okg::HotState hot() {
    auto opened = okg::HotState::open(
        "game-2048", {.directory = top.path() + "/hot", .max_bytes = 8 * okg::MiB, .shards = 1});
    if (!opened) ADD_FAILURE() << opened.error().text;
    return *std::move(opened);
  }
  // As the next process would.
  Store& open() {
    store.reset();
    auto opened = Store::open(hot());
    if (!opened) ADD_FAILURE() << opened.error().text;
    return store.emplace(*std::move(opened));
  }

  okg::test::TemporaryDirectory top;
  std::optional<Store> store;
};

inline const Player anna{.id = "anna-0123456789abcdef",
                         .board = {.cells = {2, 4, 8, 16, 0, 0, 0, 0, 32768, 0, 0, 0, 0, 0, 0, 2048},
                                   .score = 70000,
                                   .turns = 900,
                                   .reached_goal = true,
                                   .keeps_going = true},
                         .best = 90000,
                         .moves = Store::no_moves()};

}  // namespace game2048
