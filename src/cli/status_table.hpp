// The status for people.
#pragma once

#include <string>

#include "cli/output.hpp"
#include "cli/server_status.hpp"

namespace okg::cli {

// Aligned lines, each with its line end; coloured where `output` is.
std::string status_table(const Output& output, const ServerStatus& status);

// One line with what matters, for a log of changes.
std::string status_line(const ServerStatus& status);

// Are these two the same but for what changes all the time (the age of the last poll)?
bool same_status(const ServerStatus& one, const ServerStatus& other);

}  // namespace okg::cli
