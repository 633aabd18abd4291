/* What uses_all.c does with the controller. Included there once. */

static int written, told_state, told_change, told_update;
static okg_code written_code;
static uint64_t notice_id;

static void on_written(void* user, okg_code code, const okg_error* error) {
  CHECK(user == &written && error != NULL && error->code == (int)code);
  written_code = code;
  ++written;
}
static void on_ops_state(void* user, const char* state, const char* before) {
  CHECK(user == &told_state && strcmp(state, "None") == 0 && strcmp(before, "") == 0);
  ++told_state;
}
static void on_gameserver(void* user, const okg_gameserver* gameserver) {
  okg_gameserver* kept = okg_gameserver_retain(gameserver);
  CHECK(user == &told_change && kept == gameserver);
  okg_gameserver_release(kept);
  ++told_change;
}
static void on_update(void* user, const okg_update_notice* notice) {
  CHECK(user == &told_update && notice->size == sizeof *notice);
  notice_id = notice->id;
  ++told_update;
}
static void on_kill(void* user, const char* why) {
  CHECK(user == NULL && why == NULL); /* nobody kills here */
}
static void on_connection(void* user, okg_connection connection) {
  CHECK(user == NULL && connection == OKG_CONNECTION_CONNECTED);
}

static void controller_null_handles(void) {
  okg_error error;
  okg_address address;
  okg_port port;
  okg_start_report report = OKG_START_REPORT_INIT;
  CHECK(okg_connection_state(NULL, &error) == OKG_CONNECTION_OFF &&
        okg_connection_state(NULL, NULL) == OKG_CONNECTION_OFF);
  CHECK(okg_set_ops_state(NULL, "None", NULL, &error) == OKG_INVALID_ARGUMENT);
  CHECK(okg_set_update_priority(NULL, 0, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_set_deletion_priority(NULL, 0, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_set_label(NULL, "a", "b", NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_set_annotation(NULL, "a", "b", NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_on_ops_state(NULL, on_ops_state, NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_on_network(NULL, on_gameserver, NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_on_change(NULL, on_gameserver, NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_on_kill(NULL, on_kill, NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_on_connection(NULL, on_connection, NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_on_update(NULL, on_update, NULL, NULL, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_allow_update(NULL, 1, NULL) == OKG_INVALID_ARGUMENT);
  CHECK(okg_gameserver_pin(NULL) == NULL && okg_gameserver_retain(NULL) == NULL);
  okg_gameserver_release(NULL);
  CHECK(okg_gameserver_name(NULL)[0] == '\0' && okg_gameserver_ops_state(NULL)[0] == '\0');
  CHECK(okg_gameserver_state(NULL)[0] == '\0' && okg_gameserver_match_id(NULL)[0] == '\0');
  CHECK(okg_gameserver_label(NULL, "a") == NULL && okg_gameserver_annotation(NULL, "a") == NULL);
  CHECK(okg_gameserver_update_priority(NULL) == -1 && okg_gameserver_deletion_priority(NULL) == -1);
  CHECK(okg_gameserver_network_ready(NULL) == 0 && okg_gameserver_network_type(NULL)[0] == '\0');
  CHECK(okg_gameserver_address(NULL, 1, 0, &address) == OKG_INVALID_ARGUMENT);
  CHECK(okg_gameserver_port(NULL, 1, 0, 0, &port) == OKG_INVALID_ARGUMENT);
  CHECK(okg_get_start_report(NULL, &report) == OKG_INVALID_ARGUMENT);
}

/* Before okg_start(). */
static void controller_listen(okg_server* server, okg_subscription** change) {
  okg_error error;
  CHECK(okg_on_ops_state(server, on_ops_state, &told_state, NULL, &error) == OKG_OK);
  CHECK(okg_on_network(server, on_gameserver, &told_change, NULL, &error) == OKG_OK);
  CHECK(okg_on_change(server, on_gameserver, &told_change, change, &error) == OKG_OK && *change != NULL);
  CHECK(okg_on_kill(server, on_kill, NULL, NULL, &error) == OKG_OK);
  CHECK(okg_on_connection(server, on_connection, NULL, NULL, &error) == OKG_OK);
  CHECK(okg_on_update(server, on_update, &told_update, NULL, &error) == OKG_OK);
  CHECK(okg_on_update(server, NULL, NULL, NULL, &error) == OKG_INVALID_ARGUMENT);
}

static void wait_for(okg_server* server, const int* what, int count) {
  struct timespec pause = {0, 1000000};
  int i;
  for (i = 0; i < 10000 && *what < count; ++i) {
    okg_poll(server, 0);
    nanosleep(&pause, NULL);
  }
  CHECK(*what >= count);
}

/* Off-cluster: the GameServer is a file in the run directory. */
static void controller(okg_server* server) {
  okg_error error;
  okg_write_options options = OKG_WRITE_OPTIONS_INIT;
  okg_start_report report = OKG_START_REPORT_INIT;
  okg_gameserver* gameserver;
  okg_address address;
  okg_port port;

  wait_for(server, &told_change, 1);
  CHECK(told_state == 1 && okg_connection_state(server, &error) == OKG_CONNECTION_CONNECTED &&
        error.code == OKG_OK);
  options.written = on_written;
  options.user = &written;
  options.expect = "None";
  CHECK(okg_set_ops_state(server, "kill", &options, &error) == OKG_INVALID_ARGUMENT);
  CHECK(strstr(error.text, "did you mean Kill?") != NULL);
  CHECK(okg_set_ops_state(server, "Allocated", &options, &error) == OKG_OK);
  wait_for(server, &written, 1);
  CHECK(written_code == OKG_OK && told_state == 1);
  options.expect = NULL;
  CHECK(okg_set_update_priority(server, 3, &options, &error) == OKG_OK);
  CHECK(okg_set_update_priority(server, -3, &options, &error) == OKG_INVALID_ARGUMENT);
  CHECK(okg_set_deletion_priority(server, 4, &options, &error) == OKG_OK);
  CHECK(okg_set_label(server, "gs-sync/map", "dust-2", &options, &error) == OKG_OK);
  CHECK(okg_set_annotation(server, "gs-sync/match-id", "m-42", &options, &error) == OKG_OK);
  wait_for(server, &written, 5);
  gameserver = okg_gameserver_pin(server);
  CHECK(gameserver != NULL && strcmp(okg_gameserver_name(gameserver), "uses_all") == 0);
  CHECK(strcmp(okg_gameserver_ops_state(gameserver), "Allocated") == 0);
  CHECK(strcmp(okg_gameserver_state(gameserver), "Ready") == 0);
  CHECK(strcmp(okg_gameserver_match_id(gameserver), "m-42") == 0);
  CHECK(strcmp(okg_gameserver_label(gameserver, "gs-sync/map"), "dust-2") == 0);
  CHECK(okg_gameserver_annotation(gameserver, "none") == NULL);
  CHECK(okg_gameserver_update_priority(gameserver) == 3 && okg_gameserver_deletion_priority(gameserver) == 4);
  CHECK(okg_gameserver_network_ready(gameserver) == 1 &&
        strcmp(okg_gameserver_network_type(gameserver), "local") == 0);
  CHECK(okg_gameserver_address(gameserver, 1, 0, &address) == OKG_OK && strcmp(address.ip, "127.0.0.1") == 0);
  CHECK(address.port_count == 0 && address.end_point[0] == '\0' && address.range[0] == '\0');
  CHECK(okg_gameserver_address(gameserver, 0, 1, &address) == OKG_NOT_FOUND);
  CHECK(okg_gameserver_port(gameserver, 1, 0, 0, &port) == OKG_NOT_FOUND);
  okg_gameserver_release(gameserver);
  CHECK(okg_allow_update(server, 7, &error) == OKG_NOT_FOUND && told_update == 0 && notice_id == 0);
  CHECK(okg_get_start_report(server, &report) == OKG_OK && report.reason <= OKG_START_RESTART);
}
