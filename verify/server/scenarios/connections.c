/* SPDX-License-Identifier: MIT */
/* connections.c: connections that nobody uses, and a server that has no descriptors left. */
#define _GNU_SOURCE
#include "steps.h"

#include <sys/resource.h>

/* Silent connections, and how long they may stay: a server has 2.5 s for a message. */
#define SILENT 50
#define SILENT_MS 10000
/* Descriptors that a server has left, and how long a question to it then is watched. */
#define LEFT 20
#define EXHAUSTED_MS 2000
/* How often a state that nothing announces is looked at. */
#define LOOK_MS 50

/* Connects to the RTSP port; of GSocketConnection. */
static GPtrArray *
connect_silent (const Runner *runner, guint n)
{
  GPtrArray *connections = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  g_socket_client_set_enable_proxy (client, FALSE);
  for (guint i = 0; i < n; i++) {
    GSocketConnection *connection = g_socket_client_connect_to_host (
        client, "127.0.0.1", (guint16) runner->ports.rtsp, NULL, NULL);
    if (connection != NULL)
      g_ptr_array_add (connections, connection);
  }
  return connections;
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

/* `lower` leaves the server LEFT descriptors; else as many as it may have. */
static void
limit_descriptors (const Runner *runner, gboolean lower)
{
  struct rlimit limit;
  guint all, sockets;

  metrics_descriptors (runner->pid, &all, &sockets);
  prlimit (runner->pid, RLIMIT_NOFILE, NULL, &limit);
  limit.rlim_cur = lower ? all + LEFT : limit.rlim_max;
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

  limit_descriptors (runner, TRUE);
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
