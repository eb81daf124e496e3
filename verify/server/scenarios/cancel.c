/* SPDX-License-Identifier: MIT */
/* scenarios-cancel.c: /cancel of sessions whose compositor source is stuck or dead. */
#include "steps.h"

/* How long /cancel is left alone before the looking around begins. */
#define ALONE_MS 1000

static void
conclude_cancel (Stage *stage, Result *result, Question *cancel)
{
  g_auto (Answer) answer = { 0 };
  StageFigures figures;

  question_end (cancel, &answer);
  result_answer (result, "cancel", &answer);
  result_int (result, "patience_ms", act_patience_ms (stage));
  expect_fault (result, !answer.answered, "/cancel is not answered while the source is stuck");
  act_expect_prompt (stage, result, &answer, "/cancel is answered in time");
  stage_figures (stage, &figures);
  result_figures (result, "while_stuck", &figures);
  act_release (stage, result);
}

static void
cancel (Stage *stage, Result *result, const gchar *kind, const gchar *where)
{
  act_measure_healthy (stage, result);
  g_autoptr (Viewer) viewer = act_stream (stage, result, 0);

  if (viewer == NULL)
    return;
  act_strike_source (stage, result, 0, kind, where);
  Question *question = ask_https (stage, 0, "/cancel", act_patience_ms (stage));
  question_is_over (question, ALONE_MS);
  act_look_meanwhile (stage, result, 0, TRUE);
  conclude_cancel (stage, result, question);
}

void
scenario_cancel_stuck_create (Stage *stage, Result *result)
{
  cancel (stage, result, "stall", "create");
}

void
scenario_cancel_stuck_push (Stage *stage, Result *result)
{
  cancel (stage, result, "stall", "push");
}

void
scenario_cancel_dead (Stage *stage, Result *result)
{
  cancel (stage, result, "die", "create");
}

/* Stuck in start(): the session is launched, but its compositor never comes up. */
void
scenario_cancel_stuck_start (Stage *stage, Result *result)
{
  act_measure_healthy (stage, result);
  g_autoptr (JsonObject) armed = stage_order (stage,
      "stall element=wolf_wayland_source with=%s_video where=start times=1", stage->session_ids[0]);
  g_autoptr (Viewer) viewer = viewer_start (stage, 0, "launch", STAGE_SOON_MS);
  g_autoptr (JsonObject) launched = viewer_report (viewer, "launch", STAGE_SOON_MS);

  expect_both (result,
      armed != NULL && launched != NULL
          && stage_order_reached (stage, "wait state=stalled timeout=%d", STAGE_SOON_MS),
      "the session's source is stuck in start()");
  Question *question = ask_https (stage, 0, "/cancel", act_patience_ms (stage));
  question_is_over (question, ALONE_MS);
  act_look_meanwhile (stage, result, 0, TRUE);
  conclude_cancel (stage, result, question);
}

/* Many at once, all stuck; each is cancelled, while another client goes on asking. */
void
scenario_cancel_many (Stage *stage, Result *result)
{
  act_measure_healthy (stage, result);
  const guint stuck = stage->n_clients - 1;
  g_autoptr (GPtrArray) viewers = g_ptr_array_new_with_free_func ((GDestroyNotify) viewer_end);
  guint unanswered = 0;
  gdouble slowest = 0;
  LoadTimes times;
  StageFigures figures;

  for (guint i = 0; i < stuck; i++) {
    Viewer *viewer = act_stream (stage, result, i);
    if (viewer == NULL)
      return;
    g_ptr_array_add (viewers, viewer);
  }
  g_autoptr (JsonObject) armed =
      stage_order (stage, "stall element=wolf_wayland_source where=create");
  expect_both (result,
      armed != NULL
          && stage_order_reached (
              stage, "wait state=stalled count=%u timeout=%d", stuck, STAGE_PATIENCE_MS),
      "all sources are stuck");
  Load *load = act_load_start (stage, stuck, stage->options->long_run ? 20 : 5, 5);
  for (guint i = 0; i < stuck; i++) {
    g_auto (Answer) answer = { 0 };
    /* One that is not answered stands for all; the others need not be waited for as long. */
    stage_https (stage, i, "/cancel", unanswered ? 200 : act_patience_ms (stage), &answer);
    if (answer.status == 200)
      slowest = MAX (slowest, answer.ms);
    else
      unanswered++;
  }
  act_load_end (load, result, "meanwhile", &times);
  stage_figures (stage, &figures);
  result_figures (result, "while_stuck", &figures);
  result_int (result, "sessions", stuck);
  result_int (result, "cancel_unanswered", unanswered);
  result_ms (result, "cancel_slowest_ms", unanswered == stuck ? -1 : slowest);
  expect_fault (result, unanswered > 0, "/cancel is not answered while sources are stuck");
  expect_in_time (
      result, unanswered == 0 && slowest <= act_limit_ms (stage), "the slowest /cancel is in time");
  expect_in_time (result, act_is_in_time (stage, &times), "HTTPS answers in time meanwhile");
  act_release (stage, result);
}
