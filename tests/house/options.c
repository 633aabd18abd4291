/* Option structs of other versions of okg.h: options CASE RUN_DIR PAYLOAD_DIR. */
#include <okg/okg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What a later version might hand in. */
typedef struct longer_options {
  okg_options known;
  const char* unknown[2];
} longer_options;
typedef struct longer_handler {
  okg_reload_handler known;
  void* unknown;
} longer_handler;

static okg_code commit(void* user, void* staged, void** previous, okg_error* error) {
  (void)user, (void)staged, (void)error;
  *previous = NULL;
  return OKG_OK;
}

static int expect(const char* what, okg_code got, okg_code wanted, const okg_error* error) {
  if (got == wanted) return 0;
  printf("%s: %d instead of %d: %s\n", what, (int)got, (int)wanted, got == OKG_OK ? "" : error->text);
  return 1;
}

int main(int argc, char** argv) {
  longer_options options;
  longer_handler handler;
  okg_server* server = NULL;
  okg_error error;
  int wrong = 0;

  if (argc != 4) return 2;
  memset(&options, 0, sizeof options);
  memset(&handler, 0, sizeof handler);
  options.known.size = sizeof(okg_options);
  options.known.run_dir = argv[2];
  options.known.payload_dir = argv[3];
  handler.known.size = sizeof(okg_reload_handler);
  handler.known.commit = commit;

  if (!strcmp(argv[1], "older")) {
    /* What lies behind the caller's size is not its to have set, and not ours to read. */
    options.known.size = offsetof(okg_options, http);
    memset((char*)&options + options.known.size, 0xee, sizeof options - options.known.size);
    wrong |= expect("shorter options", okg_connect(&options.known, &server, &error), OKG_OK, &error);
    handler.known.size = offsetof(okg_reload_handler, discard);
    memset((char*)&handler + handler.known.size, 0xee, sizeof handler - handler.known.size);
    wrong |=
        expect("shorter handler", okg_on_reload(server, "*", &handler.known, NULL, &error), OKG_OK, &error);
    wrong |= expect("start", okg_start(server, INT64_C(20000000000), &error), OKG_OK, &error);
  } else if (!strcmp(argv[1], "newer")) {
    options.known.size = sizeof options;
    wrong |=
        expect("longer options, nothing set", okg_connect(&options.known, &server, &error), OKG_OK, &error);
    handler.known.size = sizeof handler;
    wrong |= expect("longer handler, nothing set", okg_on_reload(server, "*", &handler.known, NULL, &error),
                    OKG_OK, &error);
    handler.unknown = &handler;
    wrong |= expect("longer handler", okg_on_reload(server, "a", &handler.known, NULL, &error),
                    OKG_INVALID_ARGUMENT, &error);
    okg_release(server);
    server = NULL;
    options.unknown[1] = "set";
    wrong |=
        expect("longer options", okg_connect(&options.known, &server, &error), OKG_INVALID_ARGUMENT, &error);
    if (server) printf("a server in spite of the error\n"), wrong = 1;
  } else if (!strcmp(argv[1], "nonsense")) {
    options.known.size = 0;
    wrong |= expect("no size", okg_connect(&options.known, &server, &error), OKG_INVALID_ARGUMENT, &error);
    options.known.size = sizeof(size_t) - 1;
    wrong |=
        expect("half a size", okg_connect(&options.known, &server, &error), OKG_INVALID_ARGUMENT, &error);
    options.known.size = (size_t)-1;
    wrong |=
        expect("endless size", okg_connect(&options.known, &server, &error), OKG_INVALID_ARGUMENT, &error);
  } else {
    return 2;
  }
  okg_release(server);
  return wrong;
}
