/* SPDX-License-Identifier: MIT
 *
 * Pipelines that get stuck: their owners are free in time, they go to quarantine, everybody else is
 * served meanwhile, and when the stuck call returns after all, nothing is left.
 */
#include "session.h"
#include "stuck-source.h"

#include <stdlib.h>
#include <wolf-guard/inspect.h>
#include <wolf-guard/shutdown.h>

#define EOS_MS 2000
#define NULL_MS 3000
#define QUARANTINE_MAX 2
/* How long the absence of something is looked at. */
#define ABSENCE_US 100000

static Gate push_gate = GATE_INIT, command_gate = GATE_INIT;

static WgQuarantineStatus
quarantine (void)
{
  WgQuarantineStatus status;

  wg_quarantine_get_status (&status);
  return status;
}

/* The owner is free, and the quarantine has one more. */
static void
assert_quarantined (Session *session, guint now)
{
  session_expire (session);
  g_assert_no_error (session->error);
  g_assert_cmpint (session->end, ==, WG_PIPELINE_QUARANTINED);
  g_assert_cmpuint (quarantine ().now, ==, now);
  g_assert_cmpuint (quarantine ().max, ==, QUARANTINE_MAX);
  g_assert_cmpuint (session->finalized, ==, 0);
  g_assert_cmpuint (session->data_freed, ==, 0);
}

/* The same for one whose sink gets its EOS first: that takes time which is not guard's. */
static void
assert_drained_and_quarantined (Session *session, guint now)
{
  assert_comes (session_drained, session);
  assert_quarantined (session, now);
  g_assert_true (session->stats.eos_seen);
}

/* What was stuck has been let go: nothing is left of it. */
static void
assert_recovered (Session *session)
{
  assert_comes (quarantine_is_empty, NULL);
  g_assert_cmpfloat (quarantine ().oldest_s, ==, 0);
  session_free (session); /* which waits for the GstPipeline and the handler's data to go */
  assert_comes (no_records, NULL);
  /* Late, but as planned: */
  g_assert_cmpuint (log_count ("ENDED UNEXPECTEDLY"), ==, 0);
}

/* --- places to be stuck in -------------------------------------------------------------------- */

static void
test_create (void)
{
  Session *session = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);
  WgQuarantineStatus before = quarantine ();

  log_watch ();
  session_start (session);
  session_await_playing (session);
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  session_stop (session);
  assert_drained_and_quarantined (session, 1);
  g_assert_cmpuint (quarantine ().entered, ==, before.entered + 1);
  g_assert_cmpfloat (quarantine ().oldest_s, >=, 0);
  g_assert_false (quarantine ().failing);
  g_assert_cmpuint (session->eos_count, ==, 1);
  g_assert_cmpuint (log_count ("in set_state(NULL) for"), ==, 1);
  gate_open (&stuck_create);
  assert_recovered (session);
  g_assert_cmpuint (quarantine ().recovered, ==, before.recovered + 1);
  g_assert_cmpuint (log_count ("recovered and is freed"), ==, 1);
}

/* Ended by ERROR, without a stop: ages and bounds count from the end itself. */
static void
post_error (GstElement *pipeline, gpointer unused)
{
  (void) unused;
  GST_ELEMENT_ERROR (pipeline, STREAM, FAILED, ("planted"), (NULL));
}

static void
test_create_after_error (void)
{
  Session *session = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);
  guint released = 0;

  log_watch ();
  session_start (session);
  session_await_playing (session);
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  g_assert_true (wg_pipeline_post (session->pipeline, "error", post_error, NULL, NULL));
  assert_quarantined (session, 1);
  g_assert_false (session->stats.eos_sent);
  g_assert_cmpuint (session->eos_count, ==, 0);
  gate_open (&stuck_create);
  assert_recovered (session);
  /* Not "freed, <the machine's uptime> s after its stop": */
  for (guint second = 0; second < AWAIT_S; second++) {
    g_autofree char *said = g_strdup_printf ("freed, %u.", second);

    released += log_count (said);
  }
  g_assert_cmpuint (released, ==, 1);
}

static void
test_start (void)
{
  Session *session = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);

  gate_close (&stuck_start);
  session_start (session);
  gate_await (&stuck_start, 1);
  session_stop (session);
  assert_quarantined (session, 1);
  g_assert_false (session->stats.eos_sent);
  gate_open (&stuck_start);
  assert_recovered (session);
}

static void
test_parse (void)
{
  Session *session = session_new ("wgstucksrc ! fakesink", NULL, NULL);

  gate_close (&stuck_init);
  session_start (session);
  gate_await (&stuck_init, 1);
  session_stop (session);
  session_expire (session);
  g_assert_null (session->pipeline);
  g_assert_error (session->error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_STOPPED);
  g_assert_cmpuint (quarantine ().now, ==, 1);
  gate_open (&stuck_init);
  assert_recovered (session);
}

static void
on_handoff (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Session *session = data;

  (void) sink;
  (void) buffer;
  (void) pad;
  if (atomic_load (&session->playing))
    gate_pass (&push_gate);
}

static void
connect_handoff (Session *session, GstElement *element)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (element), "sink");

  g_signal_connect (sink, "handoff", G_CALLBACK (on_handoff), session);
  gst_object_unref (sink);
}

/* Stuck inside a push: the peer's STREAM_LOCK is taken, and EOS's helper waits for it. */
static void
test_push (void)
{
  Session *session =
      session_new ("wgstucksrc ! fakesink name=sink signal-handoffs=true", connect_handoff, NULL);

  session_start (session);
  session_await_playing (session);
  gate_close (&push_gate);
  gate_await (&push_gate, 1);
  session_stop (session);
  assert_quarantined (session, 1);
  g_assert_false (session->stats.eos_seen);
  gate_open (&push_gate);
  assert_recovered (session);
}

static void
blocking (GstElement *pipeline, gpointer gate)
{
  (void) pipeline;
  gate_pass (gate);
}

static void
test_command (void)
{
  Session *session = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);

  session_start (session);
  session_await_playing (session);
  gate_close (&command_gate);
  g_assert_true (wg_pipeline_post (session->pipeline, "blocking", blocking, &command_gate, NULL));
  gate_await (&command_gate, 1);
  session_stop (session);
  assert_drained_and_quarantined (session, 1);
  gate_open (&command_gate);
  assert_recovered (session);
}

/* One source stuck, another healthy: the healthy one's sink gets its EOS. */
static void
test_one_of_two (void)
{
  Session *session = session_new (
      "wgstucksrc ! fakesink async=false wgstucksrc hold=false ! queue ! fakesink name=sink", NULL,
      NULL);

  session_start (session);
  session_await_playing (session);
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  session_stop (session);
  assert_drained_and_quarantined (session, 1);
  g_assert_cmpuint (session->eos_count, ==, 1);
  gate_open (&stuck_create);
  assert_recovered (session);
  g_assert_cmpuint (quarantine ().now, ==, 0);
}

/* A full appsink that nobody reads is slow to drain, not stuck: NULL unlocks it. */
static gboolean
eos_sent (Session *session)
{
  WgPipelineStats stats;

  wg_pipeline_get_stats (session->pipeline, &stats);
  return stats.eos_sent;
}

static void
test_full_appsink (void)
{
  Session *session = session_new (
      "wgstucksrc ! appsink name=sink max-buffers=1 drop=false sync=false", NULL, NULL);

  session_start (session);
  session_await_playing (session);
  session_stop (session);
  assert_comes (eos_sent, session);
  clock_advance_ms (EOS_MS);
  session_join (session);
  g_assert_cmpint (session->end, ==, WG_PIPELINE_ENDED);
  g_assert_true (quarantine_is_empty (NULL));
  session_free (session);
  assert_comes (no_records, NULL);
}

/* The streaming thread is gone for good, and with it the pipeline: leaks, so in a process of its
 * own. */
static gboolean
vanished (gpointer unused)
{
  (void) unused;
  clock_advance_ms (1); /* guard looks every WG_THREAD_SCAN_MS */
  return log_count ("ENDED UNEXPECTEDLY (bare exit)") == 1;
}

static void
test_dead (void)
{
  Session *session;

  if (run_in_child ())
    return;
  log_watch ();
  session = session_new ("wgstucksrc name=s die=true ! queue ! fakesink name=sink", NULL, NULL);
  session_start (session);
  assert_comes (session_made, session);
  assert_comes (vanished, NULL);
  g_assert_cmpuint (log_count ("'s:src' session=4 pipeline=test: ENDED UNEXPECTEDLY"), ==, 1);
  session_stop (session);
  assert_drained_and_quarantined (session, 1);
  _exit (0); /* what is leaked is leaked on purpose */
}

/* --- everybody else, meanwhile ---------------------------------------------------------------- */

static GstEvent *
input_event (void)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("input"));
}

static atomic_bool plain_returned;

static gpointer
send_plain (gpointer pipeline)
{
  gst_element_send_event (pipeline, gst_event_new_eos ());
  atomic_store (&plain_returned, TRUE);
  gst_object_unref (pipeline);
  return NULL;
}

static gboolean
has_returned (gpointer unused)
{
  (void) unused;
  return atomic_load (&plain_returned);
}

static void
assert_prompt_calls (GstElement *pipeline, gboolean taken)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "s");

  g_assert_cmpint (wg_pipeline_send_upstream (pipeline, input_event ()), ==, taken);
  g_assert_cmpint (wg_pipeline_send_upstream (source, input_event ()), ==, taken);
  g_assert_cmpint (wg_pipeline_post_string (pipeline, "s", "name", "s"), ==, taken);
  gst_object_unref (source);
}

/* While the pipeline is stuck and then in quarantine, guard's calls return; GStreamer's own do not.
 */
static void
test_prompt_while_stuck (void)
{
  Session *session = session_new ("wgstucksrc name=s ! queue ! fakesink name=sink", NULL, NULL);
  GstElement *pipeline;
  GThread *plain;
  WgPipelineStats stats;

  session_start (session);
  session_await_playing (session);
  pipeline = gst_object_ref (session->borrowed);
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  assert_prompt_calls (pipeline, TRUE);
  session_stop (session);
  assert_quarantined (session, 1);
  assert_prompt_calls (pipeline, FALSE);

  atomic_store (&plain_returned, FALSE);
  plain = g_thread_new ("plain", send_plain, gst_object_ref (pipeline));
  g_usleep (ABSENCE_US);
  g_assert_false (atomic_load (&plain_returned));

  wg_pipeline_get_stats (session->pipeline, &stats);
  g_assert_true (stats.ending);
  g_assert_cmpuint (quarantine ().now, ==, 1);

  gst_object_unref (pipeline);
  gate_open (&stuck_create);
  assert_comes (has_returned, NULL);
  g_thread_join (plain);
  assert_recovered (session);
}

/* The last unrefs race with the release. */
static void
test_release_race (void)
{
  enum { ROUNDS = 20 };
  Session *sessions[ROUNDS];
  WgQuarantineStatus before = quarantine ();

  gate_close (&stuck_create);
  for (guint i = 0; i < ROUNDS; i++) {
    sessions[i] = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);
    session_start (sessions[i]);
  }
  gate_await (&stuck_create, ROUNDS);
  for (guint i = 0; i < ROUNDS; i++)
    session_stop (sessions[i]);
  /* Let them go when their owners give up, so that some end and some are put aside. */
  for (guint i = 0; i < ROUNDS; i++)
    assert_comes (session_drained, sessions[i]);
  clock_advance_ms (EOS_MS + NULL_MS);
  g_usleep ((gulong) g_random_int_range (0, 3000));
  gate_open (&stuck_create);
  for (guint i = 0; i < ROUNDS; i++)
    session_join (sessions[i]);
  assert_comes (quarantine_is_empty, NULL);
  g_assert_cmpuint (
      quarantine ().recovered - before.recovered, ==, quarantine ().entered - before.entered);
  for (guint i = 0; i < ROUNDS; i++)
    session_free (sessions[i]);
  assert_comes (no_records, NULL);
}

/* --- too many --------------------------------------------------------------------------------- */

static void
test_failing (void)
{
  Session *sessions[QUARANTINE_MAX + 1];

  log_watch ();
  gate_close (&stuck_create);
  for (guint i = 0; i <= QUARANTINE_MAX; i++) {
    sessions[i] = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);
    session_start (sessions[i]);
    gate_await (&stuck_create, i + 1);
    g_assert_false (quarantine ().failing);
    g_assert_cmpuint (log_count ("FAILING"), ==, 0);
    session_stop (sessions[i]);
    assert_quarantined (sessions[i], i + 1);
  }
  g_assert_true (quarantine ().failing);
  g_assert_cmpuint (log_count ("FAILING: 3 pipelines with their threads are leaked, "
                               "WOLF_GUARD_QUARANTINE_MAX is 2"),
      ==, 1);
  g_assert_cmpfloat (quarantine ().oldest_s, >, 0);
  gate_open (&stuck_create);
  assert_comes (quarantine_is_empty, NULL);
  g_assert_false (quarantine ().failing);
  for (guint i = 0; i <= QUARANTINE_MAX; i++)
    assert_recovered (sessions[i]);
}

static gboolean
reported (gconstpointer age)
{
  g_autofree char *line = g_strdup_printf ("kept for %s s (1 of 2)", (const char *) age);

  return log_count (line) == 1;
}

/* The monitor thread speaks at each of its ages, once. */
static void
test_monitor (void)
{
  static const struct {
    gint64 s;
    const char *text;
  } ages[] = { { 10, "10" }, { 60, "60" }, { 600, "600" }, { 3600, "3600" }, { 7200, "7200" },
    { 10800, "10800" } };
  Session *session = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);
  gint64 age = 0;

  log_watch ();
  session_start (session);
  session_await_playing (session);
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  session_stop (session);
  assert_quarantined (session, 1);
  for (guint i = 0; i < G_N_ELEMENTS (ages); i++) {
    clock_advance_ms ((ages[i].s - age) * 1000 - 1);
    age = ages[i].s;
    g_assert_cmpuint (log_count ("kept for"), ==, i);
    clock_advance_ms (1);
    assert_comes (reported, (gpointer) ages[i].text);
  }
  g_assert_cmpuint (log_count ("kept for"), ==, G_N_ELEMENTS (ages));
  gate_open (&stuck_create);
  assert_recovered (session);
}

/* Without a thread for the monitor: counted and logged all the same. */
static void
test_no_thread (void)
{
  Session *session;

  if (run_in_child ())
    return;
  session = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);
  session_start (session);
  session_await_playing (session);
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  threads_refuse (TRUE); /* no EOS either */
  session_stop (session);
  assert_quarantined (session, 1);
  g_assert_cmpuint (log_count ("did not end in time"), ==, 1);
  gate_open (&stuck_create);
  assert_recovered (session);
}

int
main (int argc, char **argv)
{
  g_setenv ("WOLF_GUARD_EOS_MS", G_STRINGIFY (EOS_MS), TRUE);
  g_setenv ("WOLF_GUARD_NULL_MS", G_STRINGIFY (NULL_MS), TRUE);
  g_setenv ("WOLF_GUARD_QUARANTINE_MAX", G_STRINGIFY (QUARANTINE_MAX), TRUE);
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  stuck_source_register ();
  log_watch ();

  g_test_add_func ("/quarantine/stuck/create", test_create);
  g_test_add_func ("/quarantine/stuck/create-after-error", test_create_after_error);
  g_test_add_func ("/quarantine/stuck/start", test_start);
  g_test_add_func ("/quarantine/stuck/parse", test_parse);
  g_test_add_func ("/quarantine/stuck/push", test_push);
  g_test_add_func ("/quarantine/stuck/command", test_command);
  g_test_add_func ("/quarantine/stuck/one-of-two", test_one_of_two);
  g_test_add_func ("/quarantine/stuck/full-appsink", test_full_appsink);
  g_test_add_func ("/quarantine/stuck/dead", test_dead);
  g_test_add_func ("/quarantine/meanwhile/prompt", test_prompt_while_stuck);
  g_test_add_func ("/quarantine/lifetime/release-race", test_release_race);
  g_test_add_func ("/quarantine/failing", test_failing);
  g_test_add_func ("/quarantine/monitor", test_monitor);
  g_test_add_func ("/quarantine/no-thread", test_no_thread);
  return g_test_run ();
}
