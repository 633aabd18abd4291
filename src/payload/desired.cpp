#include "payload/desired.hpp"

#include <fcntl.h>

#include "base/files.hpp"
#include "base/json.hpp"
#include "payload/layout.hpp"
#include "payload/publish.hpp"
#include "payload/tree.hpp"

namespace okg::payload {
namespace {

constexpr char kDesiredSchema[] = "okg.desired/v1";
constexpr std::size_t kMostDesiredBytes = 16 * 1024;

}  // namespace

base::Status write_desired(base::Os& os, const std::string& run_directory, const Digest& digest,
                           const std::string& version) {
  const int fd = os.open(AT_FDCWD, run_directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return base::error_from_errno(-fd, "open run directory " + run_directory);
  const base::UniqueFd directory(fd);
  const std::string boot_id = os.boot_id();
  base::OrderedJson object;
  object["schema"] = kDesiredSchema;
  object["digest"] = digest.text();
  object["version"] = version;
  object["boot_id"] = boot_id.empty() ? base::OrderedJson() : base::OrderedJson(boot_id);
  object["monotonic_ns"] = os.monotonic_ns();
  return base::replace_file(os, fd, kDesired, base::dump(object) + "\n", 0644);
}

void remove_desired_temporaries(base::Os& os, const std::string& run_directory) {
  const int fd = os.open(AT_FDCWD, run_directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;
  const base::UniqueFd directory(fd);
  remove_temporaries(os, fd, std::string(".") + kDesired + ".");
}

std::optional<std::int64_t> desired_stamp_ns(base::Os& os, int run_directory, const Digest& digest) {
  const auto text = base::read_small_file(os, run_directory, kDesired, kMostDesiredBytes, kDesired);
  if (!text) return std::nullopt;
  const auto object = base::parse_json_object(*text, kDesired, base::Code::io);
  if (!object || base::get_string(*object, "schema") != kDesiredSchema ||
      base::get_string(*object, "digest") != digest.text())
    return std::nullopt;
  const std::string boot_id = os.boot_id();
  if (boot_id.empty() || base::get_string(*object, "boot_id") != boot_id) return std::nullopt;
  const auto stamp = base::get_int(*object, "monotonic_ns");
  if (!stamp || *stamp < 0 || *stamp > os.monotonic_ns()) return std::nullopt;
  return stamp;
}

}  // namespace okg::payload
