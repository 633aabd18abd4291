// Where the volume and the run directory are: by flag, by variable, by default; off-cluster that takes the
// name of a server.
#pragma once

#include <string>

#include "base/error.hpp"
#include "cli/command.hpp"

namespace okg::cli {

// invalid_argument when nobody said and it cannot be found out: the text lists the servers there are.
base::Result<std::string> run_directory(const Program& program);
base::Result<std::string> payload_directory(const Program& program);
// Of the hot state; there is no flag for it.
base::Result<std::string> hot_directory(const Program& program);

// Makes the off-cluster default directory (0700) if `directory` is that; one that somebody named (by flag or
// variable) is made if its parent is there. An error says what to do.
base::Status make_payload_directory(const Program& program, const std::string& directory, bool named);
// The run directory only if it is the off-cluster default: elsewhere it is a volume.
void make_run_directory(const Program& program, const std::string& directory);

}  // namespace okg::cli
