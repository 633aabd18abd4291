/* The smallest server that does all that docs/conformance.md asks for, in C11. Run it as
 *   okg local run --conformance report.json -- conformance_server_c
 */
#include <okg/okg.h>
#include <signal.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t asked_to_end = 0;

static void end(int number) {
  (void)number;
  asked_to_end = 1;
}

static okg_code reload(void* user, const okg_payload* payload, okg_error* error) {
  (void)user, (void)payload, (void)error;
  return OKG_OK;
}

static void ops_state(void* user, const char* state, const char* before) {
  if (*before == '\0') return; /* what stood there at the start */
  /* Said back, so that whoever looks sees that it was heard. */
  okg_set_annotation(user, "gs-sync/heard", state, NULL, NULL);
}

static void killed(void* user, const char* why) {
  (void)user, (void)why;
  asked_to_end = 1;
}

static void update(void* user, const okg_update_notice* notice) {
  /* A game would save first what is not in hot state. */
  if (notice->phase == OKG_UPDATE_COMING && notice->waits) okg_allow_update(user, notice->id, NULL);
}

int main(void) {
  signal(SIGTERM, end);
  signal(SIGINT, end);

  okg_options options = OKG_OPTIONS_INIT;
  options.server_version = "1.0.0";
  options.probation_ns = 100000000;
  okg_server* server = NULL;
  if (okg_connect(&options, &server, NULL) != OKG_OK) return 1;
  okg_on_reload_simple(server, "*", reload, NULL, NULL, NULL);
  okg_on_ops_state(server, ops_state, server, NULL, NULL);
  okg_on_kill(server, killed, NULL, NULL, NULL);
  okg_on_update(server, update, server, NULL, NULL);
  if (okg_start(server, 30000000000, NULL) != OKG_OK) return 1;

  int said = 0;
  while (!asked_to_end) {
    okg_poll(server, 0);
    okg_gameserver* now = okg_gameserver_pin(server);
    /* A state of its own, once it has heard that nobody has set another. */
    if (!said && strcmp(okg_gameserver_ops_state(now), "None") == 0)
      said = okg_set_ops_state(server, "Waiting", NULL, NULL) == OKG_OK;
    okg_gameserver_release(now);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  okg_close(server);
  okg_release(server);
  return 0;
}
