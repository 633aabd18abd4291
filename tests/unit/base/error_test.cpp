#include "base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace okg::base {
namespace {

constexpr Code kAll[] = {Code::ok,
                         Code::invalid_argument,
                         Code::closed,
                         Code::in_use,
                         Code::not_found,
                         Code::unsupported,
                         Code::denied,
                         Code::io,
                         Code::no_space,
                         Code::timeout,
                         Code::busy,
                         Code::no_memory,
                         Code::digest_mismatch,
                         Code::bad_manifest,
                         Code::bad_list,
                         Code::bad_path,
                         Code::requires_unmet,
                         Code::unhandled,
                         Code::rejected,
                         Code::crashed,
                         Code::confirm,
                         Code::report_bad,
                         Code::superseded,
                         Code::crash_loop,
                         Code::internal,
                         Code::corrupt,
                         Code::no_headroom,
                         Code::schema_mismatch,
                         Code::conflict};

TEST(Error, HasANameAndATextOfItsOwnForEveryCode) {
  std::set<std::string> names;
  std::set<std::string> texts;
  for (const Code code : kAll) {
    names.emplace(code_name(code));
    texts.emplace(code_text(code));
  }
  EXPECT_EQ(names.size(), std::size(kAll));
  EXPECT_EQ(texts.size(), std::size(kAll));
  EXPECT_EQ(code_name(static_cast<Code>(999)), "internal");
}

TEST(Error, HasTheNamesOfTheStatusSchema) {
  for (const char* name : {"io", "no_space", "timeout", "busy", "no_memory", "digest_mismatch",
                           "bad_manifest", "bad_list", "bad_path", "requires", "unhandled", "rejected",
                           "crashed", "confirm", "report_bad", "superseded", "crash_loop"}) {
    bool found = false;
    for (const Code code : kAll) found = found || code_name(code) == name;
    EXPECT_TRUE(found) << name;
  }
}

TEST(Error, IsRetriableWhereTheSurroundingsMayChange) {
  std::set<Code> retriable;
  for (const Code code : kAll)
    if (Error(code, "").retriable) retriable.insert(code);
  EXPECT_EQ(retriable, (std::set<Code>{Code::io, Code::no_space, Code::timeout, Code::busy, Code::no_memory,
                                       Code::no_headroom}));
}

TEST(Error, SortsErrnos) {
  const auto code = [](int number) { return error_from_errno(number, "x").code; };
  EXPECT_EQ(code(ENOSPC), Code::no_space);
  EXPECT_EQ(code(EDQUOT), Code::no_space);
  EXPECT_EQ(code(ENOENT), Code::not_found);
  EXPECT_EQ(code(ENOMEM), Code::no_memory);
  EXPECT_EQ(code(EACCES), Code::denied);
  EXPECT_EQ(code(EPERM), Code::denied);
  EXPECT_EQ(code(EROFS), Code::denied);
  EXPECT_EQ(code(ETIMEDOUT), Code::timeout);
  EXPECT_EQ(code(EIO), Code::io);
  EXPECT_EQ(code(ELOOP), Code::io);
  EXPECT_EQ(error_from_errno(ENOSPC, "write a").text, "write a: No space left on device");
}

TEST(Result, CarriesAValueOrAnError) {
  const Result<int> value = 3;
  const Result<int> error = Error(Code::busy, "later");
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 3);
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().text, "later");
  EXPECT_TRUE(Status());
}

}  // namespace
}  // namespace okg::base
