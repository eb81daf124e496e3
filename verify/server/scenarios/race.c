/* SPDX-License-Identifier: MIT */
/* race.c: stops that come at any moment of a session's start, and what they leave behind.
 */
#include "steps.h"
#include "processes.h"

/* How long after a start its stop comes: most of them where the start is still under way. */
static const guint delays_ms[] = { 0, 0, 0, 1, 2, 3, 5, 8, 13, 20, 50, 100, 200, 500 };

/* Long enough for a session's program to run. */
#define RETURN_AFTER_MS 300

static guint
rounds (const Runner *runner)
{
  return runner->options->long_run ? 10 : 2;
}

/* Everything that was started has ended: no pipeline, no thread more than before. */
static void
conclude (Runner *runner, Result *result, const Metrics *before, guint tries, guint failed)
{
  Metrics after;
  const gboolean empty =
      metrics_wait_empty (runner, before->threads + STEP_IDLE_THREADS, STEP_IDLE_MS, &after);

  result_metrics (result, "before", before);
  result_metrics (result, "after", &after);
  result_int (result, "tries", tries);
  result_int (result, "failed_requests", failed);
  expect_held (result, after.pipelines == 0, "no pipeline is left running");
  expect_held (result, empty, "threads are back to the start");
  expect_held (result, failed == 0, "every request was answered with success");
}

/* The clients take turns: an id that comes back at once is another scenario. */
void
scenario_race_api (Runner *runner, Result *result)
{
  Metrics before;
  guint tries = 0, failed = 0;

  metrics_read (runner, &before);
  for (guint i = 0; i < rounds (runner); i++)
    for (guint d = 0; d < G_N_ELEMENTS (delays_ms); d++, tries++) {
      g_autofree gchar *add = step_add_body (runner, tries % runner->n_clients);
      g_autofree gchar *stop = step_session_body (runner, tries % runner->n_clients);
      g_auto (Answer) added = { 0 };
      g_auto (Answer) stopped = { 0 };
      ask_api_now (runner, "POST", "/api/v1/sessions/add", add, SHORT_PATIENCE_MS, &added);
      wait_ms (delays_ms[d]);
      ask_api_now (runner, "POST", "/api/v1/sessions/stop", stop, SHORT_PATIENCE_MS, &stopped);
      failed += (added.status != 200) + (stopped.status != 200);
    }
  conclude (runner, result, &before, tries, failed);
}

void
scenario_race_launch (Runner *runner, Result *result)
{
  g_autofree gchar *launch = g_strdup_printf (
      "/launch?appid=%s&mode=320x180x30&rikey=00112233445566778899aabbccddeeff&rikeyid=1",
      runner->app_id);
  Metrics before;
  guint tries = 0, failed = 0;

  metrics_read (runner, &before);
  for (guint i = 0; i < rounds (runner); i++)
    for (guint d = 0; d < G_N_ELEMENTS (delays_ms); d++, tries++) {
      g_auto (Answer) launched = { 0 };
      g_auto (Answer) cancelled = { 0 };
      ask_https_now (runner, tries % runner->n_clients, launch, SHORT_PATIENCE_MS, &launched);
      wait_ms (delays_ms[d]);
      ask_https_now (runner, tries % runner->n_clients, "/cancel", SHORT_PATIENCE_MS, &cancelled);
      failed += (launched.status != 200) + (cancelled.status != 200);
    }
  conclude (runner, result, &before, tries, failed);
}

/* TRUE when the stop was kept. */
static gboolean
stop_at (Runner *runner, Result *result, const StepMoment *moment, guint number, guint *unanswered)
{
  g_autofree gchar *add = step_add_body (runner, number);
  g_autofree gchar *stop = step_session_body (runner, number);
  g_autofree gchar *ms_name = g_strdup_printf ("%s_stop", moment->name);
  g_autofree gchar *left_name = g_strdup_printf ("%s_left_running", moment->name);
  g_autofree gchar *text = NULL;
  g_auto (Answer) added = { 0 };
  g_auto (Answer) stopped = { 0 };

  /* The factory, not the element: while it is constructed it is in no pipeline yet. */
  g_autoptr (JsonObject) armed =
      runner_order (runner, "stall factory=waylanddisplaysrc %s", moment->words);
  const guint id = (guint) json_object_get_int_member (armed, "id");
  ask_api_now (runner, "POST", "/api/v1/sessions/add", add, SHORT_PATIENCE_MS, &added);
  text = g_strdup_printf ("the pipeline is held at %s", moment->name);
  expect_both (result,
      added.status == 200
          && runner_order_reached (runner, "wait id=%u state=stalled timeout=%d", id, SOON_MS),
      text);
  ask_api_now (
      runner, "POST", "/api/v1/sessions/stop", stop, step_wait_ms (runner, STEP_HELD_MS), &stopped);
  g_autoptr (JsonObject) released = runner_order (runner, "release id=%u", id);
  /* It may only now come to be put into its pipeline, or, as it should, not at all. */
  runner_order_reached (runner,
      "wait element=wolf_wayland_source with=%s_video state=seen timeout=%d",
      runner->session_ids[number], STEP_APPEAR_MS);
  const gboolean left = step_outlives (runner, number, STEP_GONE_MS);
  result_answer (result, ms_name, &stopped);
  result_bool (result, left_name, left);
  *unanswered += !stopped.answered;
  return !left && released != NULL;
}

/* A stop at each moment of a pipeline's start; which moment it is does not depend on luck. */
void
scenario_stop_at_each_moment (Runner *runner, Result *result)
{
  guint lost = 0, unanswered = 0;

  for (guint i = 0; i < STEP_MOMENTS; i++)
    lost += !stop_at (runner, result, &step_moments[i], i, &unanswered);
  result_int (result, "moments", STEP_MOMENTS);
  result_int (result, "lost", lost);
  result_int (result, "unanswered", unanswered);
  expect_fault (result, lost > 0, "a stop is lost and its pipeline goes on");
  expect_fault (result, unanswered > 0, "a stop waits for the pipeline's start");
  expect_held (result, unanswered == 0, "every stop is answered while the pipeline is held");
  expect_held (result, lost == 0, "no stop is lost");
}

/* A client leaves and comes back at once. Its session has the id of the one before, whose end is
 * still under way. */
void
scenario_return_at_once (Runner *runner, Result *result)
{
  guint ended = 0;
  const guint tries = runner->options->long_run ? 20 : 4;

  for (guint i = 0; i < tries; i++) {
    g_autofree gchar *add = step_add_body (runner, i % runner->n_clients);
    g_autofree gchar *stop = step_session_body (runner, i % runner->n_clients);
    g_auto (Answer) first = { 0 };
    g_auto (Answer) stopped = { 0 };
    g_auto (Answer) second = { 0 };
    g_auto (Answer) again = { 0 };
    ask_api_now (runner, "POST", "/api/v1/sessions/add", add, SHORT_PATIENCE_MS, &first);
    wait_ms (RETURN_AFTER_MS);
    ask_api_now (runner, "POST", "/api/v1/sessions/stop", stop, SHORT_PATIENCE_MS, &stopped);
    ask_api_now (runner, "POST", "/api/v1/sessions/add", add, SHORT_PATIENCE_MS, &second);
    wait_ms (RETURN_AFTER_MS);
    /* The stop is refused when there is no such session any more. */
    ask_api_now (runner, "POST", "/api/v1/sessions/stop", stop, SHORT_PATIENCE_MS, &again);
    expect_both (result, first.status == 200 && stopped.status == 200 && second.status == 200,
        "two sessions were added, one after the other");
    ended += again.status != 200;
  }
  result_int (result, "tries", tries);
  result_int (result, "second_session_ended", ended);
  expect_held (result, ended == 0, "the end of the first session does not end the second");
}

/* Threads of a session that wait for its pings: video, audio. */
#define WAITERS 2

/* Announced, cancelled, and only then pinged: a session that was cancelled must not begin to
 * stream. Its program's end fires a second stop, which would end what begins now: that is waited
 * for. */
void
scenario_cancel_before_ping (Runner *runner, Result *result)
{
  Metrics idle;
  metrics_read (runner, &idle);
  g_autoptr (Client) client = client_start (runner, 0, "announce", SHORT_PATIENCE_MS);
  g_autoptr (JsonObject) announced = client_report (client, "announce", SOON_MS);
  g_auto (Answer) cancelled = { 0 };
  gint64 video = 0, audio = 0;
  Metrics metrics;

  expect_both (result, announced != NULL && json_object_get_boolean_member (announced, "ok"),
      "a session was announced");
  ask_https_now (runner, 0, "/cancel", SOON_MS, &cancelled);
  expect_both (result, cancelled.status == 200, "it was cancelled");
  metrics_wait_empty (runner, idle.threads + WAITERS, SHORT_PATIENCE_MS, &metrics);
  client_command (
      client, "ping"); /* its report comes with the first packet, or after 5 s without */
  g_autoptr (JsonObject) pinged = client_report (client, "ping", SOON_MS);
  client_count (client, COUNT_MS, &video, &audio);
  const gboolean first = pinged != NULL && json_object_get_boolean_member (pinged, "ok");
  metrics_read (runner, &metrics);
  result_int (result, "video", video);
  result_int (result, "audio", audio);
  result_metrics (result, "after", &metrics);
  expect_both (result, pinged != NULL, "pings were sent");
  expect_fault (result, audio > 0 || video > 0 || first, "a cancelled session streams");
  expect_held (result, !first && video == 0 && audio == 0, "nothing is sent");
  expect_held (result, metrics.pipelines == 0, "no pipeline was started");
}

/* What a server may keep, in kB, however many sessions have come and gone. It has one arena
 * (Scenario.one_arena): with glibc's own, up to eight a core, it keeps some 80 MB more, all of it
 * free (docs/evidence.md). */
#define MAY_GROW_KB (16 * 1024)
/* The first sessions load plugins, start threads that stay, and are as much of the heap as it
 * needs. */
#define WARM_UP(cycles) MAX (1, (cycles) / 10)
/* So many of the planted leak's sessions are twice what a server may keep. */
#define PLANTED_CYCLES 6

/* Returns how many streamed and could be cancelled. */
static guint
come_and_go (Runner *runner, guint n)
{
  guint streamed = 0;

  for (guint i = 0; i < n; i++) {
    g_autoptr (Client) client = client_start (runner, 0, NULL, SOON_MS);
    const gboolean streams = client_streams (client, SOON_MS);
    g_auto (Answer) cancelled = { 0 };
    ask_https_now (runner, 0, "/cancel", SOON_MS, &cancelled);
    streamed += streams && cancelled.status == 200;
  }
  return streamed;
}

static gboolean
grew (const Metrics *before, const Metrics *after)
{
  return after->rss_kb > before->rss_kb + MAY_GROW_KB;
}

/* A lab that keeps pictures of each session must be noticed. */
static void
control_planted (Runner *runner, Result *result)
{
  Metrics before, after;
  RunnerOptions options;
  Runner *planted = step_open_planted (runner, result, &options, NULL);

  if (planted == NULL)
    return;
  come_and_go (planted, WARM_UP (PLANTED_CYCLES));
  metrics_wait_empty (planted, 0, SHORT_PATIENCE_MS, &before);
  come_and_go (planted, PLANTED_CYCLES);
  metrics_wait_empty (planted, before.threads, STEP_IDLE_MS, &after);
  result_metrics (result, "control_before", &before);
  result_metrics (result, "control_after", &after);
  expect_both (result, grew (&before, &after), "a planted leak is seen");
  runner_close (planted);
}

/* Sessions come and go; the server is as before. In the end one does not go, and must be noticed.
 */
void
scenario_cycles (Runner *runner, Result *result)
{
  const guint cycles = runner->options->long_run ? 1000 : 10;
  Metrics before, after, left;

  come_and_go (runner, WARM_UP (cycles));
  metrics_wait_empty (runner, 0, SHORT_PATIENCE_MS, &before);
  const guint streamed = come_and_go (runner, cycles);
  const gboolean empty = metrics_wait_empty (runner, before.threads, STEP_IDLE_MS, &after);
  g_autoptr (Client) left_over G_GNUC_UNUSED = step_stream (runner, result, 0);
  const gboolean noticed = !metrics_wait_empty (runner, before.threads, 0, &left);
  result_int (result, "cycles", cycles);
  result_int (result, "streamed", streamed);
  result_metrics (result, "before", &before);
  result_metrics (result, "after", &after);
  expect_held (result, streamed == cycles, "every session streamed and was cancelled");
  expect_held (result, empty, "threads and pipelines are back to the start");
  expect_held (
      result, after.descriptors <= before.descriptors + 2, "descriptors are back to the start");
  expect_held (result, !grew (&before, &after), "memory grew by at most 16 MiB");
  expect_both (result, noticed, "a session that is left over is noticed");
  if (runner->server == &server_lab)
    control_planted (runner, result);
}
