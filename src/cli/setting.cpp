#include "cli/setting.hpp"

#include "base/text.hpp"
#include "controller/values.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;
using Words = std::vector<std::string>;

Error bad(std::string text) {
  return Error(Code::invalid_argument, std::move(text));
}

base::Result<Setting> priority(const Words& words, const char* field) {
  const auto number = base::parse_number(words[1], INT64_MAX);
  if (!number) return bad(words[0] + " " + number.error().text);
  if (const auto fine = controller::check_priority(static_cast<std::int64_t>(*number)); !fine)
    return fine.error();
  return Setting{field, std::to_string(*number)};
}

base::Result<Setting> entry(const Words& words, bool remove) {
  const bool is_label = words[0] == "label";
  if (words.size() != (remove ? 2U : 3U))
    return bad(words[0] + (remove ? ": --remove takes its key alone"
                                  : ": needs a key and a value, or --remove and a key"));
  if (const auto fine = controller::check_key(words[1]); !fine) return fine.error();
  Setting setting{is_label ? controller::label_field(words[1]) : controller::annotation_field(words[1]), {}};
  if (remove) return setting;
  const auto fine =
      is_label ? controller::check_label_value(words[2]) : controller::check_annotation_value(words[2]);
  if (!fine) return fine.error();
  setting.value = words[2];
  return setting;
}

}  // namespace

std::string Setting::text() const {
  std::string name = field;
  if (const std::size_t slash = name.find('/'); slash != name.npos) name[slash] = ' ';
  return value ? name + " " + base::one_line(*value, 200) : name + " removed";
}

base::Result<Setting> parse_setting(const Words& words, bool remove) {
  const std::string what = words.empty() ? "" : words[0];
  if (what == "label" || what == "annotation") return entry(words, remove);
  const bool is_state = what == "ops-state";
  if (!is_state && what != "update-priority" && what != "deletion-priority")
    return bad((what.empty() ? std::string("WHAT: is needed") : base::quote(what) + ": cannot be set") +
               ": it is ops-state, update-priority, deletion-priority, label or annotation");
  if (remove) return bad("--remove: is for label and annotation");
  if (words.size() != 2) return bad(what + ": needs one value");
  if (!is_state)
    return priority(words, what == "update-priority" ? controller::kUpdatePriorityField
                                                     : controller::kDeletionPriorityField);
  if (const auto fine = controller::check_ops_state(words[1]); !fine) return fine.error();
  return Setting{controller::kOpsStateField, words[1]};
}

base::OrderedJson to_body(const Setting& setting) {
  base::OrderedJson body;
  if (setting.field == controller::kOpsStateField) {
    body["ops_state"] = setting.value.value_or("");
  } else if (const std::size_t slash = setting.field.find('/'); slash != setting.field.npos) {
    body[setting.field.substr(0, slash)] = {
        {"key", setting.field.substr(slash + 1)},
        {"value", setting.value ? base::OrderedJson(*setting.value) : base::OrderedJson(nullptr)}};
  } else {
    const auto number = base::parse_number(setting.value.value_or(""), INT32_MAX);
    const bool is_update = setting.field == controller::kUpdatePriorityField;
    body[is_update ? "update_priority" : "deletion_priority"] = number ? *number : 0;
  }
  return body;
}

}  // namespace okg::cli
