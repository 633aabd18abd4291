// Runs a world, and tells what led to a broken rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/world.hpp"

namespace okg::model {

std::unique_ptr<Subject> make_real(reload::ReloaderOptions options, Guard guard);

// The broken rule, if one is.
std::optional<std::string> broken_rule(std::uint64_t seed, std::uint64_t steps, const MakeSubject& make,
                                       Reached* reached = nullptr);

// The same with the newest 60 lines of its history: the run is repeated for that.
std::string story(std::uint64_t seed, std::uint64_t steps, const MakeSubject& make);

}  // namespace okg::model
