#include "hot/redo.hpp"

namespace okg::hot {

using faults::is;
using faults::Mutant;

Log::Log(const Image& image, std::size_t shard)
    : image_(image),
      state_(image.word(kLogStatesOffset + shard * kLineBytes)),
      words_(image.word(image.header().logs_offset + shard * image.header().log_words * 8)),
      capacity_(image.header().log_words) {}

Log::Log(const Image& image, const Entry& region)
    : image_(image),
      state_(image.word(image.offset_of(&region.region.log_state.word))),
      words_(image.word(region.log_offset)),
      capacity_(region.log_words),
      is_region_(true),
      image_begin_(region.data_offset),
      image_bytes_(region.data_bytes) {}

void Log::commit(std::uint64_t words) {
  const LogState before = state();
  ordered::store(state_, LogState{true, before.sequence + 1, static_cast<std::uint32_t>(words)}.word());
}

void Log::retire() {
  ordered::store(state_, LogState{false, state().sequence, 0}.word());
}

void Log::apply(std::uint64_t words, std::size_t first_entry, std::size_t entries) {
  for (std::uint64_t at = 0; at < words && entries > 0;) {
    const LogHead head = LogHead::from(ordered::load(words_ + at));
    if (first_entry > 0) {
      --first_entry;
    } else {
      if (head.words == 1)
        ordered::store(image_.word(head.offset), ordered::load(words_ + at + 1));
      else
        ordered::fill(image_.word(head.offset), words_ + at + 1, head.words * 8);
      --entries;
    }
    at += 1 + head.words;
  }
}

bool LogReach::allows(std::uint64_t offset, std::uint64_t words, std::uint64_t first_value) const {
  if (offset % 8 != 0 || words == 0) return false;
  const auto is_within = [&](std::uint64_t from, std::uint64_t size) {
    return offset >= from && offset - from <= size && words * 8 <= size - (offset - from);
  };
  if (is_region) return is_within(begin, bytes);
  // Of the words of State an operation changes one; the others decide what may be touched at all.
  if (offset == kUsedPagesOffset)
    return words == 1 && first_value >= header.data_offset / kPageBytes && first_value <= end / kPageBytes;
  return is_within(header.tables_offset, header.logs_offset - header.tables_offset) ||
         is_within(header.page_map_offset, end - header.page_map_offset);
}

base::Status Log::check() const {
  const LogReach reach{image_.header(), image_.bytes(), is_region_, image_begin_, image_bytes_};
  const char* const wrong =
      log_complaint(state(), capacity_, reach, [&](std::uint64_t at) { return ordered::load(words_ + at); });
  if (wrong == nullptr) return {};
  return base::Error(base::Code::corrupt,
                     "log at " + std::to_string(image_.offset_of(words_)) + ": " + wrong);
}

void Log::recover() {
  const LogState found = state();
  if (!found.is_committed) return;
  std::size_t entries = 0;
  for (std::uint64_t at = 0; at < found.words; ++entries)
    at += 1 + LogHead::from(ordered::load(words_ + at)).words;
  if (is(Mutant::recover_retires_first)) retire();
  if (is(Mutant::recover_without_last) && entries > 0) --entries;
  apply(found.words, 0, entries);
  retire();
}

const RedoRecord::Word* RedoRecord::find(std::uint64_t offset) const {
  if (entries_.size() <= kSearched) {
    for (const Word& entry : entries_)
      if (entry.offset == offset) return &entry;
    return nullptr;
  }
  const auto found = index_.find(offset);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

void RedoRecord::set(std::uint64_t offset, std::uint64_t value, Mutant outside) {
  if (outside != Mutant::none && is(outside)) ordered::store(image_.word(offset), value);
  if (const Word* entry = find(offset)) {
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
  const Word* entry = find(offset);
  return entry != nullptr ? entry->value : image_.load(offset);
}

bool RedoRecord::set_range(std::uint64_t offset, std::span<const std::byte> front,
                           std::span<const std::byte> back, Mutant outside) {
  const std::uint64_t words = padded(front.size() + back.size(), 8) / 8;
  if (words == 0 || words > LogHead::kMostWords || range_words_ + 1 + words > log_.capacity()) return false;
  std::uint64_t* const at = log_.words() + range_words_;
  const std::uint64_t head = LogHead{offset, words}.word();
  ordered::fill(at, &head, 8);
  ordered::fill(at + 1, front.data(), front.size());
  const std::uint64_t whole = back.size() / 8 * 8;
  if (whole != 0) ordered::fill(at + 1 + front.size() / 8, back.data(), whole);
  if (whole != back.size()) {  // the last word is zeros behind the bytes
    std::uint64_t last = 0;
    std::memcpy(&last, back.data() + whole, back.size() - whole);
    ordered::fill(at + words, &last, 8);
  }
  range_words_ += 1 + words;
  ++ranges_;
  if (outside != Mutant::none && is(outside)) ordered::fill(image_.word(offset), at + 1, words * 8);
  return true;
}

void RedoRecord::clear() {
  range_words_ = 0;
  ranges_ = 0;
  entries_.clear();
  if (!index_.empty()) index_.clear();
}

void RedoRecord::carry_out(std::span<std::atomic<std::uint64_t>* const> sequences) {
  if (empty()) return;
  const std::uint64_t all = words();
  const std::size_t entries = ranges_ + entries_.size();
  std::uint64_t committed = all;
  if (is(Mutant::short_count)) committed -= entries_.empty() ? 0U : 2U;
  if (is(Mutant::commit_before_entries)) log_.commit(committed);
  std::uint64_t* at = log_.words() + range_words_;
  for (const Word& entry : entries_) {
    const std::array<std::uint64_t, 2> words = {LogHead{entry.offset, 1}.word(), entry.value};
    ordered::fill(at, words.data(), 16);
    at += 2;
  }
  for (auto* sequence : sequences)
    sequence->store(sequence->load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  if (is(Mutant::apply_before_commit)) log_.apply(all);
  if (!is(Mutant::commit_before_entries)) log_.commit(committed);
  if (is(Mutant::retire_before_apply)) log_.retire();
  if (is(Mutant::retire_between)) {
    log_.apply(all, 0, entries / 2);
    log_.retire();
    log_.apply(all, entries / 2);
  } else {
    log_.apply(all);
  }
  for (auto* sequence : sequences)
    sequence->store(sequence->load(std::memory_order_relaxed) + 1, std::memory_order_release);
  if (!is(Mutant::retire_before_apply) && !is(Mutant::retire_between)) log_.retire();
}

}  // namespace okg::hot
