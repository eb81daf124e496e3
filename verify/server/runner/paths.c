/* SPDX-License-Identifier: MIT */
#include "paths.h"

#include "runner-options.h"
#include "timing.h"

#include <string.h>

#define LOOK_MS 50 /* nothing announces a new line */

gchar *
runner_path (const Runner *runner, const gchar *name)
{
  return g_build_filename (runner->dir, name, NULL);
}

gchar *
runner_log (const Runner *runner)
{
  g_autofree gchar *path = runner_path (runner, SERVER_LOG);
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

gboolean
runner_log_says (const Runner *runner, const gchar *text, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    g_autofree gchar *log = runner_log (runner);
    if (log != NULL && strstr (log, text) != NULL)
      return TRUE;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (LOOK_MS);
  }
}

gchar *
runner_client_file (const RunnerOptions *options, guint number, const gchar *file)
{
  return g_strdup_printf ("%s/client-%u/%s", options->scratch, number, file);
}
