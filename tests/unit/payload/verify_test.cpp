#include "payload/verify.hpp"

#include <sys/sysmacros.h>

#include "payload/sha256.hpp"
#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

const Files kFiles = {{"index.html", "<html>"},
                      {"scripts/a.lua", "return 1"},
                      {"*scripts/run", "#!"},
                      {"texts/deep/en.json", "{}"},
                      {"empty", ""}};

class VerifyTest : public testing::Test {
 protected:
  VerifyTest() { pack(); }
  void pack() {
    fs::remove_all(top / "files");
    make_files(top / "files", kFiles);
    PackOptions options;
    options.version = "1";
    packed = *pack_directory(os, top.path(), options);
  }
  base::Result<VerifiedPayload> check(std::stop_token stop = {}) {
    return verify(os, open_directory(top.path()).get(), packed.digest, stop);
  }
  Code code() {
    const auto payload = check();
    return payload ? Code::ok : payload.error().code;
  }
  // Writes `text` as the manifest and makes it the one that is asked for.
  void forge_manifest(const std::string& text) {
    write_file(top / "manifest.json", text);
    packed.digest = sha256(text);
  }
  // A list, and a manifest that fits it as far as it can.
  void forge_list(const std::string& text, std::uint64_t files, std::uint64_t bytes) {
    write_file(top / "files.list", text);
    Manifest manifest = packed.manifest;
    manifest.list = sha256(text);
    manifest.files = files;
    manifest.bytes = bytes;
    manifest.components = {{"all", {"", sha256(text), {}}}};
    forge_manifest(manifest.text());
  }

  TemporaryDirectory top;
  FaultyOs os;
  Packed packed;
};

TEST_F(VerifyTest, AcceptsWhatIsSound) {
  const auto payload = check();
  ASSERT_TRUE(payload) << payload.error().text;
  EXPECT_EQ(payload->digest, packed.digest);
  EXPECT_EQ(payload->list.entries().size(), kFiles.size());
  EXPECT_TRUE(base::read_small_file(os, payload->files.get(), "scripts/a.lua", 100, "a"));
}

TEST_F(VerifyTest, AcceptsItWithoutOpenat2TypesAndFullReads) {
  for (const int unsupported : {ENOSYS, EPERM}) {
    os.reset();
    os.fail_every(test::Call::open_beneath, unsupported);
    os.hide_types = true;
    os.shorten(3);
    os.interrupt(test::Call::read);
    EXPECT_EQ(code(), Code::ok);
  }
}

TEST_F(VerifyTest, AcceptsAnEmptyPayload) {
  fs::remove_all(top / "files");
  fs::create_directory(top / "files");
  PackOptions options;
  options.version = "1";
  packed = *pack_directory(os, top.path(), options);
  EXPECT_EQ(code(), Code::ok);
}

TEST_F(VerifyTest, SeesEveryChangeOfAFile) {
  const auto sees = [&](const char* what, Code expected, const std::function<void()>& damage) {
    pack();
    ASSERT_EQ(code(), Code::ok);
    damage();
    const auto payload = check();
    ASSERT_FALSE(payload) << what;
    EXPECT_EQ(payload.error().code, expected) << what << ": " << payload.error().text;
  };
  const std::string lua = top / "files/scripts/a.lua";
  sees("bit flip", Code::digest_mismatch, [&] { write_file(lua, "return 0"); });
  sees("truncated", Code::digest_mismatch, [&] { write_file(lua, "return"); });
  sees("longer", Code::digest_mismatch, [&] { write_file(lua, "return 1 "); });
  sees("empty no more", Code::digest_mismatch, [&] { write_file(top / "files/empty", "x"); });
  sees("mode gained", Code::digest_mismatch, [&] { ::chmod(lua.c_str(), 0755); });
  sees("mode lost", Code::digest_mismatch, [&] { ::chmod((top / "files/scripts/run").c_str(), 0644); });
  sees("setuid", Code::bad_path, [&] { ::chmod((top / "files/scripts/run").c_str(), 04755); });
  sees("missing", Code::io, [&] { fs::remove(lua); });
  sees("missing directory", Code::io, [&] { fs::remove_all(top / "files/texts"); });
  sees("missing files", Code::io, [&] { fs::remove_all(top / "files"); });
  sees("extra file", Code::bad_path, [&] { write_file(top / "files/scripts/b.lua", ""); });
  sees("extra hidden file", Code::bad_path, [&] { write_file(top / "files/.x", ""); });
  sees("extra directory", Code::bad_path, [&] { fs::create_directory(top / "files/new"); });
  sees("extra link", Code::bad_path, [&] { fs::create_symlink("a.lua", top / "files/scripts/l"); });
  sees("file for directory", Code::bad_path, [&] {
    fs::remove_all(top / "files/texts");
    write_file(top / "files/texts", "");
  });
  sees("directory for file", Code::bad_path, [&] {
    fs::remove(lua);
    fs::create_directory(lua);
  });
  sees("link for file", Code::bad_path, [&] {
    fs::rename(lua, top / "a.lua");
    fs::create_symlink("../../a.lua", lua);
  });
  sees("link for directory", Code::bad_path, [&] {
    fs::rename(top / "files/scripts", top / "scripts");
    fs::create_directory_symlink("../scripts", top / "files/scripts");
  });
  sees("link for files", Code::bad_path, [&] {
    fs::rename(top / "files", top / "real");
    fs::create_directory_symlink("real", top / "files");
  });
  fs::remove(top / "files");
  fs::remove_all(top / "real");
  sees("fifo", Code::bad_path, [&] {
    fs::remove(lua);
    ASSERT_EQ(::mkfifo(lua.c_str(), 0644), 0);
  });
  sees("hard link to something else", Code::digest_mismatch, [&] {
    fs::remove(lua);
    fs::create_hard_link(top / "files/index.html", lua);
  });
}

TEST_F(VerifyTest, RefusesADevice) {
  const std::string path = top / "files/scripts/a.lua";
  fs::remove(path);
  if (::mknod(path.c_str(), S_IFCHR | 0644, makedev(1, 5)) != 0)
    GTEST_SKIP() << "may not make device nodes here";
  EXPECT_EQ(code(), Code::bad_path);
}

TEST_F(VerifyTest, RefusesADamagedIdentity) {
  const auto refuses = [&](const char* what, Code expected, const std::function<void()>& damage) {
    pack();
    damage();
    const auto payload = check();
    ASSERT_FALSE(payload) << what;
    EXPECT_EQ(payload.error().code, expected) << what << ": " << payload.error().text;
    EXPECT_FALSE(open_unverified(os, open_directory(top.path()).get(), packed.digest)) << what;
  };
  const std::string manifest = top / "manifest.json";
  const std::string list = top / "files.list";
  refuses("manifest changed", Code::digest_mismatch,
          [&] { write_file(manifest, read_file(manifest) + " "); });
  refuses("manifest empty", Code::digest_mismatch, [&] { write_file(manifest, ""); });
  refuses("manifest missing", Code::io, [&] { fs::remove(manifest); });
  refuses("manifest huge", Code::bad_manifest, [&] { fs::resize_file(manifest, 64 << 20); });
  refuses("manifest a link", Code::bad_manifest, [&] {
    fs::rename(manifest, top / "m");
    fs::create_symlink("m", manifest);
  });
  refuses("manifest a fifo", Code::bad_manifest, [&] {
    fs::remove(manifest);
    ASSERT_EQ(::mkfifo(manifest.c_str(), 0644), 0);
  });
  refuses("manifest a directory", Code::bad_manifest, [&] {
    fs::remove(manifest);
    fs::create_directory(manifest);
  });
  fs::remove(manifest);
  refuses("list changed", Code::digest_mismatch, [&] { write_file(list, read_file(list).substr(1)); });
  refuses("list missing", Code::io, [&] { fs::remove(list); });
  refuses("list huge", Code::bad_list, [&] { fs::resize_file(list, kMostListBytes + 1); });
  refuses("list a link", Code::bad_list, [&] {
    fs::rename(list, top / "l");
    fs::create_symlink("l", list);
  });
  refuses("another digest", Code::digest_mismatch, [&] { packed.digest = sha256("x"); });
  refuses("not JSON", Code::bad_manifest, [&] { forge_manifest("{"); });
  refuses("other schema", Code::bad_manifest, [&] { forge_manifest("{\"schema\":\"okg.payload/v9\"}"); });
  refuses("unknown requirement", Code::requires_unmet, [&] {
    std::string text = packed.manifest_text;
    text.replace(text.find("\"requires\": {}"), 14, "\"requires\": {\"abi\": 1}");
    forge_manifest(text);
  });
}

TEST_F(VerifyTest, RefusesAListThatIsNoneWhateverItsDigest) {
  const std::string hash = sha256("").hex();
  forge_list("", 0, 0);
  EXPECT_EQ(code(), Code::bad_path);  // sound itself, but there are files
  forge_list(hash + " 0644 0 ../escape\n", 1, 0);
  EXPECT_EQ(code(), Code::bad_path);
  forge_list(hash + " 0644 0 /etc/passwd\n", 1, 0);
  EXPECT_EQ(code(), Code::bad_path);
  forge_list(hash + " 0644 0 b\n" + hash + " 0644 0 a\n", 2, 0);
  EXPECT_EQ(code(), Code::bad_list);
  forge_list(hash + " 0644 0 a", 1, 0);
  EXPECT_EQ(code(), Code::bad_list);
  forge_list(hash + " 0644 5 a\n", 1, 6);
  EXPECT_EQ(code(), Code::bad_manifest);
  forge_list(hash + " 0644 5 a\n", 2, 5);
  EXPECT_EQ(code(), Code::bad_manifest);
}

TEST_F(VerifyTest, StopsWhenANewerOneIsWanted) {
  std::stop_source stop;
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind == test::Call::list_directory) stop.request_stop();
  });
  const auto payload = check(stop.get_token());
  ASSERT_FALSE(payload);
  EXPECT_EQ(payload.error().code, Code::superseded);
  // Within a large file too.
  fs::remove_all(top / "files");
  make_files(top / "files", {{"big", std::string(8 << 20, 'x')}});
  PackOptions options;
  options.version = "1";
  os.reset();
  packed = *pack_directory(os, top.path(), options);
  std::stop_source again;
  std::uint64_t reads = 0;
  os.before_each([&](std::uint64_t, test::Call kind) {
    if (kind == test::Call::read && ++reads == 6) again.request_stop();
  });
  EXPECT_EQ(check(again.get_token()).error().code, Code::superseded);
  EXPECT_EQ(reads, 6U);
}

// Every call of a verification fails once: an error of the surroundings is never taken for a sound payload,
// and never for one that is refused for good.
TEST_F(VerifyTest, TurnsEveryFailureOfTheSystemIntoARetriableError) {
  os.reset();
  ASSERT_EQ(code(), Code::ok);
  const std::uint64_t calls = os.calls();
  for (const int error : {EIO, ENOMEM, EMFILE, EACCES})
    for (std::uint64_t n = 1; n <= calls; ++n) {
      os.reset();
      os.fail_nth(n, error);
      const auto payload = check();
      if (payload) continue;  // a call whose answer is not needed
      EXPECT_TRUE(payload.error().retriable) << "call " << n << ": " << payload.error().text;
    }
}

}  // namespace
}  // namespace okg::payload
