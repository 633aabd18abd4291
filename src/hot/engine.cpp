#include "hot/engine.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;
using faults::is;
using faults::Mutant;

namespace {

constexpr int kOptimisticReads = 16;

std::string_view as_text(std::string_view key) {
  return key;
}
std::string_view as_text(const std::uint64_t& key) {
  return key_of(key);
}

}  // namespace

Engine::Engine(std::byte* base, const Header& header) : image_(base, header), pages_(image_), logs_(image_) {
  for (std::uint64_t i = 0; i < header.shards; ++i)
    shards_.push_back(std::make_unique<Shard>(logs_, static_cast<std::uint8_t>(i)));
}

Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(std::byte* base, const Header& header) {
  {
    // The logs first: what is remembered beside the file begins with what they leave in it.
    const Image image(base, header);
    // All of them are looked at before a word is changed.
    for (std::uint64_t i = 0; i < header.shards; ++i)
      if (auto checked = Log(image, i).check(); !checked) return checked.error();
    for (std::size_t i = 0; i < kMostTables; ++i)
      if (image.kind(i) == EntryKind::region)
        if (auto checked = Region::check(image, i); !checked) return checked.error();
    for (std::uint64_t i = 0; i < header.shards; ++i) {
      if (is(Mutant::recover_never) || (is(Mutant::recover_only_first_log) && i > 0)) break;
      Log(image, i).recover();
    }
    for (std::size_t i = 0; i < kMostTables; ++i)
      if (image.kind(i) == EntryKind::region && !is(Mutant::recover_never)) {
        // A log may have made it a region just now.
        if (auto checked = Region::check(image, i); !checked) return checked.error();
        Region::recover(image, i);
      }
    const std::uint64_t used = ordered::load(&image.state().used_pages.word);
    if (used < header.data_offset / kPageBytes || used > image.bytes() / kPageBytes)
      return Error(Code::corrupt, "the mark behind the last used page is " + std::to_string(used));
  }
  std::unique_ptr<Engine> engine(new Engine(base, header));
  State& state = engine->image_.state();
  const std::uint64_t epoch = ordered::load(&state.epoch.word) + 1;
  ordered::store(&state.epoch.word, epoch);
  engine->epoch_ = static_cast<std::uint32_t>(epoch);
  return engine;
}

Error Engine::why_not_writable() const {
  return is_here() ? *sealed_ : Error(Code::closed, "hot state is not there in a forked child");
}

Error Engine::wrong_key(std::size_t table, std::string_view key) const {
  return {Code::invalid_argument,
          "a key of " + std::to_string(key.size()) + " bytes: this table has " +
              (static_cast<KeyKind>(image_.entry(table).flavor) == KeyKind::u64 ? "numbers of 8 bytes"
                                                                                : "keys of 1 to 64 bytes")};
}

// False: somebody wrote meanwhile, and nothing of it counts.
template <class Key>
[[gnu::always_inline]] inline bool Engine::try_get(const Shard& shard, const Index& index, Hashed hashed,
                                                   Key key, void* buffer, std::size_t capacity, Value* value,
                                                   Got* got) const {
  const std::uint64_t before = shard.sequence.load(std::memory_order_acquire);
  if ((before & 1) != 0) return false;
  Index::Found found;
  const Index::Search search = index.search(hashed, key, &found);
  const auto is_of_one_moment = [&] {
    std::atomic_thread_fence(std::memory_order_acquire);
    return shard.sequence.load(std::memory_order_relaxed) == before;
  };
  if (search != Index::Search::found) {
    *value = {};
    *got = search == Index::Search::missing ? Got::missing : Got::damaged;
    return is_of_one_moment();
  }
  const RecordHeader& header = found.view.header;
  const std::uint64_t deadline =
      found.view.deadline_offset != 0 ? image_.load(found.view.deadline_offset) : 0;
  *got = header.value_bytes <= capacity ? Got::found : Got::too_small;
  if (*got == Got::found) ordered::copy_out(buffer, found.view.value, header.value_bytes);
  if (!is_of_one_moment()) return false;
  *value = {header.value_bytes, header.schema};
  if (is_past(deadline)) *got = Got::missing;
  // What this process wrote itself is as it wrote it; what it found is looked at.
  if (*got == Got::found && header.epoch != epoch_ && record_crc(header, as_text(key), buffer) != header.crc)
    *got = Got::damaged;
  return true;
}

template <class Key>
inline Got Engine::get_quickly(std::size_t table, Key key, void* buffer, std::size_t capacity,
                               Value* value) const {
  if (!is_here()) return Got::closed;
  const Hashed hashed{hash_key(key, image_.header().seed)};
  Shard& shard = shard_of(hashed);
  const Index index(image_, table, shard.number);
  Got got = Got::missing;
  if (try_get(shard, index, hashed, key, buffer, capacity, value, &got)) return got;
  return get_patiently(shard, index, hashed, key, buffer, capacity, value);
}

template <class Key>
[[gnu::noinline]] Got Engine::get_patiently(Shard& shard, const Index& index, Hashed hashed, Key key,
                                            void* buffer, std::size_t capacity, Value* value) const {
  Got got = Got::missing;
  for (int attempt = 1; attempt < kOptimisticReads; ++attempt)
    if (try_get(shard, index, hashed, key, buffer, capacity, value, &got)) return got;
  // Somebody writes all the time.
  const std::lock_guard lock(shard.mutex);
  (void)try_get(shard, index, hashed, key, buffer, capacity, value, &got);
  return got;
}

Got Engine::get(std::size_t table, std::string_view key, void* buffer, std::size_t capacity,
                Value* value) const {
  return get_quickly(table, key, buffer, capacity, value);
}

Got Engine::get(std::size_t table, std::uint64_t key, void* buffer, std::size_t capacity,
                Value* value) const {
  return get_quickly(table, key, buffer, capacity, value);
}

Got Engine::view(std::size_t table, std::string_view key, View* view) {
  if (!is_here()) return Got::closed;
  const Hashed hashed{hash_key(key, image_.header().seed)};
  Shard& shard = shard_of(hashed);
  const std::lock_guard lock(shard.mutex);
  if (!shard.knows_pages) {
    // What is freed under a view must not be found by a scan.
    const std::lock_guard pages_lock(pages_.mutex);
    while (pages_.scan(4096)) {
    }
    shard.knows_pages = true;
  }
  const auto found = Index(image_, table, shard.number).find(hashed, key);
  if (!found) return Got::damaged;
  if (found->cell_offset == 0) return Got::missing;
  const RecordView& record = found->view;
  if (record.deadline_offset != 0 && is_past(image_.load(record.deadline_offset))) return Got::missing;
  if (record.header.epoch != epoch_ && record_crc(record.header, key, record.value) != record.header.crc)
    return Got::damaged;
  *view = {record.value, record.header.value_bytes, record.header.schema, shard.number, shard.views.begin()};
  return Got::found;
}

void Engine::end_view(const View& view) {
  Shard& shard = *shards_[view.shard];
  const std::lock_guard lock(shard.mutex);
  if (shard.views.end(view.generation)) release(pages_, shard);
}

Result<std::vector<std::string>> Engine::keys_of(std::size_t table, LeafPlace* place,
                                                 std::uint32_t older_than) const {
  std::vector<std::string> keys;
  Shard& shard = *shards_[place->shard];
  const std::lock_guard lock(shard.mutex);
  const auto leaf = Index(image_, table, shard.number).leaf_at(place->tag);
  // What is damaged is behind us, too.
  place->go_behind(leaf ? leaf->end : 1U << kTagBits);
  if (!leaf) return leaf.error();
  for (std::size_t i = 0; leaf->offset != 0 && i < kLeafLines * kCellsPerLine; ++i) {
    const std::uint64_t cell = image_.load(leaf->offset + i * 8);
    if (cell == 0) continue;
    RecordView view{};
    if (!view_record(image_, record_offset(cell), &view))
      return Error(Code::corrupt, "a cell leads to no record");
    if (view.header.schema < older_than)
      keys.emplace_back(reinterpret_cast<const char*>(view.key), view.header.key_bytes);
  }
  return keys;
}

Got Engine::read(std::size_t table, std::string_view key, std::string* bytes, Value* value) const {
  bytes->resize(bytes->capacity());
  for (;;) {
    const Got got = get(table, key, bytes->data(), bytes->size(), value);
    bytes->resize(got == Got::found || got == Got::too_small ? value->size : 0);
    if (got != Got::too_small) return got;
  }
}

Size Engine::size_of(std::size_t table) const {
  Size size{1, 0, 0};
  if (!is_here()) return size;
  for (const auto& shard : shards_) {
    const ShardRoot& root = image_.entry(table).shards[shard->number];
    size.records += ordered::load(&root.records);
    size.bytes += ordered::load(&root.bytes);
  }
  return size;
}

Size Engine::size() const {
  Size all;
  if (!is_here()) return all;
  for (std::size_t i = 0; i < kMostTables; ++i) {
    if (image_.kind(i) != EntryKind::table) continue;
    const Size one = size_of(i);
    ++all.tables;
    all.records += one.records;
    all.bytes += one.bytes;
  }
  return all;
}

std::string Engine::name_of(std::size_t table) const {
  const Entry& entry = image_.entry(table);
  return {entry.name.data(), std::min<std::size_t>(entry.name_bytes, kMostNameBytes)};
}

bool Engine::reclaim() {
  const std::uint64_t before = reclaims_;
  const std::lock_guard alone(reclaim_mutex_);
  if (reclaims_ != before) return true;  // somebody else has just done it
  if (!may_reclaim_.exchange(false)) return false;
  std::uint64_t pages = 0;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    pages += hot::reclaim(image_, pages_, *shard);
  }
  ++reclaims_;
  return pages > 0;
}

}  // namespace okg::hot
