#include "model/objects.hpp"

#include "model/event.hpp"

namespace okg::model {

Object Objects::make(std::size_t component, int content) {
  const Object object{next_++, component, content};
  places_.emplace(object.token, Place::staged);
  return object;
}

void Objects::move(const Object& object, Place from, Place to) {
  const auto found = places_.find(object.token);
  require(found != places_.end(), "an object is used after it was discarded");
  require(found->second == from, "an object is in two places");
  found->second = to;
}

void Objects::discard(const Object& object, Place from) {
  move(object, from, from);
  places_.erase(object.token);
}

void Objects::discard_all(std::vector<Object>& objects, Place from) {
  for (const Object& object : objects) discard(object, from);
  objects.clear();
}

}  // namespace okg::model
