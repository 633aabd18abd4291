// Where the directories of a server are when nobody says so in code or by a flag (docs/interface.md, section
// 3). Only looks; makes nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"

namespace okg::base {

class Os;

// The value of a variable; nullopt when it is absent or empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;

// That of this process.
Environment process_environment();

struct Directories {
  std::string payload;
  std::string run;
  std::string hot;
  std::string podinfo;
};

// None of KUBERNETES_SERVICE_HOST, /okg/run and OKG_RUN_DIR is there: a laptop.
bool off_cluster(Os& os, const Environment& environment);

// Off-cluster, what belongs to this user: ${XDG_RUNTIME_DIR:-/tmp}/okg-<uid>. One directory a server below
// it.
std::string user_directory(Os& os, const Environment& environment);

// The directories of the server called `name`: what the variables say, else /okg/…, or off-cluster those
// below user_directory(). `name` decides nothing where variables do or on a cluster.
Directories default_directories(Os& os, const Environment& environment, std::string_view name);

// What is given, else OKG_NAME, else the name of the running program.
Result<std::string> server_name(const Environment& environment, const std::string& given);

// Where the hot state of this program lies when nobody says so, and there is no server to ask.
Result<std::string> default_hot_directory(Os& os, const Environment& environment);

// What is given, else OKG_LOG, else info.
Result<LogLevel> log_level(const Environment& environment, std::optional<LogLevel> given);

// One path segment of at most 64 bytes that does not start with a dot.
Status check_server_name(std::string_view name);

// The servers that have a directory below user_directory(), sorted; none when there is no such directory.
// denied when it belongs to somebody else: in /tmp anybody may have made it.
Result<std::vector<std::string>> local_server_names(Os& os, const Environment& environment);

}  // namespace okg::base
