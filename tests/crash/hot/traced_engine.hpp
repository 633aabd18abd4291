// An engine in ordinary memory of which every store is known: a kill after any of them, and within each fill.
#pragma once

#include <vector>

#include "crash/hot/store_trace.hpp"

namespace okg::hot::test {

class TracedEngine final : public Harness {
 public:
  TracedEngine(std::uint64_t bytes, std::uint64_t shards);

  std::optional<std::string> check(const Operation& operation, const Model& before, Model* after, bool always,
                                   bool twice) override;

 private:
  std::optional<std::string> look(const Model& before, const Model& after, bool done, bool* is_after,
                                  bool twice);

  Bytes killed_;
  std::uint64_t used_ = 0;  // bytes that the operation or somebody before it has used
  std::vector<Store> trace_;
};

}  // namespace okg::hot::test
