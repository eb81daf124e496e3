/* SPDX-License-Identifier: MIT */
/* log.c: what an operator finds in the log. */
#include "inside.h"
#include "steps.h"

#include <string.h>

/* An unexpected end is reported within a second; the rest is for a busy machine. */
#define REPORT_MS 5000

/* Waits for a line of guard's with both texts in it; NULL if none comes. */
static gchar *
await_line (Runner *runner, const gchar *a, const gchar *b)
{
  const gchar *const parts[] = { "[GUARD] thread", a, b };

  return inside_line (runner, parts, REPORT_MS);
}

static void
tell_line (Result *result, const gchar *name, const gchar *line)
{
  if (line != NULL)
    result_text (result, name, line);
  else
    result_null (result, name);
}

/* A source's streaming thread ends by the bare system call, of which nobody else learns. Then the
 * session is cancelled: the threads that the server itself had for it end as they should, and the
 * log says that, too. Theirs are the lines without a pipeline. */
void
scenario_thread_ends (Runner *runner, Result *result)
{
  g_autoptr (Client) client = step_stream (runner, result, 0);
  g_autofree gchar *ended = g_strdup_printf ("session=%s: ended after", runner->session_ids[0]);
  g_auto (Answer) cancelled = { 0 };

  if (client == NULL)
    return;
  step_strike_source (runner, result, 0, "die", "create");
  g_autofree gchar *line = await_line (runner, "ENDED UNEXPECTEDLY", runner->session_ids[0]);
  const gboolean named = line != NULL && strstr (line, "wolf_wayland_source") != NULL;
  ask_https_now (runner, 0, "/cancel", SHORT_PATIENCE_MS, &cancelled);
  g_autofree gchar *own = await_line (runner, ended, "'");
  tell_line (result, "unexpected_line", line);
  tell_line (result, "own_line", own);
  expect_fault (result, line == NULL && own == NULL, "the log says nothing of threads that end");
  expect_held (result, named, "the log names the thread that ended, its session and its element");
  expect_held (result, own != NULL, "the log names the server's own threads of a session");
  step_release (runner, result);
}
