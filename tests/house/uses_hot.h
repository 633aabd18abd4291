/* The hot state's part of uses_all.c, which has CHECK() and log_line(). */
#pragma once

#include <okg/okg.h>
#include <string.h>

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
