// What the crash tests do to an engine: random, the same for a seed, and through every path that stores
// something.
#pragma once

#include <optional>
#include <random>

#include "crash/hot/crash_image.hpp"

namespace okg::hot::test {

struct ScriptOptions {
  std::uint64_t seed = 1;
  std::size_t steps = 3000;
  std::size_t look_every = 16;  // at the least: what goes a rare way always is
  std::size_t twice_every = 100;
  std::size_t filled = 0;  // records that are there before anything is looked at
  bool compacts_often = true;
  std::size_t reopen_every = 97;  // the engine goes on in a new one, as after a kill between two operations
};

struct ScriptDone {
  std::optional<std::string> wrong;
  std::size_t images = 0;
  Usage usage;  // in the end
};

ScriptDone run_script(const ScriptOptions& options, Harness& harness);

}  // namespace okg::hot::test
