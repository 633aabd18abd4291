/* Every function of okg.h from C11 with -Wpedantic: uses_all RUN_DIR PAYLOAD_DIR, with a payload "1" there
 * that has scripts/main.lua ("print(1)") and the component "scripts". Also: NULL handles are harmless
 * everywhere. */
#include <fcntl.h>
#include <okg/okg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int failures;
#define CHECK(condition)                                             \
  do {                                                               \
    if (!(condition)) {                                              \
      printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                    \
    }                                                                \
  } while (0)

static char staged_object, *in_use;
static int prepared, committed, discarded, simple;
static const okg_payload* seen;

static okg_code prepare(void* user, const okg_payload* payload, const okg_stop* stop, void** staged,
                        okg_error* error) {
  CHECK(user == &prepared);
  if (okg_stop_requested(stop)) return okg_fail(error, OKG_SUPERSEDED, "told to stop");
  CHECK(strcmp(okg_payload_version(payload), "1") == 0);
  *staged = &staged_object;
  ++prepared;
  return OKG_OK;
}
static okg_code commit(void* user, void* staged, void** previous, okg_error* error) {
  (void)user, (void)error;
  *previous = in_use;
  in_use = staged;
  ++committed;
  return OKG_OK;
}
static void discard(void* user, void* object) {
  (void)user;
  CHECK(object != NULL);
  ++discarded;
}
static int can_commit(void* user) {
  (void)user;
  return 1;
}
static okg_code reload(void* user, const okg_payload* payload, okg_error* error) {
  (void)user, (void)error;
  okg_payload_release(okg_payload_retain(payload));
  seen = payload;
  ++simple;
  return OKG_OK;
}
static void log_line(void* user, okg_log_level level, const char* category, const char* text, size_t size) {
  CHECK(user == &failures && level >= OKG_LOG_ERROR && level <= OKG_LOG_DEBUG && category && text);
  (void)size;
}

#include "uses_controller.h"
#include "uses_hot.h"

static void null_handles(void) {
  okg_error error;
  okg_file file;
  okg_server* server = NULL;
  int fd = -1;
  size_t length = 0;
  char text[8];

  CHECK(okg_connect(NULL, NULL, &error) == OKG_INVALID_ARGUMENT);
  CHECK(error.code == OKG_INVALID_ARGUMENT && error.text[0] != '\0' && !error.retriable);
  CHECK(okg_start(NULL, 0, &error) == OKG_INVALID_ARGUMENT);
  CHECK(okg_poll(NULL, 0) == 0);
  CHECK(okg_poll_fd(NULL) <= 0);
  CHECK(okg_set_ready(NULL, 1, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_status_json(NULL, text, sizeof text, &length) == OKG_INVALID_ARGUMENT);
  okg_close(NULL);
  okg_release(NULL);
  CHECK(okg_on_reload(NULL, "*", NULL, NULL, &error) == OKG_INVALID_ARGUMENT);
  CHECK(okg_on_reload_simple(NULL, "*", reload, NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  okg_unsubscribe(NULL);
  CHECK(okg_stop_requested(NULL) == 0);
  CHECK(okg_report_bad(NULL, "", NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_rollback(NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_reload(NULL, 0, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_payload_pin(server) == NULL);
  CHECK(okg_payload_retain(NULL) == NULL);
  okg_payload_release(NULL);
  CHECK(strcmp(okg_payload_version(NULL), "") == 0);
  CHECK(strcmp(okg_payload_digest(NULL), "") == 0);
  CHECK(strcmp(okg_payload_component(NULL, "scripts"), "") == 0);
  CHECK(okg_payload_dirfd(NULL) == -1);
  CHECK(okg_payload_file_count(NULL) == 0);
  CHECK(okg_payload_file(NULL, 0, &file) == OKG_INVALID_ARGUMENT);
  CHECK(okg_payload_find(NULL, "x", &file) == OKG_INVALID_ARGUMENT);
  CHECK(okg_payload_open(NULL, "x", &fd, &error) == OKG_INVALID_ARGUMENT && fd == -1);
  CHECK(okg_payload_read(NULL, "x", text, sizeof text, &length, &error) == OKG_INVALID_ARGUMENT);
}

static void payload(okg_server* server) {
  okg_payload* pinned = okg_payload_pin(server);
  okg_error error;
  okg_file file;
  char text[64] = "";
  size_t length = 0;
  int fd = -1;

  CHECK(pinned != NULL);
  CHECK(strcmp(okg_payload_version(pinned), "1") == 0);
  CHECK(strncmp(okg_payload_digest(pinned), "sha256:", 7) == 0 && strlen(okg_payload_digest(pinned)) == 71);
  CHECK(strncmp(okg_payload_component(pinned, "scripts"), "sha256:", 7) == 0);
  CHECK(strcmp(okg_payload_component(pinned, "none"), "") == 0);
  CHECK(faccessat(okg_payload_dirfd(pinned), "scripts/main.lua", R_OK, 0) == 0);
  CHECK(okg_payload_file_count(pinned) == 1);
  CHECK(okg_payload_file(pinned, 0, &file) == OKG_OK && strcmp(file.path, "scripts/main.lua") == 0);
  CHECK(file.bytes == 8 && !file.executable);
  CHECK(okg_payload_file(pinned, 1, &file) == OKG_NOT_FOUND ||
        okg_payload_file(pinned, 1, &file) == OKG_INVALID_ARGUMENT);
  CHECK(okg_payload_find(pinned, "scripts/main.lua", &file) == OKG_OK && file.bytes == 8);
  CHECK(okg_payload_find(pinned, "scripts/none.lua", &file) == OKG_NOT_FOUND);
  CHECK(okg_payload_open(pinned, "scripts/main.lua", &fd, &error) == OKG_OK);
  CHECK(read(fd, text, sizeof text) == 8 && memcmp(text, "print(1)", 8) == 0);
  close(fd);
  CHECK(okg_payload_open(pinned, "../../manifest.json", &fd, &error) != OKG_OK);
  CHECK(okg_payload_read(pinned, "scripts/main.lua", text, 7, &length, &error) == OKG_NO_SPACE &&
        length == 8);
  CHECK(okg_payload_read(pinned, "scripts/main.lua", text, 8, NULL, NULL) == OKG_OK);
  okg_payload_release(okg_payload_retain(pinned));
  okg_payload_release(pinned);
}

int main(int argc, char** argv) {
  static const char* const after[] = {"config"};
  okg_options options = OKG_OPTIONS_INIT;
  okg_reload_handler handler = OKG_RELOAD_HANDLER_INIT;
  okg_subscription *scripts = NULL, *others = NULL, *change = NULL;
  okg_server *server = NULL, *second = NULL;
  okg_error error;
  char status[65536];
  size_t length = 0;
  int code;

  if (argc != 3) return 2;
  CHECK(strcmp(okg_version(), "0.1.0") == 0);
  for (code = -1; code < 60; ++code) CHECK(okg_strerror((okg_code)code)[0] != '\0');
  CHECK(okg_fail(&error, OKG_REJECTED, "%s:%d: '=' expected", "a.lua", 3) == OKG_REJECTED);
  CHECK(error.code == OKG_REJECTED && !error.retriable && strcmp(error.text, "a.lua:3: '=' expected") == 0);
  CHECK(okg_fail(&error, OKG_BUSY, "later") == OKG_BUSY && error.retriable);
  CHECK(okg_fail(NULL, OKG_IO, "nobody listens") == OKG_IO);
  null_handles();
  controller_null_handles();
  hot_null_handles();
  CHECK(snprintf(status, sizeof status, "%s/hot-c", argv[1]) > 0);
  hot_state(status, 0);
  hot_state(status, 1);

  options.name = "uses_all";
  options.controller = "local";
  options.update_timeout_ns = INT64_C(60000000000);
  options.server_version = "2.4.0";
  options.run_dir = argv[1];
  options.payload_dir = argv[2];
  options.probation_ns = -1;
  options.log = log_line;
  options.log_user = &failures;
  options.log_level = OKG_LOG_DEBUG;
  CHECK(okg_connect(&options, &server, &error) == OKG_OK);
  if (!server) return printf("okg_connect: %s\n", error.text), 1;
  CHECK(okg_connect(&options, &second, &error) == OKG_IN_USE && second == NULL && error.text[0] != '\0');

  handler.user = &prepared;
  handler.prepare = prepare;
  handler.commit = commit;
  handler.discard = discard;
  handler.can_commit = can_commit;
  handler.after = after;
  handler.after_count = 1;
  CHECK(okg_on_reload(server, "scripts", &handler, &scripts, &error) == OKG_OK && scripts);
  CHECK(okg_on_reload(server, "scripts", &handler, NULL, &error) == OKG_INVALID_ARGUMENT);
  CHECK(okg_on_reload_simple(server, "*", reload, NULL, &others, &error) == OKG_OK && others);

  controller_listen(server, &change);
  if (okg_start(server, INT64_C(20000000000), &error) != OKG_OK)
    return printf("okg_start: %s\n", error.text), 1;
  CHECK(prepared == 1 && committed == 1 && in_use == &staged_object && simple == 0 && seen == NULL);
  CHECK(okg_poll(server, 0) >= 0);
  CHECK(okg_poll_fd(server) >= 0);
  CHECK(okg_set_ready(server, 0, "warming up", &error) == OKG_OK);
  CHECK(okg_set_ready(server, 1, NULL, &error) == OKG_OK);
  CHECK(okg_status_json(server, status, 1, &length) == OKG_NO_SPACE && length > 1);
  CHECK(okg_status_json(server, status, sizeof status, &length) == OKG_OK && strlen(status) == length);
  CHECK(strstr(status, "\"okg.status/v1\"") != NULL);
  payload(server);
  CHECK(okg_reload(server, 0, &error) == OKG_OK);
  CHECK(okg_report_bad(server, "players fall through the floor", &error) == OKG_NOT_FOUND);
  CHECK(okg_rollback(server, "sha256:0000000000000000000000000000000000000000000000000000000000000000",
                     &error) == OKG_NOT_FOUND);
  controller(server);
  okg_unsubscribe(change);
  okg_unsubscribe(others);
  okg_unsubscribe(scripts);
  okg_close(server);
  okg_close(server);
  CHECK(okg_poll(server, 0) == 0 && okg_poll_fd(server) == -1);
  CHECK(okg_start(server, 0, &error) == OKG_CLOSED);
  CHECK(okg_payload_pin(server) == NULL);
  okg_release(server);
  printf("%d failures\n", failures);
  return failures ? 1 : 0;
}
