#include "crash/hot/stepped_engine.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "hot/layout.hpp"

namespace okg::hot::test {
namespace {

constexpr std::uint64_t kMostTaken = 128;  // pages, by one operation

// A process that is stopped before it runs `body` and after it; its exit code is what `body` returned.
class Child {
 public:
  template <class Body>
  explicit Child(Body&& body) : pid_(::fork()) {
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
      ::raise(SIGSTOP);
      int code = 100;
      try {
        code = body();
      } catch (const std::exception& exception) {
        std::fprintf(stderr, "%s\n", exception.what());
      }
      ::raise(SIGSTOP);
      ::_exit(code);
    }
    wait();
  }
  ~Child() {
    if (is_there()) {
      ::kill(pid_, SIGKILL);
      while (is_there()) wait();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool is_there() const { return !WIFEXITED(state_) && !WIFSIGNALED(state_); }
  int exit_code() const { return WIFEXITED(state_) ? WEXITSTATUS(state_) : 128 + WTERMSIG(state_); }
  // One instruction. False when it stopped by itself, or ended.
  bool step() {
    ::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr);
    wait();
    return is_there() && WIFSTOPPED(state_) && WSTOPSIG(state_) == SIGTRAP;
  }
  void run_out() {
    ::ptrace(PTRACE_CONT, pid_, nullptr, nullptr);
    wait();
  }

 private:
  void wait() {
    while (::waitpid(pid_, &state_, 0) < 0)
      if (errno != EINTR) throw std::runtime_error("waitpid");
  }

  pid_t pid_;
  int state_ = 0;
};

}  // namespace

bool SteppedEngine::is_possible() {
  Child child([] { return 0; });
  return child.is_there();
}

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
  {
    Child child([&] { return operation(*engine_) ? 0 : 1; });
    while (child.step() && !wrong) {
      ++instructions_;
      if (std::memcmp(image_.get(), memory_.get(), compared) == 0) continue;
      std::memcpy(image_.get(), memory_.get(), compared);
      const bool was_after = is_after;
      wrong = look(before, *after, &is_after);
      if (!wrong && was_after && !is_after) wrong = "what had happened is undone";
      if (wrong) wrong = "killed after instruction " + std::to_string(instructions_) + ": " + *wrong;
    }
    if (wrong) return wrong;
    if (std::memcmp(image_.get(), memory_.get(), memory_.size()) != 0)
      return "something was stored far behind what is used";
    while (child.is_there()) child.run_out();
    if (child.exit_code() > 1) return "the child ended with " + std::to_string(child.exit_code());
    if (child.exit_code() == 1) *after = before;
    if (child.exit_code() == 0 && !is_after && before != *after) return "what was acknowledged is lost";
  }
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
