/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

void
lab_log (const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree gchar *line = g_strconcat (text, "\n", NULL);
  (void) !write (STDERR_FILENO, line, strlen (line)); /* one call, so that lines do not mix */
}
