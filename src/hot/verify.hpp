// Is each word of a segment what the protocol says it is?
#pragma once

#include "hot/engine.hpp"
#include "hot/source.hpp"

namespace okg::hot {

// Reads everything, with nobody writing. The first thing that is wrong; superseded when it was to stop.
base::Result<Usage> verify(Source& source);

// What can be checked while somebody writes: that each name, record and message that is there can be read.
base::Status verify_readable(Source& source);

}  // namespace okg::hot
