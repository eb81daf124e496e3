/* SPDX-License-Identifier: MIT */
/*
 * timeline.c: one stuck source from before to after, as a picture shows it: the latency of
 * the HTTPS port and the states of its sockets over time, on one clock.
 */
#include "steps.h"

/* When what happens, from the beginning. The source is stuck for long enough that a client's
 * patience passes several times. */
#define STUCK_AT_MS 1500
#define CANCEL_AT_MS 2500
#define RELEASE_AT_MS 8000
#define RELEASE_AT_LONG_MS 20000
#define AFTER_MS 2000
/* Between the starts of two requests, and how long each is waited for: a user's second. */
#define INTERVAL "50"
#define REQUEST_PATIENCE_MS 1000
#define LOOK_MS 50
/* The requests end with the scenario, and if that hangs, by themselves. */
#define AT_MOST "100"
#define AT_MOST_MS 101000
/* After, a gap in the answers is at most this part of the time for which the source is stuck;
 * before, it is at least half of it. What lies between is neither. */
#define GAP_PART 10

typedef struct {
  Runner *runner;
  gint64 begun; /* of the scenario */
  gint over;    /* atomic */
  gchar *cert, *key;
  /* Belong to the thread that fills them until it is joined. */
  GArray *samples;
  JsonArray *sockets;
  /* The scenario's own. */
  JsonArray *events;
} Timeline;

/* One request; ms is negative when it was not answered. */
typedef struct {
  gdouble t_ms, ms;
  gdouble seen_ms; /* when its report arrived, on the scenario's clock */
} Sample;

static gdouble
now_ms (const Timeline *timeline)
{
  return (gdouble) (g_get_monotonic_time () - timeline->begun) / G_TIME_SPAN_MILLISECOND;
}

static gint64
event (Timeline *timeline, const gchar *name)
{
  JsonArray *event = json_array_new ();
  const gint64 at = (gint64) now_ms (timeline);

  json_array_add_int_element (event, at);
  json_array_add_string_element (event, name);
  json_array_add_array_element (timeline->events, event);
  return at;
}

static void
await (const Timeline *timeline, gint64 at_ms)
{
  wait_ms (MAX (0, at_ms - (gint64) now_ms (timeline)));
}

static gboolean
take_sample (JsonObject *report, gpointer data)
{
  Timeline *timeline = data;

  if (!json_object_has_member (report, "t_ms"))
    return FALSE; /* the summary */
  const Sample sample = {
    .t_ms = json_object_get_double_member (report, "t_ms"),
    .ms = json_object_get_boolean_member (report, "ok")
        ? json_object_get_double_member (report, "ms")
        : -json_object_get_double_member (report, "ms"),
    .seen_ms = now_ms (timeline),
  };
  g_array_append_val (timeline->samples, sample);
  return !g_atomic_int_get (&timeline->over);
}

static gpointer
ask_all_along (gpointer data)
{
  Timeline *timeline = data;
  g_autofree gchar *patience = g_strdup_printf ("%.3f", (gdouble) REQUEST_PATIENCE_MS / 1000);
  const gchar *const words[] = { "--interval", INTERVAL, "--duration", AT_MOST, "--timeout",
    patience, "--cert", timeline->cert, "--key", timeline->key, NULL };

  probe_each (timeline->runner, AT_MOST_MS, "latency", words, take_sample, timeline);
  return NULL;
}

static gpointer
look_all_along (gpointer data)
{
  Timeline *timeline = data;
  Sockets now;

  while (!g_atomic_int_get (&timeline->over)) {
    JsonArray *row = json_array_new ();
    json_array_add_int_element (row, (gint64) now_ms (timeline));
    sockets_read (timeline->runner->ports.https, &now);
    json_array_add_int_element (row, now.established);
    json_array_add_int_element (row, now.close_wait);
    json_array_add_int_element (row, now.unaccepted);
    json_array_add_array_element (timeline->sockets, row);
    wait_ms (LOOK_MS);
  }
  return NULL;
}

/* The requests' clock began with their program, a little after ours. A report arrives after its
 * request has ended and never before, so that the smallest difference says by how much. */
static gdouble
offset_ms (const Timeline *timeline)
{
  gdouble offset = G_MAXDOUBLE;

  for (guint i = 0; i < timeline->samples->len; i++) {
    const Sample *sample = &g_array_index (timeline->samples, Sample, i);
    offset = MIN (offset, sample->seen_ms - sample->t_ms - ABS (sample->ms));
  }
  return offset;
}

/* Adds the samples; returns the longest time that a client waited for an answer, over as many
 * requests as it took, in `slowest` the slowest single answer. When nobody asked, as a busy machine
 * will have it, nobody waited. */
static gdouble
tell_latency (const Timeline *timeline, Result *result, gdouble *slowest, guint *unanswered)
{
  const gdouble end_ms = now_ms (timeline);
  JsonObject *latency = json_object_new ();
  JsonArray *samples = json_array_new ();
  const gdouble offset = offset_ms (timeline);
  gdouble since = -1, gap = 0; /* since when somebody waits; negative: nobody does */

  *slowest = -1;
  *unanswered = 0;
  for (guint i = 0; i < timeline->samples->len; i++) {
    const Sample *sample = &g_array_index (timeline->samples, Sample, i);
    JsonArray *row = json_array_new ();
    const gdouble t = offset + sample->t_ms;
    json_array_add_int_element (row, (gint64) t);
    since = since >= 0 ? since : MAX (t, 0);
    if (sample->ms >= 0) {
      json_array_add_double_element (row, result_round_ms (sample->ms));
      gap = MAX (gap, t + sample->ms - since);
      since = -1;
      *slowest = MAX (*slowest, sample->ms);
    } else {
      json_array_add_null_element (row);
      (*unanswered)++;
    }
    json_array_add_array_element (samples, row);
  }
  json_object_set_string_member (latency, "port", "https");
  json_object_set_int_member (latency, "patience_ms", REQUEST_PATIENCE_MS);
  json_object_set_array_member (latency, "samples", samples);
  result_object (result, "latency", latency);
  return since >= 0 ? MAX (gap, end_ms - since) : gap;
}

/* Returns for how long the source was stuck. */
static gint64
go_through (Timeline *timeline, Result *result, gint64 release_at_ms)
{
  Runner *runner = timeline->runner;
  g_auto (Answer) answer = { 0 };

  await (timeline, STUCK_AT_MS);
  step_strike_source (runner, result, 0, "stall", "create");
  const gint64 stuck = event (timeline, "stuck");
  await (timeline, CANCEL_AT_MS);
  Question *cancel = ask_https (runner, 0, "/cancel", PATIENCE_MS);
  event (timeline, "cancel");
  await (timeline, release_at_ms);
  const gboolean in_time = question_is_over (cancel, 0);
  g_autoptr (JsonObject) released_all G_GNUC_UNUSED = runner_order (runner, "release all");
  const gint64 released = event (timeline, "released");
  question_end (cancel, &answer);
  result_answer (result, "cancel", &answer);
  expect_fault (result, !in_time, "/cancel is not answered before the source is released");
  expect_held (result, in_time && answer.status == 200, "/cancel is answered meanwhile");
  await (timeline, released + AFTER_MS);
  return released - stuck;
}

void
scenario_timeline (Runner *runner, Result *result)
{
  const gint64 release_at_ms = runner->options->long_run ? RELEASE_AT_LONG_MS : RELEASE_AT_MS;
  step_measure_healthy (runner, result);
  g_autoptr (Client) client = step_stream (runner, result, 0);
  g_autoptr (GArray) samples = g_array_new (FALSE, FALSE, sizeof (Sample));
  Timeline timeline = {
    .runner = runner,
    .samples = samples,
    .sockets = json_array_new (),
    .events = json_array_new (),
  };
  gdouble slowest;
  guint unanswered;

  if (client == NULL)
    return;
  timeline.cert = runner_client_file (runner->options, 1, "client.crt");
  timeline.key = runner_client_file (runner->options, 1, "client.key");
  timeline.begun = g_get_monotonic_time ();
  GThread *asking = g_thread_new ("ask", ask_all_along, &timeline);
  GThread *looking = g_thread_new ("look", look_all_along, &timeline);
  const gint64 stuck_ms = go_through (&timeline, result, release_at_ms);
  g_atomic_int_set (&timeline.over, TRUE);
  g_thread_join (asking);
  g_thread_join (looking);
  const gdouble gap_ms = tell_latency (&timeline, result, &slowest, &unanswered);
  const gdouble gap_limit_ms = MAX (step_limit_ms (runner), (gdouble) stuck_ms / GAP_PART);
  result_array (result, "sockets", timeline.sockets);
  result_array (result, "events", timeline.events);
  result_int (result, "stuck_ms", stuck_ms);
  result_int (result, "requests", samples->len);
  result_int (result, "unanswered", unanswered);
  result_ms (result, "slowest_ms", slowest);
  result_ms (result, "gap_ms", gap_ms);
  result_ms (result, "gap_limit_ms", gap_limit_ms);
  expect_both (result, samples->len > 0, "the latency of HTTPS was measured");
  expect_fault (result, gap_ms >= (gdouble) stuck_ms / 2,
      "HTTPS is not answered for at least half of the time for which the source is stuck");
  expect_in_time (result, gap_ms <= gap_limit_ms, "HTTPS is answered all along, without a gap");
  g_free (timeline.cert);
  g_free (timeline.key);
}
