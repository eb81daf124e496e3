/* SPDX-License-Identifier: MIT */
/* steps.c: what several scenarios do: stream, get stuck, look at the server meanwhile. */
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
/* How long others ask while something is stuck. */
#define LOAD_S 1
#define LONG_LOAD_S 9
/* The least limit of an answer: what a user does not notice. */
#define LEAST_LIMIT_MS 50
/* How many answers a thing that takes seconds consists of, when a slow machine stretches it. */
#define STRETCH 20
/* What is done at once takes no longer on a machine that is worth testing on. */
#define AFTER_WAIT_MS 10000
/* How long a server is frozen for a control, and how often it is asked meanwhile. */
#define FROZEN_MS 1000
/* How often a property is looked at. */
#define VALUE_LOOK_MS 20

gint64
step_patience_ms (const Runner *runner)
{
  return runner->options->long_run ? PATIENCE_MS : QUICK_PATIENCE_MS;
}

gint64
step_wait_ms (const Runner *runner, gint64 ms)
{
  return result_side (runner->options->label) == RESULT_AFTER ? MAX (ms, AFTER_WAIT_MS) : ms;
}

gchar *
step_add_body (const Runner *runner, guint number)
{
  return g_strdup_printf (
      "{\"app_id\":\"%s\",\"client_id\":\"%s\",\"client_ip\":\"127.0.0.1\",\"aes_key\":"
      "\"00112233445566778899aabbccddeeff\",\"aes_iv\":\"1\",\"rtsp_fake_ip\":\"10.1.2.3\","
      "\"video_width\":320,\"video_height\":180,\"video_refresh_rate\":30,\"audio_channel_count\":"
      "2}",
      runner->app_id, runner->session_ids[number]);
}

gchar *
step_session_body (const Runner *runner, guint number)
{
  return g_strdup_printf ("{\"session_id\":\"%s\"}", runner->session_ids[number]);
}

Client *
step_stream (Runner *runner, Result *result, guint number)
{
  Client *client = client_start (runner, number, NULL, PATIENCE_MS);

  if (client_streams (client, PATIENCE_MS))
    return client;
  expect_both (result, FALSE, "a session streams before anything is done to it");
  client_end (client);
  return NULL;
}

void
step_strike (Runner *runner, Result *result, const gchar *kind, const gchar *target)
{
  g_autoptr (JsonObject) armed = runner_order (runner, "%s %s", kind, target);
  const guint id = armed ? (guint) json_object_get_int_member (armed, "id") : 0;

  expect_both (result,
      id != 0
          && runner_order_reached (runner, "wait id=%u state=%s timeout=%d", id,
              g_str_equal (kind, "die") ? "dead" : "stalled", SOON_MS),
      "the fault was hit");
}

void
step_strike_source (
    Runner *runner, Result *result, guint number, const gchar *kind, const gchar *where)
{
  g_autofree gchar *target =
      g_strdup_printf ("element=wolf_wayland_source with=%s_video where=%s times=1",
          runner->session_ids[number], where);

  step_strike (runner, result, kind, target);
}

struct Load {
  GThread *thread;
  Runner *runner;
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

  probe_each (load->runner, (gint64) (1000 * (load->seconds + load->timeout_s)) + SOON_MS,
      "latency", words, load_report, load);
  return NULL;
}

Load *
step_load_start (Runner *runner, guint number, gdouble seconds, gdouble timeout_s)
{
  Load *load = g_new0 (Load, 1);

  load->runner = runner;
  load->cert = runner_client_file (runner->options, number, "client.crt");
  load->key = runner_client_file (runner->options, number, "client.key");
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
step_percentile (GArray *ms, guint percent)
{
  if (ms->len == 0)
    return -1;
  g_array_sort (ms, by_size);
  return g_array_index (ms, gdouble, (ms->len * percent + 99) / 100 - 1);
}

void
step_load_stop (Load *load)
{
  g_atomic_int_set (&load->over, TRUE);
}

void
step_load_end (Load *load, Result *result, const gchar *name, LoadTimes *times)
{
  g_autofree gchar *requests = g_strconcat (name, "_requests", NULL);
  g_autofree gchar *failed = g_strconcat (name, "_failures", NULL);
  g_autofree gchar *p50 = g_strconcat (name, "_p50_ms", NULL);
  g_autofree gchar *p99 = g_strconcat (name, "_p99_ms", NULL);
  g_autofree gchar *max = g_strconcat (name, "_max_ms", NULL);

  g_thread_join (load->thread);
  *times =
      (LoadTimes){ load->failures, step_percentile (load->ms, 50), step_percentile (load->ms, 99) };
  expect_both (result, load->ms->len + load->failures > 0, "the latency of HTTPS was measured");
  result_int (result, requests, load->ms->len + load->failures);
  result_int (result, failed, times->failures);
  result_ms (result, p50, times->p50_ms);
  result_ms (result, p99, times->p99_ms);
  result_ms (result, max, step_percentile (load->ms, 100));
  g_array_unref (load->ms);
  g_free (load->cert);
  g_free (load->key);
  g_free (load);
}

gdouble
step_limit_ms (const Runner *runner)
{
  MachineTimes machine;

  machine_times (runner->machine, runner->begun, &machine);
  return MAX (LEAST_LIMIT_MS, 2 * runner->cost * machine.worst_ms);
}

void
step_expect_prompt (Runner *runner, Result *result, const Answer *answer, const gchar *what)
{
  expect_in_time (result, answer->status == 200 && answer->ms <= step_limit_ms (runner), what);
}

void
step_conclude (
    Runner *runner, Result *result, Question *question, const gchar *name, const gchar *what)
{
  g_auto (Answer) answer = { 0 };
  g_autofree gchar *fault = g_strconcat (what, " is not answered while something is stuck", NULL);
  g_autofree gchar *promise = g_strconcat (what, " is answered in time", NULL);

  question_end (question, &answer);
  result_answer (result, name, &answer);
  expect_fault (result, !answer.answered, fault);
  step_expect_prompt (runner, result, &answer, promise);
}

gdouble
step_stretched_ms (const Runner *runner, gdouble ms)
{
  return ms + STRETCH * (step_limit_ms (runner) - LEAST_LIMIT_MS);
}

void
step_take_cost (Runner *runner, gint64 since, const LoadTimes *healthy)
{
  MachineTimes machine;

  machine_times (runner->machine, since, &machine);
  runner->cost = MAX (healthy->p50_ms / machine.p50_ms, healthy->p99_ms / machine.worst_ms);
  runner->cost = MAX (1, runner->cost);
}

void
step_measure_healthy (Runner *runner, Result *result)
{
  const gint64 since = g_get_monotonic_time ();
  LoadTimes times;

  step_load_end (
      step_load_start (runner, runner->n_clients - 1, 1.5, 5), result, "healthy", &times);
  expect_both (result, times.failures == 0, "a healthy server answers every request");
  step_take_cost (runner, since, &times);
}

/* Counts what a client that has pinged gets; adds NAME_video and NAME_audio. Ends the client. */
static gboolean
conclude_session (Result *result, Client *client, gboolean pinged, const gchar *name)
{
  g_autofree gchar *video_name = g_strconcat (name, "_video", NULL);
  g_autofree gchar *audio_name = g_strconcat (name, "_audio", NULL);
  gint64 video = 0, audio = 0;

  if (pinged)
    client_count (client, COUNT_MS, &video, &audio);
  client_end (client);
  result_int (result, video_name, video);
  result_int (result, audio_name, audio);
  return video > 0 && audio > 0;
}

/* Another client's session and, if wanted, a new one of the stuck client. Both are started at once:
 * on a stuck server each takes all of its time. */
static void
look_at_sessions (Runner *runner, Result *result, guint stuck_client, gboolean relaunch)
{
  const gint64 patience_ms = step_wait_ms (runner, NEW_SESSION_MS);
  Client *other = client_start (runner, stuck_client + 1, NULL, patience_ms);
  Client *again = relaunch ? client_start (runner, stuck_client, NULL, patience_ms) : NULL;
  const gboolean other_pinged = client_pings (other, 2 * patience_ms);
  const gboolean again_pinged = again != NULL && client_pings (again, 2 * patience_ms);

  const gboolean other_got = conclude_session (result, other, other_pinged, "other");
  expect_fault (result, !other_got, "another client's new session does not stream");
  expect_in_time (result, other_got, "another client's new session streams");
  if (again == NULL)
    return;
  const gboolean again_got = conclude_session (result, again, again_pinged, "relaunch");
  expect_fault (result, !again_got, "the same client's new session does not stream");
  /* While the stuck producer lives, an unpatched gst-interpipe has its node's name taken. */
  expect_held_with_plugin (
      runner, result, again_got, "the same client's new session streams at once");
}

static void
look_at_sockets (Runner *runner, Result *result)
{
  Sockets sockets;
  g_autofree gchar *cert = runner_client_file (runner->options, 0, "client.crt");
  g_autofree gchar *key = runner_client_file (runner->options, 0, "client.key");
  g_autoptr (JsonObject) crowd = probe_last (runner, PATIENCE_MS, "abuse", "--kind", "connect-fin",
      "--count", CROWD, "--at", "0", "--timeout", "1", "--cert", cert, "--key", key, NULL);

  expect_both (result, crowd != NULL, "a crowd came and went");
  sockets_wait_no_close_wait (runner->ports.https, step_wait_ms (runner, CROWD_MS), &sockets);
  result_int (result, "meanwhile_close_wait", sockets.close_wait);
  result_int (result, "meanwhile_unaccepted", sockets.unaccepted);
  expect_in_time (result, sockets.close_wait == 0 && sockets.unaccepted == 0,
      "no connection waits to be accepted or closed");
}

gboolean
step_is_in_time (const Runner *runner, const LoadTimes *times)
{
  return times->failures == 0 && times->p99_ms <= step_limit_ms (runner);
}

void
step_look_at_server (Runner *runner, Result *result, guint number)
{
  LoadTimes times;

  const gdouble seconds = runner->options->long_run ? LONG_LOAD_S : LOAD_S;
  step_load_end (step_load_start (runner, number, seconds, 2), result, "meanwhile", &times);
  expect_in_time (result, step_is_in_time (runner, &times), "HTTPS answers in time meanwhile");
  look_at_sockets (runner, result);
}

void
expect_held_with_plugin (Runner *runner, Result *result, gboolean held, const gchar *what)
{
  if (runner->options->plugin_after)
    expect_held (result, held, what);
}

void
step_look_meanwhile (Runner *runner, Result *result, guint stuck_client, gboolean relaunch)
{
  step_look_at_server (runner, result, stuck_client + 1);
  look_at_sessions (runner, result, stuck_client, relaunch);
}

/* How often to look for an element that is on its way out. */
#define OUTLIVE_LOOK_MS 50

/* The value that the only element of an answer has, as text. */
static gchar *
only_value (JsonObject *got)
{
  JsonArray *values = got ? json_object_get_array_member (got, "values") : NULL;

  if (values == NULL || json_array_get_length (values) != 1)
    return NULL;
  JsonNode *value = json_object_get_member (json_array_get_object_element (values, 0), "value");
  return json_node_get_value_type (value) == G_TYPE_STRING ? json_node_dup_string (value)
                                                           : json_to_string (value, FALSE);
}

gboolean
step_await_value (Runner *runner, const gchar *which, const gchar *value, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    g_autoptr (JsonObject) got = runner_order (runner, "get %s", which);
    g_autofree gchar *is = only_value (got);
    if (g_strcmp0 (is, value) == 0)
      return TRUE;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (VALUE_LOOK_MS);
  }
}

gboolean
step_producer_outlives (Runner *runner, const gchar *id, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  while (runner_order_reached (
      runner, "wait element=wolf_wayland_source with=%s_video state=seen timeout=0", id)) {
    if (g_get_monotonic_time () >= until)
      return TRUE;
    wait_ms (OUTLIVE_LOOK_MS);
  }
  return FALSE;
}

gboolean
step_outlives (Runner *runner, guint number, gint64 within_ms)
{
  return step_producer_outlives (runner, runner->session_ids[number], within_ms);
}

const StepMoment step_moments[STEP_MOMENTS] = {
  { "parse", "where=parse" },
  { "ready", "where=state type=NULL->READY" },
  { "paused", "where=state type=READY->PAUSED" },
  { "start", "where=start" },
  { "playing", "where=state type=PAUSED->PLAYING" },
  { "create", "where=create" },
};

void
step_release (Runner *runner, Result *result)
{
  g_auto (Answer) answer = { 0 };
  g_autoptr (JsonObject) released = runner_order (runner, "release all");

  ask_https_now (runner, runner->n_clients - 1, "/serverinfo", SHORT_PATIENCE_MS, &answer);
  result_answer (result, "released_serverinfo", &answer);
  expect_held (
      result, released != NULL && answer.status == 200, "the server answers after the release");
}

Runner *
step_open_planted (Runner *runner, Result *result, RunnerOptions *options, gchar **lab_argv)
{
  g_autofree gchar *dir = runner_path (runner, "planted");
  g_autoptr (GError) error = NULL;

  *options = *runner->options;
  options->side = (gchar *) "before";
  options->without = NULL;
  options->lab_argv = lab_argv;
  g_mkdir_with_parents (dir, 0700);
  Runner *planted = runner_open (options, dir, 1, "--plant=reference-leak", &error);
  expect_both (result, planted != NULL, "a lab with a planted leak is up");
  return planted;
}

void
step_control_frozen (Runner *runner, Result *result)
{
  g_auto (Answer) frozen = { 0 };
  g_auto (Answer) thawed = { 0 };

  kill (runner->pid, SIGSTOP);
  ask_https_now (runner, runner->n_clients - 1, "/serverinfo", FROZEN_MS, &frozen);
  kill (runner->pid, SIGCONT);
  ask_https_now (runner, runner->n_clients - 1, "/serverinfo", SOON_MS, &thawed);
  result_answer (result, "control_frozen", &frozen);
  expect_both (result, !frozen.answered, "a frozen server is noticed");
  expect_both (result, thawed.status == 200, "it answers when it goes on");
}
