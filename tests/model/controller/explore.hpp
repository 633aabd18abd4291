// Every order in which the events of a world can come, breadth first: the way to what is wrong is the
// shortest one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/controller/world.hpp"

namespace okg::controller_model {

struct Explored {
  std::uint64_t states = 0, steps = 0, quiet = 0;
  std::size_t depth = 0;
  bool is_complete = false;          // all of them, within `most_states`
  std::optional<std::string> wrong;  // which rule, and how it was broken
};

Explored explore(const Setting& setting, Budget budget, Allowed allowed, std::uint64_t most_states);

}  // namespace okg::controller_model
