// Boost.Interprocess: in shared memory, but a kill within an operation leaves a value torn, a lock that is
// held, or a heap that is broken.
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/managed_mapped_file.hpp>
#include <boost/unordered_map.hpp>
#include <cstring>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

namespace bip = boost::interprocess;

using Segment = bip::managed_mapped_file;
// By hand: a vector of this allocator copies byte by byte.
struct Bytes {
  bip::offset_ptr<char> at;
  std::size_t size = 0;
};
using Pair = std::pair<const std::uint64_t, Bytes>;
using Map = boost::unordered_map<std::uint64_t, Bytes, boost::hash<std::uint64_t>, std::equal_to<>,
                                 bip::allocator<Pair, Segment::segment_manager>>;

class Boost final : public Subject {
 public:
  // `swaps`: an update fills a new block and swaps it in, as one would who wants no torn values; otherwise it
  // writes over the old one.
  Boost(const Place& place, bool swaps) : swaps_(swaps) {
    const std::string path = place.directory + "/boost";
    if (place.is_there) {
      segment_ = Segment(bip::open_only, path.c_str());
      map_ = segment_.find<Map>("map").first;
      if (map_ == nullptr) stop("the map is missing");
    } else {
      segment_ = Segment(bip::create_only, path.c_str(), place.bytes);
      map_ = segment_.construct<Map>("map")(place.keys, boost::hash<std::uint64_t>(), std::equal_to<>(),
                                            segment_.get_segment_manager());
    }
  }
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    Bytes& kept = (*map_)[key];
    if (kept.at && !swaps_) {
      std::memcpy(kept.at.get(), value, size);
      return;
    }
    auto* next = static_cast<char*>(segment_.allocate(size));
    std::memcpy(next, value, size);
    char* old = kept.at.get();
    kept = {.at = next, .size = size};
    if (old != nullptr) segment_.deallocate(old);
  }
  void erase(std::uint64_t key) override {
    const auto found = map_->find(key);
    if (found == map_->end()) stop("a record is missing");
    segment_.deallocate(found->second.at.get());
    map_->erase(found);
  }
  bool get(std::uint64_t key, char* value, std::size_t size) override {
    const auto found = map_->find(key);
    if (found == map_->end() || !found->second.at) return false;
    std::memcpy(value, found->second.at.get(), std::min(size, found->second.size));
    return true;
  }

 private:
  Segment segment_;
  Map* map_ = nullptr;
  bool swaps_;
};

const NamedSubject kInPlace("boost",
                            [](const Place& place) { return std::make_unique<Boost>(place, false); });
const NamedSubject kSwap("boost_swap",
                         [](const Place& place) { return std::make_unique<Boost>(place, true); });

}  // namespace
}  // namespace okg::benchmarks
