/* SPDX-License-Identifier: MIT */
/* number.c: reads them, or not. */
#include "number.h"

#include <stdlib.h>

gboolean
lab_number_read (const gchar *text, guint64 *number)
{
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, number, NULL);
}

void
lab_number_unreadable (const Lab *lab, const gchar *door, const gchar *what)
{
  lab_log ("%s: %s cannot be read", door, what);
  if (!lab->options.close_malformed)
    abort ();
}
