// How two sets of schemas differ.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "cli/schemas.hpp"

namespace okg::cli {
namespace {

std::string spelled(const Field& field) {
  return field.text + "@" + std::to_string(field.offset);
}

void compare(const std::vector<Field>& from, const std::vector<Field>& to, const std::string& prefix,
             std::vector<FieldChange>* changes) {
  using What = FieldChange::What;
  const auto find = [](const std::vector<Field>& fields, const std::string& name) -> const Field* {
    const auto found = std::ranges::find(fields, name, &Field::name);
    return found == fields.end() ? nullptr : &*found;
  };
  for (const Field& old : from) {
    const Field* const now = find(to, old.name);
    if (now == nullptr) {
      changes->push_back({What::removed, prefix + old.name, spelled(old), {}});
    } else if (old.text != now->text) {
      const std::size_t before = changes->size();
      if (old.kind.name.empty() && now->kind.name.empty() && old.kind.extents == now->kind.extents)
        compare(old.kind.fields, now->kind.fields,
                prefix + old.name + (old.kind.extents.empty() ? "." : "[]."), changes);
      if (changes->size() == before)
        changes->push_back({What::changed, prefix + old.name, spelled(old), spelled(*now)});
    } else if (old.offset != now->offset) {
      changes->push_back({What::moved, prefix + old.name, spelled(old), spelled(*now)});
    }
  }
  for (const Field& now : to)
    if (find(from, now.name) == nullptr)
      changes->push_back({What::added, prefix + now.name, {}, spelled(now)});
}

// How many fields of the same name and kind.
std::size_t alike(const Schema& one, const Schema& other) {
  const auto fields = parse_fields(one.fields), others = parse_fields(other.fields);
  if (!fields || !others) return 0;
  std::set<std::pair<std::string, std::string>> known;
  for (const Field& field : *fields) known.emplace(field.name, field.text);
  const auto shared = static_cast<std::size_t>(std::ranges::count_if(
      *others, [&](const Field& field) { return known.contains({field.name, field.text}); }));
  return shared * 2 >= std::min(fields->size(), others->size()) ? shared : 0;
}

bool is_same_layout(const Schema& one, const Schema& other) {
  if (one.fingerprint != 0 && other.fingerprint != 0) return one.fingerprint == other.fingerprint;
  // A table of values of many sizes does not say theirs.
  const bool same_bytes = one.bytes == 0 || other.bytes == 0 || one.bytes == other.bytes;
  return one.fields == other.fields && same_bytes;
}

// Which of `to` each of `from` is: by name, or where names cannot tell, by what it looks like.
std::map<const Schema*, const Schema*> match(const Schemas& from, const Schemas& to) {
  std::map<const Schema*, const Schema*> pairs;
  std::set<const Schema*> taken;
  const bool by_name = from.is_segment == to.is_segment;
  const auto pair_up = [&](auto&& rank) {
    for (const Schema& one : from.all) {
      if (pairs.contains(&one)) continue;
      const Schema* best = nullptr;
      std::size_t best_rank = 0;
      for (const Schema& other : to.all) {
        // Tables may share a struct, as a table of one segment is one thing of the other.
        if (by_name && taken.contains(&other)) continue;
        if (const std::size_t here = rank(one, other); here > best_rank) {
          best = &other;
          best_rank = here;
        }
      }
      if (best == nullptr) continue;
      pairs[&one] = best;
      taken.insert(best);
    }
  };
  if (by_name) {
    pair_up([](const Schema& one, const Schema& other) -> std::size_t { return one.name == other.name; });
  } else {
    pair_up([](const Schema& one, const Schema& other) -> std::size_t {
      return one.fingerprint != 0 && one.fingerprint == other.fingerprint ? 1 + (one.version == other.version)
                                                                          : 0;
    });
    pair_up(alike);
  }
  return pairs;
}

}  // namespace

std::vector<FieldChange> compare_fields(const std::vector<Field>& from, const std::vector<Field>& to) {
  std::vector<FieldChange> changes;
  compare(from, to, "", &changes);
  return changes;
}

std::vector<SchemaChange> compare_schemas(const Schemas& from, const Schemas& to) {
  using What = SchemaChange::What;
  std::vector<SchemaChange> changes;
  const auto pairs = match(from, to);
  std::set<const Schema*> met;
  for (const Schema& old : from.all) {
    const auto found = pairs.find(&old);
    if (found == pairs.end()) {
      changes.push_back({What::removed, old.name, old.version, 0, false, {}, true});
      continue;
    }
    const Schema& now = *found->second;
    met.insert(&now);
    const bool same_layout = is_same_layout(old, now);
    if (same_layout && old.version == now.version) continue;
    SchemaChange change{What::changed, now.name, old.version, now.version, false, {}, true};
    if (from.is_segment != to.is_segment) change.name = old.name + " / " + now.name;
    change.needs_version = !same_layout && old.version == now.version;
    const auto fields = parse_fields(old.fields), others = parse_fields(now.fields);
    change.fields_known = fields && others;
    if (change.fields_known) change.fields = compare_fields(*fields, *others);
    changes.push_back(std::move(change));
  }
  for (const Schema& now : to.all)
    if (!met.contains(&now)) changes.push_back({What::added, now.name, 0, now.version, false, {}, true});
  std::ranges::sort(changes, {},
                    [](const SchemaChange& change) { return std::tie(change.name, change.what); });
  return changes;
}

}  // namespace okg::cli
