// Counts what the calling thread allocates, whoever does it: this program's malloc takes the place of libc's
// for all libraries, libokg.so with its own hidden operator new included.
#pragma once

#include <cstdint>

namespace okg::benchmarks {

std::uint64_t allocations();  // of this thread, since it began

}  // namespace okg::benchmarks
