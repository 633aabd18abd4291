// Every store that a piece of code makes into a segment, in order.
#pragma once

#include <functional>
#include <vector>

#include "crash/hot/crash_image.hpp"

namespace okg::hot::test {

struct Store {
  std::uint64_t offset;
  std::vector<std::byte> bytes;
};

// Those of `body`, one at a time in this process. A store beside `memory` is an exception.
std::vector<Store> trace_stores(const Bytes& memory, const std::function<void()>& body);

// Did they change the page map? That goes a rare way, and one at a time.
bool takes_pages(const Header& header, const std::vector<Store>& stores);

}  // namespace okg::hot::test
