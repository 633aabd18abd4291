// A ring of messages: appended at one end, peeked at and acknowledged at the other.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "base/error.hpp"
#include "hot/image.hpp"

namespace okg::hot {

class Journal {
 public:
  // corrupt when its entry leads to nowhere.
  static base::Result<std::unique_ptr<Journal>> open(const Image& image, std::size_t entry);

  // Every message that is there.
  static base::Status check_all(const Image& image, std::size_t entry);

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
  std::mutex& mutex() { return mutex_; }
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
  mutable std::mutex mutex_;
};

}  // namespace okg::hot
