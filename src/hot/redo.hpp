// The one way in which what can be reached is changed: words and ranges are recorded with the values they are
// to have, the record is committed by one store, carried out, and given up. Proof:
// docs/hot-state-protocol.md.
#pragma once

#include <array>
#include <atomic>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "hot/image.hpp"

namespace okg::hot {

// Where the entries of a log may lead to: a region's into its image, [begin, begin + bytes), a shard's to
// what operations change of a segment of which `end` bytes are allocated.
struct LogReach {
  const Header& header;
  std::uint64_t end;
  bool is_region = false;
  std::uint64_t begin = 0, bytes = 0;

  bool allows(std::uint64_t offset, std::uint64_t words, std::uint64_t first_value) const;
};

// Is a log idle, or did a killed process commit what this library writes? Else what is wrong with it.
// `word(i)` is its i-th word.
template <class Word>
const char* log_complaint(LogState found, std::uint64_t capacity, const LogReach& reach, Word&& word) {
  if (!found.is_committed) return found.words == 0 ? nullptr : "its state is none";
  if (found.words > capacity) return "its state is none";
  for (std::uint64_t at = 0; at < found.words;) {
    const LogHead head = LogHead::from(word(at));
    if (head.words == 0 || head.words > found.words - at - 1) return "an entry is cut off";
    if (!reach.allows(head.offset, head.words, word(at + 1))) return "an entry leads to nowhere";
    at += 1 + head.words;
  }
  return nullptr;
}

// A log of the file: a state word, and words for entries. Whoever uses it holds the mutex that guards all it
// names.
class Log {
 public:
  // Of a shard.
  Log(const Image& image, std::size_t shard);
  // Of a region: entries lead into [image_begin, image_begin + image_bytes).
  Log(const Image& image, const Entry& region);

  std::uint64_t capacity() const { return capacity_; }
  std::uint64_t* words() const { return words_; }
  LogState state() const { return LogState::from(ordered::load(state_)); }

  // Step 3: from here on it has happened.
  void commit(std::uint64_t words);
  // Step 4: entries up to `words`.
  void apply(std::uint64_t words, std::size_t first_entry = 0, std::size_t entries = SIZE_MAX);
  // Step 5.
  void retire();

  // Is it idle, or did a killed process commit what this library writes? corrupt otherwise.
  base::Status check() const;
  // Carries out what was committed. Only once check() has found nothing.
  void recover();

 private:
  const Image& image_;
  std::uint64_t* state_;
  std::uint64_t* words_;
  std::uint64_t capacity_;
  bool is_region_ = false;
  std::uint64_t image_begin_ = 0, image_bytes_ = 0;
};

// What a log is to carry out: ranges go into its words at once, single words are gathered in ordinary memory,
// where they are found again.
class RedoRecord {
 public:
  RedoRecord(const Image& image, Log& log) : image_(image), log_(log) { entries_.reserve(16); }

  // With that mutant the word is changed at once, too.
  void set(std::uint64_t offset, std::uint64_t value, faults::Mutant outside = faults::Mutant::none);
  // What the word will be. Ranges are not looked at.
  std::uint64_t get(std::uint64_t offset) const;
  // Bytes at `offset`, a multiple of 8: `front`, whose size is one too, and `back`. False when the log has no
  // room.
  bool set_range(std::uint64_t offset, std::span<const std::byte> front, std::span<const std::byte> back = {},
                 faults::Mutant outside = faults::Mutant::none);

  // Of a record that also has words: half of the log is left for those.
  bool has_room_for_range(std::uint64_t bytes) const {
    return range_words_ + 1 + padded(bytes, 8) / 8 <= log_.capacity() / 2;
  }

  bool empty() const { return entries_.empty() && range_words_ == 0; }
  bool fits() const { return words() <= log_.capacity(); }
  std::uint64_t words() const { return range_words_ + entries_.size() * 2; }
  void clear();

  // Steps 2 to 5, where it fits. `sequences` are odd while words change.
  void carry_out(std::span<std::atomic<std::uint64_t>* const> sequences);

 private:
  struct Word {
    std::uint64_t offset, value;
  };
  static constexpr std::size_t kSearched = 24;  // entries that are looked through rather than indexed
  const Word* find(std::uint64_t offset) const;

  const Image& image_;
  Log& log_;
  std::uint64_t range_words_ = 0;
  std::size_t ranges_ = 0;
  std::vector<Word> entries_;
  std::unordered_map<std::uint64_t, std::size_t> index_;
};

}  // namespace okg::hot
