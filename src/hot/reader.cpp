#include "hot/reader.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "hot/layout.hpp"
#include "hot/region.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

namespace {

constexpr int kTries = 1000;  // a writer that was faster each time
constexpr std::string_view kEnding = ".okghot";

}  // namespace

Reader::Reader(base::Os& os, std::string path, const Header& header, base::UniqueFd file,
               std::stop_token stop)
    : Source(header),
      os_(os),
      path_(std::move(path)),
      file_(std::move(file)),
      stop_(std::move(stop)),
      blocks_(std::make_unique<std::array<Block, kBlocks>>()) {}

Error Reader::error(Code code, const std::string& text) const {
  return {code, "hot state " + path_ + ": " + text};
}

Result<std::unique_ptr<Reader>> Reader::open(base::Os& os, const std::string& path, std::stop_token stop) {
  const auto wrong = [&](Code code, const std::string& text) {
    return Error(code, "hot state " + path + ": " + text);
  };
  base::UniqueFd file(os.open(AT_FDCWD, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() == -ENOENT) return wrong(Code::not_found, "there is no such file");
  if (file.get() == -ELOOP) return wrong(Code::denied, "is a link: name the file itself");
  if (!file) return base::error_from_errno(-file.get(), "hot state " + path);
  struct stat info{};
  if (const int failed = os.fstat(file.get(), &info); failed < 0)
    return base::error_from_errno(-failed, "hot state " + path);
  if (!S_ISREG(info.st_mode)) return wrong(Code::invalid_argument, "is no regular file");
  std::array<std::byte, sizeof(Header)> bytes{};
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t more =
        os.pread(file.get(), bytes.data() + got, bytes.size() - got, static_cast<off_t>(got));
    if (more == -EINTR) continue;
    if (more < 0) return base::error_from_errno(static_cast<int>(-more), "hot state " + path);
    if (more == 0) break;
    got += static_cast<std::size_t>(more);
  }
  const auto header = check_header(bytes.data(), got);
  if (!header) return wrong(header.error().code, header.error().text);
  std::unique_ptr<Reader> reader(new Reader(os, path, *header, std::move(file), std::move(stop)));
  if (auto done = reader->refresh(); !done) return done.error();
  return reader;
}

bool Reader::is_live() const {
  if (!path_.ends_with(kEnding)) return false;
  const std::string lock = path_.substr(0, path_.size() - kEnding.size()) + ".lock";
  const base::UniqueFd fd(os_.open(AT_FDCWD, lock.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  return fd && os_.is_open_file_locked(fd.get()) == 1;
}

void Reader::read(void* to, std::uint64_t offset, std::uint64_t size) const {
  auto* at = static_cast<std::byte*>(to);
  while (size > 0 && failed_) {
    const ssize_t got = os_.pread(file_.get(), at, size, static_cast<off_t>(offset));
    if (got == -EINTR) continue;
    if (got < 0) failed_ = base::error_from_errno(static_cast<int>(-got), "hot state " + path_);
    if (got == 0) failed_ = error(Code::corrupt, "is cut off at " + std::to_string(offset));
    if (got <= 0) break;
    at += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::uint64_t>(got);
  }
  if (size > 0) std::memset(at, 0, size);
}

std::uint64_t Reader::read_word(std::uint64_t offset) const {
  std::uint64_t word = 0;
  read(&word, offset, sizeof word);
  return word;
}

Reader::States Reader::read_states() const {
  std::array<Line, kMostShards> lines;
  read(lines.data(), kLogStatesOffset, sizeof lines);
  States states{};
  for (std::size_t i = 0; i < header().shards; ++i) states[i] = lines[i].word;
  return states;
}

void Reader::copy(void* to, std::uint64_t offset, std::uint64_t size) const {
  if (size > 4 * kPageBytes) {
    read(to, offset, size);
  } else {
    auto* at = static_cast<std::byte*>(to);
    for (std::uint64_t place = offset, left = size; left > 0;) {
      const std::uint64_t number = place / kPageBytes, within = place % kPageBytes;
      const std::uint64_t here = std::min(left, kPageBytes - within);
      Block& block = (*blocks_)[number % kBlocks];
      if (block.number != number || block.generation != generation_) {
        block.number = number;
        block.generation = generation_;
        read(block.bytes.data(), number * kPageBytes, kPageBytes);
      }
      std::memcpy(at, block.bytes.data() + within, here);
      at += here;
      place += here;
      left -= here;
    }
  }
  if (!overlay_.empty()) overlay_.put_over(to, offset, size);
}

Status Reader::may_go_on() const {
  if (stop_.stop_requested()) return error(Code::superseded, "interrupted: run it again");
  return failed_;
}

bool Reader::has_changed() const {
  return read_states() != states_;
}

Result<std::vector<std::uint64_t>> Reader::read_log(std::uint64_t state_offset, std::uint64_t words_offset,
                                                    std::uint64_t capacity, const LogReach& reach,
                                                    std::uint64_t* state) const {
  for (int i = 0; i < kTries; ++i) {
    if (auto done = may_go_on(); !done) return done.error();
    *state = read_word(state_offset);
    const LogState found = LogState::from(*state);
    std::vector<std::uint64_t> words;
    if (found.is_committed && found.words <= capacity) {
      words.resize(found.words);
      read(words.data(), words_offset, words.size() * 8);
      // Its words are written anew only after the state said that it is given up.
      if (read_word(state_offset) != *state) continue;
    }
    const char* const wrong =
        log_complaint(found, capacity, reach, [&](std::uint64_t at) { return words[at]; });
    if (wrong != nullptr)
      return error(Code::corrupt, "log at " + std::to_string(words_offset) + ": " + wrong);
    return words;
  }
  return error(Code::busy, "is written faster than it can be read: try again");
}

Status Reader::refresh() {
  ++generation_;
  struct stat info{};
  if (const int failed = os_.fstat(file_.get(), &info); failed < 0)
    return base::error_from_errno(-failed, "hot state " + path_);
  if (static_cast<std::uint64_t>(info.st_size) < header().data_offset)
    return error(Code::corrupt, "is cut off: it ends before its data begins");
  const std::uint64_t allocated = read_word(kStateOffset + offsetof(State, bytes));
  // It may have grown since.
  if (allocated > static_cast<std::uint64_t>(info.st_size)) (void)os_.fstat(file_.get(), &info);
  if (const auto checked = check_extent(header(), allocated, static_cast<std::uint64_t>(info.st_size));
      !checked)
    return error(checked.error().code, checked.error().text);
  // Large logs of a killed process are not read for each leaf anew: of a commit the words stay as they are.
  if (knows_logs_ && allocated == bytes_ && !has_changed()) return may_go_on();
  knows_logs_ = false;
  overlay_.clear();
  bytes_ = allocated;
  const LogReach reach{header(), bytes_};
  for (std::size_t i = 0; i < header().shards; ++i) {
    auto words =
        read_log(kLogStatesOffset + i * kLineBytes, header().logs_offset + i * header().log_words * 8,
                 header().log_words, reach, &states_[i]);
    if (!words) return words.error();
    if (!words->empty()) overlay_.add(*std::move(words));
  }
  auto done = may_go_on();
  knows_logs_ = done.has_value();
  return done;
}

Result<std::string> Reader::region(std::size_t at, std::uint64_t most) {
  for (int i = 0; i < kTries; ++i) {
    if (auto done = refresh(); !done) return done.error();
    const Entry found = entry(at);
    const std::string where = "region at entry " + std::to_string(at) + ": ";
    if (found.kind != static_cast<std::uint64_t>(EntryKind::region) || !is_region(*this, found))
      return error(Code::corrupt, where + "its entry leads to nowhere");
    if (found.value_bytes > most)
      return error(Code::unsupported, where + "it has " + base::format_size(found.value_bytes) +
                                          ", more than " + base::format_size(most));
    const std::uint64_t state_offset = entry_offset(at) + offsetof(Entry, region);
    // A log that lies in a hole may seem larger than memory.
    const std::uint64_t needed =
        padded(region_log_words(static_cast<RegionMode>(found.flavor), found.value_bytes), kPageBytes / 8);
    std::uint64_t state = 0;
    auto words = read_log(state_offset, found.log_offset, std::min(found.log_words, needed),
                          {header(), bytes_, true, found.data_offset, found.data_bytes}, &state);
    if (!words) return words.error();
    std::string bytes(found.value_bytes, '\0');
    read(bytes.data(), found.data_offset, bytes.size());
    // Each commit, and each touch() of bytes that had not been touched, changes it.
    if (read_word(state_offset) != state) continue;
    // A migration has it lie elsewhere.
    if (has_changed()) {
      if (auto done = refresh(); !done) return done.error();
      const Entry now = entry(at);
      if (now.data_offset != found.data_offset || now.log_offset != found.log_offset) continue;
    }
    Overlay last_commit;
    if (!words->empty()) last_commit.add(*std::move(words));
    last_commit.put_over(bytes.data(), found.data_offset, bytes.size());
    if (auto done = may_go_on(); !done) return done.error();
    return bytes;
  }
  return error(Code::busy, "region at entry " + std::to_string(at) +
                               ": is committed faster than it can be read: try again");
}

}  // namespace okg::hot
