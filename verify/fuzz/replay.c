/* SPDX-License-Identifier: MIT
 *
 * Runs a fuzz target over the files of the folders that it is given, without libFuzzer.
 */
#include "fuzz.h"

#include <glib.h>
#include <stdlib.h>

int
main (int argc, char **argv)
{
  guint count = 0;

  for (int i = 1; i < argc; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GDir) dir = g_dir_open (argv[i], 0, &error);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
      g_autofree char *path = g_build_filename (argv[i], name, NULL);
      g_autofree char *bytes = NULL;
      gsize size;

      if (!g_file_get_contents (path, &bytes, &size, &error))
        break;
      LLVMFuzzerTestOneInput ((const uint8_t *) bytes, size);
      count++;
    }
    if (error != NULL) {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  }
  g_print ("%u inputs\n", count);
  return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
