/* SPDX-License-Identifier: MIT */
/* acts.c: what several scenarios do: stream, get stuck, look at the server meanwhile. */
#include "steps.h"

#include <signal.h>

/* How long a new session may take until its first packet on a busy machine; on a stuck server all
 * of it is spent. */
#define NEW_SESSION_MS 5000
/* Clients that connect and leave, and how long a server may take to notice. */
#define CROWD "20"
#define CROWD_MS 1000
/* A quick run gives up on an answer sooner; either is beyond anything a user would wait. */
#define QUICK_PATIENCE_MS 8000
/* The least limit of an answer: what a user does not notice. */
#define LEAST_LIMIT_MS 50
/* How many answers a thing that takes seconds consists of, when a slow machine stretches it. */
#define STRETCH 20
/* What is done at once takes no longer on a machine that is worth testing on. */
#define AFTER_WAIT_MS 10000
/* How long a server is frozen for a control, and how often it is asked meanwhile. */
#define FROZEN_MS 1000

gint64
act_patience_ms (const Stage *stage)
{
  return stage->options->long_run ? STAGE_PATIENCE_MS : QUICK_PATIENCE_MS;
}

gint64
act_wait_ms (const Stage *stage, gint64 ms)
{
  return result_side (stage->options->label) == RESULT_AFTER ? MAX (ms, AFTER_WAIT_MS) : ms;
}

gchar *
act_add_body (const Stage *stage, guint client)
{
  return g_strdup_printf (
      "{\"app_id\":\"%s\",\"client_id\":\"%s\",\"client_ip\":\"127.0.0.1\",\"aes_key\":"
      "\"00112233445566778899aabbccddeeff\",\"aes_iv\":\"1\",\"rtsp_fake_ip\":\"10.1.2.3\","
      "\"video_width\":320,\"video_height\":180,\"video_refresh_rate\":30,\"audio_channel_count\":"
      "2}",
      stage->app_id, stage->session_ids[client]);
}

gchar *
act_session_body (const Stage *stage, guint client)
{
  return g_strdup_printf ("{\"session_id\":\"%s\"}", stage->session_ids[client]);
}

Viewer *
act_stream (Stage *stage, Result *result, guint client)
{
  Viewer *viewer = viewer_start (stage, client, NULL, STAGE_PATIENCE_MS);

  if (viewer_streams (viewer, STAGE_PATIENCE_MS))
    return viewer;
  expect_both (result, FALSE, "a session streams before anything is done to it");
  viewer_end (viewer);
  return NULL;
}

void
act_strike (Stage *stage, Result *result, const gchar *kind, const gchar *target)
{
  g_autoptr (JsonObject) armed = stage_order (stage, "%s %s", kind, target);
  const guint id = armed ? (guint) json_object_get_int_member (armed, "id") : 0;

  expect_both (result,
      id != 0
          && stage_order_reached (stage, "wait id=%u state=%s timeout=%d", id,
              g_str_equal (kind, "die") ? "dead" : "stalled", STAGE_SOON_MS),
      "the fault was hit");
}

void
act_strike_source (
    Stage *stage, Result *result, guint client, const gchar *kind, const gchar *where)
{
  g_autofree gchar *target =
      g_strdup_printf ("element=wolf_wayland_source with=%s_video where=%s times=1",
          stage->session_ids[client], where);

  act_strike (stage, result, kind, target);
}

struct Load {
  GThread *thread;
  Stage *stage;
  gchar *cert, *key;
  gdouble seconds, timeout_s;
  gint over; /* atomic */
  /* The thread's own until it is joined. */
  GArray *ms;
  guint failures;
};

static gboolean
load_report (JsonObject *report, gpointer data)
{
  Load *load = data;

  if (!json_object_has_member (report, "t_ms"))
    return FALSE; /* the summary */
  const gdouble ms = json_object_get_double_member (report, "ms");
  if (json_object_get_boolean_member (report, "ok"))
    g_array_append_val (load->ms, ms);
  else
    load->failures++;
  return !g_atomic_int_get (&load->over);
}

static gpointer
load_main (gpointer data)
{
  Load *load = data;
  g_autofree gchar *seconds = g_strdup_printf ("%.3f", load->seconds);
  g_autofree gchar *timeout = g_strdup_printf ("%.3f", load->timeout_s);
  const gchar *const words[] = { "--interval", "0", "--duration", seconds, "--timeout", timeout,
    "--cert", load->cert, "--key", load->key, NULL };

  stage_probe_each (load->stage,
      (gint64) (1000 * (load->seconds + load->timeout_s)) + STAGE_SOON_MS, "latency", words,
      load_report, load);
  return NULL;
}

Load *
act_load_start (Stage *stage, guint client, gdouble seconds, gdouble timeout_s)
{
  Load *load = g_new0 (Load, 1);

  load->stage = stage;
  load->cert = stage_client_file (stage->options, client, "client.crt");
  load->key = stage_client_file (stage->options, client, "client.key");
  load->seconds = seconds;
  load->timeout_s = timeout_s;
  load->ms = g_array_new (FALSE, FALSE, sizeof (gdouble));
  load->thread = g_thread_new ("load", load_main, load);
  return load;
}

static gint
by_size (gconstpointer a, gconstpointer b)
{
  const gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return x < y ? -1 : x > y;
}

gdouble
act_percentile (GArray *ms, guint percent)
{
  if (ms->len == 0)
    return -1;
  g_array_sort (ms, by_size);
  return g_array_index (ms, gdouble, (ms->len * percent + 99) / 100 - 1);
}

void
act_load_stop (Load *load)
{
  g_atomic_int_set (&load->over, TRUE);
}

void
act_load_end (Load *load, Result *result, const gchar *name, LoadTimes *times)
{
  g_autofree gchar *requests = g_strconcat (name, "_requests", NULL);
  g_autofree gchar *failed = g_strconcat (name, "_failures", NULL);
  g_autofree gchar *p99 = g_strconcat (name, "_p99_ms", NULL);

  g_thread_join (load->thread);
  *times =
      (LoadTimes){ load->failures, act_percentile (load->ms, 50), act_percentile (load->ms, 99) };
  expect_both (result, load->ms->len + load->failures > 0, "the latency of HTTPS was measured");
  result_int (result, requests, load->ms->len + load->failures);
  result_int (result, failed, times->failures);
  result_ms (result, p99, times->p99_ms);
  g_array_unref (load->ms);
  g_free (load->cert);
  g_free (load->key);
  g_free (load);
}

gdouble
act_limit_ms (const Stage *stage)
{
  MachineTimes machine;

  machine_times (stage->machine, stage->begun, &machine);
  return MAX (LEAST_LIMIT_MS, 2 * stage->cost * machine.worst_ms);
}

void
act_expect_prompt (Stage *stage, Result *result, const Answer *answer, const gchar *what)
{
  expect_in_time (result, answer->status == 200 && answer->ms <= act_limit_ms (stage), what);
}

gdouble
act_stretched_ms (const Stage *stage, gdouble ms)
{
  return ms + STRETCH * (act_limit_ms (stage) - LEAST_LIMIT_MS);
}

void
act_take_cost (Stage *stage, gint64 since, const LoadTimes *healthy)
{
  MachineTimes machine;

  machine_times (stage->machine, since, &machine);
  stage->cost = MAX (healthy->p50_ms / machine.p50_ms, healthy->p99_ms / machine.worst_ms);
  stage->cost = MAX (1, stage->cost);
}

void
act_measure_healthy (Stage *stage, Result *result)
{
  const gint64 since = g_get_monotonic_time ();
  LoadTimes times;

  act_load_end (act_load_start (stage, stage->n_clients - 1, 1.5, 5), result, "healthy", &times);
  expect_both (result, times.failures == 0, "a healthy server answers every request");
  act_take_cost (stage, since, &times);
}

/* Counts what a viewer that has pinged gets; adds NAME_video and NAME_audio. Ends the viewer. */
static gboolean
conclude_session (Result *result, Viewer *viewer, gboolean pinged, const gchar *name)
{
  g_autofree gchar *video_name = g_strconcat (name, "_video", NULL);
  g_autofree gchar *audio_name = g_strconcat (name, "_audio", NULL);
  gint64 video = 0, audio = 0;

  if (pinged)
    viewer_count (viewer, STAGE_COUNT_MS, &video, &audio);
  viewer_end (viewer);
  result_int (result, video_name, video);
  result_int (result, audio_name, audio);
  return video > 0 && audio > 0;
}

/* Another client's session and, if wanted, a new one of the stuck client. Both are started at once:
 * on a stuck server each takes all of its time. */
static void
look_at_sessions (Stage *stage, Result *result, guint stuck_client, gboolean relaunch)
{
  const gint64 patience_ms = act_wait_ms (stage, NEW_SESSION_MS);
  Viewer *other = viewer_start (stage, stuck_client + 1, NULL, patience_ms);
  Viewer *again = relaunch ? viewer_start (stage, stuck_client, NULL, patience_ms) : NULL;
  const gboolean other_pinged = viewer_pings (other, 2 * patience_ms);
  const gboolean again_pinged = again != NULL && viewer_pings (again, 2 * patience_ms);

  const gboolean other_got = conclude_session (result, other, other_pinged, "other");
  expect_fault (result, !other_got, "another client's new session does not stream");
  expect_in_time (result, other_got, "another client's new session streams");
  if (again == NULL)
    return;
  const gboolean again_got = conclude_session (result, again, again_pinged, "relaunch");
  expect_fault (result, !again_got, "the same client's new session does not stream");
  /* While the stuck producer lives, an unpatched gst-interpipe has its node's name taken. */
  expect_held_with_plugin (
      stage, result, again_got, "the same client's new session streams at once");
}

static void
look_at_sockets (Stage *stage, Result *result)
{
  StageSockets sockets;
  g_autofree gchar *cert = stage_client_file (stage->options, 0, "client.crt");
  g_autofree gchar *key = stage_client_file (stage->options, 0, "client.key");
  g_autoptr (JsonObject) crowd =
      stage_probe (stage, STAGE_PATIENCE_MS, "abuse", "--kind", "connect-fin", "--count", CROWD,
          "--at", "0", "--timeout", "1", "--cert", cert, "--key", key, NULL);

  expect_both (result, crowd != NULL, "a crowd came and went");
  stage_wait_no_close_wait (stage->ports.https, act_wait_ms (stage, CROWD_MS), &sockets);
  result_int (result, "meanwhile_close_wait", sockets.close_wait);
  result_int (result, "meanwhile_unaccepted", sockets.unaccepted);
  expect_in_time (result, sockets.close_wait == 0 && sockets.unaccepted == 0,
      "no connection waits to be accepted or closed");
}

gboolean
act_is_in_time (const Stage *stage, const LoadTimes *times)
{
  return times->failures == 0 && times->p99_ms <= act_limit_ms (stage);
}

void
act_look_at_server (Stage *stage, Result *result, guint client)
{
  LoadTimes times;

  act_load_end (act_load_start (stage, client, 1, 2), result, "meanwhile", &times);
  expect_in_time (result, act_is_in_time (stage, &times), "HTTPS answers in time meanwhile");
  look_at_sockets (stage, result);
}

void
expect_held_with_plugin (Stage *stage, Result *result, gboolean held, const gchar *what)
{
  if (stage->options->plugin_after)
    expect_held (result, held, what);
}

void
act_look_meanwhile (Stage *stage, Result *result, guint stuck_client, gboolean relaunch)
{
  act_look_at_server (stage, result, stuck_client + 1);
  look_at_sessions (stage, result, stuck_client, relaunch);
}

/* How often to look for an element that is on its way out. */
#define OUTLIVE_LOOK_MS 50

gboolean
act_producer_outlives (Stage *stage, const gchar *id, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  while (stage_order_reached (
      stage, "wait element=wolf_wayland_source with=%s_video state=seen timeout=0", id)) {
    if (g_get_monotonic_time () >= until)
      return TRUE;
    stage_let_pass (OUTLIVE_LOOK_MS);
  }
  return FALSE;
}

gboolean
act_outlives (Stage *stage, guint client, gint64 within_ms)
{
  return act_producer_outlives (stage, stage->session_ids[client], within_ms);
}

const ActMoment act_moments[ACT_MOMENTS] = {
  { "parse", "where=parse" },
  { "ready", "where=state type=NULL->READY" },
  { "paused", "where=state type=READY->PAUSED" },
  { "start", "where=start" },
  { "playing", "where=state type=PAUSED->PLAYING" },
  { "create", "where=create" },
};

void
act_release (Stage *stage, Result *result)
{
  g_auto (Answer) answer = { 0 };
  g_autoptr (JsonObject) released = stage_order (stage, "release all");

  stage_https (stage, stage->n_clients - 1, "/serverinfo", STAGE_SHORT_PATIENCE_MS, &answer);
  result_answer (result, "released_serverinfo", &answer);
  expect_held (
      result, released != NULL && answer.status == 200, "the server answers after the release");
}

Stage *
act_open_planted (Stage *stage, Result *result, StageOptions *options, gchar **lab_argv)
{
  g_autofree gchar *dir = stage_path (stage, "planted");
  g_autoptr (GError) error = NULL;

  *options = *stage->options;
  options->side = (gchar *) "before";
  options->without = NULL;
  options->lab_argv = lab_argv;
  g_mkdir_with_parents (dir, 0700);
  Stage *planted = stage_open (options, dir, 1, "--plant=reference-leak", &error);
  expect_both (result, planted != NULL, "a lab with a planted leak is up");
  return planted;
}

void
act_control_frozen (Stage *stage, Result *result)
{
  g_auto (Answer) frozen = { 0 };
  g_auto (Answer) thawed = { 0 };

  kill (stage->pid, SIGSTOP);
  stage_https (stage, stage->n_clients - 1, "/serverinfo", FROZEN_MS, &frozen);
  kill (stage->pid, SIGCONT);
  stage_https (stage, stage->n_clients - 1, "/serverinfo", STAGE_SOON_MS, &thawed);
  result_answer (result, "control_frozen", &frozen);
  expect_both (result, !frozen.answered, "a frozen server is noticed");
  expect_both (result, thawed.status == 200, "it answers when it goes on");
}
