// okg probe ops: what kruise-daemon runs every second, and takes for a state of the container's whatever
// comes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "integration/cli/support.hpp"

namespace okg::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(ProbeOps, IsTheTokenAsItStandsThere) {
  const Place place;
  for (const char* token :
       {"Allocated", "None.again", "Allocated.update-ok", "Unknown.delete-ok", "Unknown", "In-Match.7"}) {
    write_file(place.run() + "/ops", std::string(token) + "\n");
    const Finished done = okg({"probe", "ops"}, place.variables());
    EXPECT_EQ(done.code, 0);
    EXPECT_EQ(done.out, std::string(token) + "\n");
    EXPECT_THAT(done.err, IsEmpty());
  }
  EXPECT_EQ(okg({"probe", "ops", "--json"}, place.variables()).out, "{\"ops\":\"In-Match.7\"}\n");
}

// Prints the token that says nothing, ends with 0, and says why on stderr.
void says_nothing(const Words& words, const Variables& variables, const std::string& why) {
  const Finished done = okg(words, variables);
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.out, "Unknown\n") << why;
  EXPECT_THAT(done.err, HasSubstr(why));
  EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
}

TEST(ProbeOps, SaysNothingOfWhatIsNoToken) {
  const Place place;
  const std::string file = place.run() + "/ops";
  says_nothing({"probe", "ops"}, place.variables(), file + ": nothing has been said yet");
  for (const std::string& text :
       {std::string(), std::string("kill\n"), std::string("a b\n"), std::string("Allocated\nKill\n"),
        std::string("\x1b[2J\xff"), std::string(64, 'a'), std::string(100'000, 'a')}) {
    write_file(file, text);
    says_nothing({"probe", "ops"}, place.variables(), "okg: probe: ");
  }
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/etc/hostname", file);
  says_nothing({"probe", "ops"}, place.variables(), "okg: probe: ");
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  says_nothing({"probe", "ops"}, place.variables(), "not a regular file");
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  says_nothing({"probe", "ops"}, place.variables(), "not a regular file");
}

TEST(ProbeOps, SaysNothingWithoutADirectory) {
  says_nothing({"probe", "ops", "--run", "/nonexistent"}, {}, "/nonexistent");
  says_nothing({"probe", "ops", "--run", "/etc/hostname"}, {}, "/etc/hostname");
  says_nothing({"probe", "ops"}, {{"XDG_RUNTIME_DIR", "/nonexistent"}}, "--run");
}

TEST(ProbeOps, DoesNotAskTheServer) {
  const Place place;
  write_file(place.run() + "/ops", "Allocated\n");
  const FakeServer server(place.run(), [](const Asked&) { return Reply{500, "", ""}; });
  EXPECT_EQ(okg({"probe", "ops"}, place.variables()).out, "Allocated\n");
  EXPECT_THAT(server.asked(), IsEmpty());
}

}  // namespace
}  // namespace okg::test
