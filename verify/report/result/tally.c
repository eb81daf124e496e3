/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

gboolean
tally_open (
    Tally *tally, const gchar *program, const gchar *label, const gchar *path, gboolean replace)
{
  *tally = (Tally){ .program = program, .label = label, .fd = -1 };
  if (path == NULL)
    return TRUE;
  tally->fd =
      open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (replace ? O_TRUNC : 0), 0644);
  if (tally->fd < 0)
    g_printerr ("%s: cannot write --out %s: %s; name a file in a folder that is there\n", program,
        path, g_strerror (errno));
  return tally->fd >= 0;
}

void
tally_add (Tally *tally, const gchar *line)
{
  g_autofree gchar *whole = g_strconcat (line, "\n", NULL);
  const gssize size = (gssize) strlen (whole);

  tally->run++;
  tally->passed += strstr (line, "\"pass\":true") != NULL;
  g_print ("%s", whole);
  if (tally->fd >= 0 && write (tally->fd, whole, (gsize) size) != size)
    g_printerr ("%s: a line of --out is not whole: %s\n", tally->program, g_strerror (errno));
}

gint
tally_close (Tally *tally)
{
  if (tally->fd >= 0)
    close (tally->fd);
  g_printerr ("%s: %s: %u of %u pass\n", tally->program, tally->label, tally->passed, tally->run);
  return tally->run > 0 && tally->passed == tally->run ? EXIT_SUCCESS : EXIT_FAILURE;
}

gboolean
tally_chooses (const gchar *only, const gchar *name)
{
  g_auto (GStrv) globs = g_strsplit (only ? only : "*", ",", -1);

  for (gchar **glob = globs; *glob != NULL; glob++)
    if (g_pattern_match_simple (*glob, name))
      return TRUE;
  return FALSE;
}
