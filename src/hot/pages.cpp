#include "hot/pages.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace okg::hot {

using faults::is;
using faults::Mutant;

namespace {

constexpr std::uint64_t kGrowthStep = 64ULL << 20;

}  // namespace

Pages::Pages(const Image& image)
    : image_(image),
      end_(ordered::load(&image.state().used_pages.word)),
      scanned_(image.header().data_offset / kPageBytes),
      scan_end_(end_),
      found_(image.header().shards) {}

Pages::Free::iterator Pages::best_fit(std::uint32_t count) {
  auto best = free_.end();
  for (auto run = free_.begin(); run != free_.end(); ++run)
    if (run->second >= count && (best == free_.end() || run->second < best->second)) best = run;
  return best;
}

base::Result<std::uint64_t> Pages::take(std::uint32_t count, PageWord what, RedoRecord& record) {
  what.count = count;
  auto best = best_fit(count);
  // What is there has to be known before one may say that there is no room.
  while (best == free_.end() && !has_unused(count) && !is_scanned()) {
    scan(1024);
    best = best_fit(count);
  }
  if (best == free_.end() && !has_unused(count))
    if (auto grown = grow(count); !grown) return grown.error();
  taken_.reserve(taken_.size() + 1);  // so that nothing fails half-way, or when it is given up
  std::uint64_t page = end_;
  if (best != free_.end()) {
    page = best->first;
    const std::uint64_t rest = best->second - count;
    if (rest > 0) {
      record.set(image_.page_word_offset(page + count),
                 PageWord{PageKind::free, 0, 0, static_cast<std::uint32_t>(rest)}.word(),
                 Mutant::pages_outside);
      free_.emplace(page + count, rest);
    }
    taken_.push_back({page, free_.extract(best)});
  } else {
    if (!is(Mutant::used_after_use)) record.set(kUsedPagesOffset, end_ + count, Mutant::pages_outside);
    taken_.push_back({page, {}});
    end_ += count;
  }
  record.set(image_.page_word_offset(page), what.word(), Mutant::pages_outside);
  // Only slabs are asked for by an offset inside of them.
  if (what.kind == PageKind::slab)
    for (std::uint32_t i = 1; i < count; ++i)
      record.set(image_.page_word_offset(page + i), PageWord{PageKind::tail, 0, 0, i}.word(),
                 Mutant::pages_outside);
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

void Pages::give_up() noexcept {
  for (auto taken = taken_.rbegin(); taken != taken_.rend(); ++taken) {
    if (taken->run.empty()) {
      end_ = taken->page;
      continue;
    }
    // What was left of the run lies behind what was taken of it, and may have grown since.
    std::uint64_t end = taken->page + taken->run.mapped();
    const auto rest = free_.upper_bound(taken->page);
    if (rest != free_.end() && rest->first < end) {
      end = std::max(end, rest->first + rest->second);
      free_.erase(rest);
    }
    taken->run.mapped() = end - taken->page;
    free_.insert(std::move(taken->run));
  }
  taken_.clear();
  freed_.clear();
}

void Pages::add_free(std::uint64_t page, std::uint64_t count) {
  const auto at = free_.emplace(page, count).first;
  at->second = count;
  if (const auto after = std::next(at); after != free_.end() && after->first == page + count) {
    at->second += after->second;
    free_.erase(after);
  }
  if (at == free_.begin()) return;
  const auto before = std::prev(at);
  if (before->first + before->second != page) return;
  before->second += at->second;
  free_.erase(at);
}

// Free runs that touch each other stay two in the file; here they are one, and so is what is taken of them.
void Pages::free(std::uint64_t page, std::uint32_t count, RedoRecord& record) {
  record.set(image_.page_word_offset(page), PageWord{PageKind::free, 0, 0, count}.word(),
             Mutant::pages_outside);
  freed_.push_back({page, count});
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

void Pages::give_back(std::uint64_t page, std::uint32_t count) noexcept {
  ordered::store(image_.page_word(page), PageWord{PageKind::free, 0, 0, count}.word());
  try {
    add_free(page, count);
  } catch (const std::bad_alloc&) {
    // Found again by the next process.
  }
}

bool Pages::scan(std::size_t runs) {
  for (; runs > 0 && scanned_ < scan_end_; --runs) {
    const PageWord word = PageWord::from(ordered::load(image_.page_word(scanned_)));
    const std::uint64_t count = std::clamp<std::uint64_t>(word.count, 1, scan_end_ - scanned_);
    if (word.kind == PageKind::free) {
      add_free(scanned_, count);
    } else if (word.kind == PageKind::slab && word.shard < found_.size() && word.size_class < kClasses) {
      found_[word.shard][word.size_class].push_back(scanned_);
    }
    scanned_ += count;
  }
  return scanned_ < scan_end_;
}

}  // namespace okg::hot
