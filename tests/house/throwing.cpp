// A callback that throws through the C API: throwing RUN_DIR PAYLOAD_DIR. The exception is this program's,
// with this program's libstdc++; the library, which has its own inside, has to catch it, and this program
// must go on unharmed.
#include <okg/okg.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

namespace {

okg_code throws(void* user, const okg_payload*, okg_error*) {
  if (*static_cast<bool*>(user)) throw 42;
  throw std::runtime_error("the floor is " + std::string("lava"));
}

bool refused(const char* run, const char* payload, bool a_number) {
  okg_options options = OKG_OPTIONS_INIT;
  options.run_dir = run;
  options.payload_dir = payload;
  okg_server* server = nullptr;
  okg_error error;
  if (okg_connect(&options, &server, &error) != OKG_OK ||
      okg_on_reload_simple(server, "*", &throws, &a_number, nullptr, &error) != OKG_OK) {
    std::printf("%s\n", error.text);
    return false;
  }
  const okg_code code = okg_start(server, 20'000'000'000, &error);
  okg_release(server);
  if (code == OKG_CRASHED && (a_number || std::strstr(error.text, "the floor is lava") != nullptr))
    return true;
  std::printf("instead of OKG_CRASHED with the exception's words: %d, %s\n", static_cast<int>(code),
              code == OKG_OK ? "" : error.text);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (!refused(argv[1], argv[2], false)) return 1;
  // The digest was refused in that run directory: the second try needs another.
  if (!refused((std::string(argv[1]) + "2").c_str(), argv[2], true)) return 1;
  try {
    throw std::runtime_error("after all that");
  } catch (const std::exception& error) {
    std::printf("%s, exceptions still work\n", error.what());
  }
  return 0;
}
