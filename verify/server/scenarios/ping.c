/* SPDX-License-Identifier: MIT */
/* ping.c: a client that announces its stream and sends no ping. */
#include "steps.h"

/* Threads that wait for a ping: one for video, one for audio. */
#define WAITERS 2
/* GLib's pool keeps idle threads for 15 s: after that the threads of a session are its own. */
#define SETTLED_MS 20000
/* The wait has 30 s; a server that has no limit is looked at for this. */
#define ENDED_MS 30000
#define LOOK_MS 200

void
scenario_ping_missing (Runner *runner, Result *result)
{
  g_autoptr (Client) client = client_start (runner, 0, "announce", SOON_MS);
  g_autoptr (JsonObject) announced = client_report (client, "announce", SOON_MS);
  g_auto (Answer) answer = { 0 };
  Metrics waiting, now;

  expect_both (result, announced != NULL && json_object_get_boolean_member (announced, "ok"),
      "a session was announced");
  wait_ms (SETTLED_MS);
  metrics_read (runner, &waiting);
  const gint64 until = g_get_monotonic_time () + ENDED_MS * G_TIME_SPAN_MILLISECOND;
  do {
    wait_ms (LOOK_MS);
    metrics_read (runner, &now);
  } while (now.threads + WAITERS > waiting.threads && g_get_monotonic_time () < until);
  ask_https_now (runner, 0, "/serverinfo", SOON_MS, &answer);
  result_metrics (result, "waiting", &waiting);
  result_metrics (result, "after", &now);
  expect_both (result, answer.status == 200, "HTTPS answers");
  expect_fault (result, now.threads + WAITERS > waiting.threads, "the wait has no end");
  expect_held (result, now.threads + WAITERS <= waiting.threads, "the wait ends with its threads");
}
