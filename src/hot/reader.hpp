// A segment as another process sees it: by pread, never mapped (that would allocate pages in its holes),
// never written, never locked. Its writer may be at work, may have been killed, may be hostile.
#pragma once

#include <array>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/os.hpp"
#include "base/unique_fd.hpp"
#include "hot/overlay.hpp"
#include "hot/redo.hpp"
#include "hot/source.hpp"

namespace okg::hot {

// Of one thread. What is read may be remembered until refresh().
class Reader final : public Source {
 public:
  // Of a file that may be a segment; the texts of errors name it. A stop has refresh() and may_go_on() fail:
  // superseded.
  static base::Result<std::unique_ptr<Reader>> open(base::Os& os, const std::string& path,
                                                    std::stop_token stop = {});

  const std::string& path() const { return path_; }
  // Somebody holds the lock beside it: it is being written, or may be at any time.
  bool is_live() const;

  std::uint64_t bytes() const override { return bytes_; }
  void copy(void* to, std::uint64_t offset, std::uint64_t size) const override;
  // corrupt when a log is damaged, busy when a writer was faster each time.
  base::Status refresh() override;
  base::Status may_go_on() const override;
  bool has_changed() const override;

  // What a region's last commit left, of `most` bytes at most. Its entry is that of now.
  base::Result<std::string> region(std::size_t entry, std::uint64_t most);

 private:
  struct Block {
    std::uint64_t number = 0, generation = 0;
    std::array<std::byte, kPageBytes> bytes;
  };
  static constexpr std::size_t kBlocks = 256;
  using States = std::array<std::uint64_t, kMostShards>;

  Reader(base::Os& os, std::string path, const Header& header, base::UniqueFd file, std::stop_token stop);
  base::Error error(base::Code code, const std::string& text) const;
  // Past everything that is remembered. Zeros where it fails, and may_go_on() says why.
  void read(void* to, std::uint64_t offset, std::uint64_t size) const;
  std::uint64_t read_word(std::uint64_t offset) const;
  States read_states() const;
  // The words of a log that is committed, none where it is not, as they were at one moment.
  base::Result<std::vector<std::uint64_t>> read_log(std::uint64_t state_offset, std::uint64_t words_offset,
                                                    std::uint64_t capacity, const LogReach& reach,
                                                    std::uint64_t* state) const;

  base::Os& os_;
  std::string path_;
  base::UniqueFd file_;
  std::stop_token stop_;
  std::uint64_t bytes_ = 0;
  Overlay overlay_;
  States states_{};
  bool knows_logs_ = false;       // overlay_ is what they are by states_
  std::uint64_t generation_ = 0;  // of what is remembered
  std::unique_ptr<std::array<Block, kBlocks>> blocks_;
  mutable base::Status failed_;
};

}  // namespace okg::hot
