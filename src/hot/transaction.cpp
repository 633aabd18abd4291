// Changes that happen together.
#include <algorithm>

#include "base/text.hpp"
#include "hot/engine.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Status;
using faults::is;
using faults::Mutant;

// Under the mutex of its shard.
Status Engine::expect(const Target& target) const {
  const Change& change = *target.change;
  const auto found = Index(image_, change.entry, target.shard->number).find(target.hashed, change.key);
  if (!found) return found.error();
  const auto conflict = [&] {
    return Error(Code::conflict, "record " + base::quote(change.key) + ": was changed meanwhile");
  };
  bool is_there = found->cell_offset != 0;
  if (is_there && found->view.deadline_offset != 0)
    is_there = !is_past(image_.load(found->view.deadline_offset));
  if (change.kind == Change::Kind::expect_missing) {
    if (is_there) return conflict();
    return {};
  }
  if (!is_there || found->view.header.schema != change.schema ||
      found->view.header.value_bytes != change.value.size() ||
      std::memcmp(found->view.value, change.value.data(), change.value.size()) != 0)
    return conflict();
  return {};
}

Status Engine::commit(std::span<const Change> changes) {
  if (changes.empty()) return {};
  if (auto may = check_writable(); !may) return may;
  for (const Change& change : changes)
    if (auto checked = check(change); !checked) return checked;
  if (is(Mutant::one_commit_each) && changes.size() > 1) {
    for (const Change& change : changes)
      if (auto done = commit({&change, 1}); !done) return done;
    return {};
  }

  std::vector<Target> targets;
  targets.reserve(changes.size());
  std::uint32_t shards = 0;
  std::uint64_t journals = 0;
  for (const Change& change : changes) {
    Target target{&change, {}, nullptr};
    if (change.kind == Change::Kind::append) {
      journals |= 1ULL << change.entry;
    } else {
      target.hashed = Hashed{hash_key(change.key, image_.header().seed)};
      target.shard = &shard_of(target.hashed);
      shards |= 1U << target.shard->number;
    }
    targets.push_back(target);
  }
  std::vector<const Change*> changed;
  for (const Change& change : changes)
    if (change.kind == Change::Kind::put || change.kind == Change::Kind::erase) changed.push_back(&change);
  const auto record = [](const Change* change) { return std::pair(change->entry, change->key); };
  std::ranges::sort(changed, {}, record);
  if (std::ranges::adjacent_find(changed, {}, record) != changed.end())
    return Error(Code::invalid_argument, "a transaction changes a record twice");
  if (shards == 0) shards = 1;  // a log is for who has a shard

  return with_reclaim([&]() -> Status {
    // In one order, so that nobody waits for somebody who waits for us: shards, journals, pages.
    std::vector<std::unique_lock<ShortMutex>> locks;
    locks.reserve(kMostShards + kMostTables);
    std::vector<Shard*> locked;
    for (const auto& shard : shards_) {
      if ((shards >> shard->number & 1) == 0) continue;
      locks.emplace_back(shard->mutex);
      locked.push_back(shard.get());
    }
    for (std::size_t i = 0; i < kMostTables; ++i)
      if ((journals >> i & 1) != 0) locks.emplace_back(journals_[i]->mutex());
    return try_commit(targets, locked);
  });
}

}  // namespace okg::hot
