/* SPDX-License-Identifier: MIT */
/* container.c: sessions whose program runs in a container, and an engine that fails. */
#include "daemon.h"
#include "steps.h"

#include <signal.h>

/* How long a stop is left alone before the looking around begins. */
#define ALONE_MS 1000
/* After the release a container is stopped within this; the server tries again after 6 s. */
#define STOPPED_MS 30000
/* From SIGTERM; a stop that the engine does not answer. */
#define TERM_PATIENCE_MS 15000
#define TERM_LIMIT_MS 5000

static Client *
stream_in_container (Runner *runner, Result *result)
{
  Client *client = step_stream (runner, result, 0);

  if (client != NULL)
    expect_both (result, daemon_reaches (runner, "running", 1, SOON_MS), "its container runs");
  return client;
}

/* While the engine does not answer the stop of one session's container. */
static void
look_while_held (Runner *runner, Result *result, Question *stop, const gchar *what)
{
  question_is_over (stop, ALONE_MS);
  step_look_meanwhile (runner, result, 0, FALSE);
  step_conclude (runner, result, stop, "stop", what);
  expect_both (
      result, daemon_reaches (runner, "held", 1, SOON_MS), "the engine was asked to stop it");
  daemon_set (runner, "stop", "good");
  const gboolean stopped = daemon_reaches (runner, "stops", 1, STOPPED_MS);
  result_bool (result, "stopped", stopped);
  expect_held (result, stopped, "the container is stopped when the engine answers again");
}

void
scenario_container_cancel_held (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_autoptr (Client) client = stream_in_container (runner, result);

  if (client == NULL)
    return;
  daemon_set (runner, "stop", "held");
  look_while_held (
      runner, result, ask_https (runner, 0, "/cancel", step_patience_ms (runner)), "/cancel");
}

void
scenario_container_api_stop_held (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_autoptr (Client) client = stream_in_container (runner, result);
  g_autofree gchar *body = step_session_body (runner, 0);

  if (client == NULL)
    return;
  daemon_set (runner, "stop", "held");
  look_while_held (runner, result,
      ask_api (runner, "POST", "/api/v1/sessions/stop", body, step_patience_ms (runner)),
      "sessions/stop");
}

/* The engine's answer to a creation is no JSON. */
void
scenario_container_garbage (Runner *runner, Result *result)
{
  g_auto (Answer) answer = { 0 };

  daemon_set (runner, "create", "garbage");
  g_autoptr (Client) client = client_start (runner, 0, "launch", SOON_MS);
  g_autoptr (JsonObject) launched = client_report (client, "launch", SOON_MS);
  const gboolean ended = runner_has_ended (runner, SHORT_PATIENCE_MS);
  if (!ended)
    ask_https_now (runner, 1, "/serverinfo", SHORT_PATIENCE_MS, &answer);
  result_bool (result, "ended", ended);
  result_answer (result, "serverinfo", &answer);
  expect_both (result, launched != NULL, "a session was launched");
  expect_fault (result, ended, "the answer ends the server");
  expect_held (result, answer.status == 200, "the server goes on answering");
}

void
scenario_sigterm_container_held (Runner *runner, Result *result)
{
  g_autoptr (Client) client = stream_in_container (runner, result);
  gdouble ms = -1;

  if (client == NULL)
    return;
  daemon_set (runner, "stop", "held");
  const gboolean ended = runner_signal (runner, SIGTERM, TERM_PATIENCE_MS, &ms);
  const gdouble limit_ms = step_stretched_ms (runner, TERM_LIMIT_MS);
  result_ms (result, "exit_ms", ended ? ms : -1);
  expect_fault (result, !ended || ms > limit_ms, "the process does not end in time");
  expect_in_time (result, ended && ms <= limit_ms, "the process ended in time");
}
