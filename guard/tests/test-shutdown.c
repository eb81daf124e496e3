/* SPDX-License-Identifier: MIT
 *
 * The end of the process: healthy pipelines drain, stuck ones are counted, all within the time
 * limit. A shutdown is for good, so each case runs in a process of its own. The pipelines' own
 * limits are long here. The clock stands still but for what a test advances it.
 */
#include "session.h"
#include "stuck-source.h"

#include <wolf-guard/inspect.h>
#include <wolf-guard/shutdown.h>

#define OWN_LIMIT_MS "60000"
#define SHUTDOWN_MS 1500
#define HEALTHY 3
#define OWNERS 8
#define RACES 10

static Session *
playing (const char *description)
{
  Session *session = session_new (description, NULL, NULL);

  session_start (session);
  session_await_playing (session);
  return session;
}

static void
assert_refused (void)
{
  WgLoop *loop = wg_loop_new ();
  GError *error = NULL;

  g_assert_null (wg_pipeline_new ("late", "4", "fakesrc ! fakesink", loop, &error));
  g_assert_error (error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_SHUTDOWN);
  g_error_free (error);
  wg_loop_unref (loop);
}

static void
assert_drained (Session *session)
{
  session_join (session);
  g_assert_true (wg_loop_is_stopped (session->loop));
  g_assert_cmpint (session->end, ==, WG_PIPELINE_ENDED);
  g_assert_true (session->stats.eos_seen);
  g_assert_cmpuint (session->eos_at_sink, !=, 0);
  g_assert_cmpuint (session->sink_down, >, session->eos_at_sink);
  session_free (session);
}

static void
assert_quarantined (Session *session)
{
  session_join (session);
  g_assert_cmpint (session->end, ==, WG_PIPELINE_QUARANTINED);
}

static gboolean
nothing_is_left (gpointer unused)
{
  (void) unused;
  return wg_shutdown_wait () == 0;
}

static void
test_mixed (void)
{
  Session *stuck, *healthy[HEALTHY];

  if (run_in_child ())
    return;
  stuck = playing ("wgstucksrc ! queue ! fakesink name=sink");
  for (guint i = 0; i < HEALTHY; i++)
    healthy[i] = playing ("wgstucksrc hold=false ! queue ! fakesink name=sink");
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);

  wg_shutdown_begin (SHUTDOWN_MS);
  assert_refused ();
  for (guint i = 0; i < HEALTHY; i++)
    assert_drained (healthy[i]);
  clock_advance_ms (SHUTDOWN_MS - 1);
  g_assert_false (session_ended (stuck));
  clock_advance_ms (1);
  g_assert_cmpuint (wg_shutdown_wait (), ==, 1);
  assert_quarantined (stuck);
  assert_refused ();

  gate_open (&stuck_create);
  session_free (stuck);
  assert_comes (quarantine_is_empty, NULL);
  assert_comes (nothing_is_left, NULL); /* a moment after the quarantine is empty */
  assert_comes (no_records, NULL);
}

/* All healthy: over as soon as they are. */
static void
test_healthy (void)
{
  Session *healthy[HEALTHY];

  if (run_in_child ())
    return;
  g_assert_cmpuint (wg_shutdown_wait (), ==, 0); /* none begun, none there */
  for (guint i = 0; i < HEALTHY; i++)
    healthy[i] = playing ("wgstucksrc ! queue ! fakesink name=sink");
  g_assert_cmpuint (wg_shutdown_wait (), ==, HEALTHY); /* none begun: no waiting */
  wg_shutdown_begin (AWAIT_S * 1000);
  wg_shutdown_begin (1); /* the first counts */
  g_assert_cmpuint (wg_shutdown_wait (), ==, 0);
  for (guint i = 0; i < HEALTHY; i++)
    assert_drained (healthy[i]);
}

static gboolean
is_ending (Session *session)
{
  WgPipelineStats stats;

  wg_pipeline_get_stats (session->pipeline, &stats);
  return stats.ending;
}

/* An end that waits for a minute, be it for EOS or for NULL, waits no longer once the shutdown
 * begins. */
static void
shorten (const char *description, Gate *gate, SessionPrepare prepare)
{
  Session *session = session_new (description, prepare, NULL);

  session_start (session);
  session_await_playing (session);
  gate_close (gate);
  gate_await (gate, 1);
  session_stop (session);
  assert_comes (is_ending, session);
  wg_shutdown_begin (SHUTDOWN_MS);
  g_assert_false (session_ended (session));
  clock_advance_ms (SHUTDOWN_MS);
  g_assert_cmpuint (wg_shutdown_wait (), ==, 1);
  assert_quarantined (session);
  gate_open (gate);
  session_free (session);
  assert_comes (quarantine_is_empty, NULL);
}

static void
test_shortens_null (void)
{
  if (run_in_child ())
    return;
  shorten ("wgstucksrc ! queue ! fakesink name=sink", &stuck_create, NULL);
}

static Gate push_gate = GATE_INIT;

static void
on_handoff (void)
{
  gate_pass (&push_gate);
}

static void
connect_handoff (Session *session, GstElement *element)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (element), "sink");

  (void) session;
  g_signal_connect_swapped (sink, "handoff", G_CALLBACK (on_handoff), NULL);
  gst_object_unref (sink);
}

static void
test_shortens_eos (void)
{
  if (run_in_child ())
    return;
  shorten ("wgstucksrc ! fakesink name=sink signal-handoffs=true", &push_gate, connect_handoff);
}

/* Stuck before there is a pipeline. */
static void
test_parse (void)
{
  Session *session;

  if (run_in_child ())
    return;
  session = session_new ("wgstucksrc ! fakesink", NULL, NULL);
  gate_close (&stuck_init);
  session_start (session);
  gate_await (&stuck_init, 1);
  wg_shutdown_begin (SHUTDOWN_MS);
  clock_advance_ms (SHUTDOWN_MS);
  g_assert_cmpuint (wg_shutdown_wait (), ==, 1);
  session_join (session);
  g_assert_null (session->pipeline);
  gate_open (&stuck_init);
  session_free (session);
  assert_comes (quarantine_is_empty, NULL);
}

static atomic_uint refused, quarantined;

static gboolean
stop_loop (gpointer loop)
{
  wg_loop_stop (loop);
  return G_SOURCE_REMOVE;
}

static gpointer
owner_until_refused (gpointer unused)
{
  for (;;) {
    WgLoop *loop = wg_loop_new ();
    g_autoptr (GError) error = NULL;
    WgPipeline *pipeline =
        wg_pipeline_new ("race", "4", "wgstucksrc num-buffers=2 ! fakesink", loop, &error);
    gboolean over = g_error_matches (error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_SHUTDOWN);
    GSource *later = g_timeout_source_new (5);

    if (pipeline) {
      g_source_set_callback (later, stop_loop, loop, NULL);
      g_source_attach (later, wg_loop_get_context (loop));
      wg_pipeline_play (pipeline);
      wg_loop_run (loop);
      if (wg_pipeline_end (pipeline) == WG_PIPELINE_QUARANTINED)
        atomic_fetch_add (&quarantined, 1);
      wg_pipeline_unref (pipeline);
    }
    g_source_destroy (later);
    g_source_unref (later);
    wg_loop_unref (loop);
    if (over)
      break;
  }
  atomic_fetch_add (&refused, 1);
  return unused;
}

static gboolean
all_refused (gpointer unused)
{
  (void) unused;
  return atomic_load (&refused) == OWNERS;
}

/* Begun while pipelines come and go: each is stopped or was never made. */
static void
race (void)
{
  GThread *owners[OWNERS];

  for (guint i = 0; i < OWNERS; i++)
    owners[i] = g_thread_new ("owner", owner_until_refused, NULL);
  g_usleep ((gulong) g_random_int_range (0, 50000));
  wg_shutdown_begin (AWAIT_S * 1000);
  g_assert_cmpuint (wg_shutdown_wait (), ==, 0);
  assert_comes (all_refused, NULL);
  for (guint i = 0; i < OWNERS; i++)
    g_thread_join (owners[i]);
  g_assert_cmpuint (atomic_load (&quarantined), ==, 0);
  g_assert_cmpuint (wg_shutdown_wait (), ==, 0);
  assert_comes (no_records, NULL);
}

static void
test_race (void)
{
  if (g_test_subprocess ()) {
    race ();
    return;
  }
  for (guint i = 0; i < RACES; i++)
    g_assert_true (run_in_child ());
}

int
main (int argc, char **argv)
{
  g_setenv ("WOLF_GUARD_EOS_MS", OWN_LIMIT_MS, TRUE);
  g_setenv ("WOLF_GUARD_NULL_MS", OWN_LIMIT_MS, TRUE);
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  stuck_source_register ();
  log_watch ();

  g_test_add_func ("/shutdown/mixed", test_mixed);
  g_test_add_func ("/shutdown/healthy", test_healthy);
  g_test_add_func ("/shutdown/shortens/null", test_shortens_null);
  g_test_add_func ("/shutdown/shortens/eos", test_shortens_eos);
  g_test_add_func ("/shutdown/parse", test_parse);
  g_test_add_func ("/shutdown/race", test_race);
  return g_test_run ();
}
