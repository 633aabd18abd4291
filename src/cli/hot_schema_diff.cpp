// okg hot schema-diff: what changed between two programs, two segments, or a segment and a program.
#include "base/text.hpp"
#include "cli/hot.hpp"
#include "cli/schemas.hpp"

namespace okg::cli {
namespace {

using base::OrderedJson;

const char* name_of(SchemaChange::What what) {
  return what == SchemaChange::What::added     ? "added"
         : what == SchemaChange::What::removed ? "removed"
                                               : "changed";
}

const char* name_of(FieldChange::What what) {
  switch (what) {
    case FieldChange::What::added:
      return "added";
    case FieldChange::What::removed:
      return "removed";
    case FieldChange::What::changed:
      return "changed";
    case FieldChange::What::moved:
      return "moved";
  }
  return "changed";
}

std::string headline(const SchemaChange& change) {
  const std::string from = std::to_string(change.from), to = std::to_string(change.to);
  if (change.what == SchemaChange::What::added) return change.name + ": added, version " + to;
  if (change.what == SchemaChange::What::removed) return change.name + ": removed, was version " + from;
  if (change.needs_version)
    return change.name + ": changed without a new version: both are version " + to +
           ": raise it, or the server refuses the segment";
  if (change.from > change.to) return change.name + ": version " + from + " -> " + to + ", which is older";
  return change.name + ": version " + from + " -> " + to;
}

std::string line(const FieldChange& change) {
  switch (change.what) {
    case FieldChange::What::added:
      return "  + " + change.name + ":" + change.to;
    case FieldChange::What::removed:
      return "  - " + change.name + ":" + change.from;
    case FieldChange::What::moved:
      return "  > " + change.name + ":" + change.from + " -> " + change.to;
    case FieldChange::What::changed:
      break;
  }
  return "  ~ " + change.name + ":" + change.from + " -> " + change.to;
}

OrderedJson json_of(const SchemaChange& change) {
  OrderedJson json = {{"name", change.name}, {"change", name_of(change.what)}};
  if (change.what != SchemaChange::What::added) json["from"] = change.from;
  if (change.what != SchemaChange::What::removed) json["to"] = change.to;
  if (change.what != SchemaChange::What::changed) return json;
  json["needs_version"] = change.needs_version;
  json["fields"] = OrderedJson::array();
  for (const FieldChange& field : change.fields) {
    OrderedJson one = {{"name", field.name}, {"change", name_of(field.what)}};
    if (!field.from.empty()) one["from"] = field.from;
    if (!field.to.empty()) one["to"] = field.to;
    json["fields"].push_back(std::move(one));
  }
  return json;
}

void show(Program& program, const SchemaChange& change) {
  program.output.result(headline(change));
  if (change.what != SchemaChange::What::changed) return;
  for (const FieldChange& field : change.fields) program.output.result(line(field));
  if (!change.fields_known)
    program.output.result("  its fields are not known");
  else if (change.fields.empty())
    program.output.result("  its fields are the same");
}

}  // namespace

int hot_schema_diff(Program& program, const Words& words) {
  if (words.size() != 2) return program.fail(kUsage, "A B: are needed: two segments or programs");
  const auto from = schemas_of(program.os, words[0], program.interrupt.token());
  if (!from) return fail_hot(program, from.error());
  const auto to = schemas_of(program.os, words[1], program.interrupt.token());
  if (!to) return fail_hot(program, to.error());
  const std::vector<SchemaChange> changes = compare_schemas(*from, *to);
  if (program.flags.json) {
    OrderedJson all = OrderedJson::array();
    for (const SchemaChange& change : changes) all.push_back(json_of(change));
    program.output.result_json({{"same", changes.empty()}, {"changes", std::move(all)}});
  } else if (changes.empty()) {
    program.output.result("the same: " + std::to_string(to->all.size()) + " schemas");
  } else {
    for (const SchemaChange& change : changes) show(program, change);
  }
  const int done = program.done();
  return done != kDone || changes.empty() ? done : kFailed;
}

}  // namespace okg::cli
