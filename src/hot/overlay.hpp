// What the entries of committed logs put over the bytes of a file that is only read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <vector>

namespace okg::hot {

class Overlay {
 public:
  void clear();
  bool empty() const { return pieces_.empty(); }
  // The words of a log that nothing is to be said against; later entries go over earlier ones.
  void add(std::vector<std::uint64_t> words);
  // `bytes` are those of the file at [offset, offset + size).
  void put_over(void* bytes, std::uint64_t offset, std::uint64_t size) const;

 private:
  struct Piece {
    std::uint64_t end;
    const std::byte* from;
  };
  void cover(std::uint64_t begin, std::uint64_t end, const std::byte* from);

  std::map<std::uint64_t, Piece> pieces_;  // by their first byte; none reaches into another
  std::list<std::vector<std::uint64_t>> words_;
};

}  // namespace okg::hot
