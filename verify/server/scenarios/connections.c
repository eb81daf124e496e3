/* SPDX-License-Identifier: MIT */
/* connections.c: connections that nobody uses, and a server that has no descriptors left. */
#define _GNU_SOURCE
#include "steps.h"

#include <string.h>
#include <sys/resource.h>

/* Silent connections, and how long they may stay: a server has 2.5 s for a message. */
#define SILENT 50
#define SILENT_MS 10000
/* Descriptors that a server has left, and how long a question to it then is watched. */
#define LEFT 20
#define EXHAUSTED_MS 2000
/* Where a crowd comes from, how many they are, and how many a server takes of one address. */
#define CROWD_ADDRESS "127.0.0.2"
#define CROWD 150
#define MOST_PER_ADDRESS 64
/* How long they are given to be counted; after 5 s a server drops those that say nothing. */
#define SETTLED_MS 3000
/* A log that is written to without a pause has more lines, one with pauses of 100 ms has fewer. */
#define MANY_LINES 200
/* A launch that nothing follows. */
#define LAUNCH                                                                                     \
  "/launch?uniqueid=0&appid=%s&mode=320x180x15&rikey=00112233445566778899aabbccddeeff&rikeyid=1"
/* How often a state that nothing announces is looked at. */
#define LOOK_MS 50

/* Connections from `address`, or with NULL from any, that say nothing. */
static GPtrArray *
connect_from (const gchar *address, guint port, guint n)
{
  GPtrArray *connections = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) local =
      address ? g_inet_socket_address_new_from_string (address, 0) : NULL;

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_local_address (client, local);
  for (guint i = 0; i < n; i++) {
    GSocketConnection *connection =
        g_socket_client_connect_to_host (client, "127.0.0.1", (guint16) port, NULL, NULL);
    if (connection != NULL)
      g_ptr_array_add (connections, connection);
  }
  return connections;
}

/* Connects to the RTSP port; of GSocketConnection. */
static GPtrArray *
connect_silent (const Runner *runner, guint n)
{
  return connect_from (NULL, runner->ports.rtsp, n);
}

/* Waits until the server has at most, or at least, so many of them. */
static gboolean
await_accepted (const Runner *runner, guint n, gboolean at_most, gint64 within_ms, Sockets *sockets)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    sockets_read (runner->ports.rtsp, sockets);
    if (at_most ? sockets->established <= n : sockets->established >= n)
      return TRUE;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (LOOK_MS);
  }
}

void
scenario_rtsp_silent (Runner *runner, Result *result)
{
  Sockets sockets;
  g_autoptr (GPtrArray) silent = connect_silent (runner, SILENT);

  expect_both (result, silent->len == SILENT, "silent connections are made");
  g_autoptr (Client) client = step_stream (runner, result, 0);
  const gboolean gone = await_accepted (runner, 0, TRUE, SILENT_MS, &sockets);
  result_int (result, "silent", silent->len);
  result_int (result, "left", sockets.established);
  expect_both (result, client != NULL, "a session streams beside them");
  expect_fault (result, sockets.established >= SILENT, "silent connections stay");
  expect_held (result, gone, "silent connections end");
}

#define AS_MANY_AS_IT_MAY G_MAXUINT

/* Leaves the server so many descriptors. */
static void
leave_descriptors (const Runner *runner, guint left)
{
  struct rlimit limit;
  guint all, sockets;

  metrics_descriptors (runner->pid, &all, &sockets);
  prlimit (runner->pid, RLIMIT_NOFILE, NULL, &limit);
  limit.rlim_cur = left == AS_MANY_AS_IT_MAY ? limit.rlim_max : all + left;
  prlimit (runner->pid, RLIMIT_NOFILE, &limit, NULL);
}

/* Silent connections use the descriptors up; then they leave. */
void
scenario_descriptors (Runner *runner, Result *result)
{
  g_auto (Answer) exhausted = { 0 };
  g_auto (Answer) api = { 0 };
  g_auto (Answer) https = { 0 };
  Sockets sockets;

  leave_descriptors (runner, LEFT);
  GPtrArray *silent = connect_silent (runner, 2 * LEFT);
  await_accepted (runner, LEFT / 2, FALSE, SOON_MS, &sockets);
  ask_api_now (runner, "GET", "/api/v1/sessions", NULL, EXHAUSTED_MS, &exhausted);
  result_int (result, "accepted", sockets.established);
  result_answer (result, "exhausted_api", &exhausted);
  g_ptr_array_unref (silent);
  await_accepted (runner, 0, TRUE, SILENT_MS, &sockets);
  ask_https_now (runner, 0, "/serverinfo", SHORT_PATIENCE_MS, &https);
  ask_api_now (runner, "GET", "/api/v1/sessions", NULL, SHORT_PATIENCE_MS, &api);
  result_answer (result, "https", &https);
  result_answer (result, "api", &api);
  expect_both (result, !exhausted.answered, "no descriptor was left");
  expect_fault (result, !api.answered, "the API does not come back");
  expect_held (result, https.status == 200, "HTTPS comes back");
  expect_held (result, api.status == 200, "the API comes back");
}

/* Waits until all connections to a port have been accepted, and at most `most` of them are left;
 * returns how many are left after that, or after SETTLED_MS. */
static guint
await_all (guint port, guint most)
{
  const gint64 until = g_get_monotonic_time () + SETTLED_MS * G_TIME_SPAN_MILLISECOND;
  Sockets sockets;

  do {
    wait_ms (LOOK_MS);
    sockets_read (port, &sockets);
  } while (
      (sockets.unaccepted > 0 || sockets.established > most) && g_get_monotonic_time () < until);
  return sockets.established;
}

static guint
count_failed_accepts (const Runner *runner)
{
  g_autofree gchar *log = runner_log (runner);
  guint lines = 0;

  for (const gchar *at = log; at != NULL && (at = strstr (at, "Too many open files")) != NULL; at++)
    lines++;
  return lines;
}

/* A crowd that says nothing, first with descriptors enough, then with too few. */
void
scenario_connections (Runner *runner, Result *result)
{
  g_auto (Answer) beside = { 0 };
  g_auto (Answer) exhausted = { 0 };

  GPtrArray *crowd = connect_from (CROWD_ADDRESS, runner->ports.https, CROWD);
  const guint accepted = await_all (runner->ports.https, MOST_PER_ADDRESS);
  ask_https_now (runner, 0, "/serverinfo", SHORT_PATIENCE_MS, &beside);
  g_ptr_array_unref (crowd);
  await_all (runner->ports.https, 0);
  leave_descriptors (runner, LEFT);
  crowd = connect_from (CROWD_ADDRESS, runner->ports.https, 2 * LEFT);
  ask_https_now (runner, 0, "/serverinfo", EXHAUSTED_MS, &exhausted);
  const guint lines = count_failed_accepts (runner);
  leave_descriptors (runner, AS_MANY_AS_IT_MAY);
  g_ptr_array_unref (crowd);
  result_int (result, "accepted", accepted);
  result_int (result, "failed_accepts", lines);
  result_answer (result, "beside", &beside);
  result_answer (result, "exhausted", &exhausted);
  expect_both (result, beside.status == 200, "another client is answered beside a crowd");
  expect_fault (result, accepted > MOST_PER_ADDRESS, "a crowd of one address is accepted whole");
  expect_held (result, accepted <= MOST_PER_ADDRESS, "of one address so many are accepted");
  expect_fault (result, !exhausted.answered && lines > MANY_LINES,
      "without descriptors nobody is answered, and the log fills");
  expect_held (result, exhausted.status == 200 && lines <= MANY_LINES,
      "an idle connection goes for one that asks");
}

/* A launch with so many descriptors left. FALSE: the server has ended. */
static gboolean
launch_with (Runner *runner, guint left, Answer *launched)
{
  g_autofree gchar *path = g_strdup_printf (LAUNCH, runner->app_id);
  g_auto (Answer) cancelled = { 0 };

  leave_descriptors (runner, left);
  ask_https_now (runner, 0, path, SHORT_PATIENCE_MS, launched);
  const gboolean ended = runner_has_ended (runner, runner->server->dying_ms);
  if (!ended) {
    leave_descriptors (runner, AS_MANY_AS_IT_MAY);
    ask_https_now (runner, 0, "/cancel", SHORT_PATIENCE_MS, &cancelled);
  }
  return !ended && !runner_has_ended (runner, 0);
}

/* Waits until the server has no more descriptors than that. */
static void
await_descriptors (const Runner *runner, guint most)
{
  const gint64 until = g_get_monotonic_time () + SILENT_MS * G_TIME_SPAN_MILLISECOND;
  guint all, sockets;

  do {
    wait_ms (LOOK_MS);
    metrics_descriptors (runner->pid, &all, &sockets);
  } while (all > most && g_get_monotonic_time () < until);
}

/* Each step of a launch fails once for want of a descriptor. */
void
scenario_descriptors_launch (Runner *runner, Result *result)
{
  JsonArray *ended = json_array_new ();
  g_autoptr (GError) error = NULL;
  guint answered = 0, before, sockets;
  gboolean up = TRUE;

  metrics_descriptors (runner->pid, &before, &sockets);
  for (guint left = 0; up && left <= LEFT; left++) {
    g_auto (Answer) launched = { 0 };
    if (launch_with (runner, left, &launched)) {
      await_descriptors (runner, before);
    } else {
      json_array_add_int_element (ended, left);
      up = runner_restart (runner, &error);
    }
    answered += launched.answered;
  }
  const guint ends = json_array_get_length (ended);
  result_int (result, "answered", answered);
  result_array (result, "ended_with", ended);
  g_autoptr (Client) client = up ? step_stream (runner, result, 0) : NULL;
  expect_both (result, up, error ? error->message : "the server starts again");
  expect_both (result, client != NULL, "a session streams afterwards");
  expect_both (result, answered > 0, "some launches were answered");
  expect_fault (result, ends > 0, "a launch without descriptors ends the server");
  expect_held (result, ends == 0, "no launch without descriptors ends the server");
}
