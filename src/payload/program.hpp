// bin/okg on the volume: the publisher's own program, for probes in containers that have none.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "base/os.hpp"

namespace okg::payload {

// Puts the file `program` there, atomically, unless it is there already. True when something was written.
base::Result<bool> install_program(base::Os& os, int root, const std::string& program);

// How many bytes installing it will write; 0 when it is there, or cannot be told.
std::uint64_t missing_program_bytes(base::Os& os, int root, const std::string& program);

}  // namespace okg::payload
