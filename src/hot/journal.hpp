// A ring of messages: appended at one end, peeked at and acknowledged at the other.
#pragma once

#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "hot/image.hpp"
#include "hot/short_mutex.hpp"

namespace okg::hot {

// What a frame takes of the ring.
constexpr std::uint64_t frame_bytes(std::uint64_t message_bytes) {
  return padded(sizeof(FrameHeader) + message_bytes, kFrameUnit);
}
// CRC-32C of what `header` says, and header.bytes of `message`.
std::uint32_t frame_crc(const FrameHeader& header, const void* message);

// Does a journal's entry lead to a ring? Of an Image or a Source.
template <class Bytes>
bool is_journal(const Bytes& image, const Entry& entry) {
  return entry.data_offset % kPageBytes == 0 && entry.data_bytes != 0 && entry.data_bytes % kPageBytes == 0 &&
         image.is_data(entry.data_offset, entry.data_bytes);
}
constexpr bool are_journal_ends(std::uint64_t head, std::uint64_t tail, std::uint64_t ring_bytes) {
  return head <= tail && head != 0 && (head | tail) % kFrameUnit == 0 && tail - head <= ring_bytes;
}

class Journal {
 public:
  // corrupt when its entry leads to nowhere.
  static base::Result<std::unique_ptr<Journal>> open(const Image& image, std::size_t entry);

  struct Message {
    std::uint64_t sequence = 0;  // rises with each message, by more than 1; the same after a restart
    std::size_t bytes = 0;
  };

  // Committed when it returns. no_space when what is not acknowledged leaves no room.
  base::Result<std::uint64_t> append(std::string_view message);
  // The first message behind `after` (0: the first that is not acknowledged), copied to `buffer`. not_found
  // when there is none; no_space when the buffer is too small, `message` says how large; corrupt.
  base::Status peek(std::uint64_t after, void* buffer, std::size_t capacity, Message* message) const;
  // Of that message and of all before it. invalid_argument when there is no such message.
  base::Status acknowledge(std::uint64_t sequence);
  // Bytes that are not acknowledged, of the ring's.
  std::uint64_t lag() const;
  std::uint64_t capacity() const { return ring_bytes_; }

  // ---- for a transaction, which holds the mutex
  ShortMutex& mutex() { return mutex_; }
  std::uint64_t tail_offset() const { return image_.offset_of(tail_); }
  // Fills a frame at `tail`, behind which nobody looks; returns the tail behind it.
  base::Result<std::uint64_t> fill(std::uint64_t tail, std::string_view message);

 private:
  Journal(const Image& image, const Entry& entry);
  base::Status check() const;
  base::Result<FrameHeader> frame(std::uint64_t at, std::uint64_t head, std::uint64_t tail) const;
  void put(std::uint64_t at, const void* bytes, std::uint64_t size);
  void copy_out(void* to, std::uint64_t at, std::uint64_t size) const;
  base::Error damaged(std::uint64_t at, const char* what) const;

  const Image& image_;
  std::uint64_t ring_, ring_bytes_;
  std::uint64_t* tail_;
  std::uint64_t* head_;
  mutable ShortMutex mutex_;
};

}  // namespace okg::hot
