// A sleep that can be woken.
#pragma once

#include <chrono>
#include <stop_token>

namespace okg::base {

// Sleeps, but not longer than until `stop` is requested. False if it was.
bool pause(std::chrono::milliseconds duration, const std::stop_token& stop);

}  // namespace okg::base
