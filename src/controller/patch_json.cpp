#include "controller/patch_json.hpp"

#include "base/text.hpp"

namespace okg::controller {
namespace {

using base::OrderedJson;

OrderedJson json_of(const Field& field, const Value& value) {
  if (!value) return nullptr;
  if (field == kUpdatePriorityField || field == kDeletionPriorityField)
    if (const auto number = base::parse_number(*value, INT32_MAX)) return *number;
  return *value;
}

}  // namespace

OrderedJson to_merge_patch(const Patch& patch) {
  OrderedJson out;
  if (!patch.resource_version.empty()) out["metadata"]["resourceVersion"] = patch.resource_version;
  for (const auto& [field, value] : patch.fields) {
    const std::size_t slash = field.find('/');
    if (slash == field.npos)
      out["spec"][field] = json_of(field, value);
    else
      out["metadata"][field.starts_with("label/") ? "labels" : "annotations"][field.substr(slash + 1)] =
          json_of(field, value);
  }
  return out;
}

}  // namespace okg::controller
