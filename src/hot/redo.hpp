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

// A log of the file: a state word, and words for entries. Whoever uses it holds the mutex that guards all it
// names.
class Log {
 public:
  // Where its entries may lead to.
  enum class Reach { records, own_image };

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
  bool may_lead_to(std::uint64_t offset, std::uint64_t words, std::uint64_t value) const;

  const Image& image_;
  std::uint64_t* state_;
  std::uint64_t* words_;
  std::uint64_t capacity_;
  Reach reach_;
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
  bool set_range(std::uint64_t offset, std::span<const std::byte> front,
                 std::span<const std::byte> back = {});

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
