// docs/payload-format.md gives commands that check a payload without okg: they are run here as they stand
// there.
#include <array>
#include <cstdio>

#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

// The first ```sh block after the line that begins with "## Checking".
std::string documented_commands() {
  const std::string text = read_file(OKG_SOURCE_DIR "/docs/payload-format.md");
  const std::size_t section = text.find("\n## Checking");
  const std::size_t begin = text.find("```sh\n", section) + 6;
  return text.substr(begin, text.find("```", begin) - begin);
}

class CoreutilsTest : public PayloadTest {
 protected:
  // The commands' exit code, run in `directory`.
  static int check(const std::string& directory) {
    const std::string script = "cd '" + directory + "' && " + documented_commands();
    return in_child([&] {
      const int null = ::open("/dev/null", O_WRONLY);
      ::dup2(null, 1);
      ::dup2(null, 2);
      ::execl("/bin/sh", "sh", "-ec", script.c_str(), static_cast<char*>(nullptr));
      return 127;
    });
  }
};

TEST_F(CoreutilsTest, AcceptWhatIsSoundAndNothingElse) {
  const std::string from = image("1", {{"dir/with blanks  two", "1"},
                                       {"*run", "#!"},
                                       {"back\\slash", "2"},
                                       {"empty", ""},
                                       {"\xE4\xB8\xAD", "3"}});
  ASSERT_TRUE(publish_from(from));
  const std::string version = version_directory(digest_of(from));
  EXPECT_EQ(check(version), 0);
  EXPECT_EQ(check(volume + "/current"), 0);
  const auto refuses = [&](const char* what, const std::function<void(const std::string&)>& damage) {
    TemporaryDirectory::remove(version);
    fs::remove(volume + "/current");
    ASSERT_TRUE(publish_from(from));
    for (const char* path : {"", "/files", "/files/dir"}) ::chmod((version + path).c_str(), 0755);
    ASSERT_EQ(check(version), 0) << what;
    damage(version);
    EXPECT_NE(check(version), 0) << what;
  };
  refuses("content", [](const std::string& path) { write_file(path + "/files/dir/with blanks  two", "x"); });
  refuses("backslash", [](const std::string& path) { write_file(path + "/files/back\\slash", "x"); });
  refuses("missing", [](const std::string& path) { fs::remove(path + "/files/run"); });
  refuses("extra", [](const std::string& path) { write_file(path + "/files/extra", ""); });
  refuses("list", [](const std::string& path) { write_file(path + "/files.list", ""); });
  refuses("manifest", [](const std::string& path) {
    write_file(path + "/manifest.json", read_file(path + "/manifest.json") + " ");
  });
}

TEST_F(CoreutilsTest, AcceptAnEmptyPayload) {
  ASSERT_TRUE(publish_from(image("1", {})));
  EXPECT_EQ(check(volume + "/current"), 0);
}

}  // namespace
}  // namespace okg::payload
