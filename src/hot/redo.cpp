#include "hot/redo.hpp"

namespace okg::hot {

using faults::is;
using faults::Mutant;

const LogEntry* RedoRecord::find(std::uint64_t offset) const {
  if (entries_.size() <= kSearched) {
    for (const LogEntry& entry : entries_)
      if (entry.offset == offset) return &entry;
    return nullptr;
  }
  const auto found = index_.find(offset);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

void RedoRecord::set(std::uint64_t offset, std::uint64_t value, Mutant outside) {
  if (outside != Mutant::none && is(outside)) ordered::store(image_.word(offset), value);
  if (const LogEntry* entry = find(offset)) {
    entries_[static_cast<std::size_t>(entry - entries_.data())].value = value;
    return;
  }
  entries_.push_back({offset, value});
  if (entries_.size() <= kSearched) return;
  if (entries_.size() == kSearched + 1) {
    for (std::size_t i = 0; i < entries_.size(); ++i) index_[entries_[i].offset] = i;
  } else {
    index_[offset] = entries_.size() - 1;
  }
}

std::uint64_t RedoRecord::get(std::uint64_t offset) const {
  const LogEntry* entry = find(offset);
  return entry != nullptr ? entry->value : image_.load(offset);
}

void RedoRecord::clear() {
  entries_.clear();
  if (!index_.empty()) index_.clear();
}

Log::Log(const Image& image, std::size_t index)
    : image_(image),
      index_(index),
      state_(image.word(kLogStatesOffset + index * kLineBytes)),
      entries_(image.at<LogEntry>(image.header().logs_offset +
                                  index * image.header().log_entries * sizeof(LogEntry))) {}

void Log::carry_out(const RedoRecord& record, std::atomic<std::uint64_t>& sequence) {
  const std::vector<LogEntry>& entries = record.entries();
  if (entries.empty()) return;
  std::uint64_t committed = kLogCommitted | entries.size();
  if (is(Mutant::short_count)) --committed;
  if (is(Mutant::commit_before_entries)) ordered::store(state_, committed);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ordered::fill(&entries_[i].offset, &entries[i].offset, 8);
    ordered::fill(&entries_[i].value, &entries[i].value, 8);
  }
  const auto apply = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) ordered::store(image_.word(entries[i].offset), entries[i].value);
  };
  sequence.store(sequence.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  if (is(Mutant::apply_before_commit)) apply(0, entries.size());
  ordered::store(state_, committed);  // from here on it has happened
  if (is(Mutant::retire_before_apply)) ordered::store(state_, 0);
  apply(0, entries.size() / 2);
  if (is(Mutant::retire_between)) ordered::store(state_, 0);
  apply(entries.size() / 2, entries.size());
  sequence.store(sequence.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  ordered::store(state_, 0);
}

base::Status Log::check() const {
  const std::uint64_t state = ordered::load(state_);
  if (state == 0) return {};
  const auto damaged = [&](const char* what) {
    return base::Error(base::Code::corrupt, "log " + std::to_string(index_) + ": " + what);
  };
  const std::uint64_t count = state & ~kLogCommitted;
  if ((state & kLogCommitted) == 0 || count > capacity()) return damaged("its state is none");
  const Header& header = image_.header();
  const std::uint64_t end = image_.bytes();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = ordered::load(&entries_[i].offset);
    // Of the words of State an operation changes one; the others decide what may be touched at all.
    if (offset == kUsedPagesOffset) {
      const std::uint64_t used = ordered::load(&entries_[i].value);
      if (used < header.data_offset / kPageBytes || used > end / kPageBytes)
        return damaged("an entry moves the mark behind the last used page to nowhere");
      continue;
    }
    const bool of_tables = offset >= header.tables_offset && offset < header.logs_offset;
    const bool behind_logs = offset >= header.page_map_offset && offset <= end - 8;
    if (offset % 8 != 0 || !(of_tables || behind_logs)) return damaged("an entry leads to nowhere");
  }
  return {};
}

void Log::recover() {
  std::uint64_t count = ordered::load(state_) & ~kLogCommitted;
  if (is(Mutant::recover_retires_first)) ordered::store(state_, 0);
  if (is(Mutant::recover_without_last) && count > 0) --count;
  for (std::uint64_t i = 0; i < count; ++i)
    ordered::store(image_.word(ordered::load(&entries_[i].offset)), ordered::load(&entries_[i].value));
  if (ordered::load(state_) != 0) ordered::store(state_, 0);
}

}  // namespace okg::hot
