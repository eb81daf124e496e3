/* SPDX-License-Identifier: MIT */
/* start.c: a server that starts beside something that does not answer. */
#include "daemon.h"
#include "steps.h"

#include <gio/gunixsocketaddress.h>
#include <signal.h>

/* A request to a container engine is given up after 10 s, a sound server after 5 s. */
#define START_LIMIT_MS 20000
#define LOOK_MS 20

/* Restarts the server; before the series it does not come up. */
static void
restart (Runner *runner, Result *result)
{
  const gint64 begun = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  runner->start_ms = START_LIMIT_MS;
  const gboolean up = runner_restart (runner, &error);
  const gdouble ms = (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND;
  result_ms (result, "start_ms", up ? ms : -1);
  expect_fault (result, !up, "no port opens");
  expect_in_time (result, up, "the server starts without it");
}

void
scenario_start_engine_silent (Runner *runner, Result *result)
{
  daemon_set (runner, "create", "held");
  restart (runner, result);
}

/* The kernel accepts for it, and nobody reads. */
static GSocket *
open_mute_sound (const Runner *runner, Result *result)
{
  g_autofree gchar *path = runner_path (runner, SOUND_SOCKET);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  GSocket *mute =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);

  expect_both (result, g_socket_bind (mute, address, FALSE, NULL) && g_socket_listen (mute, NULL),
      "a sound server that says nothing is there");
  return mute;
}

void
scenario_start_sound_silent (Runner *runner, Result *result)
{
  g_autoptr (GSocket) mute = open_mute_sound (runner, result);

  (void) mute; /* open until the end */
  restart (runner, result);
}

typedef struct {
  Runner *runner;
  gchar *path;
  gint64 until;
  gint status; /* of the first answer; 0: none */
} Launch;

/* Once HTTPS listens. */
static gpointer
launch_early (gpointer data)
{
  Launch *launch = data;

  while (launch->status == 0 && g_get_monotonic_time () < launch->until) {
    g_auto (Answer) answer = { 0 };
    ask_https_now (launch->runner, 0, launch->path, SHORT_PATIENCE_MS, &answer);
    launch->status = answer.answered ? answer.status : 0;
    wait_ms (LOOK_MS);
  }
  return NULL;
}

/* A launch that is answered with 200 has a program; the API lists its session in either case. */
void
scenario_launch_while_starting (Runner *runner, Result *result)
{
  g_autoptr (GSocket) mute = open_mute_sound (runner, result);
  g_autofree gchar *path = g_strdup_printf (
      "/launch?appid=%s&mode=320x180x30&rikey=00112233445566778899aabbccddeeff&rikeyid=1",
      runner->app_id);
  g_autofree gchar *id = g_strdup (runner->session_ids[0]);
  Launch launch = { runner, path,
    g_get_monotonic_time () + 2 * START_LIMIT_MS * G_TIME_SPAN_MILLISECOND, 0 };
  g_autoptr (GError) error = NULL;

  (void) mute; /* open until the end */
  runner_signal (runner, SIGKILL, SOON_MS, NULL);
  runner->told_to_end = FALSE;
  GThread *early = g_thread_new ("early", launch_early, &launch);
  runner->start_ms = 2 * START_LIMIT_MS;
  const gboolean up = runner_restart (runner, &error);
  g_thread_join (early);
  const gboolean streams = up && step_producer_outlives (runner, id, 0);
  result_int (result, "launch_status", launch.status);
  result_bool (result, "program", streams);
  expect_both (result, up, "the server starts");
  expect_fault (
      result, launch.status == 200 && !streams, "a launch is accepted and comes to nothing");
  expect_held (result, launch.status == 503 || (launch.status == 200 && streams),
      "a launch is refused, or has its stream");
}
