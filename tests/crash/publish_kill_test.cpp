// The okg program, as it is shipped, killed at every system call of a publish, one after the other. Whoever
// reads the volume finds the payload before or the one after, whole; and the publisher that is started next
// leaves the volume as if nothing had happened.
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

#include "crash/traced_program.hpp"
#include "crash/volume_reader.hpp"
#include "unit/payload/payload_fixture.hpp"

namespace okg::payload {
namespace {

using test::Expected;
using test::Found;
using test::look;
using test::Stop;
using test::TracedProgram;

const bool kLong = std::getenv("OKG_LONG") != nullptr;

// Each entry is a kill point. What is left after a call is what is left before the next one, so the others
// are for the locks and for what could be kept in between; with OKG_LONG they are all.
bool is_kill_point(const Stop& stop) {
  if (!stop.made || kLong) return true;
  switch (static_cast<long>(stop.call)) {
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat:
    case SYS_symlinkat:
    case SYS_unlinkat:
    case SYS_mkdirat:
    case SYS_flock:
      return true;
    default:
      return false;
  }
}

struct Situation {
  std::string name;
  std::function<void()> before;              // makes the volume as the publisher finds it
  std::string image;                         // what it publishes
  Expected expected;                         // what readers may find
  std::vector<std::string> versions;         // what is in v/ in the end
  std::vector<std::string> may_stay;         // what may be there besides
  std::string begin;                         // the first call of interest names this; "": the volume
  std::string next_image;                    // of the publisher that comes after the kill; "": the same
  std::function<void()> after_kill = [] {};  // what must hold besides
  std::function<void()> after_all = [] {};
};

// Two images that follow each other: files that stay, change, come and go, one of them executable.
struct Tree {
  std::string name;
  Files first, second;
};

Tree make_tree(std::size_t files, std::size_t depth) {
  Tree tree{std::to_string(files) + "x" + std::to_string(depth), {}, {}};
  for (std::size_t i = 0; i < files; ++i) {
    std::string path;
    for (std::size_t level = 0; level < depth; ++level) path += "d" + std::to_string((i >> level) % 3) + "/";
    path += "f" + std::to_string(i);
    const bool stays = i % 2 == 0 && files > 1;
    tree.first[path] = "content " + std::to_string(i);
    tree.second[i % 5 == 4 ? path + "-new" : path] = stays ? tree.first[path] : "other " + std::to_string(i);
  }
  return tree;
}

std::vector<Tree> trees() {
  if (kLong) return {make_tree(1, 0), make_tree(10, 1), make_tree(100, 2), make_tree(12, 9)};
  return {{"small",
           {{"scripts/same.lua", "unchanged"}, {"scripts/changed.lua", "1"}, {"gone", "x"}},
           {{"scripts/same.lua", "unchanged"}, {"scripts/changed.lua", "2"}, {"*bin/new", "#!"}}}};
}

class PublishKilledTest : public PayloadTest {
 protected:
  void SetUp() override {
    const auto traced = TracedProgram::start({OKG_PROGRAM, "--version"}, output);
    if (!traced && traced.error().code == Code::unsupported) GTEST_SKIP() << traced.error().text;
    ASSERT_TRUE(traced) << traced.error().text;
    // Our own copy lies on the volume's file system, so that bin/okg can be a link: it need not be copied for
    // every kill.
    fs::copy_file(OKG_PROGRAM, program);
    fs::permissions(program, static_cast<fs::perms>(0555));
    program_content = read_file(program);
  }

  // An empty volume with the program already in place.
  void clear() {
    TemporaryDirectory::remove(volume);
    TemporaryDirectory::remove(run);
    fs::create_directories(volume + "/bin");
    fs::create_directory(run);
    fs::permissions(volume, static_cast<fs::perms>(0755));
    fs::create_hard_link(program, volume + "/bin/okg");
  }

  // Was in use some time ago, by another publisher.
  void publish_before(const std::string& from) {
    PublishOptions chosen = options(from);
    chosen.run.clear();
    chosen.keep = 100;
    const auto published = publish(Os::real(), chosen);
    ASSERT_TRUE(published) << published.error().text;
  }

  bool is_program(const std::string& path) const {
    return fs::equivalent(path, program) ||
           (fs::file_size(path) == program_content.size() && read_file(path) == program_content);
  }

  // Other content of the same size, as a power loss leaves it.
  static void damage(const std::string& path) {
    const std::size_t size = read_file(path).size();
    fs::permissions(path, static_cast<fs::perms>(0644));
    std::ofstream(path) << std::string(size, '!');
    fs::permissions(path, static_cast<fs::perms>(0444));
  }

  std::vector<std::string> words(const std::string& from) const {
    return {program, "publish", "--from", from, "--to", volume, "--run", run, "--once"};
  }
  std::string said() const { return read_file(output); }

  // Once through without a kill, and a look at the volume at each stop: whatever readers there are between
  // any two calls.
  void look_between_calls(const Situation& situation) {
    situation.before();
    auto started = TracedProgram::start(words(situation.image), output);
    ASSERT_TRUE(started) << started.error().text;
    TracedProgram& publisher = **started;
    while (const auto stop = publisher.next()) {
      if (stop->made) continue;
      const auto seen = look(volume, situation.expected);
      ASSERT_NE(seen.found, Found::wrong) << stop->text() << ": " << seen.why;
    }
    ASSERT_EQ(publisher.ended(), 0) << said();
  }

  // Kills it at its n-th kill point; nullopt when it ended before.
  std::optional<Stop> kill_at(const Situation& situation, std::size_t n) {
    auto started = TracedProgram::start(words(situation.image), output);
    EXPECT_TRUE(started) << started.error().text;
    if (!started) return std::nullopt;
    TracedProgram& publisher = **started;
    const std::string& begin = situation.begin.empty() ? volume : situation.begin;
    bool begun = false;
    while (const auto stop = publisher.next()) {
      begun = begun || (!stop->made && publisher.names(*stop, begin));
      if (!begun || !is_kill_point(*stop) || --n > 0) continue;
      publisher.kill();
      EXPECT_EQ(publisher.ended(), -SIGKILL);
      return stop;
    }
    EXPECT_EQ(publisher.ended(), 0) << said();
    return std::nullopt;
  }

  void check_versions(const Situation& situation) {
    const auto names = names_in(volume + "/v");
    const auto has = [](const std::vector<std::string>& all, const std::string& name) {
      return std::find(all.begin(), all.end(), name) != all.end();
    };
    for (const std::string& name : situation.versions) EXPECT_TRUE(has(names, name)) << name;
    for (const std::string& name : names)
      EXPECT_TRUE(has(situation.versions, name) || has(situation.may_stay, name)) << name;
  }

  // The publisher that comes after a kill.
  void check_restart(const Situation& situation) {
    const bool same = situation.next_image.empty();
    const int ended = test::run_program(words(same ? situation.image : situation.next_image), output);
    ASSERT_EQ(ended, 0) << said();
    const auto seen = look(volume, situation.expected);
    ASSERT_EQ(seen.found, same ? Found::after : Found::before) << seen.why;
    EXPECT_EQ(names_in(volume), (std::vector<std::string>{".lock", ".staging", "bin", "current", "v"}));
    EXPECT_EQ(names_in(volume + "/.staging"), std::vector<std::string>{});
    EXPECT_EQ(names_in(volume + "/bin"), std::vector<std::string>{"okg"});
    EXPECT_TRUE(is_program(volume + "/bin/okg"));
    EXPECT_EQ(mode_of(volume + "/" + current()), 0555U);
    check_versions(situation);
    // Who finds its payload in use has nothing to say there.
    const auto in_run = names_in(run);
    const bool moved = same && situation.expected.before != situation.expected.after;
    if (moved || !in_run.empty()) {
      EXPECT_EQ(in_run, std::vector<std::string>{"desired.json"});
    }
    situation.after_all();
  }

  void sweep(const Situation& situation) {
    SCOPED_TRACE(situation.name);
    look_between_calls(situation);
    if (HasFailure()) return;
    situation.before();
    test::VolumeReader reader(volume, situation.expected);
    std::size_t killed = 0;
    std::map<Found, std::size_t> left;
    std::map<std::uint64_t, std::size_t> calls;
    for (; !HasFailure(); ++killed) {
      {
        const auto paused = reader.pause();
        situation.before();
      }
      const auto stop = kill_at(situation, killed + 1);
      if (!stop) break;
      SCOPED_TRACE("killed at point " + std::to_string(killed + 1) + ", " + stop->text());
      const auto seen = look(volume, situation.expected);
      EXPECT_NE(seen.found, Found::wrong) << seen.why;
      ++left[seen.found];
      ++calls[stop->call];
      situation.after_kill();
      check_restart(situation);
      EXPECT_EQ(reader.wrong(), "");
    }
    if (HasFailure()) return;
    std::cout << situation.name << ": " << killed << " kill points at " << calls.size()
              << " different system calls; " << left[Found::nothing] + left[Found::before]
              << " left the volume as it was, " << left[Found::after] << " had published; a reader looked "
              << reader.looks() << " times" << std::endl;
    RecordProperty("kill_points_" + situation.name, static_cast<int>(killed));
    if (!situation.begin.empty()) return;
    // It was the commit itself that was swept, and what is before and after it.
    EXPECT_GT(left[Found::nothing] + left[Found::before], 50U);
    EXPECT_GT(left[Found::after], 5U);
    EXPECT_GE(calls[SYS_symlinkat], 2U);
    EXPECT_GE(calls[SYS_renameat], 2U);
  }

  std::string program = top / "okg";
  std::string program_content;
  std::string output = top / "output";
};

TEST_F(PublishKilledTest, TheFirstPublish) {
  for (const Tree& tree : trees()) {
    const std::string made = image("1-" + tree.name, tree.first);
    const Digest digest = digest_of(made);
    sweep({.name = "first_publish_" + tree.name,
           .before = [&] { clear(); },
           .image = made,
           .expected = {.before = {}, .damaged = {}, .after = digest},
           .versions = {digest.hex()}});
  }
}

TEST_F(PublishKilledTest, AnUpdateThatReusesFiles) {
  for (const Tree& tree : trees()) {
    const std::string first = image("1-" + tree.name, tree.first);
    const std::string second = image("2-" + tree.name, tree.second);
    const Digest before = digest_of(first), after = digest_of(second);
    std::string reused;
    for (const auto& [path, content] : tree.second)
      if (const auto found = tree.first.find(path); found != tree.first.end() && found->second == content)
        reused = path;
    sweep({.name = "update_" + tree.name,
           .before =
               [&] {
                 clear();
                 publish_before(first);
               },
           .image = second,
           .expected = {.before = before, .damaged = {}, .after = after},
           .versions = {before.hex(), after.hex()},
           .after_all =
               [&] {
                 if (reused.empty()) return;
                 EXPECT_TRUE(fs::equivalent(version_directory(before) + "/files/" + reused,
                                            version_directory(after) + "/files/" + reused));
               }});
  }
}

// The rollout is taken back after the kill: the next publisher has the image of the payload before.
TEST_F(PublishKilledTest, AnUpdateThatIsTakenBack) {
  for (const Tree& tree : trees()) {
    const std::string first = image("1-" + tree.name, tree.first);
    const std::string second = image("2-" + tree.name, tree.second);
    const Digest before = digest_of(first), after = digest_of(second);
    sweep({.name = "taken_back_" + tree.name,
           .before =
               [&] {
                 clear();
                 publish_before(first);
               },
           .image = second,
           .expected = {.before = before, .damaged = {}, .after = after},
           .versions = {before.hex()},
           .may_stay = {after.hex()},
           .next_image = first});
  }
}

TEST_F(PublishKilledTest, ADamagedCopyIsReplaced) {
  for (const Tree& tree : trees()) {
    const std::string made = image("1-" + tree.name, tree.first);
    const Digest digest = digest_of(made);
    const VersionName damaged{digest, 0}, sound{digest, 1};
    sweep({.name = "damaged_" + tree.name,
           .before =
               [&] {
                 clear();
                 publish_before(made);
                 damage(version_directory(digest) + "/files/" + tree.first.rbegin()->first);
               },
           .image = made,
           .expected = {.before = {}, .damaged = damaged, .after = digest},
           .versions = {sound.text()},
           .may_stay = {damaged.text()}});  // while a reader has it open
  }
}

TEST_F(PublishKilledTest, OldVersionsAreCollectedOnTheWay) {
  for (const Tree& tree : trees()) {
    std::vector<std::string> images;
    for (int i = 1; i <= 4; ++i) {
      Files files = tree.first;
      files["number"] = std::to_string(i);
      images.push_back(image(std::to_string(i) + "-" + tree.name, files));
    }
    const std::string fifth = image("5-" + tree.name, tree.second);
    const Digest before = digest_of(images.back()), after = digest_of(fifth);
    sweep({.name = "collection_" + tree.name,
           .before =
               [&] {
                 clear();
                 for (const std::string& made : images) publish_before(made);
               },
           .image = fifth,
           .expected = {.before = before, .damaged = {}, .after = after},
           .versions = {before.hex(), after.hex()}});
  }
}

// The program's own installation, which the others leave out: a probe starts the old one or the new one.
TEST_F(PublishKilledTest, TheProgramIsInstalled) {
  const std::string made = image("1", {{"a", "b"}});
  const Digest digest = digest_of(made);
  sweep({.name = "program",
         .before =
             [&] {
               clear();
               publish_before(made);
               write_file(volume + "/bin/okg", "the program before", 0555);
             },
         .image = made,
         .expected = {.before = digest, .damaged = {}, .after = digest},
         .versions = {digest.hex()},
         .begin = ".okg.",
         .after_kill =
             [&] {
               const std::string installed = volume + "/bin/okg";
               EXPECT_TRUE(is_program(installed) || read_file(installed) == "the program before");
               EXPECT_EQ(mode_of(installed), 0555U);
             }});
}

}  // namespace
}  // namespace okg::payload
