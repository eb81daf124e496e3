/* SPDX-License-Identifier: MIT */
/* threads.c: no thread can be made any more. */
#include "around.h"

#include <glib/gstdio.h>

/* While that file is in the runner's folder; see verify/tools/faults. */
#define REFUSE "refuse-threads"
#define LIBRARY "libwgrefuse.so"

/* Another server, in which threads can be refused. */
static gboolean
restart_with_refusal (Runner *runner, Result *result)
{
  g_autofree gchar *file = runner_path (runner, REFUSE);

  g_setenv ("WG_REFUSE_THREADS", file, TRUE);
  return around_restart_with (runner, result, LIBRARY);
}

/* How a launch ends: its status, 0: no answer. */
static gint64
launch (Runner *runner, Client **client)
{
  *client = client_start (runner, 0, NULL, SHORT_PATIENCE_MS);
  g_autoptr (JsonObject) launched = client_report (*client, "launch", SOON_MS);

  return launched ? json_object_get_int_member_with_default (launched, "status", 0) : 0;
}

/* A launch without threads; then others' sessions. */
void
scenario_threads_refused (Runner *runner, Result *result)
{
  g_autofree gchar *file = runner_path (runner, REFUSE);
  gint64 video = 0, audio = 0;
  Client *client;

  if (!restart_with_refusal (runner, result))
    return;
  around_begin (runner, result);
  expect_both (result, g_file_set_contents (file, "", 0, NULL), "no thread can be made");
  const gint64 status = launch (runner, &client);
  const gboolean answers = around_measure (runner, result, "during");
  if (status == 200 && client_pings (client, SHORT_PATIENCE_MS))
    client_count (client, COUNT_MS, &video, &audio);
  const gboolean ended = !runner_is_alive (runner);
  client_end (client);
  result_int (result, "launch_status", status);
  result_int (result, "launch_video", video);
  expect_fault (
      result, ended || (status == 200 && video == 0), "a launch succeeds and nothing streams");
  expect_held (result, status == 503, "the launch is answered with 503");
  expect_held (result, answers, "HTTPS answers meanwhile");
  g_unlink (file);
  if (!ended) {
    g_autoptr (Client) other = client_start (runner, 1, NULL, SOON_MS);
    const gboolean streams = client_streams (other, SOON_MS);
    g_auto (Answer) cancelled = { 0 };
    expect_held (result, streams, "another session streams when there are threads again");
    ask_https_now (runner, 1, "/cancel", SHORT_PATIENCE_MS, &cancelled);
  }
  around_end (runner, result);
}
