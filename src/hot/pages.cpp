#include "hot/pages.hpp"

#include <algorithm>

#include "base/os.hpp"
#include "base/text.hpp"

namespace okg::hot {

using faults::is;
using faults::Mutant;

namespace {

constexpr std::uint64_t kGrowthStep = 16ULL << 20;
constexpr std::uint64_t kLeastPunched = 16;  // pages

}  // namespace

// The word of a free run.
std::uint64_t Pages::free_word(const Run& run) {
  return PageWord{PageKind::free, 0, static_cast<std::uint8_t>(run.is_backed ? 0 : 1),
                  static_cast<std::uint32_t>(run.count)}
      .word();
}

Pages::Pages(const Image& image)
    : image_(image),
      end_(ordered::load(&image.state().used_pages.word)),
      scanned_(image.header().data_offset / kPageBytes),
      scan_end_(end_),
      found_(image.header().shards) {}

Pages::Free::iterator Pages::best_fit(std::uint32_t count) {
  auto best = free_.end();
  for (auto run = free_.begin(); run != free_.end(); ++run) {
    if (run->second.count < count) continue;
    // What is backed first: it costs nothing.
    const auto rank = [](const Run& which) { return std::pair(!which.is_backed, which.count); };
    if (best == free_.end() || rank(run->second) < rank(best->second)) best = run;
  }
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
    const Run run = best->second;
    if (!run.is_backed) {
      if (!grow_) return base::Error(base::Code::no_space, "the memory of a free run was given back");
      if (auto backed = grow_(page * kPageBytes, (page + count) * kPageBytes); !backed) return backed.error();
    }
    if (const std::uint64_t rest = run.count - count; rest > 0) {
      record.set(image_.page_word_offset(page + count), free_word({rest, run.is_backed}),
                 Mutant::pages_outside);
      free_.emplace(page + count, Run{rest, run.is_backed});
    }
    taken_.push_back({page, free_.extract(best), run.is_backed ? 0 : count * kPageBytes});
  } else {
    if (!is(Mutant::used_after_use)) record.set(kUsedPagesOffset, end_ + count, Mutant::pages_outside);
    taken_.push_back({page, {}, 0});
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

bool Pages::punch(const Punch& punch) {
  const auto run = std::find_if(free_.begin(), free_.end(), [](const auto& free) {
    return free.second.is_backed && free.second.count >= kLeastPunched;
  });
  if (run == free_.end()) return false;
  const std::uint64_t from = run->first * kPageBytes, bytes = run->second.count * kPageBytes;
  std::uint64_t* const given_back = &image_.state().given_back.word;
  const std::uint64_t before = ordered::load(given_back);
  // As one run, whatever it was put together of.
  const auto say = [&](bool is_backed) {
    run->second.is_backed = is_backed;
    if (!is_backed) ordered::store(given_back, before + bytes);
    ordered::store(image_.page_word(run->first), free_word(run->second));
    if (is_backed) ordered::store(given_back, before);
  };
  // Said before it is done: who finds the word allocates before touching.
  say(false);
  if (punch(from, from + bytes)) return true;
  say(true);
  return false;
}

base::Status Pages::grow(std::uint64_t count) {
  const std::uint64_t from = image_.bytes(), most = image_.header().max_bytes;
  const std::uint64_t needed = (end_ + count) * kPageBytes;
  if (!grow_ || needed > most)
    return base::Error(base::Code::no_space, "no run of " + std::to_string(count) + " pages is free in " +
                                                 base::format_size(from) + " of " + base::format_size(most));
  // By steps; where there is no room for a step, for what is needed.
  // To the end of a large page: what lies in two steps stays small ones.
  const std::uint64_t step =
      std::min(most, padded(std::max(needed, from + kGrowthStep), base::kLargePageBytes));
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
    std::uint64_t end = taken->page + taken->run.mapped().count;
    const auto rest = free_.upper_bound(taken->page);
    if (rest != free_.end() && rest->first < end) {
      end = std::max(end, rest->first + rest->second.count);
      free_.erase(rest);
    }
    taken->run.mapped().count = end - taken->page;
    free_.insert(std::move(taken->run));
  }
  taken_.clear();
}

void Pages::settle() noexcept {
  // Only now: what the map calls given back may be backed, not the other way round.
  std::uint64_t* const given_back = &image_.state().given_back.word;
  for (const Taken& taken : taken_)
    if (taken.backed_bytes != 0)
      ordered::store(given_back,
                     ordered::load(given_back) - std::min(taken.backed_bytes, ordered::load(given_back)));
  taken_.clear();
}

// Free runs that touch each other stay two in the file; here they are one, and so is what is taken of them.
void Pages::add_free(std::uint64_t page, Run run) {
  const auto at = free_.emplace(page, run).first;
  at->second = run;
  const auto touches = [&](Free::iterator first, Free::iterator second) {
    return first->first + first->second.count == second->first &&
           first->second.is_backed == second->second.is_backed;
  };
  if (const auto after = std::next(at); after != free_.end() && touches(at, after)) {
    at->second.count += after->second.count;
    free_.erase(after);
  }
  if (at == free_.begin() || !touches(std::prev(at), at)) return;
  std::prev(at)->second.count += at->second.count;
  free_.erase(at);
}

void Pages::free(PageRun run, RedoRecord& record) {
  record.set(image_.page_word_offset(run.page), free_word({run.count, true}), Mutant::pages_outside);
}

void Pages::offer(PageRun run) noexcept {
  if (run.page >= scanned_ && run.page < scan_end_) return;  // scan() will come by
  try {
    add_free(run.page, {run.count, true});
  } catch (const std::bad_alloc&) {
    // Found again by the next process.
  }
}

void Pages::give_back(PageRun run) noexcept {
  ordered::store(image_.page_word(run.page), free_word({run.count, true}));
  offer(run);
}

bool Pages::scan(std::size_t runs) {
  for (; runs > 0 && scanned_ < scan_end_; --runs) {
    const PageWord word = PageWord::from(ordered::load(image_.page_word(scanned_)));
    const std::uint64_t count = std::clamp<std::uint64_t>(word.count, 1, scan_end_ - scanned_);
    if (word.kind == PageKind::free) {
      add_free(scanned_, {count, word.size_class == 0});
    } else if (word.kind == PageKind::slab && word.shard < found_.size() && word.size_class < kClasses) {
      found_[word.shard][word.size_class].push_back(scanned_);
    }
    scanned_ += count;
  }
  return scanned_ < scan_end_;
}

}  // namespace okg::hot
