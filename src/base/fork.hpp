// fork(): a child must hold no lock of ours, or a game that forks a helper could not be updated in place.
// Descriptors that carry a flock are registered here and closed in every child.
#pragma once

#include <atomic>

namespace okg::base {

// Registers `fd`; the table is fixed and lock-free, since it is read in the child. When it is full the
// descriptor is simply not registered.
void close_in_children(int fd) noexcept;
// Takes `fd` off. False in a child of the process that registered it: it is closed already.
bool forget_descriptor(int fd) noexcept;
// Counts forks this process is away from the one that loaded the library. A handle remembers the value it was
// made under and is closed when it differs.
extern constinit std::atomic<unsigned> generation_of_forks;  // changed by fork.cpp alone
inline unsigned fork_generation() noexcept {
  return generation_of_forks.load(std::memory_order_relaxed);
}

}  // namespace okg::base
