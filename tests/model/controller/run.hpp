// A long random walk through one world after another. The same seed gives the same walk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/controller/world.hpp"

namespace okg::controller_model {

// How often what was reached: a walk that never gets somewhere proves nothing about it.
struct Reached {
  std::uint64_t steps = 0, quiet = 0;
  std::uint64_t events[static_cast<std::size_t>(Event::kCount)] = {};
  std::uint64_t notices[2][4] = {};  // by kind and phase
  std::uint64_t patches = 0, conflicts = 0, taken_back = 0;

  std::uint64_t of(Event event) const { return events[static_cast<std::size_t>(event)]; }
  void add(const Reached& other);
};

// The broken rule, if one is.
std::optional<std::string> broken_rule(std::uint64_t seed, std::uint64_t steps, Reached* reached = nullptr);
// The same with the newest lines of its story: the walk is repeated for that.
std::string story(std::uint64_t seed, std::uint64_t steps);

}  // namespace okg::controller_model
