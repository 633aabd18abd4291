/* Every function of okg.h from C11 with -Wpedantic: uses_all RUN_DIR PAYLOAD_DIR, with a payload "1" there
 * that has scripts/main.lua ("print(1)") and the component "scripts". Also: NULL handles are harmless
 * everywhere. */
#include <fcntl.h>
#include <okg/okg.h>
#include <stdio.h>
#include <string.h>
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

static int visits;
static int visit(void* user, const void* key, size_t key_bytes, const void* value, size_t value_bytes) {
  CHECK(user == &visits && key != NULL && key_bytes > 0 && (value != NULL || value_bytes == 0));
  ++visits;
  return 1;
}

static void hot_null_handles(void) {
  okg_hot* hot = NULL;
  okg_hot_table* table = NULL;
  okg_hot_report report = OKG_HOT_REPORT_INIT;
  okg_hot_view view;
  okg_hot_txn* txn = NULL;
  okg_hot_journal* journal = NULL;
  okg_hot_region* region = NULL;
  void* data = NULL;
  char text[8];
  size_t length = 0;
  uint64_t records = 0;

  CHECK(okg_hot_open(NULL, &hot, NULL) == OKG_INVALID_ARGUMENT && hot == NULL);
  okg_hot_close(NULL);
  CHECK(okg_hot_get_report(NULL, &report) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_open_table(NULL, "t", NULL, &table, NULL) == OKG_INVALID_ARGUMENT && table == NULL);
  CHECK(okg_hot_put(NULL, "k", 1, "v", 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_put_u64(NULL, 1, "v", 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_get(NULL, "k", 1, text, sizeof text, &length, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_get_u64(NULL, 1, text, sizeof text, &length, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_erase(NULL, "k", 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_erase_u64(NULL, 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_for_each(NULL, visit, &visits, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_size(NULL, &records, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_poll(NULL, 1) == 0);
  CHECK(okg_hot_finalize(NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_put_for(NULL, "k", 1, "v", 1, 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_put_for_u64(NULL, 1, "v", 1, 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_set_deadline(NULL, "k", 1, 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_set_deadline_u64(NULL, 1, 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_view_begin(NULL, "k", 1, &view, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_view_begin_u64(NULL, 1, &view, NULL) == OKG_INVALID_ARGUMENT);
  okg_hot_view_end(NULL, NULL);
  CHECK(okg_hot_txn_begin(NULL, &txn, NULL) == OKG_INVALID_ARGUMENT && txn == NULL);
  CHECK(okg_hot_txn_put(NULL, NULL, "k", 1, "v", 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_txn_put_u64(NULL, NULL, 1, "v", 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_txn_erase(NULL, NULL, "k", 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_txn_erase_u64(NULL, NULL, 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_txn_get(NULL, NULL, "k", 1, text, sizeof text, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_txn_get_u64(NULL, NULL, 1, text, sizeof text, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_txn_append(NULL, NULL, "m", 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_txn_commit(NULL, NULL) == OKG_INVALID_ARGUMENT);
  okg_hot_txn_clear(NULL);
  okg_hot_txn_free(NULL);
  CHECK(okg_hot_open_journal(NULL, "j", NULL, &journal, NULL) == OKG_INVALID_ARGUMENT && journal == NULL);
  CHECK(okg_hot_journal_append(NULL, "m", 1, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_journal_peek(NULL, 0, text, sizeof text, NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_journal_ack(NULL, 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_journal_lag(NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_open_region(NULL, "r", NULL, &region, &data, NULL) == OKG_INVALID_ARGUMENT && region == NULL);
  CHECK(okg_hot_region_touch(NULL, NULL, 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_region_commit(NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_region_rollback(NULL, NULL) == OKG_INVALID_ARGUMENT);
}

/* Twice: what the first puts the second finds. */
/* A trade, and a message about it: all of it or nothing. */
static void hot_transaction(okg_hot* hot, okg_hot_table* players, okg_hot_table* words) {
  okg_hot_journal_options options = OKG_HOT_JOURNAL_OPTIONS_INIT;
  okg_hot_journal* outbox = NULL;
  okg_hot_txn* txn = NULL;
  okg_error error;
  char text[16];
  size_t length = 0;
  uint64_t first = 0, second = 0, lag = 0, capacity = 0;

  options.bytes = 4096;
  CHECK(okg_hot_open_journal(hot, "outbox", &options, &outbox, &error) == OKG_OK);
  CHECK(okg_hot_txn_begin(hot, &txn, &error) == OKG_OK);
  CHECK(okg_hot_txn_get_u64(txn, players, 100, text, sizeof text, &length, &error) == OKG_NOT_FOUND);
  CHECK(okg_hot_txn_put_u64(txn, players, 100, "gold", 5, &error) == OKG_OK);
  CHECK(okg_hot_txn_get_u64(txn, players, 100, text, sizeof text, &length, &error) == OKG_OK && length == 5);
  CHECK(okg_hot_txn_put(txn, words, "sword", 5, "sold", 5, &error) == OKG_OK);
  CHECK(okg_hot_txn_append(txn, outbox, "traded", 7, &error) == OKG_OK);
  /* Somebody else is faster. */
  CHECK(okg_hot_put_u64(players, 100, "iron", 5, &error) == OKG_OK);
  CHECK(okg_hot_txn_commit(txn, &error) == OKG_CONFLICT);
  CHECK(okg_hot_journal_lag(outbox, &lag, &capacity) == OKG_OK && lag == 0 && capacity == 4096);
  CHECK(okg_hot_erase_u64(players, 100, &error) == OKG_OK);
  CHECK(okg_hot_txn_commit(txn, &error) == OKG_OK);
  CHECK(okg_hot_get_u64(players, 100, text, sizeof text, &length, &error) == OKG_OK && length == 5);
  CHECK(okg_hot_txn_erase_u64(txn, players, 100, &error) == OKG_OK);
  CHECK(okg_hot_txn_erase(txn, words, "nobody", 6, &error) == OKG_OK);
  CHECK(okg_hot_txn_get(txn, words, "nobody", 6, text, sizeof text, NULL, &error) == OKG_NOT_FOUND);
  CHECK(okg_hot_txn_commit(txn, &error) == OKG_NOT_FOUND);
  okg_hot_txn_clear(txn);
  CHECK(okg_hot_txn_commit(txn, &error) == OKG_OK);
  okg_hot_txn_free(txn);
  CHECK(okg_hot_get_u64(players, 100, text, sizeof text, NULL, &error) == OKG_OK);
  CHECK(okg_hot_erase_u64(players, 100, &error) == OKG_OK &&
        okg_hot_erase(words, "sword", 5, &error) == OKG_OK);

  CHECK(okg_hot_journal_append(outbox, "more", 5, &second, &error) == OKG_OK);
  CHECK(okg_hot_journal_peek(outbox, 0, text, sizeof text, &length, &first, &error) == OKG_OK && length == 7);
  CHECK(okg_hot_journal_peek(outbox, first, text, 2, &length, NULL, &error) == OKG_NO_SPACE && length == 5);
  CHECK(okg_hot_journal_peek(outbox, second, text, sizeof text, NULL, NULL, &error) == OKG_NOT_FOUND);
  CHECK(okg_hot_journal_ack(outbox, second + 16000, &error) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_journal_ack(outbox, second, &error) == OKG_OK);
  CHECK(okg_hot_journal_lag(outbox, &lag, NULL) == OKG_OK && lag == 0);
}

static void hot_region(okg_hot* hot, int again) {
  okg_hot_region_options options = OKG_HOT_REGION_OPTIONS_INIT;
  okg_hot_region* region = NULL;
  okg_error error;
  void* data = NULL;

  CHECK(okg_hot_open_region(hot, "world", NULL, &region, &data, &error) == OKG_INVALID_ARGUMENT);
  options.bytes = 1000;
  options.mode = OKG_HOT_IN_PLACE;
  options.checks_touches = 1;
  CHECK(okg_hot_open_region(hot, "world", &options, &region, &data, &error) == OKG_OK && data != NULL);
  CHECK(((char*)data)[999] == (again ? 'x' : 0) && ((char*)data)[0] == 0);
  CHECK(okg_hot_region_touch(region, (char*)data + 990, 11, &error) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_region_touch(region, (char*)data + 999, 1, &error) == OKG_OK);
  ((char*)data)[999] = 'x';
  CHECK(okg_hot_region_commit(region, &error) == OKG_OK);
  CHECK(okg_hot_region_touch(region, data, 1, &error) == OKG_OK);
  ((char*)data)[0] = 'y';
  CHECK(okg_hot_region_rollback(region, &error) == OKG_OK && ((char*)data)[0] == 0);
  ((char*)data)[0] = 'y';
  CHECK(okg_hot_region_commit(region, &error) == OKG_CONFLICT);
  ((char*)data)[0] = 0;
}

static void hot_deadlines_and_views(okg_hot_table* players, okg_hot_table* words) {
  okg_hot_view view, other;
  okg_error error;

  CHECK(okg_hot_put_for_u64(players, 200, "short", 6, 3600000000000, &error) == OKG_OK);
  CHECK(okg_hot_view_begin_u64(players, 200, &view, &error) == OKG_OK && view.length == 6);
  CHECK(okg_hot_put_u64(players, 200, "long!", 6, &error) == OKG_OK);
  CHECK(strcmp((const char*)view.data, "short") == 0);
  okg_hot_view_end(players, &view);
  CHECK(okg_hot_set_deadline_u64(players, 200, -1, &error) == OKG_OK);
  CHECK(okg_hot_view_begin_u64(players, 200, &view, &error) == OKG_NOT_FOUND && view.data == NULL);
  CHECK(okg_hot_put_for(words, "hi", 2, "there", 6, 3600000000000, &error) == OKG_OK);
  CHECK(okg_hot_set_deadline(words, "hi", 2, 0, &error) == OKG_OK);
  CHECK(okg_hot_view_begin(words, "hi", 2, &other, &error) == OKG_OK);
  okg_hot_view_end(words, &other);
  CHECK(okg_hot_erase(words, "hi", 2, &error) == OKG_OK);
  CHECK(okg_hot_finalize(words, &error) == OKG_OK);
}

static void hot_state(const char* directory, int again) {
  okg_hot_options options = OKG_HOT_OPTIONS_INIT;
  okg_hot_schema names = OKG_HOT_SCHEMA_INIT;
  okg_hot_report report = OKG_HOT_REPORT_INIT;
  okg_hot *hot = NULL, *second = NULL;
  okg_hot_table *players = NULL, *words = NULL;
  okg_error error;
  char text[16] = "";
  size_t length = 0;
  uint64_t records = 0, bytes = 0;

  CHECK(okg_hot_open(&options, &hot, &error) == OKG_INVALID_ARGUMENT && hot == NULL);
  options.directory = directory;
  options.name = "world";
  options.max_bytes = 4 << 20;
  options.lock_wait_ns = -1;
  options.log = log_line;
  options.log_user = &failures;
  CHECK(okg_hot_open(&options, &hot, &error) == OKG_OK);
  if (!hot) {
    printf("okg_hot_open: %s\n", error.text);
    ++failures;
    return;
  }
  CHECK(okg_hot_open(&options, &second, &error) == OKG_IN_USE && second == NULL);
  CHECK(okg_hot_get_report(hot, &report) == OKG_OK);
  CHECK(report.opened == (again ? OKG_HOT_RESUMED : OKG_HOT_CREATED) && report.was_clean &&
        !report.is_crash_loop);
  CHECK(report.records == (again ? 1U : 0U) && report.epoch == (again ? 2U : 1U));
  CHECK(okg_hot_open_table(hot, "players", NULL, &players, &error) == OKG_OK);
  names.keys = 1;
  names.version = 2;
  CHECK(okg_hot_open_table(hot, "names", &names, &words, &error) == OKG_OK);
  names.version = 3;
  CHECK(okg_hot_open_table(hot, "names", &names, &words, &error) == OKG_SCHEMA_MISMATCH && words == NULL);
  names.version = 2;
  CHECK(okg_hot_open_table(hot, "names", &names, &words, &error) == OKG_OK);
  if (again) {
    CHECK(okg_hot_get_u64(players, 7, text, sizeof text, &length, &error) == OKG_OK &&
          strcmp(text, "seven") == 0);
    CHECK(length == 6);
  } else {
    CHECK(okg_hot_put_u64(players, 7, "seven", 6, &error) == OKG_OK);
  }
  CHECK(okg_hot_get_u64(players, 7, text, 3, &length, &error) == OKG_NO_SPACE && length == 6);
  CHECK(okg_hot_get_u64(players, 8, text, sizeof text, &length, &error) == OKG_NOT_FOUND);
  CHECK(okg_hot_put(words, "hello", 5, "world", 6, &error) == OKG_OK);
  CHECK(okg_hot_get(words, "hello", 5, text, sizeof text, NULL, NULL) == OKG_OK &&
        strcmp(text, "world") == 0);
  CHECK(okg_hot_put(words, "", 0, "x", 1, &error) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_put(words, NULL, 1, "x", 1, &error) == OKG_INVALID_ARGUMENT);
  CHECK(okg_hot_size(words, &records, &bytes) == OKG_OK && records == 1 && bytes == 11);
  visits = 0;
  CHECK(okg_hot_for_each(words, visit, &visits, &error) == OKG_OK && visits == 1);
  CHECK(okg_hot_erase(words, "hello", 5, &error) == OKG_OK);
  CHECK(okg_hot_erase(words, "hello", 5, &error) == OKG_NOT_FOUND);
  CHECK(okg_hot_put_u64(players, 9, NULL, 0, &error) == OKG_OK &&
        okg_hot_erase_u64(players, 9, &error) == OKG_OK);
  hot_transaction(hot, players, words);
  hot_region(hot, again);
  hot_deadlines_and_views(players, words);
  while (okg_hot_poll(hot, 1000000)) {
  }
  okg_hot_close(hot);
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
  okg_subscription *scripts = NULL, *others = NULL;
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
  hot_null_handles();
  CHECK(snprintf(status, sizeof status, "%s/hot-c", argv[1]) > 0);
  hot_state(status, 0);
  hot_state(status, 1);

  options.name = "uses_all";
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
