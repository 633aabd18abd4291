#include "base/environment.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/os.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"

namespace okg::base {

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

bool off_cluster(Os& os, const Environment& environment) {
  if (environment("KUBERNETES_SERVICE_HOST") || environment("OKG_RUN_DIR")) return false;
  struct stat info{};
  return os.stat(AT_FDCWD, "/okg/run", &info) < 0;
}

std::string user_directory(Os& os, const Environment& environment) {
  return environment("XDG_RUNTIME_DIR").value_or("/tmp") + "/okg-" + std::to_string(os.effective_uid());
}

Directories default_directories(Os& os, const Environment& environment, std::string_view name) {
  Directories out{"/okg/payload", "/okg/run", "/okg/hot", "/etc/podinfo"};
  if (off_cluster(os, environment)) {
    const std::string own = user_directory(os, environment) + "/" + std::string(name);
    out = {own + "/payload", own + "/run", own + "/hot", own + "/podinfo"};
  }
  const auto take = [&](const char* variable, std::string& directory) {
    if (auto value = environment(variable)) directory = *std::move(value);
  };
  take("OKG_PAYLOAD_DIR", out.payload);
  take("OKG_RUN_DIR", out.run);
  take("OKG_HOT_DIR", out.hot);
  take("OKG_PODINFO_DIR", out.podinfo);
  return out;
}

Status check_server_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.front() == '.' || name.find('/') != name.npos ||
      !is_utf8(name))
    return Error(Code::invalid_argument,
                 "name " + quote(name) + ": 1 to 64 bytes without a slash, not starting with a dot");
  return {};
}

Result<std::vector<std::string>> local_server_names(Os& os, const Environment& environment) {
  const std::string directory = user_directory(os, environment);
  const UniqueFd fd(os.open(AT_FDCWD, directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (fd.get() == -ENOENT) return std::vector<std::string>{};
  if (!fd) return error_from_errno(-fd.get(), "open " + directory);
  struct stat info{};
  if (const int failed = os.fstat(fd.get(), &info); failed < 0)
    return error_from_errno(-failed, "stat " + directory);
  if (info.st_uid != os.effective_uid())
    return Error(Code::denied, directory + ": belongs to user " + std::to_string(info.st_uid) +
                                   ": remove it or set XDG_RUNTIME_DIR");
  std::vector<DirectoryEntry> entries;
  if (const int failed = os.list_directory(fd.get(), &entries); failed < 0)
    return error_from_errno(-failed, "list " + directory);
  std::vector<std::string> names;
  for (DirectoryEntry& entry : entries) {
    if (!check_server_name(entry.name)) continue;
    if (os.stat(fd.get(), entry.name.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
      names.push_back(std::move(entry.name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

// The base name of the running program, without /proc where that is missing.
std::string program_name() {
  std::string name = program_invocation_short_name == nullptr ? "" : program_invocation_short_name;
  return check_server_name(name) ? name : "server";
}

}  // namespace

Result<std::string> server_name(const Environment& environment, const std::string& given) {
  std::string name = given.empty() ? environment("OKG_NAME").value_or("") : given;
  if (name.empty()) name = program_name();
  if (const auto fine = check_server_name(name); !fine)
    return Error(Code::invalid_argument, "OKG_NAME: " + fine.error().text);
  return name;
}

Result<LogLevel> log_level(const Environment& environment, std::optional<LogLevel> given) {
  if (given) return *given;
  const auto text = environment("OKG_LOG");
  if (!text) return LogLevel::info;
  const auto parsed = parse_log_level(*text);
  if (!parsed)
    return Error(Code::invalid_argument, "OKG_LOG: " + quote(*text) + ": use error, warn, info or debug");
  return *parsed;
}

Result<std::string> default_hot_directory(Os& os, const Environment& environment) {
  const auto name = server_name(environment, "");
  if (!name) return name.error();
  return default_directories(os, environment, *name).hot;
}

}  // namespace okg::base
