/* SPDX-License-Identifier: MIT */
/* scenarios-api.c: the same stuck pipelines, reached through the API's unix socket. */
#include "steps.h"

/* Input calls, of which a healthy one takes a millisecond. */
#define INPUT_CALLS 5
#define INPUT_PATIENCE_MS 2000
/* A relative mouse move as Moonlight sends it: header, type 7, one to the right and one down. */
#define MOUSE_MOVE "06020e000000000a0700000000010001"

void
scenario_api_stop_stuck (Stage *stage, Result *result)
{
  act_measure_healthy (stage, result);
  g_autoptr (Viewer) viewer = act_stream (stage, result, 0);
  g_autofree gchar *body = act_session_body (stage, 0);
  g_auto (Answer) answer = { 0 };

  if (viewer == NULL)
    return;
  act_strike_source (stage, result, 0, "stall", "create");
  Question *stop = ask_api (stage, "POST", "/api/v1/sessions/stop", body, act_patience_ms (stage));
  question_is_over (stop, 1000);
  act_look_meanwhile (stage, result, 0, FALSE);
  question_end (stop, &answer);
  result_answer (result, "stop", &answer);
  expect_fault (
      result, !answer.answered, "sessions/stop is not answered while the source is stuck");
  act_expect_prompt (stage, result, &answer, "sessions/stop is answered in time");
  act_release (stage, result);
}

/* Pausing ends the consumer's pipelines only; `target` is what is stuck in them. */
static void
pause_stuck (Stage *stage, Result *result, const gchar *target, gboolean from_the_start)
{
  act_measure_healthy (stage, result);
  g_autofree gchar *body = act_session_body (stage, 0);
  g_autoptr (Viewer) viewer = NULL;
  g_auto (Answer) answer = { 0 };

  if (from_the_start) {
    g_autoptr (JsonObject) armed G_GNUC_UNUSED = stage_order (stage, "stall %s", target);
    viewer = viewer_start (stage, 0, NULL, STAGE_SOON_MS);
    expect_both (result,
        stage_order_reached (stage, "wait state=stalled timeout=%d", STAGE_SOON_MS),
        "the fault was hit");
  } else {
    viewer = act_stream (stage, result, 0);
    if (viewer == NULL)
      return;
    act_strike (stage, result, "stall", target);
  }
  Question *pause =
      ask_api (stage, "POST", "/api/v1/sessions/pause", body, act_patience_ms (stage));
  question_is_over (pause, 1000);
  act_look_meanwhile (stage, result, 0, FALSE);
  question_end (pause, &answer);
  result_answer (result, "pause", &answer);
  expect_fault (result, !answer.answered, "sessions/pause is not answered while it is stuck");
  act_expect_prompt (stage, result, &answer, "sessions/pause is answered in time");
  act_release (stage, result);
}

/* An interpipesrc would take the EOS even when stuck, since an appsrc queues it; any other source
 * does not. */
void
scenario_pause_stuck_source (Stage *stage, Result *result)
{
  g_autofree gchar *target =
      g_strdup_printf ("element=stage_audio_%s where=create", stage->session_ids[0]);

  pause_stuck (stage, result, target, FALSE);
}

/* An encoder that does not come up: the pipeline's state change does not end. */
void
scenario_pause_stuck_encoder (Stage *stage, Result *result)
{
  g_autofree gchar *target =
      g_strdup_printf ("%s with=interpipesrc_%s_video where=state type=READY->PAUSED",
          stage->server->encoder, stage->session_ids[0]);

  pause_stuck (stage, result, target, TRUE);
}

/* Returns how many calls got no answer; the slowest of the others in `slowest_ms`. */
static guint
send_input (Stage *stage, guint client, gdouble *slowest_ms, gint *status)
{
  g_autofree gchar *body =
      g_strdup_printf ("{\"session_id\":\"%s\",\"input_packet_hex\":\"" MOUSE_MOVE "\"}",
          stage->session_ids[client]);
  guint unanswered = 0;

  *slowest_ms = -1;
  *status = 0;
  for (guint i = 0; i < INPUT_CALLS; i++) {
    g_auto (Answer) answer = { 0 };
    stage_api (stage, "POST", "/api/v1/sessions/input", body, INPUT_PATIENCE_MS, &answer);
    unanswered += !answer.answered;
    if (answer.answered) {
      *slowest_ms = MAX (*slowest_ms, answer.ms);
      *status = answer.status;
    }
  }
  return unanswered;
}

/* Input for a session whose source is stuck, before and after its end was asked for. */
void
scenario_input_while_ending (Stage *stage, Result *result)
{
  act_measure_healthy (stage, result);
  g_autoptr (Viewer) viewer = act_stream (stage, result, 0);
  g_auto (Answer) answer = { 0 };
  gdouble slowest;
  gint status;

  if (viewer == NULL)
    return;
  result_int (result, "healthy_unanswered", send_input (stage, 0, &slowest, &status));
  result_ms (result, "healthy_slowest_ms", slowest);
  expect_both (result, status == 200, "input is taken while nothing is stuck");
  act_strike_source (stage, result, 0, "stall", "create");
  result_int (result, "stuck_unanswered", send_input (stage, 0, &slowest, &status));
  result_ms (result, "stuck_slowest_ms", slowest);
  stage_https (stage, 0, "/cancel", INPUT_PATIENCE_MS, &answer);
  result_answer (result, "cancel", &answer);
  const guint cancelled = send_input (stage, 0, &slowest, &status);
  result_int (result, "cancelled_unanswered", cancelled);
  result_ms (result, "cancelled_slowest_ms", slowest);
  result_int (result, "cancelled_status", status);
  expect_in_time (result, cancelled == 0 && slowest <= act_limit_ms (stage),
      "input for a cancelled session is answered in time");
  act_release (stage, result);
}

/* Input while the source's state lock is taken, as it is by any state change of it that does not
 * end. */
void
scenario_input_state_lock (Stage *stage, Result *result)
{
  act_measure_healthy (stage, result);
  g_autoptr (Viewer) viewer = act_stream (stage, result, 0);
  g_autofree gchar *target = g_strdup_printf (
      "element=wolf_wayland_source with=%s_video lock=state", stage->session_ids[0]);
  gdouble slowest;
  gint status;

  if (viewer == NULL)
    return;
  act_strike (stage, result, "hold", target);
  const guint unanswered = send_input (stage, 0, &slowest, &status);
  result_int (result, "unanswered", unanswered);
  result_ms (result, "slowest_ms", slowest);
  expect_fault (result, unanswered > 0, "input calls are not answered");
  expect_in_time (result, unanswered == 0 && slowest <= act_limit_ms (stage),
      "input calls are answered in time");
  act_release (stage, result);
}
