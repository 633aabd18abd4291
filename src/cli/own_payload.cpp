#include "cli/own_payload.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/files.hpp"
#include "payload/layout.hpp"
#include "payload/sha256.hpp"

namespace okg::cli {

base::Result<OwnPayload> read_own_payload(base::Os& os, const std::string& directory) {
  const int fd = os.open(AT_FDCWD, directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd == -ENOTDIR) return base::Error(base::Code::invalid_argument, "not a directory");
  if (fd == -ENOENT) return base::Error(base::Code::not_found, "no such directory");
  if (fd < 0) return base::error_from_errno(-fd, "open " + directory);
  const base::UniqueFd owner(fd);
  const auto text = base::read_small_file(os, fd, payload::kManifest, payload::kMostManifestBytes,
                                          directory + "/" + payload::kManifest);
  if (!text && text.error().code == base::Code::not_found) return OwnPayload{};
  if (!text) return text.error();
  auto manifest = payload::Manifest::parse(*text);
  if (!manifest) return base::Error(manifest.error().code, directory + ": " + manifest.error().text);
  return OwnPayload{*std::move(manifest), payload::sha256(*text)};
}

}  // namespace okg::cli
