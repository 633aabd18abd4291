#include "payload/list.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "payload/layout.hpp"
#include "payload/sha256.hpp"

namespace okg::payload {
namespace {

using base::Code;

const std::string kHash = sha256("").hex();

std::string line(const std::string& path, const std::string& size = "0", const std::string& mode = "0644") {
  return kHash + " " + mode + " " + size + " " + path + "\n";
}

TEST(FileList, IsReadInTheFormItIsWritten) {
  const std::string text =
      line("a b", "18", "0755") + line("a-b/c") + line("a/b", "7") + line("\xE4\xB8\xAD");
  const auto list = FileList::parse(text);
  ASSERT_TRUE(list) << list.error().text;
  EXPECT_EQ(list->text(), text);
  EXPECT_EQ(list->entries().size(), 4U);
  EXPECT_EQ(list->bytes(), 25U);
  ASSERT_NE(list->find("a b"), nullptr);
  EXPECT_TRUE(list->find("a b")->executable);
  EXPECT_EQ(list->find("a"), nullptr);
  EXPECT_EQ(list->find("zz"), nullptr);
}

TEST(FileList, MayBeEmpty) {
  const auto list = FileList::parse("");
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->entries().empty());
  EXPECT_EQ(list->text(), "");
}

TEST(FileList, SortsBytewise) {
  auto list = FileList::make(
      {{{}, false, 1, "a/b"}, {{}, false, 2, "a.b"}, {{}, false, 3, "\xC3\xA9"}, {{}, false, 4, "Z"}});
  ASSERT_TRUE(list);
  std::string order;
  for (const auto& entry : list->entries()) order += entry.path + " ";
  EXPECT_EQ(order, "Z a.b a/b \xC3\xA9 ");
  EXPECT_EQ(FileList::parse(list->text())->text(), list->text());
}

TEST(FileList, RefusesEveryOtherForm) {
  const std::string good = line("a");
  for (const std::string& text : {std::string("\n"),
                                  std::string("x\n"),
                                  good.substr(0, good.size() - 1),
                                  good + "\n",
                                  "\n" + good,
                                  " " + good,
                                  line("a", "00"),
                                  line("a", "01"),
                                  line("a", "-1"),
                                  line("a", "+1"),
                                  line("a", ""),

                                  line("a", "0x1"),
                                  line("a", "9223372036854775808"),
                                  line("a", "99999999999999999999"),
                                  line("a", "0", "0600"),
                                  line("a", "0", "644"),
                                  line("a", "0", "4755"),
                                  line("a", "0", "0777"),
                                  "A" + good.substr(1),
                                  kHash + "  0644 0 a\n",
                                  kHash + "\t0644 0 a\n",
                                  kHash + " 0644 0\n",
                                  kHash + " 0644 0 \n",
                                  std::string("\xEF\xBB\xBF") + good,
                                  kHash + " 0644\n",
                                  std::string(70, ' ') + "\n",
                                  line("b") + line("a"),
                                  line("a") + line("a"),
                                  line("a") + line("b", "9223372036854775807") + line("c", "1")}) {
    const auto list = FileList::parse(text);
    ASSERT_FALSE(list) << text;
    EXPECT_TRUE(list.error().code == Code::bad_list || list.error().code == Code::bad_path) << text;
  }
}

TEST(FileList, SaysWhichLine) {
  const auto list = FileList::parse(line("a") + line("b") + line("../c"));
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Code::bad_path);
  EXPECT_NE(list.error().text.find("line 3"), std::string::npos) << list.error().text;
}

TEST(FileList, RefusesPathsThatAreNotAllowed) {
  for (const std::string& path :
       {std::string("/a"), std::string("a//b"), std::string("a/../b"), std::string("a\rb"),
        std::string("a\0", 2), std::string("\xFF"), std::string(256, 'x')}) {
    const auto list = FileList::parse(line(path));
    ASSERT_FALSE(list) << path;
    EXPECT_EQ(list.error().code, Code::bad_path) << path;
  }
}

TEST(FileList, RefusesAFileThatIsADirectoryToo) {
  // Others sort between the two.
  const auto list = FileList::parse(line("a") + line("a-b/c") + line("a.txt") + line("a/b/c"));
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Code::bad_list);
  EXPECT_TRUE(FileList::parse(line("a/a") + line("a/aa/a") + line("aa")));
  EXPECT_FALSE(FileList::make({{{}, false, 0, "x/y"}, {{}, false, 0, "x/y/z"}}));
}

TEST(FileList, IsLimited) {
  std::string text;
  text.reserve(kMostFiles * 80);
  for (std::size_t i = 0; i < kMostFiles; ++i) {
    std::string number = std::to_string(i);
    text += line(std::string(6 - number.size(), '0') + number);
  }
  EXPECT_TRUE(FileList::parse(text));
  EXPECT_FALSE(FileList::parse(text + line("z")));
  EXPECT_FALSE(FileList::parse(std::string(kMostListBytes + 1, 'x')));
}

}  // namespace
}  // namespace okg::payload
