#include "payload/collect_volume.hpp"

#include "payload/volume.hpp"

namespace okg::payload {

base::Result<std::vector<VersionName>> collect_volume(base::Os& os, const std::string& path,
                                                      const CollectOptions& options,
                                                      const std::stop_token& stop, const base::Log& log) {
  const auto volume = open_volume(os, path, std::chrono::milliseconds(0), stop, log);
  if (!volume) return volume.error();
  CollectOptions stoppable = options;
  stoppable.stop = stop;
  return collect(os, volume->root.get(), stoppable);
}

}  // namespace okg::payload
