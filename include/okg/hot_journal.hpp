// okg::Journal: messages of a HotState that wait to be sent on. See okg.h. SPDX-License-Identifier:
// Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "okg/hot_value.hpp"
#include "okg/result.hpp"

namespace okg {

template <class T>
struct Message {
  std::uint64_t sequence = 0;
  T value{};
};

// A journal of bytes.
class BytesJournal {
 public:
  explicit BytesJournal(okg_hot_journal* journal) : journal_(journal) {}

  // Its sequence. Committed when it returns without an error.
  Result<std::uint64_t> append(std::string_view message) {
    std::uint64_t sequence = 0;
    okg_error error;
    const okg_code code = okg_hot_journal_append(journal_, message.data(), message.size(), &sequence, &error);
    if (code != OKG_OK) return Error(code, error);
    return sequence;
  }
  // The first message behind the one of sequence `after`; 0: the first that is not acknowledged.
  // OKG_NOT_FOUND.
  Result<Message<std::string>> peek(std::uint64_t after = 0) const {
    Message<std::string> message;
    okg_error error;
    std::size_t length = 0;
    for (;;) {
      const okg_code code = okg_hot_journal_peek(journal_, after, message.value.data(), message.value.size(),
                                                 &length, &message.sequence, &error);
      const bool fits = code != OKG_NO_SPACE;
      if (code != OKG_OK && fits) return Error(code, error);
      message.value.resize(length);
      if (fits) return message;
    }
  }
  // That one, and all before it.
  Result<void> acknowledge(std::uint64_t sequence) {
    okg_error error;
    return detail::status(okg_hot_journal_ack(journal_, sequence, &error), error);
  }
  // Bytes that are not acknowledged.
  std::uint64_t lag() const noexcept {
    std::uint64_t bytes = 0;
    (void)okg_hot_journal_lag(journal_, &bytes, nullptr);
    return bytes;
  }
  okg_hot_journal* handle() const noexcept { return journal_; }

 private:
  okg_hot_journal* journal_;
};

// A journal of one struct.
template <HotValue T>
class Journal {
 public:
  explicit Journal(okg_hot_journal* journal) : journal_(journal) {}

  Result<std::uint64_t> append(const T& message) {
    std::uint64_t sequence = 0;
    okg_error error;
    const okg_code code =
        okg_hot_journal_append(journal_, std::addressof(message), sizeof(T), &sequence, &error);
    if (code != OKG_OK) return Error(code, error);
    return sequence;
  }
  Result<Message<T>> peek(std::uint64_t after = 0) const {
    Message<T> message;
    okg_error error;
    std::size_t length = 0;
    const okg_code code = okg_hot_journal_peek(journal_, after, std::addressof(message.value), sizeof(T),
                                               &length, &message.sequence, &error);
    if (code != OKG_OK) return Error(code, error);
    if (length != sizeof(T)) return Error(OKG_SCHEMA_MISMATCH, "the message has another size");
    return message;
  }
  Result<void> acknowledge(std::uint64_t sequence) { return BytesJournal(journal_).acknowledge(sequence); }
  std::uint64_t lag() const noexcept { return BytesJournal(journal_).lag(); }
  okg_hot_journal* handle() const noexcept { return journal_; }

 private:
  okg_hot_journal* journal_;
};

}  // namespace okg
