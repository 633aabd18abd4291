/* Connects, shows the status and goes: game RUN_DIR PAYLOAD_DIR. */
#include <okg/okg.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  okg_options options = OKG_OPTIONS_INIT;
  okg_server* server = NULL;
  okg_error error;
  char status[65536];

  if (argc != 3) return 2;
  options.name = "consumer";
  options.run_dir = argv[1];
  options.payload_dir = argv[2];
  if (okg_connect(&options, &server, &error) != OKG_OK || okg_start(server, 0, &error) != OKG_OK) {
    fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  okg_poll(server, 0);
  if (okg_status_json(server, status, sizeof status, NULL) != OKG_OK) return 1;
  puts(status);
  okg_release(server);
  return strstr(status, "okg.status/v1") ? 0 : 1;
}
