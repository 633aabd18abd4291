// The handlers' objects, as numbered tokens: each is in exactly one place (staged for a job, in use, kept for
// a way back) until it is discarded, once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "model/subject.hpp"

namespace okg::model {

inline constexpr std::size_t kComponents = 3;
// Which content each component has in a payload.
using Content = std::array<int, kComponents>;

struct Object {
  std::uint64_t token = 0;
  std::size_t component = 0;
  int content = 0;
};

enum class Place { staged, committing, in_use, kept };

class Objects {
 public:
  Object make(std::size_t component, int content);
  void move(const Object& object, Place from, Place to);
  void discard(const Object& object, Place from);
  void discard_all(std::vector<Object>& objects, Place from);
  std::size_t alive() const { return places_.size(); }

 private:
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Place> places_;
};

}  // namespace okg::model
