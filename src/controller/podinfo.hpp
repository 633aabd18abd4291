// The pod's downward API volume: the files `labels`, `annotations` and, where there is one, `network`. It
// needs no rights, and is some seconds behind. The kubelet swaps all of it at once by renaming the link
// `..data`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/os.hpp"
#include "controller/object.hpp"

namespace okg::controller {

class Podinfo {
 public:
  Podinfo(base::Os& os, std::string directory) : os_(os), directory_(std::move(directory)) {}

  // What is there now, as an object; null when it is what the last call gave. not_found: there is no such
  // volume.
  base::Result<ObjectPtr> look();
  const std::string& directory() const { return directory_; }

 private:
  base::Os& os_;
  std::string directory_;
  std::string last_data_, last_labels_, last_annotations_, last_network_;
  bool looked_ = false;
};

// The GameServer with the annotations of an in-place update, which stand on the pod only. Either may be null.
ObjectPtr with_update_of(const ObjectPtr& pod, ObjectPtr gameserver);

// Lines key="value", the value as Go's %q writes it. A line that is none is left out.
std::map<std::string, std::string> parse_podinfo(std::string_view text);

}  // namespace okg::controller
