// The one mechanism (docs/hot-state-protocol.md): what changes is recorded, committed by one store, carried
// out, and the record retired. A kill before the commit has changed nothing; after it, recovery carries out
// the rest.
#pragma once

#include <atomic>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "hot/image.hpp"

namespace okg::hot {

// Words and the values they are to have, gathered in ordinary memory.
class RedoRecord {
 public:
  explicit RedoRecord(const Image& image) : image_(image) { entries_.reserve(16); }

  // With that mutant the word is changed at once, too.
  void set(std::uint64_t offset, std::uint64_t value, faults::Mutant outside = faults::Mutant::none);
  // What the word will be.
  std::uint64_t get(std::uint64_t offset) const;
  std::size_t size() const { return entries_.size(); }
  const std::vector<LogEntry>& entries() const { return entries_; }
  void clear();

 private:
  static constexpr std::size_t kSearched = 24;  // entries that are looked through rather than indexed
  const LogEntry* find(std::uint64_t offset) const;

  const Image& image_;
  std::vector<LogEntry> entries_;
  std::unordered_map<std::uint64_t, std::size_t> index_;
};

// One log of the file. Whoever uses it holds the mutex that guards all words it names.
class Log {
 public:
  Log(const Image& image, std::size_t index);

  std::uint64_t capacity() const { return image_.header().log_entries; }
  // Steps 2 to 5. `sequence` is odd while words change. The record has at most capacity() entries.
  void carry_out(const RedoRecord& record, std::atomic<std::uint64_t>& sequence);
  // Is it idle, or did a killed process commit what this library writes? corrupt otherwise.
  base::Status check() const;
  // Carries out what was committed. Only once check() has found nothing.
  void recover();

 private:
  const Image& image_;
  std::size_t index_;
  std::uint64_t* state_;
  LogEntry* entries_;
};

}  // namespace okg::hot
