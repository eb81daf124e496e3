/* SPDX-License-Identifier: MIT */
/* api.c: the same stuck pipelines, reached through the API's unix socket. */
#include "steps.h"

/* Input calls, of which a healthy one takes a millisecond. */
#define INPUT_CALLS 5
#define INPUT_PATIENCE_MS 2000
/* A relative mouse move as Moonlight sends it: header, type 7, one to the right and one down. */
#define MOUSE_MOVE "06020e000000000a0700000000010001"

/* A left button, pressed and released: types 8 and 9. */
#define BUTTON_PRESS "05020e000000000a0800000001"
#define BUTTON_RELEASE "05020e000000000a0900000001"
/* More than a pipeline's queue holds, of each. */
#define MOVES 500
#define CLICKS 300
/* What they may cost meanwhile: a queue that holds all of them costs less, one without end more. */
#define PRESSURE_KB (16 * 1024)

void
scenario_api_stop_stuck (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_autoptr (Client) client = step_stream (runner, result, 0);
  g_autofree gchar *body = step_session_body (runner, 0);

  if (client == NULL)
    return;
  step_strike_source (runner, result, 0, "stall", "create");
  Question *stop =
      ask_api (runner, "POST", "/api/v1/sessions/stop", body, step_patience_ms (runner));
  question_is_over (stop, 1000);
  step_look_meanwhile (runner, result, 0, FALSE);
  step_conclude (runner, result, stop, "stop", "sessions/stop");
  step_release (runner, result);
}

/* Pausing ends the consumer's pipelines only; `target` is what is stuck in them. */
static void
pause_stuck (Runner *runner, Result *result, const gchar *target, gboolean from_the_start)
{
  step_measure_healthy (runner, result);
  g_autofree gchar *body = step_session_body (runner, 0);
  g_autoptr (Client) client = NULL;

  if (from_the_start) {
    g_autoptr (JsonObject) armed G_GNUC_UNUSED = runner_order (runner, "stall %s", target);
    client = client_start (runner, 0, NULL, SOON_MS);
    expect_both (result, runner_order_reached (runner, "wait state=stalled timeout=%d", SOON_MS),
        "the fault was hit");
  } else {
    client = step_stream (runner, result, 0);
    if (client == NULL)
      return;
    step_strike (runner, result, "stall", target);
  }
  Question *pause =
      ask_api (runner, "POST", "/api/v1/sessions/pause", body, step_patience_ms (runner));
  question_is_over (pause, 1000);
  step_look_meanwhile (runner, result, 0, FALSE);
  step_conclude (runner, result, pause, "pause", "sessions/pause");
  step_release (runner, result);
}

/* An interpipesrc would take the EOS even when stuck, since an appsrc queues it; any other source
 * does not. */
void
scenario_pause_stuck_source (Runner *runner, Result *result)
{
  g_autofree gchar *target =
      g_strdup_printf ("element=audio_tone_%s where=create", runner->session_ids[0]);

  pause_stuck (runner, result, target, FALSE);
}

/* An encoder that does not come up: the pipeline's state change does not end. */
void
scenario_pause_stuck_encoder (Runner *runner, Result *result)
{
  g_autofree gchar *target =
      g_strdup_printf ("%s with=interpipesrc_%s_video where=state type=READY->PAUSED",
          runner->server->encoder, runner->session_ids[0]);

  pause_stuck (runner, result, target, TRUE);
}

/* Returns how many calls got no answer; the slowest of the others in `slowest_ms`. */
static guint
send_input (Runner *runner, guint number, gdouble *slowest_ms, gint *status)
{
  g_autofree gchar *body =
      g_strdup_printf ("{\"session_id\":\"%s\",\"input_packet_hex\":\"" MOUSE_MOVE "\"}",
          runner->session_ids[number]);
  guint unanswered = 0;

  *slowest_ms = -1;
  *status = 0;
  for (guint i = 0; i < INPUT_CALLS; i++) {
    g_auto (Answer) answer = { 0 };
    ask_api_now (runner, "POST", "/api/v1/sessions/input", body, INPUT_PATIENCE_MS, &answer);
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
scenario_input_while_ending (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_autoptr (Client) client = step_stream (runner, result, 0);
  g_auto (Answer) answer = { 0 };
  gdouble slowest;
  gint status;

  if (client == NULL)
    return;
  result_int (result, "healthy_unanswered", send_input (runner, 0, &slowest, &status));
  result_ms (result, "healthy_slowest_ms", slowest);
  expect_both (result, status == 200, "input is taken while nothing is stuck");
  step_strike_source (runner, result, 0, "stall", "create");
  result_int (result, "stuck_unanswered", send_input (runner, 0, &slowest, &status));
  result_ms (result, "stuck_slowest_ms", slowest);
  ask_https_now (runner, 0, "/cancel", INPUT_PATIENCE_MS, &answer);
  result_answer (result, "cancel", &answer);
  const guint cancelled = send_input (runner, 0, &slowest, &status);
  result_int (result, "cancelled_unanswered", cancelled);
  result_ms (result, "cancelled_slowest_ms", slowest);
  result_int (result, "cancelled_status", status);
  expect_in_time (result, cancelled == 0 && slowest <= step_limit_ms (runner),
      "input for a cancelled session is answered in time");
  step_release (runner, result);
}

/* Input while the source's state lock is taken, as it is by any state change of it that does not
 * end. */
void
scenario_input_state_lock (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_autoptr (Client) client = step_stream (runner, result, 0);
  g_autofree gchar *target = g_strdup_printf (
      "element=wolf_wayland_source with=%s_video lock=state", runner->session_ids[0]);
  gdouble slowest;
  gint status;

  if (client == NULL)
    return;
  step_strike (runner, result, "hold", target);
  const guint unanswered = send_input (runner, 0, &slowest, &status);
  result_int (result, "unanswered", unanswered);
  result_ms (result, "slowest_ms", slowest);
  expect_fault (result, unanswered > 0, "input calls are not answered");
  expect_in_time (result, unanswered == 0 && slowest <= step_limit_ms (runner),
      "input calls are answered in time");
  step_release (runner, result);
}

static gboolean
send_packet (Runner *runner, const gchar *packet)
{
  g_autofree gchar *body = g_strdup_printf (
      "{\"session_id\":\"%s\",\"input_packet_hex\":\"%s\"}", runner->session_ids[0], packet);
  g_auto (Answer) answer = { 0 };

  ask_api_now (runner, "POST", "/api/v1/sessions/input", body, INPUT_PATIENCE_MS, &answer);
  return answer.status == 200;
}

/* Returns how many were answered. */
static guint
send_packets (Runner *runner, const gchar *first, const gchar *second, guint n)
{
  guint answered = 0;

  for (guint i = 0; i < n; i++)
    answered += send_packet (runner, first) + (second != NULL && send_packet (runner, second));
  return answered;
}

/* The source handles none of its input. A drag waits, and many clicks behind it; then it goes on.
 * The sum of the moves has to arrive, and the last release. */
void
scenario_input_pressure (Runner *runner, Result *result)
{
  g_autoptr (Client) client = step_stream (runner, result, 0);
  g_autofree gchar *source =
      g_strdup_printf ("element=wolf_wayland_source with=%s_video", runner->session_ids[0]);
  g_autofree gchar *target =
      g_strdup_printf ("stall %s where=handle type=custom-upstream times=1", source);
  g_autofree gchar *down = g_strconcat (source, " property=buttons-down", NULL);
  g_autofree gchar *moved = g_strconcat (source, " property=moved", NULL);
  Metrics before, after;

  if (client == NULL)
    return;
  g_autoptr (JsonObject) armed G_GNUC_UNUSED = runner_order (runner, "%s", target);
  const gboolean pressed = send_packet (runner, BUTTON_PRESS);
  expect_both (result, runner_order_reached (runner, "wait state=stalled timeout=%d", SOON_MS),
      "the source handles its input no more");
  expect_fault (result, !pressed, "input is not answered until the source goes on");
  expect_held (result, pressed, "input is answered");
  metrics_read (runner, &before);
  if (pressed) {
    const guint answered = send_packets (runner, MOUSE_MOVE, NULL, MOVES)
        + send_packets (runner, BUTTON_PRESS, BUTTON_RELEASE, CLICKS);
    result_int (result, "answered", answered);
    expect_held (result, answered == MOVES + 2 * CLICKS, "all input is answered");
    metrics_read (runner, &after);
    result_int (result, "grown_kb", (gint64) after.rss_kb - before.rss_kb);
    expect_held (result, after.rss_kb < before.rss_kb + PRESSURE_KB, "memory is bounded");
  }
  step_release (runner, result);
  if (pressed) {
    expect_held (result, step_await_value (runner, moved, G_STRINGIFY (MOVES), SOON_MS),
        "no motion is lost");
    expect_held (result, step_await_value (runner, down, "0", SOON_MS), "no button stays pressed");
  }
}
