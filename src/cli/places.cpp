#include "cli/places.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/files.hpp"
#include "base/text.hpp"

namespace okg::cli {
namespace {

// The server meant: OKG_NAME, or the only one there is.
base::Result<std::string> server_name(const Program& program, const char* flag) {
  if (auto name = program.environment("OKG_NAME")) {
    if (auto good = base::check_server_name(*name); !good)
      return base::Error(base::Code::invalid_argument, "OKG_NAME: " + good.error().text);
    return *std::move(name);
  }
  auto names = base::local_server_names(program.os, program.environment);
  if (!names) return names.error();
  if (names->size() == 1) return names->front();
  const std::string where = base::user_directory(program.os, program.environment);
  const std::string todo = std::string(": give ") + flag + " or set OKG_NAME";
  if (names->empty())
    return base::Error(base::Code::invalid_argument, "no server's directory below " + where + todo);
  std::string list;
  for (const std::string& name : *names) list += (list.empty() ? "" : ", ") + base::one_line(name, 64);
  return base::Error(base::Code::invalid_argument,
                     std::to_string(names->size()) + " servers below " + where + " (" + list + ")" + todo);
}

base::Result<std::string> find(const Program& program, const Value& given, const char* flag,
                               const char* variable, std::string base::Directories::* member) {
  if (given) return *given;
  std::string name;
  if (!program.environment(variable) && base::off_cluster(program.os, program.environment)) {
    auto found = server_name(program, flag);
    if (!found) return found.error();
    name = *std::move(found);
  }
  return base::default_directories(program.os, program.environment, name).*member;
}

bool is_local_default(const Program& program, const std::string& directory) {
  return directory.starts_with(base::user_directory(program.os, program.environment) + "/");
}

}  // namespace

base::Result<std::string> run_directory(const Program& program) {
  return find(program, program.flags.run, "--run DIR", "OKG_RUN_DIR", &base::Directories::run);
}

base::Result<std::string> payload_directory(const Program& program) {
  return find(program, program.flags.payload, "--payload DIR", "OKG_PAYLOAD_DIR",
              &base::Directories::payload);
}

base::Result<std::string> hot_directory(const Program& program) {
  return find(program, std::nullopt, "FILE", "OKG_HOT_DIR", &base::Directories::hot);
}

base::Status make_payload_directory(const Program& program, const std::string& directory, bool named) {
  if (is_local_default(program, directory)) return base::make_private_directories(program.os, directory);
  if (!named) return {};
  const int made = program.os.mkdir(AT_FDCWD, directory.c_str(), 0755);
  if (made == -ENOENT)
    return base::Error(base::Code::invalid_argument,
                       directory + ": neither it nor its parent is there: make it, or mount the volume");
  return {};  // whatever else is wrong with it, publishing says
}

void make_run_directory(const Program& program, const std::string& directory) {
  // Without it a publish works as well; only the stamp for the server's detect_us is missing.
  if (is_local_default(program, directory)) (void)base::make_private_directories(program.os, directory);
}

}  // namespace okg::cli
