// boot.json: what is written comes back, and nothing that somebody else wrote does harm.
#include "reload/guard.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.hpp"
#include "base/unique_fd.hpp"
#include "support/faulty_os.hpp"
#include "support/temporary_directory.hpp"
#include "unit/reload/drive.hpp"

namespace okg::reload {
namespace {

using base::Code;

payload::VersionName name_of(char letter, unsigned copy = 0) {
  return payload_of(letter, copy).name;
}

Guard full_guard() {
  Guard guard;
  guard.last_good = LastGood{name_of('a', 2), "1.0+build \"7\"", "2.4 0123abcd"};
  guard.hold = Hold{name_of('b').digest, name_of('a', 2)};
  for (unsigned i = 0; i < kMostAttempts; ++i)
    guard.attempts.push_back({name_of(static_cast<char>('a' + i)).digest, "2.4", i % kMostCounted + 1});
  for (unsigned i = 0; i < kMostRefusals; ++i) {
    Refusal refusal;
    refusal.name = name_of(static_cast<char>('A' + i), i);
    refusal.inode = UINT64_MAX - i;
    refusal.version = "ü\n\\";
    refusal.failure = {static_cast<Stage>(i % 6), "scripts", Code::rejected, "a.lua:3: '=' expected", false};
    refusal.binary = "2.4";
    guard.refusals.push_back(refusal);
  }
  return guard;
}

base::Json json_of(const Guard& guard) {
  return base::Json::parse(guard.text());
}

// Parsed or refused, but in one piece.
base::Result<Guard> parsed(const base::Json& json) {
  return Guard::parse(json.dump());
}

TEST(Guard, EverythingComesBack) {
  const Guard before = full_guard();
  const auto after = Guard::parse(before.text());
  ASSERT_TRUE(after) << after.error().text;
  EXPECT_EQ(after->text(), before.text());
  EXPECT_EQ(after->last_good->name, before.last_good->name);
  EXPECT_EQ(after->last_good->version, before.last_good->version);
  EXPECT_EQ(after->last_good->binary, before.last_good->binary);
  EXPECT_EQ(after->hold->desired, before.hold->desired);
  EXPECT_EQ(after->hold->to, before.hold->to);
  ASSERT_EQ(after->attempts.size(), kMostAttempts);
  EXPECT_EQ(after->attempts.back().count, before.attempts.back().count);
  ASSERT_EQ(after->refusals.size(), kMostRefusals);
  for (std::size_t i = 0; i < kMostRefusals; ++i) {
    EXPECT_EQ(after->refusals[i].name, before.refusals[i].name);
    EXPECT_EQ(after->refusals[i].inode, before.refusals[i].inode);
    EXPECT_EQ(after->refusals[i].failure.stage, before.refusals[i].failure.stage);
    EXPECT_EQ(after->refusals[i].failure.text, before.refusals[i].failure.text);
  }
}

TEST(Guard, NothingComesBackAsNothing) {
  const auto guard = Guard::parse(Guard{}.text());
  ASSERT_TRUE(guard);
  EXPECT_FALSE(guard->last_good || guard->hold);
  EXPECT_TRUE(guard->attempts.empty() && guard->refusals.empty());
}

TEST(Guard, WhatMayPassIsNotWritten) {
  Guard guard = full_guard();
  guard.refusals.front().passing = true;
  EXPECT_EQ(Guard::parse(guard.text())->refusals.size(), kMostRefusals - 1);
}

TEST(Guard, EveryTruncationIsRefused) {
  const std::string text = full_guard().text();
  const std::size_t end = text.find_last_of('}');
  for (std::size_t size = 0; size <= end; ++size)
    ASSERT_FALSE(Guard::parse(text.substr(0, size))) << "the first " << size << " bytes";
}

TEST(Guard, EveryValueOfAnotherTypeIsRefusedOrIgnored) {
  const base::Json good = json_of(full_guard());
  const base::Json others[] = {nullptr, true, -1, 1.5, "x", "", base::Json::array(), base::Json::object(),
                               1e300};
  std::size_t refused = 0;
  const auto all = good.flatten();
  for (const auto& [pointer, value] : all.items()) {
    for (const base::Json& other : others) {
      base::Json bad = good;
      bad[base::Json::json_pointer(pointer)] = other;
      if (!parsed(bad)) ++refused;
    }
  }
  EXPECT_GT(refused, 300U);
}

TEST(Guard, WholeMembersOfAnotherTypeAreRefused) {
  for (const char* key : {"schema", "last_good", "hold", "attempts", "refused"}) {
    for (const base::Json& other :
         {base::Json(7), base::Json("x"), base::Json(true), base::Json::array({1})}) {
      base::Json bad = json_of(full_guard());
      bad[key] = other;
      EXPECT_FALSE(parsed(bad)) << key << ": " << other.dump();
    }
  }
}

TEST(Guard, NoMoreThanSixteenOfAKind) {
  for (const char* key : {"attempts", "refused"}) {
    base::Json bad = json_of(full_guard());
    bad[key].push_back(bad[key][0]);
    EXPECT_FALSE(parsed(bad)) << key;
  }
}

TEST(Guard, HugeCountsAreCutNotWrapped) {
  for (const std::uint64_t count : {std::uint64_t{kMostStarts}, std::uint64_t{1} << 32, UINT64_MAX}) {
    base::Json bad = json_of(full_guard());
    bad["attempts"][0]["count"] = count;
    const auto guard = parsed(bad);
    ASSERT_TRUE(guard);
    EXPECT_GE(guard->attempts[0].count, kMostStarts);
    EXPECT_LE(guard->attempts[0].count, kMostCounted);
  }
}

TEST(Guard, NamesThatLeadElsewhereAreRefused) {
  for (const char* name : {"../../etc", "v/x", "", ".", "ABCD", "/"}) {
    base::Json bad = json_of(full_guard());
    bad["last_good"]["directory"] = name;
    EXPECT_FALSE(parsed(bad)) << name;
    bad = json_of(full_guard());
    bad["hold"]["to"] = name;
    EXPECT_FALSE(parsed(bad)) << name;
    bad = json_of(full_guard());
    bad["refused"][3]["directory"] = name;
    EXPECT_FALSE(parsed(bad)) << name;
  }
}

TEST(Guard, ACodeThatIsNoneOfOursDoesNoHarm) {
  base::Json bad = json_of(full_guard());
  bad["refused"][0]["code"] = INT64_MIN + 5;
  const auto guard = parsed(bad);
  ASSERT_TRUE(guard);
  EXPECT_FALSE(base::code_name(guard->refusals[0].failure.code).empty());
}

TEST(Guard, LongTextsFromOutsideAreCut) {
  base::Json bad = json_of(full_guard());
  bad["refused"][0]["text"] = std::string(100'000, 'x');
  bad["last_good"]["version"] = std::string(100'000, 'x');
  const auto guard = parsed(bad);
  ASSERT_TRUE(guard);
  EXPECT_LE(guard->refusals[0].failure.text.size(), 1024U);
  EXPECT_LE(guard->last_good->version.size(), 1024U);
}

TEST(Guard, AnythingButAnObjectIsRefused) {
  for (const char* text : {"", "null", "[]", "7", "\"okg.boot/v1\"", "{}", "{\"schema\":\"okg.boot/v2\"}",
                           "\0", "{\"schema\":\"okg.boot/v1\",\"schema\":\"okg.boot/v1\"}"})
    EXPECT_FALSE(Guard::parse(text)) << text;
  std::string deep = "{\"schema\":\"okg.boot/v1\",\"x\":";
  deep += std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_FALSE(Guard::parse(deep));
}

class GuardFile : public ::testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  base::UniqueFd run_{::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  test::FaultyOs os_;
};

TEST_F(GuardFile, IsWrittenAndReadAgain) {
  ASSERT_TRUE(save_guard(os_, run_.get(), full_guard()));
  const auto loaded = load_guard(os_, run_.get());
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(loaded->text(), full_guard().text());
}

TEST_F(GuardFile, IsNotFoundWhereThereIsNone) {
  const auto loaded = load_guard(os_, run_.get());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::not_found);
}

TEST_F(GuardFile, IsReadAgainHoweverLongTheTextsAre) {
  Guard guard = full_guard();
  for (Refusal& refusal : guard.refusals) {
    refusal.failure.text.assign(40'000, '"');
    refusal.failure.component.assign(40'000, '\x01');
    refusal.version.assign(40'000, '\xff');
  }
  ASSERT_TRUE(save_guard(os_, run_.get(), guard));
  const auto loaded = load_guard(os_, run_.get());
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(loaded->refusals.size(), kMostRefusals);
}

TEST_F(GuardFile, IsNeverReadThroughALinkOrFromAFifo) {
  ASSERT_EQ(::symlink("/proc/self/environ", (directory_ / kGuardFile).c_str()), 0);
  EXPECT_FALSE(load_guard(os_, run_.get()));
  ASSERT_EQ(::unlink((directory_ / kGuardFile).c_str()), 0);
  ASSERT_EQ(::mkfifo((directory_ / kGuardFile).c_str(), 0644), 0);
  EXPECT_FALSE(load_guard(os_, run_.get()));  // and does not wait for a writer
}

TEST_F(GuardFile, IsRefusedWhenTooLarge) {
  test::write_file(directory_ / kGuardFile, full_guard().text() + std::string(8 << 20, ' '));
  EXPECT_FALSE(load_guard(os_, run_.get()));
}

TEST_F(GuardFile, StaysAsItWasWhenWritingFails) {
  ASSERT_TRUE(save_guard(os_, run_.get(), full_guard()));
  os_.reset();
  ASSERT_TRUE(save_guard(os_, run_.get(), full_guard()));
  const std::uint64_t calls = os_.calls();
  for (std::uint64_t n = 1; n <= calls; ++n) {
    os_.reset();
    os_.fail_nth(n, ENOSPC);
    const auto saved = save_guard(os_, run_.get(), Guard{});
    os_.reset();
    const auto loaded = load_guard(os_, run_.get());
    ASSERT_TRUE(loaded) << "call " << n;
    EXPECT_EQ(loaded->text(), (saved ? Guard{} : full_guard()).text()) << "call " << n;
    ASSERT_TRUE(save_guard(os_, run_.get(), full_guard()));
  }
}

}  // namespace
}  // namespace okg::reload
