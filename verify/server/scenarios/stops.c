/* SPDX-License-Identifier: MIT */
/* stops.c: many stops at once, and one client that gets stuck again and again. */
#include "steps.h"
#include "processes.h"

/* The first client's source is stuck for all of the storm; the last client only asks. */
#define STUCK 0
#define THREADS 4
#define STOPS 100
#define STOPS_LONG 1000
#define CALM_PART 2 /* the part of them that comes while nothing is stuck */
/* At most; it ends with the storm. */
#define LOAD_S 300
/* How often the same client gets stuck and comes back. */
#define RETURNS 2
/* What ends with the release has ended by then: the time limits of a pipeline, 2 s + 3 s, are for
 * the stuck. */
#define RETURNED_MS 1000
/* At 15 frames a second, the number of packets in COUNT_MS that say "video flows". */
#define FLOWING 10

typedef struct {
  Runner *runner;
  gint left; /* stops to go, atomic */
  gint unanswered, refused;
} Storm;

typedef struct {
  Storm *storm;
  guint first, end; /* of the clients that are this thread's */
  GArray *ms;       /* of its stops */
} Stopper;

/* FALSE when it was not answered: whoever goes on then waits for as long each time. */
static gboolean
note (Storm *storm, const Answer *answer)
{
  if (!answer->answered)
    g_atomic_int_inc (&storm->unanswered);
  else if (answer->status != 200)
    g_atomic_int_inc (&storm->refused);
  return answer->answered;
}

/* Every other stop comes by the API, the rest by HTTPS. */
static gboolean
stop (Stopper *stopper, guint number, guint round)
{
  Runner *runner = stopper->storm->runner;
  g_autofree gchar *body = step_session_body (runner, number);
  g_auto (Answer) answer = { 0 };

  if ((number + round) % 2 == 0)
    ask_api_now (runner, "POST", "/api/v1/sessions/stop", body, SHORT_PATIENCE_MS, &answer);
  else
    ask_https_now (runner, number, "/cancel", SHORT_PATIENCE_MS, &answer);
  if (answer.answered)
    g_array_append_val (stopper->ms, answer.ms);
  return note (stopper->storm, &answer);
}

static gpointer
come_and_go (gpointer data)
{
  Stopper *stopper = data;
  Storm *storm = stopper->storm;

  for (guint round = 0; g_atomic_int_get (&storm->left) > 0; round++) {
    for (guint number = stopper->first; number < stopper->end; number++) {
      g_autofree gchar *body = step_add_body (storm->runner, number);
      g_auto (Answer) added = { 0 };
      ask_api_now (storm->runner, "POST", "/api/v1/sessions/add", body, SHORT_PATIENCE_MS, &added);
      if (!note (storm, &added))
        return NULL;
    }
    for (guint number = stopper->first; number < stopper->end; number++) {
      g_atomic_int_add (&storm->left, -1);
      if (!stop (stopper, number, round))
        return NULL;
    }
  }
  return NULL;
}

/* Adds NAME_stops, NAME_unanswered and so on; returns what HTTPS did beside it. */
static LoadTimes
run_storm (Storm *storm, Result *result, const gchar *name, gint stops)
{
  const guint clients = storm->runner->n_clients - 2; /* all but the stuck one and who asks */
  g_autofree gchar *stops_name = g_strconcat (name, "_stops", NULL);
  g_autofree gchar *unanswered_name = g_strconcat (name, "_unanswered", NULL);
  g_autofree gchar *refused_name = g_strconcat (name, "_refused", NULL);
  g_autofree gchar *p99_name = g_strconcat (name, "_stop_p99_ms", NULL);
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (gdouble));
  GThread *threads[THREADS];
  Stopper stoppers[THREADS];
  LoadTimes times;

  *storm = (Storm){ .runner = storm->runner, .left = stops };
  Load *load = step_load_start (
      storm->runner, storm->runner->n_clients - 1, LOAD_S, (gdouble) SHORT_PATIENCE_MS / 1000);
  for (guint i = 0; i < THREADS; i++) {
    stoppers[i] = (Stopper){ storm, 1 + i * clients / THREADS, 1 + (i + 1) * clients / THREADS,
      g_array_new (FALSE, FALSE, sizeof (gdouble)) };
    threads[i] = g_thread_new ("stopper", come_and_go, &stoppers[i]);
  }
  for (guint i = 0; i < THREADS; i++) {
    g_thread_join (threads[i]);
    g_array_append_vals (all, stoppers[i].ms->data, stoppers[i].ms->len);
    g_array_unref (stoppers[i].ms);
  }
  step_load_stop (load);
  step_load_end (load, result, name, &times);
  result_int (result, stops_name, all->len);
  result_int (result, unanswered_name, storm->unanswered);
  result_int (result, refused_name, storm->refused);
  result_ms (result, p99_name, step_percentile (all, 99));
  return times;
}

/* Sessions come and go from four threads: first while nothing is stuck, which says how fast HTTPS
 * is then; then while one's source is stuck and was told to stop. */
void
scenario_stop_storm (Runner *runner, Result *result)
{
  const gint stops = runner->options->long_run ? STOPS_LONG : STOPS;
  g_autofree gchar *body = step_add_body (runner, STUCK);
  Storm storm = { .runner = runner };
  g_auto (Answer) added = { 0 };
  g_auto (Answer) cancelled = { 0 };
  Metrics before, after;

  metrics_read (runner, &before);
  result_int (result, "sessions_at_once", runner->n_clients - 1);
  const gint64 since = g_get_monotonic_time ();
  const LoadTimes alone = run_storm (&storm, result, "calm", stops / CALM_PART);
  const gboolean calm = alone.failures == 0 && storm.unanswered == 0;
  expect_in_time (result, calm, "every start and stop is answered while nothing is stuck");
  /* Unpatched, the real one does not even get this far as a rule, with 32 sessions. */
  expect_fault (result, calm || storm.unanswered > 0, "stops are not answered");
  if (!calm)
    return;
  const gint calm_refused = storm.refused;
  step_take_cost (runner, since, &alone);
  ask_api_now (runner, "POST", "/api/v1/sessions/add", body, SOON_MS, &added);
  expect_both (result, added.status == 200, "a session is added");
  step_strike_source (runner, result, STUCK, "stall", "create");
  Question *cancel = ask_https (runner, STUCK, "/cancel", step_patience_ms (runner));
  question_is_over (cancel, SHORT_PATIENCE_MS);
  const LoadTimes beside = run_storm (&storm, result, "meanwhile", stops);
  question_end (cancel, &cancelled);
  result_answer (result, "cancel", &cancelled);
  step_release (runner, result);
  /* Where the storm did not come to its end, sessions are left and will stay. */
  const gboolean empty = metrics_wait_empty (
      runner, before.threads + STEP_IDLE_THREADS, storm.unanswered ? 0 : STEP_IDLE_MS, &after);
  const guint programs = process_children_left (runner->pid, storm.unanswered ? 0 : STEP_GONE_MS);
  result_metrics (result, "before", &before);
  result_metrics (result, "after", &after);
  result_int (result, "programs_left", programs);
  expect_fault (result, storm.unanswered > 0 && !cancelled.answered, "stops are not answered");
  expect_in_time (result, cancelled.status == 200, "the stuck session's /cancel is answered");
  expect_in_time (
      result, storm.left <= 0 && storm.unanswered == 0, "every start and stop is answered");
  expect_held (result, calm_refused + storm.refused == 0, "none is refused");
  expect_in_time (result, step_is_in_time (runner, &beside), "HTTPS answers in time meanwhile");
  expect_held (result, empty, "pipelines and threads are back to the start");
  expect_held (result, programs == 0, "no session's program is left running");
}

/* What a client gets in a while: TRUE if both flow, or audio alone where that is all that can be
 * had. */
static gboolean
flows (Runner *runner, Result *result, Client *client, const gchar *name)
{
  g_autofree gchar *video_name = g_strconcat (name, "_video", NULL);
  g_autofree gchar *audio_name = g_strconcat (name, "_audio", NULL);
  const gboolean has_own_node = runner->server == &server_lab || runner->options->plugin_after;
  gint64 video = 0, audio = 0;

  if (client_pings (client, SOON_MS))
    client_count (client, COUNT_MS, &video, &audio);
  result_int (result, video_name, video);
  result_int (result, audio_name, audio);
  return audio > 0 && (video >= FLOWING || !has_own_node);
}

/* One client: its source is stuck, it cancels and launches again; that one is stuck, too; and so
 * on. When all are let go, the last session goes on: it has the id of those that end then. With an
 * unpatched gst-interpipe its video is not expected, since a stuck producer keeps the node's name.
 */
void
scenario_relaunch (Runner *runner, Result *result)
{
  g_autoptr (Client) client = step_stream (runner, result, 0);
  guint unanswered = 0;
  gboolean all_flow = client != NULL;

  for (guint i = 0; i < RETURNS && all_flow; i++) {
    g_autofree gchar *cancel_name = g_strdup_printf ("cancel_%u", i);
    g_autofree gchar *name = g_strdup_printf ("return_%u", i);
    g_auto (Answer) cancelled = { 0 };
    step_strike_source (runner, result, 0, "stall", "create");
    ask_https_now (runner, 0, "/cancel", step_wait_ms (runner, SHORT_PATIENCE_MS), &cancelled);
    result_answer (result, cancel_name, &cancelled);
    unanswered += !cancelled.answered;
    client_end (client);
    client = client_start (runner, 0, NULL, step_wait_ms (runner, SHORT_PATIENCE_MS));
    all_flow = flows (runner, result, client, name);
  }
  expect_fault (result, unanswered > 0 && !all_flow, "the client cannot come back");
  expect_in_time (result, unanswered == 0, "each /cancel is answered");
  expect_in_time (result, all_flow, "each new session streams");
  step_release (runner, result);
  if (!all_flow)
    return;
  runner_order_reached (runner, "wait state=clear timeout=%d", SOON_MS);
  wait_ms (RETURNED_MS);
  gint64 video = 0, audio = 0;
  client_count (client, COUNT_MS, &video, &audio);
  result_int (result, "released_video", video);
  result_int (result, "released_audio", audio);
  expect_held (result, audio > 0, "the last session goes on when the others end");
}
