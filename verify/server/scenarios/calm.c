/* SPDX-License-Identifier: MIT */
/*
 * calm.c: nothing is wrong, and the server must not say that something is.
 *
 * Of each server a thread is stopped in the end: that has to be noticed, or its silence says
 * nothing. Before the series nothing notices it.
 */
#include "freeze.h"
#include "inside.h"
#include "pairing.h"

#include <signal.h>
#include <string.h>

/* How long a situation lasts. */
#define CALM_MS 10000
#define CALM_LONG_MS 60000
/* Connections that say nothing, from addresses of which a server takes 64 each. */
#define SILENT 60
#define ADDRESSES 4
/* A server that is stopped, far beyond all of its levels; and how long it is looked at then. */
#define STOPPED_MS 6000
#define AFTER_MS 4000
#define BURST 100
#define BURST_LONG 1000
/* The control: slow after 1 s. */
#define NOTICED_MS 10000

static void
settle (const Runner *runner)
{
  wait_ms (runner->options->long_run ? CALM_LONG_MS : CALM_MS);
}

/* What the server has said since then; afterwards a loop is stopped. */
static void
conclude (Runner *runner, Result *result, gint64 since)
{
  static const gchar *const alarm[] = { "watch:", "slow after", NULL };
  g_autofree gchar *line = inside_line (runner, alarm, 0);
  const gint64 now = inside_episodes (runner);

  if (line != NULL)
    result_text (result, "alarm", strstr (line, "[GUARD]"));
  result_int (result, "episodes", now);
  expect_in_time (result, since >= 0 && now == since, "nothing is raised");
  g_autoptr (Freeze) held = freeze_begin (runner, freeze_find (runner, "RTSP"), NULL, NULL);
  if (held == NULL && since < 0) { /* before the series a real Wolf's threads have no names */
    expect_fault (result, TRUE, "no loop is named");
    return;
  }
  expect_both (result, held != NULL && freeze_stands (held, SOON_MS), "a loop stands");
  const gboolean noticed =
      inside_loop_is (runner, "RTSP", "slow", since < 0 ? 0 : step_wait_ms (runner, NOTICED_MS));
  expect_fault (result, !noticed, "a loop that stands is not noticed");
  expect_held (result, noticed, "a loop that stands is noticed");
}

/* Connections of all kinds that do nothing, or next to nothing. */
static void
connect_idle (Runner *runner, GPtrArray *connections)
{
  const guint ports[] = { runner->ports.http, runner->ports.https, runner->ports.rtsp };

  for (guint i = 0; i < ADDRESSES * SILENT; i++) {
    g_autofree gchar *address = g_strdup_printf ("127.0.0.%u", 20 + i / SILENT);
    g_autoptr (GSocketClient) client = g_socket_client_new ();
    g_autoptr (GSocketAddress) local = g_inet_socket_address_new_from_string (address, 0);
    GSocketConnection *one;
    g_socket_client_set_local_address (client, local);
    one = g_socket_client_connect_to_host (
        client, "127.0.0.1", (guint16) ports[i % G_N_ELEMENTS (ports)], NULL, NULL);
    if (one != NULL)
      g_ptr_array_add (connections, one);
  }
}

static gpointer
write_slowly (gpointer data)
{
  static const gchar request[] = "GET /serverinfo HTTP/1.1\r\nHost: wolf\r\n\r\n";
  g_autoptr (GSocketConnection) connection = data;
  GSocket *socket = g_socket_connection_get_socket (connection);

  for (guint i = 0; i < strlen (request); i++) {
    if (g_socket_send (socket, request + i, 1, NULL, NULL) != 1)
      break;
    wait_ms (CALM_MS / (gint64) strlen (request));
  }
  return NULL;
}

/* All at once: one session streams, one is paused, a client waits for a PIN, one writes a byte now
 * and then, many say nothing. */
void
scenario_calm (Runner *runner, Result *result)
{
  g_autoptr (GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree gchar *pause = step_session_body (runner, 1);
  g_auto (Answer) paused = { 0 };
  g_autoptr (Client) streams = step_stream (runner, result, 0);
  g_autoptr (Client) pauses = step_stream (runner, result, 1);

  if (streams == NULL || pauses == NULL)
    return;
  ask_api_now (runner, "POST", "/api/v1/sessions/pause", pause, SOON_MS, &paused);
  expect_both (result, paused.status == 200, "a session is paused");
  connect_idle (runner, connections);
  g_autoptr (GSocketConnection) asks = pairing_ask (runner, "127.0.0.1", "00");
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  GSocketConnection *slow = g_socket_client_connect_to_host (
      client, "127.0.0.1", (guint16) runner->ports.http, NULL, NULL);
  expect_both (result, asks != NULL && slow != NULL, "there are slow clients");
  const gint64 since = inside_episodes (runner);
  GThread *writer = g_thread_new ("slow", write_slowly, slow);
  settle (runner);
  g_thread_join (writer);
  result_int (result, "connections", connections->len);
  conclude (runner, result, since);
}

/* The whole process is stopped while a session streams, and goes on. */
void
scenario_calm_stopped (Runner *runner, Result *result)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("WOLF_GUARD_WATCH_STUCK_MS", "1500", TRUE);
  g_setenv ("WOLF_GUARD_WATCH_LOST_MS", "2000", TRUE);
  expect_both (
      result, runner_restart (runner, &error), error ? error->message : "the server starts");
  g_autoptr (Client) client = step_stream (runner, result, 0);
  if (client == NULL)
    return;
  const gint64 since = inside_episodes (runner);
  kill (runner->pid, SIGSTOP);
  wait_ms (STOPPED_MS);
  kill (runner->pid, SIGCONT);
  wait_ms (AFTER_MS);
  conclude (runner, result, since);
}

/* Sessions come and go, by the API. */
void
scenario_calm_burst (Runner *runner, Result *result)
{
  const guint wanted = runner->options->long_run ? BURST_LONG : BURST;
  const gint64 since = inside_episodes (runner);
  guint answered = 0;

  for (guint i = 0; i < wanted && answered == i; i++) {
    const guint number = i % runner->n_clients;
    g_autofree gchar *add = step_add_body (runner, number);
    g_autofree gchar *stop = step_session_body (runner, number);
    g_auto (Answer) added = { 0 };
    g_auto (Answer) stopped = { 0 };
    ask_api_now (runner, "POST", "/api/v1/sessions/add", add, SOON_MS, &added);
    ask_api_now (runner, "POST", "/api/v1/sessions/stop", stop, SOON_MS, &stopped);
    answered += added.status == 200 && stopped.status == 200;
  }
  result_int (result, "answered", answered);
  expect_held (result, answered == wanted, "each start and stop is answered");
  conclude (runner, result, since);
}

/* SIGTERM with three sessions. The control is another server, in which a loop stands. */
void
scenario_calm_shutdown (Runner *runner, Result *result)
{
  static const gchar *const alarm[] = { "watch:", " after ", NULL };
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func ((GDestroyNotify) client_end);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++) {
    Client *client = step_stream (runner, result, i);
    if (client == NULL)
      return;
    g_ptr_array_add (clients, client);
  }
  expect_both (result, runner_signal (runner, SIGTERM, PATIENCE_MS, NULL), "the process has ended");
  g_autofree gchar *line = inside_line (runner, alarm, 0);
  if (line != NULL)
    result_text (result, "alarm", strstr (line, "[GUARD]"));
  expect_in_time (result, line == NULL, "nothing is raised");
  expect_both (
      result, runner_restart (runner, &error), error ? error->message : "the server starts");
  conclude (runner, result, inside_episodes (runner));
}
