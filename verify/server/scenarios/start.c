/* SPDX-License-Identifier: MIT */
/* start.c: a server that starts beside something that does not answer. */
#include "daemon.h"
#include "steps.h"

#include <gio/gunixsocketaddress.h>

/* A request to a container engine is given up after 10 s, a sound server after 5 s. */
#define START_LIMIT_MS 20000

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
void
scenario_start_sound_silent (Runner *runner, Result *result)
{
  g_autofree gchar *path = runner_path (runner, SOUND_SOCKET);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocket) mute =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);

  expect_both (result, g_socket_bind (mute, address, FALSE, NULL) && g_socket_listen (mute, NULL),
      "a sound server that says nothing is there");
  restart (runner, result);
}
