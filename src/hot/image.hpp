// The mapped bytes of a segment, and what of them may be used: nothing that lies in the file is believed
// before it was compared with this.
#pragma once

#include "hot/format.hpp"
#include "hot/ordered.hpp"

namespace okg::hot {

class Image {
 public:
  Image(std::byte* base, const Header& header) : base_(base), header_(header) {}

  const Header& header() const { return header_; }
  State& state() const { return *at<State>(kStateOffset); }
  // Allocated and mapped.
  std::uint64_t bytes() const { return ordered::load(&state().bytes.word); }

  template <class T>
  T* at(std::uint64_t offset) const {
    return reinterpret_cast<T*>(base_ + offset);
  }
  std::uint64_t* word(std::uint64_t offset) const { return at<std::uint64_t>(offset); }
  std::uint64_t load(std::uint64_t offset) const { return ordered::load(word(offset)); }
  std::uint64_t offset_of(const void* inside) const {
    return static_cast<std::uint64_t>(static_cast<const std::byte*>(inside) - base_);
  }

  Entry& entry(std::size_t index) const { return *at<Entry>(header_.tables_offset + index * sizeof(Entry)); }
  EntryKind kind(std::size_t index) const {
    return static_cast<EntryKind>(ordered::load(&entry(index).kind));
  }
  std::uint64_t page_word_offset(std::uint64_t page) const { return header_.page_map_offset + page * 8; }
  std::uint64_t* page_word(std::uint64_t page) const { return word(page_word_offset(page)); }

  // Where records, leaves and directories lie, as far as it was there when this was asked for.
  struct Data {
    std::uint64_t begin, bytes;
    // Does [offset, offset + size) lie there?
    bool has(std::uint64_t offset, std::uint64_t size) const {
      return size <= bytes && offset - begin <= bytes - size;
    }
    bool has_page(std::uint64_t offset) const { return offset % kPageBytes == 0 && has(offset, kPageBytes); }
  };
  Data data() const {
    const std::uint64_t end = bytes();
    return {header_.data_offset, end < header_.data_offset ? 0 : end - header_.data_offset};
  }
  bool is_data(std::uint64_t offset, std::uint64_t size) const { return data().has(offset, size); }
  // Of a line that will be looked at soon, wherever it is.
  void prefetch(std::uint64_t offset) const { __builtin_prefetch(base_ + offset); }
  // Of what is about to be written.
  void prefetch_to_write(std::uint64_t offset, std::uint64_t size) const {
    for (std::uint64_t at = 0; at < size; at += kLineBytes) __builtin_prefetch(base_ + offset + at, 1);
  }

 private:
  std::byte* base_;
  Header header_;  // a copy: the one in the file could change under us
};

}  // namespace okg::hot
