/* SPDX-License-Identifier: MIT */
/* scenarios-log.c: what an operator finds in the log. */
#include "acts.h"

#include <string.h>

/* An unexpected end is reported within a second; the rest is for a busy machine. */
#define REPORT_MS 5000
#define LOOK_MS 50

/* The log's line with all three texts in it, or NULL. */
static gchar *
find_line (Stage *stage, const gchar *a, const gchar *b, const gchar *c)
{
  g_autofree gchar *log = stage_log (stage);
  g_auto (GStrv) lines = g_strsplit (log ? log : "", "\n", -1);

  for (gchar **line = lines; *line != NULL; line++)
    if (strstr (*line, a) && strstr (*line, b) && strstr (*line, c))
      return g_strdup (*line);
  return NULL;
}

/* A source's streaming thread ends by the bare system call, of which nobody else learns. */
void
scenario_thread_ends (Stage *stage, Result *result)
{
  g_autoptr (Viewer) viewer = act_stream (stage, result, 0);
  const gint64 until = g_get_monotonic_time () + REPORT_MS * G_TIME_SPAN_MILLISECOND;
  g_autofree gchar *line = NULL;

  if (viewer == NULL)
    return;
  act_strike_source (stage, result, 0, "die", "create");
  while ((line = find_line (stage, "[GUARD]", "ENDED UNEXPECTEDLY", stage->session_ids[0])) == NULL
      && g_get_monotonic_time () < until)
    stage_let_pass (LOOK_MS);
  const gboolean named = line != NULL && strstr (line, "wolf_wayland_source") != NULL;
  if (line != NULL)
    result_text (result, "line", line);
  else
    result_null (result, "line");
  expect_fault (result, line == NULL, "the log says nothing of a thread that ended");
  expect_held (result, named, "the log names the thread that ended, its session and its element");
  act_release (stage, result);
}
