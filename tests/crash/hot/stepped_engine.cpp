#include "crash/hot/stepped_engine.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "crash/hot/stepped_child.hpp"
#include "hot/layout.hpp"

namespace okg::hot::test {
namespace {

constexpr std::uint64_t kMostTaken = 128;  // pages, by one operation

}  // namespace

SteppedEngine::SteppedEngine(std::uint64_t bytes, std::uint64_t shards, std::size_t rare)
    : Harness(bytes, shards, Bytes::Kind::shared), rare_(rare) {}

std::optional<std::string> SteppedEngine::check(const Operation& operation, const Model& before, Model* after,
                                                bool always, bool) {
  const Rare kind = kind_of(operation);
  std::size_t& stepped = stepped_[static_cast<std::size_t>(kind)];
  if (!always && (kind == Rare::no || stepped >= rare_)) {
    if (!operation(*engine_)) *after = before;
    return std::nullopt;
  }
  ++stepped;
  std::memcpy(image_.get(), memory_.get(), memory_.size());
  std::optional<std::string> wrong;
  bool is_after = false;
  // Pages behind the used ones are looked at as far as one operation can take some.
  const std::uint64_t used = ordered::load(&engine_->image().state().used_pages.word) + kMostTaken;
  const std::size_t compared = std::min<std::size_t>(memory_.size(), used * kPageBytes);
  SteppedChild child([&] { return operation(*engine_) ? 0 : 1; });
  child.step_through({memory_.get(), compared}, image_.get(), [&] {
    const bool was_after = is_after;
    wrong = look(before, *after, &is_after);
    if (!wrong && was_after && !is_after) wrong = "what had happened is undone";
    if (wrong)
      wrong =
          "killed after instruction " + std::to_string(instructions_ + child.instructions()) + ": " + *wrong;
    return !wrong;
  });
  instructions_ += child.instructions();
  if (wrong) return wrong;
  if (std::memcmp(image_.get(), memory_.get(), memory_.size()) != 0)
    return "something was stored far behind what is used";
  const int code = child.finish();
  if (code > 1) return "the child ended with " + std::to_string(code);
  if (code == 1) *after = before;
  if (code == 0 && !is_after && before != *after) return "what was acknowledged is lost";
  reopen();  // what the child's engine remembered went with it
  return std::nullopt;
}

SteppedEngine::Rare SteppedEngine::kind_of(const Operation& operation) {
  std::memcpy(image_.get(), memory_.get(), memory_.size());
  const pid_t child = ::fork();
  if (child == 0) {
    (void)operation(*engine_);
    ::_exit(0);
  }
  int state = 0;
  ::waitpid(child, &state, 0);
  const auto leaves = [&](const Bytes& bytes) {
    std::size_t count = 0;
    const auto* words = reinterpret_cast<const std::uint64_t*>(bytes.get() + header_.page_map_offset);
    for (std::uint64_t page = 0; page < header_.max_bytes / kPageBytes; ++page)
      count += PageWord::from(words[page]).kind == PageKind::leaf;
    return count;
  };
  // Which tables have an index at all.
  const auto roots = [&](const Bytes& bytes) {
    std::size_t count = 0;
    for (std::size_t t = 0; t < kMostTables; ++t)
      count +=
          reinterpret_cast<const Entry*>(bytes.get() + header_.tables_offset)[t].kind == 1 &&
          reinterpret_cast<const Entry*>(bytes.get() + header_.tables_offset)[t].shards[0].directory != 0;
    return count;
  };
  const auto map = [&](const Bytes& bytes) { return bytes.get() + header_.page_map_offset; };
  Rare kind = Rare::no;
  if (leaves(image_) != leaves(memory_))
    kind = roots(image_) != roots(memory_) ? Rare::begin : Rare::split;
  else if (std::memcmp(map(image_), map(memory_), header_.data_offset - header_.page_map_offset) != 0)
    kind = Rare::pages;
  std::memcpy(memory_.get(), image_.get(), memory_.size());
  return kind;
}

std::optional<std::string> SteppedEngine::look(const Model& before, const Model& after, bool* is_after) {
  ++images_;
  std::memcpy(scratch_.get(), image_.get(), image_.size());
  return open_and_compare(scratch_, before, after, is_after);
}

}  // namespace okg::hot::test
