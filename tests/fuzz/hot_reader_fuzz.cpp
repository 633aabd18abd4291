// What `okg hot` does with a segment that somebody hostile changed, or still changes: an error or an answer,
// after a number of reads that the file's size bounds, and soon after it is told to stop.
//
// Input: which segment and how often it changes (1 byte), what is done and how much of the file's end is
// missing (1 byte), patches as in hot_sample.hpp.
#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <stop_token>
#include <vector>

#include "hot/contents.hpp"
#include "hot/layout.hpp"
#include "hot/reader.hpp"
#include "hot/statistics.hpp"
#include "hot/verify.hpp"
#include "hot_sample.hpp"

namespace okg::hot {
namespace {

using fuzz::demand;

constexpr std::uint64_t kUsedBytes = 2 << 20;  // of a segment, behind what the page map takes
constexpr std::uint64_t kMostRegion = 1 << 20;

// A file: bytes, in which a hole was left out. Between two inputs `changed` is the same as `bytes`.
struct Sample {
  std::vector<std::byte> bytes, changed;
  std::uint64_t hole, hole_end, file_bytes;
};

// Moves words into a log that is committed, as a process leaves it that was killed before it carried it out.
void leave(std::byte* segment, std::uint64_t state, std::uint64_t log, std::uint64_t offset,
           std::uint64_t words) {
  const LogState committed{true, 7, static_cast<std::uint32_t>(words + 1)};
  const std::uint64_t head = LogHead{offset, words}.word(), word = committed.word();
  std::memcpy(segment + log, &head, 8);
  std::memcpy(segment + log + 8, segment + offset, words * 8);
  std::memset(segment + offset, 0x55, words * 8);
  std::memcpy(segment + state, &word, 8);
}

Sample make(std::uint64_t max_bytes) {
  const auto header = lay_out(max_bytes, 2, 512, {1}, 5);
  demand(header.has_value());
  void* const memory =
      ::mmap(nullptr, max_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  demand(memory != MAP_FAILED);
  auto* const segment = static_cast<std::byte*>(memory);
  const std::uint64_t used = std::min(header->data_offset + kUsedBytes, max_bytes);
  format(segment, *header, used);
  {
    const auto engine = Engine::open(segment, *header);
    demand(engine.has_value());
    fuzz::fill(**engine);
  }
  // The counts and roots of "numbers", and what "diff" committed.
  const std::uint64_t numbers = header->tables_offset, diff = numbers + 3 * sizeof(Entry);
  Entry region;
  std::memcpy(&region, segment + diff, sizeof region);
  leave(segment, kLogStatesOffset, header->logs_offset, numbers + offsetof(Entry, shards), 8);
  leave(segment, diff + offsetof(Entry, region), region.log_offset, region.data_offset + 64, 8);
  std::memcpy(segment + kStateOffset, &max_bytes, 8);

  Sample sample;
  sample.hole =
      std::min(padded(header->page_map_offset + used / kPageBytes * 8, kPageBytes), header->data_offset);
  sample.hole_end = header->data_offset;
  sample.file_bytes = max_bytes;
  sample.bytes.assign(segment, segment + sample.hole);
  sample.bytes.insert(sample.bytes.end(), segment + sample.hole_end, segment + used);
  ::munmap(memory, max_bytes);
  sample.changed = sample.bytes;
  return sample;
}

// All, or for speed less of it.
enum class Part : std::uint8_t { all, verify, tables, others };

struct Patch {
  std::uint64_t at;
  std::vector<std::uint8_t> bytes;
};

class FileOs final : public base::Os {
 public:
  FileOs(Sample& sample, std::uint8_t chosen, std::uint64_t missing)
      : sample_(sample),
        bytes_(sample.changed),
        size_(sample.file_bytes),
        short_size_(size_ - missing),
        pace_((chosen & 2U) != 0 ? 3U + (chosen >> 2U) : 0) {}

  FileOs(const FileOs&) = delete;
  FileOs& operator=(const FileOs&) = delete;
  ~FileOs() override {
    for (const Patch& patch : patches_) restore(patch.at, patch.bytes.size());
    restore(0, sizeof(Header));
  }

  bool is_live() const { return pace_ != 0; }
  std::stop_token token() const { return stop_.get_token(); }
  bool is_stopped() const { return stop_.stop_requested(); }

  void patch(const std::uint8_t* data, std::size_t size) {
    fuzz::for_each_patch(data, size, bytes_.size(),
                         [&](std::uint64_t at, const std::uint8_t* bytes, std::size_t length) {
                           patches_.push_back({at, {bytes, bytes + length}});
                           if (!is_live()) toggle(patches_.back());
                         });
    if (!is_live()) size_ = short_size_;
    fuzz::mend_header(bytes_.data());
  }

  int open(int, const char*, int, mode_t) override { return Os::open(AT_FDCWD, "/dev/null", O_RDONLY); }
  int is_open_file_locked(int) override { return is_live() ? 1 : 0; }
  int fstat(int, struct stat* out) override {
    *out = {};
    out->st_mode = S_IFREG | 0600;
    out->st_size = static_cast<off_t>(size_);
    return 0;
  }
  ssize_t pread(int, void* data, std::size_t size, off_t offset) override {
    count(size);
    if (offset < 0) return -EINVAL;
    const auto at = static_cast<std::uint64_t>(offset);
    if (at >= size_) return 0;
    size = std::min(size, size_ - at);
    const std::uint64_t data_end = sample_.hole_end + bytes_.size() - sample_.hole;
    if (at < sample_.hole) {
      size = std::min(size, sample_.hole - at);
      std::memcpy(data, bytes_.data() + at, size);
    } else if (at >= sample_.hole_end && at < data_end) {
      size = std::min(size, data_end - at);
      std::memcpy(data, bytes_.data() + (at - sample_.hole_end + sample_.hole), size);
    } else {
      if (at < sample_.hole_end) size = std::min(size, sample_.hole_end - at);
      std::memset(data, 0, size);
    }
    return static_cast<ssize_t>(size);
  }

 private:
  // Twice, and all is as before.
  void toggle(Patch& patch) {
    for (std::size_t i = 0; i < patch.bytes.size(); ++i) {
      const auto old = static_cast<std::uint8_t>(bytes_[patch.at + i]);
      bytes_[patch.at + i] = std::byte{patch.bytes[i]};
      patch.bytes[i] = old;
    }
  }
  void restore(std::uint64_t at, std::size_t size) {
    std::memcpy(bytes_.data() + at, sample_.bytes.data() + at, size);
  }
  void count(std::uint64_t size) {
    constexpr std::uint64_t kMostReads = 20'000, kMostBytes = 256U << 20;
    constexpr std::uint64_t kMoreReads = 10'000, kMoreBytes = 256U << 20;
    ++reads_;
    read_bytes_ += size;
    if (reads_ > kMostReads || read_bytes_ > kMostBytes) stop_.request_stop();
    demand(reads_ <= kMostReads + kMoreReads && read_bytes_ <= kMostBytes + kMoreBytes);
    if (!is_live() || reads_ % pace_ != 0) return;
    if (reads_ / pace_ == 40) size_ = short_size_;
    if (!patches_.empty()) toggle(patches_[reads_ / pace_ % patches_.size()]);
  }

  const Sample& sample_;
  std::vector<std::byte>& bytes_;
  std::vector<Patch> patches_;
  std::stop_source stop_;
  std::uint64_t size_, short_size_, pace_;  // pace: reads between two changes; 0: nobody changes it
  std::uint64_t reads_ = 0, read_bytes_ = 0;
};

// One entry. Of a sound segment all of a table is there.
void look_at(Reader& reader, const FileOs& os, const Named& named, bool is_sound) {
  if (named.kind() == EntryKind::journal) {
    const auto done =
        for_each_message(reader, named.at, [](std::uint64_t, std::string_view) { return true; });
    demand(!is_sound || done || os.is_stopped());
    return;
  }
  if (named.kind() == EntryKind::region) {
    const auto bytes = reader.region(named.at, kMostRegion);
    demand(!bytes || bytes->size() <= kMostRegion);
    return;
  }
  (void)table_statistics(reader, named.at);
  std::vector<std::string> keys;
  std::uint64_t records = 0, damaged = 0;
  const auto done = for_each_record(
      reader, named.at,
      [&](const Record& record) {
        if (++records % 64 == 1) keys.push_back(record.key);
        return true;
      },
      &damaged);
  if (os.is_stopped()) return;
  if (is_sound) demand(done && damaged == 0 && records == table_counts(reader, named.entry).records);
  if (is_sound) keys.resize(std::min<std::size_t>(keys.size(), 20));
  keys.emplace_back(key_of(std::uint64_t{7}));
  keys.emplace_back("name1");
  for (std::size_t i = 0; i < keys.size() && !os.is_stopped(); ++i) {
    const auto record = find_record(reader, named.at, keys[i]);
    if (is_sound && i + 2 < keys.size() && !os.is_stopped()) demand(record && *record);
  }
}

// False where it was seen that the segment is not sound.
bool look(FileOs& os, Part part) {
  const auto opened = Reader::open(os, "fuzz.okghot", os.token());
  if (!opened) return false;
  Reader& reader = **opened;
  bool is_sound = false;
  if (part == Part::all || part == Part::verify) {
    is_sound = verify(reader) && !os.is_live() && !os.is_stopped();
    if (os.is_live()) (void)verify_readable(reader);
    if (part == Part::verify) return is_sound;
  }
  const auto names = names_in(reader);
  if (!names) {
    demand(!is_sound || os.is_stopped());
    return false;
  }
  for (const Named& named : *names)
    if (!os.is_stopped() &&
        (part == Part::all || (part == Part::tables) == (named.kind() == EntryKind::table)))
      look_at(reader, os, named, is_sound);
  if (part == Part::tables) return is_sound;
  (void)reader.is_live();
  const auto pages = page_statistics(reader);
  if (!pages) return false;
  std::uint64_t sum = pages->never_used;
  for (const std::uint64_t count : pages->pages) sum += count;
  // As many as there are allocated bytes for, at most: what is in use is the rest of them.
  demand(sum <= reader.bytes() / kPageBytes && pages->used_slots <= pages->slots);
  return is_sound;
}

// What is unharmed is sound, or nothing here finds anything.
Sample& sample(bool is_wide) {
  static std::array<Sample, 2> samples = [] {
    std::array<Sample, 2> made{make(kUsedBytes), make(8ULL << 30)};
    for (Sample& one : made) {
      FileOs os(one, 0, 0);
      demand(look(os, Part::all));
    }
    return made;
  }();
  return samples[is_wide ? 1 : 0];
}

}  // namespace
}  // namespace okg::hot

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using okg::hot::FileOs;
  using okg::hot::Part;
  if (size < 2) return 0;
  FileOs os(okg::hot::sample((data[0] & 1U) != 0), data[0], (data[1] & 0x3FU) * 4099ULL);
  os.patch(data + 2, size - 2);
  (void)okg::hot::look(os, static_cast<Part>(data[1] >> 6U));
  return 0;
}
