// Where a publisher takes a payload from: a payload directory, or a plain directory that is packed on the
// way.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "payload/pack.hpp"

namespace okg::payload {

struct Source {
  base::UniqueFd files;  // the directory with the files
  Packed packed;         // what they are said to be; each is hashed again while it is copied
};

// A directory with a manifest is checked in full but for the content of the files; one without needs `pack`.
base::Result<Source> open_source(base::Os& os, const std::string& from,
                                 const std::optional<PackOptions>& pack, const std::stop_token& stop);

}  // namespace okg::payload
