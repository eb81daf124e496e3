/* SPDX-License-Identifier: MIT
 *
 * Files of result lines, as wolf-shape reads them.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#define main shape_main
int shape_main (int argc, char **argv);
#include "shape.c" /* its parsers are its own */

#include <sys/mman.h>
#include <unistd.h>

static void
read_facts (GHashTable *lines)
{
  GHashTableIter iter;
  gpointer name, line;

  g_hash_table_iter_init (&iter, lines);
  while (g_hash_table_iter_next (&iter, &name, &line))
    for (guint i = 0; i < G_N_ELEMENTS (facts); i++) {
      gboolean so;

      if (g_pattern_match_simple (facts[i].scenario, name))
        read_fact (line, &facts[i], &so);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const int fd = memfd_create ("lines", MFD_CLOEXEC);
  g_autofree gchar *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (GError) error = NULL;

  if (fd >= 0 && write (fd, data, size) == (ssize_t) size) {
    g_autoptr (GHashTable) lines = read_lines (path, &error);

    if (lines == NULL)
      g_assert_nonnull (error);
    else
      read_facts (lines);
  }
  close (fd);
  return 0;
}
