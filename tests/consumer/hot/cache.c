/* As cache.cpp; and nobody can have a server, so that a directory is needed. */
#include <okg/okg.h>
#include <stdio.h>

int main(int argc, char** argv) {
  okg_hot_options options = OKG_HOT_OPTIONS_INIT;
  okg_hot* hot = NULL;
  okg_hot_table* table = NULL;
  okg_error error;
  unsigned count = 0;

  if (argc < 2) return 99;
  options.name = "cache-c";
  options.directory = argv[1];
  options.max_bytes = 2 << 20;
  if (okg_hot_open(&options, &hot, &error) != OKG_OK ||
      okg_hot_open_table(hot, "starts", NULL, &table, &error) != OKG_OK) {
    fprintf(stderr, "%s\n", error.text);
    return 98;
  }
  (void)okg_hot_get_u64(table, 1, &count, sizeof count, NULL, NULL);
  ++count;
  if (okg_hot_put_u64(table, 1, &count, sizeof count, &error) != OKG_OK) return 97;
  okg_hot_close(hot);
  return (int)count;
}
