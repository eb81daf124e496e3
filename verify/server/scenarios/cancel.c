/* SPDX-License-Identifier: MIT */
/* cancel.c: /cancel of sessions whose compositor source is stuck or dead. */
#include "steps.h"

/* How long /cancel is left alone before the looking around begins. */
#define ALONE_MS 1000

static void
conclude_cancel (Runner *runner, Result *result, Question *cancel)
{
  Metrics metrics;

  step_conclude (runner, result, cancel, "cancel", "/cancel");
  result_int (result, "patience_ms", step_patience_ms (runner));
  metrics_read (runner, &metrics);
  result_metrics (result, "while_stuck", &metrics);
  step_release (runner, result);
}

static void
cancel (Runner *runner, Result *result, const gchar *kind, const gchar *where)
{
  step_measure_healthy (runner, result);
  g_autoptr (Client) client = step_stream (runner, result, 0);

  if (client == NULL)
    return;
  step_strike_source (runner, result, 0, kind, where);
  Question *question = ask_https (runner, 0, "/cancel", step_patience_ms (runner));
  question_is_over (question, ALONE_MS);
  step_look_meanwhile (runner, result, 0, TRUE);
  conclude_cancel (runner, result, question);
}

void
scenario_cancel_stuck_create (Runner *runner, Result *result)
{
  cancel (runner, result, "stall", "create");
}

void
scenario_cancel_stuck_push (Runner *runner, Result *result)
{
  cancel (runner, result, "stall", "push");
}

void
scenario_cancel_dead (Runner *runner, Result *result)
{
  cancel (runner, result, "die", "create");
}

/* Stuck in start(): the session is launched, but its compositor never comes up. */
void
scenario_cancel_stuck_start (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_autoptr (JsonObject) armed =
      runner_order (runner, "stall element=wolf_wayland_source with=%s_video where=start times=1",
          runner->session_ids[0]);
  g_autoptr (Client) client = client_start (runner, 0, "launch", SOON_MS);
  g_autoptr (JsonObject) launched = client_report (client, "launch", SOON_MS);

  expect_both (result,
      armed != NULL && launched != NULL
          && runner_order_reached (runner, "wait state=stalled timeout=%d", SOON_MS),
      "the session's source is stuck in start()");
  Question *question = ask_https (runner, 0, "/cancel", step_patience_ms (runner));
  question_is_over (question, ALONE_MS);
  step_look_meanwhile (runner, result, 0, TRUE);
  conclude_cancel (runner, result, question);
}

/* Many at once, all stuck; each is cancelled, while another client goes on asking. */
void
scenario_cancel_many (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  const guint stuck = runner->n_clients - 1;
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func ((GDestroyNotify) client_end);
  guint unanswered = 0;
  gdouble slowest = 0;
  LoadTimes times;
  Metrics metrics;

  for (guint i = 0; i < stuck; i++) {
    Client *client = step_stream (runner, result, i);
    if (client == NULL)
      return;
    g_ptr_array_add (clients, client);
  }
  g_autoptr (JsonObject) armed =
      runner_order (runner, "stall element=wolf_wayland_source where=create");
  expect_both (result,
      armed != NULL
          && runner_order_reached (
              runner, "wait state=stalled count=%u timeout=%d", stuck, PATIENCE_MS),
      "all sources are stuck");
  Load *load = step_load_start (runner, stuck, runner->options->long_run ? 20 : 5, 5);
  for (guint i = 0; i < stuck; i++) {
    g_auto (Answer) answer = { 0 };
    /* One that is not answered stands for all; the others need not be waited for as long. */
    ask_https_now (runner, i, "/cancel", unanswered ? 200 : step_patience_ms (runner), &answer);
    if (answer.status == 200)
      slowest = MAX (slowest, answer.ms);
    else
      unanswered++;
  }
  step_load_end (load, result, "meanwhile", &times);
  metrics_read (runner, &metrics);
  result_metrics (result, "while_stuck", &metrics);
  result_int (result, "sessions", stuck);
  result_int (result, "cancel_unanswered", unanswered);
  result_ms (result, "cancel_slowest_ms", unanswered == stuck ? -1 : slowest);
  expect_fault (result, unanswered > 0, "/cancel is not answered while sources are stuck");
  expect_in_time (result, unanswered == 0 && slowest <= step_limit_ms (runner),
      "the slowest /cancel is in time");
  expect_in_time (result, step_is_in_time (runner, &times), "HTTPS answers in time meanwhile");
  step_release (runner, result);
}
