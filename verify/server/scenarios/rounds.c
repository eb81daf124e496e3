/* SPDX-License-Identifier: MIT */
/* rounds.c: many faults, one after the other, and what they leave behind. */
#include "daemon.h"
#include "steps.h"

#define ROUNDS 3
#define ROUNDS_LONG 100
/* After the release a container is stopped within this; the server tries again after 6 s. */
#define STOPPED_MS 30000
/* What a server may keep for the next one: its first launch, GLib's pool, sockets of libraries. */
#define KEPT_DESCRIPTORS 8

/* Somebody who connects and says nothing, and leaves. */
static gboolean
come_and_go (guint port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_to_host (client, "127.0.0.1", (guint16) port, NULL, NULL);

  return connection != NULL;
}

/* A session whose container's stop is not answered until /cancel is, and silent
 * connections. FALSE: /cancel is not answered. */
static gboolean
one_round (Runner *runner, Result *result, guint number)
{
  g_autoptr (Client) client = step_stream (runner, result, 0);
  g_auto (Answer) cancelled = { 0 };

  if (client == NULL || !daemon_reaches (runner, "running", 1, SOON_MS))
    return FALSE;
  daemon_set (runner, "stop", "held");
  ask_https_now (runner, 0, "/cancel", SHORT_PATIENCE_MS, &cancelled);
  const gboolean connected = come_and_go (runner->ports.rtsp) && come_and_go (runner->ports.http)
      && come_and_go (runner->ports.https);
  expect_both (result, connected, "all ports accept");
  daemon_set (runner, "stop", "good");
  if (cancelled.status != 200)
    return FALSE;
  expect_held (result, daemon_reaches (runner, "stops", number, STOPPED_MS),
      "the container is stopped when the engine answers again");
  return TRUE;
}

void
scenario_rounds (Runner *runner, Result *result)
{
  const guint rounds = runner->options->long_run ? ROUNDS_LONG : ROUNDS;
  Metrics before, after;
  guint n = 0;

  /* The first one makes what is kept. */
  gboolean answered = one_round (runner, result, 1);
  metrics_wait_empty (runner, G_MAXUINT, STEP_GONE_MS, &before);
  while (answered && n < rounds) {
    n++;
    answered = one_round (runner, result, 1 + n);
  }
  metrics_wait_empty (runner, before.threads + STEP_IDLE_THREADS, STEP_IDLE_MS, &after);
  result_int (result, "rounds", n);
  result_metrics (result, "metrics_before", &before);
  result_metrics (result, "metrics_after", &after);
  expect_fault (result, !answered, "/cancel is not answered while a container's stop is not");
  expect_held (result, answered && n == rounds, "every /cancel is answered");
  expect_held (result, after.pipelines == 0, "no pipeline is left");
  expect_held (result, after.threads <= before.threads + STEP_IDLE_THREADS, "no thread is left");
  expect_held (
      result, after.descriptors <= before.descriptors + KEPT_DESCRIPTORS, "no descriptor is left");
}
