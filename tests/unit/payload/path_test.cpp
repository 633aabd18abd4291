#include "payload/path.hpp"

#include <gtest/gtest.h>

#include <string>

namespace okg::payload {
namespace {

using base::Code;

std::string nested(std::size_t depth) {
  std::string path = "a";
  for (std::size_t i = 1; i < depth; ++i) path += "/a";
  return path;
}

TEST(Path, AllowsWhatFilesAreCalled) {
  for (const std::string& path :
       {std::string("a"), std::string("a/b.lua"), std::string(".hidden"), std::string("a/..b/c.."),
        std::string("..."), std::string("with blank/and 'quote'"),
        std::string("\xE4\xB8\xAD\xE6\x96\x87/\xF0\x9F\x8E\xAE"), std::string("-rf"), std::string("a\\b"),
        std::string(255, 'x'), nested(64)})
    EXPECT_TRUE(check_path(path)) << path;
}

TEST(Path, RefusesWhatCouldLeadElsewhereOrConfuse) {
  for (const std::string& path : {std::string(),
                                  std::string("/"),
                                  std::string("/abs"),
                                  std::string("a/"),
                                  std::string("a//b"),
                                  std::string("."),
                                  std::string(".."),
                                  std::string("a/./b"),
                                  std::string("a/../b"),
                                  std::string("../x"),
                                  std::string("a/.."),
                                  std::string("a\nb"),
                                  std::string("a\0b", 3),
                                  std::string("a\x7F"),
                                  std::string("a\x1b[31m"),
                                  std::string("a\tb"),
                                  std::string("a\xFF"),
                                  std::string("\xC0\xAF"),
                                  std::string("\xED\xA0\x80"),
                                  std::string(256, 'x'),
                                  nested(65),
                                  std::string(4097, 'x')}) {
    const auto checked = check_path(path);
    ASSERT_FALSE(checked) << path;
    EXPECT_EQ(checked.error().code, Code::bad_path);
    EXPECT_EQ(checked.error().text.find('\n'), std::string::npos);
  }
}

TEST(Path, IsLimitedInAll) {
  std::string path(200, 'x');
  while (path.size() + 201 <= 4096) path += "/" + std::string(200, 'x');
  EXPECT_TRUE(check_path(path));
  EXPECT_FALSE(check_path(path + "/" + std::string(4096 - path.size(), 'x')));
}

TEST(ComponentName, IsSimple) {
  for (const std::string& name : {std::string("scripts"), std::string("a"), std::string("2d"),
                                  std::string("A-b_c.d"), std::string(63, 'x')})
    EXPECT_TRUE(check_component_name(name)) << name;
  for (const std::string& name : {std::string(), std::string("-a"), std::string(".a"), std::string("_a"),
                                  std::string("a b"), std::string("a/b"), std::string("*"),
                                  std::string("\xC3\xA9"), std::string(64, 'x'), std::string("a\n")})
    EXPECT_FALSE(check_component_name(name)) << name;
}

TEST(Version, IsAPrintableLabel) {
  for (const std::string& version : {std::string("2"), std::string("2.4.1-hotfix3+build 7"),
                                     std::string("\xE4\xB8\x80"), std::string(128, 'v')})
    EXPECT_TRUE(check_version(version)) << version;
  for (const std::string& version :
       {std::string(), std::string(" 2"), std::string("2 "), std::string("2\n"), std::string("2\t"),
        std::string("\xFF"), std::string(129, 'v'), std::string("2\0", 2)})
    EXPECT_FALSE(check_version(version)) << version;
}

}  // namespace
}  // namespace okg::payload
