// Loads the plugin: host unload|exit PLUGIN. "unload" does it twenty times and finds nothing left behind;
// "exit" ends the process while the plugin's thread is in the middle of its work. Has no OpenSSL itself.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

int fail(const char* what) {
  std::printf("%s\n", what);
  return 1;
}

std::ptrdiff_t entries(const char* directory) {
  std::ptrdiff_t count = 0;
  for (std::filesystem::directory_iterator at(directory), end; at != end; ++at) ++count;
  return count;
}

bool mapped(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find(name) != line.npos) return true;
  return false;
}

// How many pthread keys are left.
std::size_t free_keys() {
  std::vector<pthread_key_t> keys;
  for (pthread_key_t key = 0; ::pthread_key_create(&key, nullptr) == 0;) keys.push_back(key);
  for (const pthread_key_t key : keys) ::pthread_key_delete(key);
  return keys.size();
}

struct Plugin {
  explicit Plugin(const char* path) : handle(::dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle == nullptr) return;
    start = reinterpret_cast<decltype(start)>(::dlsym(handle, "okg_test_start"));
    wait = reinterpret_cast<decltype(wait)>(::dlsym(handle, "okg_test_wait"));
    stop = reinterpret_cast<decltype(stop)>(::dlsym(handle, "okg_test_stop"));
  }
  void* handle;
  void* (*start)() = nullptr;
  int (*wait)(void*, int) = nullptr;
  void (*stop)(void*) = nullptr;
};

Plugin* last_plugin = nullptr;
void* last_asker = nullptr;

// The first exit handler, thus the last to run: all that libraries do at the end is done.
void at_the_very_end() {
  if (last_asker != nullptr && last_plugin->wait(last_asker, 20) != 1)
    ::_exit(fail("it ended before its time"));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string mode = argv[1];
  const std::string name = std::filesystem::path(argv[2]).filename();
  std::atexit(at_the_very_end);
  const auto keys = free_keys();
  std::ptrdiff_t threads = 0, descriptors = 0;
  for (int turn = 1; turn <= 20; ++turn) {
    Plugin plugin(argv[2]);
    if (plugin.stop == nullptr) return fail(::dlerror());
    void* const asker = plugin.start();
    if (asker == nullptr) return fail("no API server in the environment");
    if (plugin.wait(asker, 2) != 1) return fail("it was not answered");
    if (mode == "exit") {
      last_plugin = &plugin;
      last_asker = asker;
      std::exit(0);  // NOLINT: with a thread of the plugin's running
    }
    plugin.stop(asker);
    if (::dlclose(plugin.handle) != 0) return fail(::dlerror());
    if (mapped(name)) return fail("the plugin is still in memory");
    if (turn == 1) {
      threads = entries("/proc/self/task");
      descriptors = entries("/proc/self/fd");
    }
    if (threads != 1 && entries("/proc/self/task") != threads) return fail("a thread was left behind");
    if (entries("/proc/self/fd") != descriptors) return fail("a descriptor was left open");
    if (free_keys() != keys) return fail("a thread key was left behind");
  }
  return 0;
}
