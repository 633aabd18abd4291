#include "payload/pack.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include "payload/sha256.hpp"
#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class PackTest : public testing::Test {
 protected:
  base::Result<Packed> pack(const Files& files, PackOptions options = {}) {
    fs::remove_all(top / "files");
    make_files(top / "files", files);
    return pack_again(options);
  }
  base::Result<Packed> pack_again(PackOptions options = {}) {
    if (options.version.empty()) options.version = "1";
    return pack_directory(os, top.path(), options);
  }
  Code code_of(const Files& files, const PackOptions& options = {}) {
    const auto packed = pack(files, options);
    return packed ? Code::ok : packed.error().code;
  }
  static std::map<std::string, std::string> paths(const Packed& packed) {
    std::map<std::string, std::string> found;
    for (const auto& [name, component] : packed.manifest.components) found[name] = component.path;
    return found;
  }

  TemporaryDirectory top;
  FaultyOs os;
};

const Files kFiles = {
    {"index.html", "<html>"}, {"scripts/a.lua", "return 1"}, {"*scripts/run", "#!"}, {"texts/en.json", "{}"}};

TEST_F(PackTest, WritesListAndManifest) {
  const auto packed = pack(kFiles);
  ASSERT_TRUE(packed) << packed.error().text;
  EXPECT_EQ(read_file(top / "files.list"), packed->list_text);
  EXPECT_EQ(read_file(top / "manifest.json"), packed->manifest_text);
  EXPECT_EQ(packed->digest, sha256(packed->manifest_text));
  EXPECT_EQ(packed->manifest.list, sha256(packed->list_text));
  EXPECT_EQ(packed->manifest.files, 4U);
  EXPECT_EQ(packed->manifest.bytes, 6U + 8 + 2 + 2);
  EXPECT_EQ(mode_of(top / "manifest.json"), 0644U);
  EXPECT_EQ(names_in(top.path()), (std::vector<std::string>{"files", "files.list", "manifest.json"}));
  ASSERT_NE(packed->list.find("scripts/run"), nullptr);
  EXPECT_TRUE(packed->list.find("scripts/run")->executable);
  EXPECT_EQ(packed->list.find("scripts/a.lua")->digest, sha256("return 1"));
}

TEST_F(PackTest, GivesWhatVerifyAccepts) {
  const auto packed = pack(kFiles);
  ASSERT_TRUE(packed);
  const auto payload = verify(os, open_directory(top.path()).get(), packed->digest);
  ASSERT_TRUE(payload) << payload.error().text;
  EXPECT_EQ(payload->manifest.text(), packed->manifest_text);
}

TEST_F(PackTest, GivesTheSameBytesForTheSameInput) {
  const auto first = pack(kFiles);
  const TemporaryDirectory elsewhere("/tmp");
  make_files(elsewhere / "files", kFiles);
  for (const auto& [path, content] : kFiles)
    test::set_mtime(elsewhere / ("files/" + path.substr(path[0] == '*' ? 1 : 0)), 12345);
  fs::create_directory(elsewhere / "files/empty directory");
  PackOptions options;
  options.version = "1";
  os.hide_types = true;
  os.shorten(3);
  os.realtime_shift_ns = 1'000'000'000LL * 86400 * 365 * 10;
  const auto second = pack_directory(os, elsewhere.path(), options);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->manifest_text, second->manifest_text);
  EXPECT_EQ(first->list_text, second->list_text);
}

TEST_F(PackTest, MakesAnotherDigestOfAnyChange) {
  std::set<Digest> digests;
  std::size_t count = 0;
  const auto add = [&](const Files& files, const PackOptions& options = {}) {
    const auto packed = pack(files, options);
    ASSERT_TRUE(packed) << packed.error().text;
    digests.insert(packed->digest);
    EXPECT_EQ(digests.size(), ++count);
  };
  add(kFiles);
  add({{"index.html", "<html>"}});
  Files changed = kFiles;
  changed["texts/en.json"] = "[]";
  add(changed);
  Files executable = kFiles;
  executable.erase("texts/en.json");
  executable["*texts/en.json"] = "{}";
  add(executable);
  PackOptions options;
  options.version = "2";
  add(kFiles, options);
  options.unhandled = Unhandled::accept;
  add(kFiles, options);
  options.requires_server = ">=2";
  add(kFiles, options);
  options.after = {{"scripts", "texts"}};
  add(kFiles, options);
  options.source_date_epoch = "0";
  add(kFiles, options);
}

TEST_F(PackTest, ANewVersionOfTheSameFilesChangesNoComponent) {
  PackOptions two;
  two.version = "2";
  const auto first = pack(kFiles);
  const auto second = pack(kFiles, two);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->digest, second->digest);
  for (const auto& [name, component] : first->manifest.components)
    EXPECT_EQ(component.digest, second->manifest.components.at(name).digest) << name;
}

TEST_F(PackTest, RecordsTheSourceDateOnlyWhenAsked) {
  EXPECT_TRUE(pack(kFiles)->manifest.annotations.empty());
  PackOptions options;
  options.source_date_epoch = "1795352400";
  EXPECT_EQ(pack(kFiles, options)->manifest.annotations.at("created"), "2026-11-22T13:00:00Z");
  for (const char* bad : {"", "now", "-1", "1e9", "99999999999999"}) {
    options.source_date_epoch = bad;
    EXPECT_EQ(code_of(kFiles, options), Code::invalid_argument) << bad;
  }
}

TEST_F(PackTest, MakesAComponentOfEachTopLevelDirectory) {
  const auto packed = pack(kFiles);
  EXPECT_EQ(paths(*packed),
            (std::map<std::string, std::string>{{"root", ""}, {"scripts", "scripts/"}, {"texts", "texts/"}}));
  EXPECT_EQ(paths(*pack({{"a/b/c", ""}})), (std::map<std::string, std::string>{{"a", "a/"}}));
  EXPECT_TRUE(paths(*pack({})).empty());
}

TEST_F(PackTest, LetsComponentsBeNamed) {
  PackOptions options;
  options.components = {{"lua", "scripts/"}, {"page", "."}};
  EXPECT_EQ(paths(*pack(kFiles, options)),
            (std::map<std::string, std::string>{{"lua", "scripts/"}, {"page", ""}, {"texts", "texts/"}}));
  options.components = {{"ui", "scripts/ui"}};
  EXPECT_EQ(paths(*pack({{"scripts/a", ""}, {"scripts/ui/b", ""}}, options)),
            (std::map<std::string, std::string>{{"scripts", "scripts/"}, {"ui", "scripts/ui/"}}));
  // Covered whole: nothing is left for the directory's own.
  EXPECT_EQ(paths(*pack({{"scripts/ui/b", ""}}, options)),
            (std::map<std::string, std::string>{{"ui", "scripts/ui/"}}));
  options.components = {{"odd", "odd name"}};
  EXPECT_EQ(paths(*pack({{"odd name/b", ""}}, options)),
            (std::map<std::string, std::string>{{"odd", "odd name/"}}));
}

TEST_F(PackTest, RefusesComponentsThatMakeNoSense) {
  const auto with = [](std::map<std::string, std::string> components) {
    PackOptions options;
    options.components = std::move(components);
    return options;
  };
  EXPECT_EQ(code_of(kFiles, with({{"x", "nowhere"}})), Code::invalid_argument);
  EXPECT_EQ(code_of(kFiles, with({{"x", "scripts"}, {"y", "scripts/"}})), Code::invalid_argument);
  EXPECT_EQ(code_of(kFiles, with({{"bad name", "scripts"}})), Code::invalid_argument);
  EXPECT_EQ(code_of(kFiles, with({{"x", "../scripts"}})), Code::invalid_argument);
  EXPECT_EQ(code_of(kFiles, with({{"x", "/scripts"}})), Code::invalid_argument);
  EXPECT_EQ(code_of(kFiles, with({{"x", ""}})), Code::invalid_argument);
  EXPECT_EQ(code_of(kFiles, with({{"texts", "scripts"}})), Code::invalid_argument);
  EXPECT_EQ(code_of({{"root/a", ""}, {"b", ""}}), Code::invalid_argument);
  EXPECT_EQ(code_of({{"a", ""}}, with({{"x", "a"}})), Code::invalid_argument);
  const auto odd = pack({{"odd name/a", ""}});
  ASSERT_FALSE(odd);
  EXPECT_NE(odd.error().text.find("--component"), std::string::npos) << odd.error().text;
}

TEST_F(PackTest, OrdersComponents) {
  PackOptions options;
  options.after = {{"scripts", "texts"}, {"scripts", "root"}, {"scripts", "texts"}};
  const auto packed = pack(kFiles, options);
  ASSERT_TRUE(packed) << packed.error().text;
  EXPECT_EQ(packed->manifest.components.at("scripts").after, (std::vector<std::string>{"root", "texts"}));
  for (const auto& after : std::vector<std::vector<std::pair<std::string, std::string>>>{
           {{"nobody", "texts"}},
           {{"texts", "nobody"}},
           {{"texts", "texts"}},
           {{"texts", "scripts"}, {"scripts", "texts"}}}) {
    options.after = after;
    EXPECT_EQ(code_of(kFiles, options), Code::invalid_argument);
  }
}

TEST_F(PackTest, RefusesBadFlags) {
  PackOptions options;
  options.version = "a\nb";
  EXPECT_EQ(code_of(kFiles, options), Code::invalid_argument);
  options = {};
  options.requires_server = "newest";
  EXPECT_EQ(code_of(kFiles, options), Code::invalid_argument);
}

TEST_F(PackTest, RefusesAllButFilesAndDirectories) {
  const auto refuses = [&](const char* what, const std::function<void(const std::string& path)>& make) {
    fs::remove_all(top / "files");
    make_files(top / "files", kFiles);
    make(top / "files/scripts/odd");
    const auto packed = pack_again();
    ASSERT_FALSE(packed) << what;
    EXPECT_EQ(packed.error().code, Code::bad_path) << what;
    EXPECT_NE(packed.error().text.find("scripts/odd"), std::string::npos) << packed.error().text;
  };
  for (const bool hide : {false, true}) {
    os.hide_types = hide;
    refuses("link", [](const std::string& path) { fs::create_symlink("a.lua", path); });
    refuses("link to a directory",
            [](const std::string& path) { fs::create_directory_symlink("/etc", path); });
    refuses("dangling link", [](const std::string& path) { fs::create_symlink("nowhere", path); });
    refuses("fifo", [](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0644), 0); });
    refuses("setuid", [](const std::string& path) { write_file(path, "", 04755); });
    refuses("setgid", [](const std::string& path) { write_file(path, "", 02755); });
    refuses("sticky", [](const std::string& path) { write_file(path, "", 01644); });
    refuses("socket", [](const std::string& path) {
      const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      ASSERT_LT(path.size(), sizeof address.sun_path);
      path.copy(address.sun_path, path.size());
      ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
      ::close(fd);
    });
  }
}

TEST_F(PackTest, RefusesNamesThatCannotBeListed) {
  EXPECT_EQ(code_of({{"a\nb", ""}}), Code::bad_path);
  EXPECT_EQ(code_of({{"a/\xFF", ""}}), Code::bad_path);
  std::string deep;
  for (int i = 0; i < 64; ++i) deep += "d/";
  EXPECT_EQ(code_of({{deep + "f", ""}}), Code::bad_path);
}

TEST_F(PackTest, NeedsAFilesDirectory) {
  const auto packed = pack_again();
  ASSERT_FALSE(packed);
  EXPECT_EQ(packed.error().code, Code::not_found);
  EXPECT_NE(packed.error().text.find("/files"), std::string::npos);
  fs::create_directory_symlink("/etc", top / "files");
  EXPECT_FALSE(pack_again());
}

TEST_F(PackTest, ReportsProgressAndStops) {
  make_files(top / "files", {{"big", std::string(3 << 20, 'x')}});
  PackOptions options;
  options.version = "1";
  std::uint64_t bytes = 0;
  std::stop_source stop;
  ASSERT_TRUE(
      pack_directory(os, top.path(), options, stop.get_token(), [&](std::uint64_t more) { bytes += more; }));
  EXPECT_EQ(bytes, 3U << 20);
  bytes = 0;
  const auto packed = pack_directory(os, top.path(), options, stop.get_token(), [&](std::uint64_t more) {
    bytes += more;
    stop.request_stop();
  });
  ASSERT_FALSE(packed);
  EXPECT_EQ(packed.error().code, Code::timeout);
  EXPECT_LE(bytes, 1U << 20);
}

TEST_F(PackTest, LeavesTheOldManifestWhenItFails) {
  const auto first = pack(kFiles);
  write_file(top / "files/new", "x");
  os.fail_every(test::Call::rename, ENOSPC);
  EXPECT_EQ(pack_again().error().code, Code::no_space);
  os.reset();
  EXPECT_EQ(read_file(top / "manifest.json"), first->manifest_text);
  EXPECT_EQ(read_file(top / "files.list"), first->list_text);
  EXPECT_EQ(names_in(top.path()), (std::vector<std::string>{"files", "files.list", "manifest.json"}));
}

}  // namespace
}  // namespace okg::payload
