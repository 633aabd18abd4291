// In a real memory cgroup, of the old hierarchy or the new one, where one can be made: what does not fit is
// said instead of the kernel killing the process, and what fits can be filled to the last byte.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "unit/hot/hot_fixture.hpp"

namespace okg::hot {
namespace {

constexpr std::uint64_t kLimit = 256 << 20;  // a sanitizer takes much for itself

class CgroupTest : public HotTest {
 protected:
  void SetUp() override {
    const std::string name = "okg-test-" + std::to_string(::getpid());
    // As /sys/fs/cgroup is in a container: of the old hierarchy there is a directory `memory` in it.
    if (make("/sys/fs/cgroup/memory/" + name, "/memory", "memory.limit_in_bytes")) return;
    if (!make("/sys/fs/cgroup/" + name, "", "memory.max"))
      GTEST_SKIP() << "no memory cgroup can be made here";
  }
  void TearDown() override {
    if (root_.empty()) return;
    if (group_ != root_) {
      EXPECT_EQ(::rmdir(group_.c_str()), 0);
    }
    EXPECT_EQ(::rmdir(root_.c_str()), 0);
  }
  const std::string& root() const { return root_; }

  // What a child in the cgroup ends with; 1000 more when it was killed.
  template <class Body>
  int run_in_it(Body&& body) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::ofstream procs(group_ + "/cgroup.procs");
      procs << ::getpid() << std::flush;
      ::_exit(procs ? body() : 99);
    }
    int state = 0;
    EXPECT_EQ(::waitpid(child, &state, 0), child);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 1000 + WTERMSIG(state);
  }

 private:
  bool make(const std::string& root, const std::string& below, const std::string& limit) {
    std::error_code failed;
    if (!std::filesystem::create_directory(root, failed) ||
        (!below.empty() && !std::filesystem::create_directory(root + below, failed)))
      return false;
    std::ofstream out(root + below + "/" + limit);
    out << kLimit << std::flush;
    if (out) {
      root_ = root;
      group_ = root + below;
      return true;
    }
    if (!below.empty()) ::rmdir((root + below).c_str());
    ::rmdir(root.c_str());
    return false;
  }
  std::string root_;
  std::string group_;
};

TEST_F(CgroupTest, WhatDoesNotFitIsNoHeadroom) {
  StoreOptions chosen = options();
  chosen.segment.cgroup_root = root();
  chosen.segment.max_bytes = 2 * kLimit;
  EXPECT_EQ(run_in_it([&] {
              const auto store = Store::open(os, chosen);
              return store ? 98 : static_cast<int>(store.error().code);
            }),
            static_cast<int>(base::Code::no_headroom));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(CgroupTest, WhatFitsCanBeFilled) {
  StoreOptions chosen = options();
  chosen.segment.cgroup_root = root();
  chosen.segment.max_bytes = 16 << 20;
  for (const bool grows : {false, true}) {
    chosen.segment.name = grows ? "grows" : "whole";
    chosen.segment.first_bytes = grows ? 1 << 20 : 0;
    EXPECT_EQ(run_in_it([&] {
                const auto store = Store::open(os, chosen);
                if (!store) return 97;
                const auto table = (*store)->table("players", {});
                const std::string value(100'000, 'v');
                base::Status put;
                for (std::uint64_t key = 0; put; ++key) put = (*table)->put(key_of(key), value);
                return static_cast<int>(put.error().code);
              }),
              static_cast<int>(base::Code::no_space))
        << chosen.segment.name;
    std::filesystem::remove(file());
    std::filesystem::remove(top / ("hot/" + chosen.segment.name + ".okghot"));
  }
}

}  // namespace
}  // namespace okg::hot
