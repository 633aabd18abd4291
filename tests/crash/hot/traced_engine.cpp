#include "crash/hot/traced_engine.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace okg::hot::test {
namespace {

// A fill may be killed anywhere; these many pieces stand for that.
constexpr std::size_t kPieces = 4;
constexpr std::size_t kFirst = 150, kLast = 50;

}  // namespace

TracedEngine::TracedEngine(std::uint64_t bytes, std::uint64_t shards)
    : Harness(bytes, shards, Bytes::Kind::own), killed_(bytes) {}

std::optional<std::string> TracedEngine::check(const Operation& operation, const Model& before,
                                               Model* expected, bool always, bool twice) {
  std::memcpy(image_.get(), memory_.get(), memory_.size());
  trace_ = trace_stores(memory_, [&] {
    if (!operation(*engine_)) *expected = before;
  });
  const Model& after = *expected;
  if (!always && !takes_pages(header_, trace_)) return std::nullopt;

  bool is_after = false;
  used_ = 0;
  for (const Store& store : trace_) used_ = std::max<std::uint64_t>(used_, store.offset + store.bytes.size());
  used_ = std::max(used_, ordered::load(&engine_->image().state().used_pages.word) * kPageBytes);
  std::memcpy(scratch_.get(), image_.get(), image_.size());
  for (std::size_t i = 0; i < trace_.size(); ++i) {
    const Store& store = trace_[i];
    const std::size_t pieces = store.bytes.size() <= 8 ? 1 : kPieces;
    for (std::size_t piece = 1; piece <= pieces; ++piece) {
      std::memcpy(image_.get() + store.offset, store.bytes.data(), store.bytes.size() * piece / pieces);
      const bool done = i + 1 == trace_.size() && piece == pieces;
      // Of a long row of the same, its ends; all of it in the long run.
      if (i >= kFirst && i + kLast < trace_.size() && std::getenv("OKG_LONG") == nullptr) continue;
      if (auto wrong = look(before, after, done, &is_after, twice))
        return "killed after store " + std::to_string(i + 1) + " of " + std::to_string(trace_.size()) + " (" +
               std::to_string(store.bytes.size()) + " bytes at " + std::to_string(store.offset) +
               "): " + *wrong;
    }
  }
  // What was not traced did not go through ordered.hpp.
  if (std::memcmp(image_.get(), memory_.get(), memory_.size()) != 0)
    return "something was stored past the trace";
  return std::nullopt;
}

std::optional<std::string> TracedEngine::look(const Model& before, const Model& after, bool done,
                                              bool* is_after, bool twice) {
  ++images_;
  // What lies behind is the same in all of them.
  std::memcpy(scratch_.get(), image_.get(), used_);
  const bool was_after = *is_after;
  std::optional<std::string> wrong;
  const auto open = [&] { wrong = open_and_compare(scratch_, before, after, is_after); };
  std::vector<Store> recovery;
  if (twice)
    recovery = trace_stores(scratch_, open);
  else
    open();
  if (wrong) return wrong;
  if (was_after && !*is_after) return "what had happened is undone";
  if (done && !*is_after) return "what was acknowledged is lost";
  if (!twice) return std::nullopt;
  std::memcpy(killed_.get(), image_.get(), used_);
  for (std::size_t i = 0; i < recovery.size(); ++i) {
    std::memcpy(killed_.get() + recovery[i].offset, recovery[i].bytes.data(), recovery[i].bytes.size());
    std::memcpy(scratch_.get(), killed_.get(), used_);
    bool again_after = false;
    const std::string where = "recovery killed after its store " + std::to_string(i + 1) + ": ";
    if (auto again = open_and_compare(scratch_, before, after, &again_after)) return where + *again;
    if (again_after != *is_after) return where + "came out otherwise";
  }
  return std::nullopt;
}

}  // namespace okg::hot::test
