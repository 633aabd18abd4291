#include "hot/journal.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "hot/crc32c.hpp"

namespace okg::hot {

using base::Code;
using base::Error;
using base::Result;
using base::Status;
using faults::is;
using faults::Mutant;

std::uint32_t frame_crc(const FrameHeader& header, const void* message) {
  const std::uint32_t crc =
      crc32c(0, reinterpret_cast<const std::byte*>(&header) + kFrameCrcBegin, sizeof header - kFrameCrcBegin);
  return crc32c(crc, message, header.bytes);
}

Journal::Journal(const Image& image, const Entry& entry)
    : image_(image),
      ring_(entry.data_offset),
      ring_bytes_(entry.data_bytes),
      tail_(image.word(image.offset_of(&entry.journal.tail.word))),
      head_(image.word(image.offset_of(&entry.journal.head.word))) {}

Result<std::unique_ptr<Journal>> Journal::open(const Image& image, std::size_t entry) {
  const Entry& found = image.entry(entry);
  if (!is_journal(image, found)) return Error(Code::corrupt, "a journal's entry leads to no ring");
  std::unique_ptr<Journal> journal(new Journal(image, found));
  if (auto checked = journal->check(); !checked) return checked.error();
  return journal;
}

Status Journal::check() const {
  const std::uint64_t head = ordered::load(head_), tail = ordered::load(tail_);
  if (!are_journal_ends(head, tail, ring_bytes_)) return damaged(head, "its ends are nowhere");
  return {};
}

Error Journal::damaged(std::uint64_t at, const char* what) const {
  return {Code::corrupt,
          "journal at " + std::to_string(ring_) + ", message " + std::to_string(at) + ": " + what};
}

// In two pieces where the ring ends between.
void Journal::put(std::uint64_t at, const void* bytes, std::uint64_t size) {
  const std::uint64_t place = at % ring_bytes_, first = std::min(size, ring_bytes_ - place);
  if (first != 0) ordered::fill(image_.at<std::byte>(ring_ + place), bytes, first);
  if (first != size)
    ordered::fill(image_.at<std::byte>(ring_), static_cast<const std::byte*>(bytes) + first, size - first);
}

void Journal::copy_out(void* to, std::uint64_t at, std::uint64_t size) const {
  const std::uint64_t place = at % ring_bytes_, first = std::min(size, ring_bytes_ - place);
  ordered::copy_out(to, image_.at<std::byte>(ring_ + place), first);
  if (first != size)
    ordered::copy_out(static_cast<std::byte*>(to) + first, image_.at<std::byte>(ring_), size - first);
}

Result<std::uint64_t> Journal::fill(std::uint64_t tail, std::string_view message) {
  if (message.size() > kMostMessageBytes || frame_bytes(message.size()) > ring_bytes_)
    return Error(Code::invalid_argument, "a message of " + base::format_size(message.size()) +
                                             ": the journal has " + base::format_size(ring_bytes_) +
                                             ", a message 16 MiB at most");
  const std::uint64_t head = ordered::load(head_);
  if (tail - head > ring_bytes_ || frame_bytes(message.size()) > ring_bytes_ - (tail - head))
    return Error(Code::no_space, "the journal's " + base::format_size(ring_bytes_) +
                                     " are full of messages that nobody acknowledged");
  FrameHeader header{0, static_cast<std::uint32_t>(message.size()), tail};
  header.crc = frame_crc(header, message.data());
  put(tail, &header, sizeof header);
  put(tail + sizeof header, message.data(), message.size());
  return tail + frame_bytes(message.size());
}

Result<std::uint64_t> Journal::append(std::string_view message) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t tail = ordered::load(tail_);
  if (is(Mutant::tail_before_frame)) ordered::store(tail_, tail + frame_bytes(message.size()));
  const auto next = fill(tail, message);
  if (!next) return next.error();
  ordered::store(tail_, *next);
  return tail;
}

// What begins at `at`, its message not looked at.
Result<FrameHeader> Journal::frame(std::uint64_t at, std::uint64_t head, std::uint64_t tail) const {
  FrameHeader header{};
  if (at < head || at >= tail || at % kFrameUnit != 0)
    return Error(Code::invalid_argument, std::to_string(at) + ": no message has that sequence");
  copy_out(&header, at, sizeof header);
  if (header.sequence != at || header.bytes > kMostMessageBytes || frame_bytes(header.bytes) > tail - at)
    return damaged(at, "there is no message");
  return header;
}

Status Journal::peek(std::uint64_t after, void* buffer, std::size_t capacity, Message* message) const {
  const std::lock_guard lock(mutex_);
  if (auto checked = check(); !checked) return checked;
  const std::uint64_t head = ordered::load(head_), tail = ordered::load(tail_);
  std::uint64_t at = head;
  if (after >= head) {
    const auto before = frame(after, head, tail);
    if (!before) return before.error();
    at = after + frame_bytes(before->bytes);
  }
  if (at >= tail) return Error(Code::not_found, "there is no message");
  const auto header = frame(at, head, tail);
  if (!header) return header.error();
  *message = {at, header->bytes};
  if (header->bytes > capacity) return Error(Code::no_space, "the buffer is smaller than the message");
  copy_out(buffer, at + sizeof(FrameHeader), header->bytes);
  if (frame_crc(*header, buffer) != header->crc) return damaged(at, "its checksum is wrong");
  return {};
}

Status Journal::acknowledge(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (auto checked = check(); !checked) return checked;
  const std::uint64_t head = ordered::load(head_), tail = ordered::load(tail_);
  if (sequence < head && sequence != 0) return {};  // done before
  // From message to message: a message could look like a frame inside of it.
  for (std::uint64_t at = head; at <= sequence;) {
    const auto header = frame(at, head, tail);
    if (!header) return header.error();
    const std::uint64_t next = at + frame_bytes(header->bytes);
    if (at == sequence) {
      ordered::store(head_, next);
      return {};
    }
    at = next;
  }
  return Error(Code::invalid_argument, std::to_string(sequence) + ": no message has that sequence");
}

std::uint64_t Journal::lag() const {
  const std::lock_guard lock(mutex_);
  return ordered::load(tail_) - ordered::load(head_);
}

}  // namespace okg::hot
