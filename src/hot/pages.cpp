#include "hot/pages.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace okg::hot {

using faults::is;
using faults::Mutant;

namespace {

constexpr std::uint64_t kGrowthStep = 64ULL << 20;
constexpr std::uint64_t kUsedPagesOffset = kStateOffset + offsetof(State, used_pages);

void put(Record& record, const Image& image, std::uint64_t offset, std::uint64_t value) {
  if (is(Mutant::pages_outside)) ordered::store(image.word(offset), value);
  record.set(offset, value);
}

}  // namespace

Pages::Pages(const Image& image)
    : image_(image),
      end_(ordered::load(&image.state().used_pages.word)),
      scanned_(image.header().data_offset / kPageBytes),
      scan_end_(end_),
      found_(image.header().shards) {}

base::Result<std::uint64_t> Pages::take(std::uint32_t count, PageWord what, Record& record) {
  what.count = count;
  std::uint64_t page = 0;
  std::uint64_t last = image_.bytes() / kPageBytes;
  // Best fit; large runs are few.
  auto best = free_.end();
  for (auto run = free_.begin(); run != free_.end(); ++run)
    if (run->second >= count && (best == free_.end() || run->second < best->second)) best = run;
  // What is there has to be known before one may say that there is no room.
  while (best == free_.end() && end_ + count > last && scan(1024))
    for (auto run = free_.begin(); run != free_.end(); ++run)
      if (run->second >= count) best = run;
  if (best == free_.end() && end_ + count > last) {
    if (auto grown = grow(count); !grown) return grown.error();
    last = image_.bytes() / kPageBytes;
  }
  if (best != free_.end()) {
    page = best->first;
    const std::uint64_t rest = best->second - count;
    taken_.push_back({page, static_cast<std::uint32_t>(best->second), false});
    free_.erase(best);
    if (rest > 0) {
      free_[page + count] = rest;
      put(record, image_, image_.page_word_offset(page + count),
          PageWord{PageKind::free, 0, 0, static_cast<std::uint32_t>(rest)}.word());
    }
  } else {
    page = end_;
    taken_.push_back({page, count, true});
    end_ += count;
    if (!is(Mutant::used_after_use)) put(record, image_, kUsedPagesOffset, end_);
  }
  put(record, image_, image_.page_word_offset(page), what.word());
  // Only slabs are asked for by an offset inside of them.
  if (what.kind == PageKind::slab)
    for (std::uint32_t i = 1; i < count; ++i)
      put(record, image_, image_.page_word_offset(page + i), PageWord{PageKind::tail, 0, 0, i}.word());
  return page;
}

base::Status Pages::grow(std::uint64_t count) {
  const std::uint64_t from = image_.bytes(), most = image_.header().max_bytes;
  const std::uint64_t needed = (end_ + count) * kPageBytes;
  if (!grow_ || needed > most)
    return base::Error(base::Code::no_space, "no run of " + std::to_string(count) + " pages is free in " +
                                                 base::format_size(from) + " of " + base::format_size(most));
  // By steps; where there is no room for a step, for what is needed.
  const std::uint64_t step = std::min(most, std::max(needed, from + kGrowthStep));
  auto grown = grow_(from, step);
  std::uint64_t to = step;
  if (!grown && step > needed) {
    grown = grow_(from, needed);
    to = needed;
  }
  if (!grown) return grown;
  // Only now: what the word says is there, is there.
  ordered::store(&image_.state().bytes.word, to);
  return {};
}

void Pages::give_up() {
  for (auto run = taken_.rbegin(); run != taken_.rend(); ++run) {
    if (run->from_end) {
      end_ = run->page;
      continue;
    }
    // What was left of the run lies behind what was taken of it, and may have grown since.
    std::uint64_t end = run->page + run->count;
    const auto rest = free_.upper_bound(run->page);
    if (rest != free_.end() && rest->first < end) {
      end = std::max(end, rest->first + rest->second);
      free_.erase(rest);
    }
    free_[run->page] = end - run->page;
  }
  taken_.clear();
  freed_.clear();
}

void Pages::add_free(std::uint64_t page, std::uint64_t count) {
  const auto after = free_.find(page + count);
  if (after != free_.end()) {
    count += after->second;
    free_.erase(after);
  }
  auto before = free_.lower_bound(page);
  if (before != free_.begin() && (--before)->first + before->second == page)
    before->second += count;
  else
    free_[page] = count;
}

// Free runs that touch each other stay two in the file; here they are one, and so is what is taken of them.
void Pages::free(std::uint64_t page, std::uint32_t count, Record& record) {
  put(record, image_, image_.page_word_offset(page), PageWord{PageKind::free, 0, 0, count}.word());
  freed_.push_back({page, count, false});
}

void Pages::settle() noexcept {
  taken_.clear();
  for (const Run& run : freed_) {
    if (run.page >= scanned_ && run.page < scan_end_) continue;  // scan() will come by
    try {
      add_free(run.page, run.count);
    } catch (const std::bad_alloc&) {
      // Found again by the next process.
    }
  }
  freed_.clear();
}

void Pages::give_back(std::uint64_t page, std::uint32_t count) {
  ordered::store(image_.page_word(page), PageWord{PageKind::free, 0, 0, count}.word());
  add_free(page, count);
}

bool Pages::scan(std::size_t runs) {
  for (; runs > 0 && scanned_ < scan_end_; --runs) {
    const PageWord word = PageWord::from(ordered::load(image_.page_word(scanned_)));
    const std::uint64_t count = std::clamp<std::uint64_t>(word.count, 1, scan_end_ - scanned_);
    if (word.kind == PageKind::free) {
      add_free(scanned_, count);
    } else if (word.kind == PageKind::slab && word.shard < found_.size()) {
      found_[word.shard].push_back(scanned_);
    }
    scanned_ += count;
  }
  return scanned_ < scan_end_;
}

std::uint64_t Pages::free_pages() const {
  std::uint64_t pages = image_.bytes() / kPageBytes - end_;
  for (const auto& [page, count] : free_) pages += count;
  return pages;
}

}  // namespace okg::hot
