// A directory that a plain copy (rsync, cp) writes in place: no manifest, nothing that says when it is
// complete. What can be told is that it has changed.
#pragma once

#include "base/error.hpp"
#include "base/os.hpp"
#include "payload/digest.hpp"

namespace okg::payload {

// A digest of every entry's path, type, size, inode and ctime (the mtime is what a copy sets it to): the same
// as before if nobody has written anything. No file is read. not_found: it holds nothing. bad_path: more than
// kMostFiles entries, or deeper than kMostDepth.
base::Result<Digest> stamp_of_tree(base::Os& os, int directory);

}  // namespace okg::payload
