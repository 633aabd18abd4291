#include "controller/object.hpp"

#include <algorithm>
#include <tuple>

namespace okg::controller {
namespace {

bool same(const Port& a, const Port& b) {
  return std::tie(a.name, a.protocol, a.number) == std::tie(b.name, b.protocol, b.number);
}
bool same(const Address& a, const Address& b) {
  const auto range = [](const Address& address) {
    return address.range ? address.range->protocol + " " + address.range->range : std::string();
  };
  return a.ip == b.ip && a.end_point == b.end_point && range(a) == range(b) &&
         std::equal(a.ports.begin(), a.ports.end(), b.ports.begin(), b.ports.end(),
                    [](const Port& x, const Port& y) { return same(x, y); });
}
bool same(const std::vector<Address>& a, const std::vector<Address>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Address& x, const Address& y) { return same(x, y); });
}

const std::string* find(const std::map<std::string, std::string>& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool Network::operator==(const Network& other) const {
  return std::tie(type, current, desired) == std::tie(other.type, other.current, other.desired) &&
         same(internal, other.internal) && same(external, other.external);
}

Value Object::get(std::string_view field) const {
  if (field == kOpsStateField) return ops_state;
  if (field == kUpdatePriorityField) return update_priority;
  if (field == kDeletionPriorityField) return deletion_priority;
  const std::size_t slash = field.find('/');
  const auto& map = field.substr(0, slash) == "label" ? labels : annotations;
  const std::string* found = find(map, std::string(field.substr(slash + 1)));
  return found == nullptr ? Value() : *found;
}

bool Object::written_by_controller(const Field& field) const {
  const auto found = writers.find(field);
  return found != writers.end() && !status_writer.empty() && found->second == status_writer;
}

const std::string* Object::label(const std::string& key) const {
  return find(labels, key);
}
const std::string* Object::annotation(const std::string& key) const {
  return find(annotations, key);
}

bool is_older(std::string_view a, std::string_view b) {
  if (!is_number(a) || !is_number(b)) return false;
  return std::make_pair(a.size(), a) < std::make_pair(b.size(), b);
}

}  // namespace okg::controller
