/* Loads, uses and unloads the library again and again: dlopen LIBRARY RUN_DIR PAYLOAD_DIR. Nothing of it may
 * stay: no mapping, no thread, no descriptor. */
#include <dirent.h>
#include <dlfcn.h>
#include <okg/okg.h>
#include <stdio.h>
#include <string.h>

static int entries(const char* directory) {
  int count = 0;
  DIR* all = opendir(directory);
  if (!all) return -1;
  while (readdir(all)) ++count;
  closedir(all);
  return count;
}

static int mapped(const char* name) {
  char line[4096];
  int found = 0;
  FILE* maps = fopen("/proc/self/maps", "r");
  if (!maps) return -1;
  while (fgets(line, sizeof line, maps)) found |= strstr(line, name) != NULL;
  fclose(maps);
  return found;
}

static okg_code reload(void* user, const okg_payload* payload, okg_error* error) {
  (void)payload, (void)error;
  ++*(int*)user;
  return OKG_OK;
}

/* ISO C has no conversion from an object pointer to a function pointer. */
#define FIND(library, name)                                 \
  do {                                                      \
    void* found = dlsym(library, #name);                    \
    memcpy(&name##_, &found, sizeof found);                 \
    if (!found) return printf("%s: not found\n", #name), 1; \
  } while (0)

static int use(void* library, const char* run, const char* payload) {
  __typeof__(okg_connect)* okg_connect_;
  __typeof__(okg_on_reload_simple)* okg_on_reload_simple_;
  __typeof__(okg_start)* okg_start_;
  __typeof__(okg_poll)* okg_poll_;
  __typeof__(okg_release)* okg_release_;
  okg_options options = OKG_OPTIONS_INIT;
  okg_server* server = NULL;
  okg_error error;
  int reloads = 0;

  FIND(library, okg_connect);
  FIND(library, okg_on_reload_simple);
  FIND(library, okg_start);
  FIND(library, okg_poll);
  FIND(library, okg_release);
  options.run_dir = run;
  options.payload_dir = payload;
  if (okg_connect_(&options, &server, &error) != OKG_OK ||
      okg_on_reload_simple_(server, "*", reload, &reloads, NULL, &error) != OKG_OK ||
      okg_start_(server, INT64_C(20000000000), &error) != OKG_OK)
    return printf("%s\n", error.text), 1;
  okg_poll_(server, 0);
  okg_release_(server);
  return reloads == 1 ? 0 : (printf("%d reloads instead of one\n", reloads), 1);
}

int main(int argc, char** argv) {
  const char* name;
  int turn, descriptors;

  if (argc != 4) return 2;
  name = strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1];
  descriptors = entries("/proc/self/fd");
  for (turn = 1; turn <= 20; ++turn) {
    void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) return printf("dlopen: %s\n", dlerror()), 1;
    if (mapped(name) != 1) return printf("%s: loaded and not to be seen\n", name), 1;
    if (use(library, argv[2], argv[3])) return printf("in turn %d\n", turn), 1;
    if (dlclose(library)) return printf("dlclose: %s\n", dlerror()), 1;
    if (mapped(name)) return printf("turn %d: %s is still in memory\n", turn, name), 1;
    if (entries("/proc/self/task") != 3) return printf("turn %d: a thread was left behind\n", turn), 1;
    if (entries("/proc/self/fd") != descriptors)
      return printf("turn %d: a descriptor was left open\n", turn), 1;
  }
  puts("20 turns, nothing left behind");
  return 0;
}
