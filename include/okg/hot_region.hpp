// okg::Region: one struct of a HotState, committed as a whole. See okg.h. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "okg/hot_value.hpp"
#include "okg/result.hpp"

namespace okg {

struct RegionOptions {
  bool is_in_place = false;     // the live copy is the shared memory: touch() what is to be written
  bool checks_touches = false;  // for debugging, and slow
};

// Of one thread at a time; of a HotState that has to outlive it.
//   auto world = *hot.region<World>("world");
//   world->tick += 1;
//   if (auto done = world.commit(); !done) …
template <HotValue T>
class Region {
 public:
  Region(okg_hot_region* region, T* live) : region_(region), live_(live) {}

  T& operator*() const noexcept { return *live_; }
  T* operator->() const noexcept { return live_; }

  // In place: before `part`, which lies in it, is written.
  template <class Part>
  Result<void> touch(const Part& part) {
    return touch(std::addressof(part), sizeof(Part));
  }
  Result<void> touch(const void* begin, std::size_t bytes) {
    okg_error error;
    return detail::status(okg_hot_region_touch(region_, begin, bytes, &error), error);
  }
  Result<void> commit() {
    okg_error error;
    return detail::status(okg_hot_region_commit(region_, &error), error);
  }
  // It is again as it was committed last.
  Result<void> roll_back() {
    okg_error error;
    return detail::status(okg_hot_region_rollback(region_, &error), error);
  }
  okg_hot_region* handle() const noexcept { return region_; }

 private:
  okg_hot_region* region_;
  T* live_;
};

}  // namespace okg
