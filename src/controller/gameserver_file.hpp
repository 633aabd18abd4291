// <run>/gameserver.json: the GameServer where there is no cluster, in the shape that it has on one. Anybody
// may edit it by hand; what okg does to it, it does under a lock and by replacing the file.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"

namespace okg::controller {

inline constexpr char kGameServerFile[] = "gameserver.json";

// not_found; io when it is no JSON object (somebody may be writing it).
base::Result<std::string> read_gameserver_file(base::Os& os, int run_directory);

// The text of a GameServer that has just been made.
std::string fresh_gameserver(base::Os& os, const std::string& name);

// Who writes the file by itself holds this while it reads and writes; for less than a second, since nobody
// waits longer. busy.
base::Result<base::UniqueFd> lock_gameserver_file(base::Os& os, int run_directory);

// Changes the file and returns its new text. Without a file, `change` gets that of a
// fresh_gameserver(`name`); an error of its own ends the edit. conflict: the file was edited meanwhile, or is
// not `only_over`.
base::Result<std::string> edit_gameserver_file(
    base::Os& os, int run_directory, const std::string& name,
    const std::function<base::Status(base::OrderedJson& gameserver)>& change,
    const std::optional<std::string>& only_over = {});

}  // namespace okg::controller
