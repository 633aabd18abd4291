// The bytes of a segment, from memory or read from a file: what looks through all of it need not know which.
// Offsets are believed by nobody: is_data() first.
#pragma once

#include "base/error.hpp"
#include "hot/image.hpp"

namespace okg::hot {

class Source {
 public:
  explicit Source(const Header& header) : header_(header) {}
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const Header& header() const { return header_; }
  // Allocated.
  virtual std::uint64_t bytes() const = 0;
  // What lies there, as a recovery would leave it; all of it is within bytes().
  virtual void copy(void* to, std::uint64_t offset, std::uint64_t size) const = 0;
  // Where somebody may write meanwhile: what is copied from here on is of now, or later.
  virtual base::Status refresh() { return {}; }
  // Asked now and then by what takes long: has reading failed, is the answer still wanted?
  virtual base::Status may_go_on() const { return {}; }
  // Was something committed since refresh()?
  virtual bool has_changed() const { return false; }

  std::uint64_t load(std::uint64_t offset) const {
    std::uint64_t word = 0;
    copy(&word, offset, sizeof word);
    return word;
  }
  std::uint64_t entry_offset(std::size_t index) const {
    return header_.tables_offset + index * sizeof(Entry);
  }
  Entry entry(std::size_t index) const {
    Entry found;
    copy(&found, entry_offset(index), sizeof found);
    return found;
  }
  State state() const {
    State found;
    copy(&found, kStateOffset, sizeof found);
    return found;
  }
  std::uint64_t page_word_offset(std::uint64_t page) const { return header_.page_map_offset + page * 8; }
  PageWord page(std::uint64_t page) const { return PageWord::from(load(page_word_offset(page))); }

  // As in Image.
  bool is_data(std::uint64_t offset, std::uint64_t size) const {
    const std::uint64_t end = bytes();
    return offset >= header_.data_offset && offset <= end && size <= end - offset;
  }
  bool is_data_page(std::uint64_t offset) const {
    return offset % kPageBytes == 0 && is_data(offset, kPageBytes);
  }

 private:
  Header header_;
};

// A mapped segment, whose logs were carried out.
class MappedSource final : public Source {
 public:
  explicit MappedSource(const Image& image) : Source(image.header()), image_(image) {}
  std::uint64_t bytes() const override { return image_.bytes(); }
  void copy(void* to, std::uint64_t offset, std::uint64_t size) const override {
    ordered::copy_out(to, image_.at<std::byte>(offset), size);
  }

 private:
  const Image& image_;
};

}  // namespace okg::hot
