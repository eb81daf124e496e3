/* SPDX-License-Identifier: MIT
 *
 * Healthy pipelines, and what is posted to them. Stuck ones are test-quarantine's.
 */
#include "session.h"
#include "stuck-source.h"

#include <dirent.h>
#include <wolf-guard/log.h>
#include <wolf-guard/thread.h>
#include <wolf-guard/inspect.h>
#include <wolf-guard/shutdown.h>

#define HEALTHY_ENDS 40
#define EOS_RACES 30
#define STRAY_QUITS 30
#define CHURNED_ENDS 20
#define STOPPED_EARLY 30
#define OWNERS 4
#define RANDOM_STOPS 60 /* each owner's */
#define RANDOM_STOP_US 20000
#define LIMIT_MS "600000"

/* The clock goes so slowly here that an end that waits for a time limit does not come in time. */
static gboolean
ends_soon (Session *session)
{
  /* Guard looks every 10 ms for sources that have begun meanwhile. */
  clock_advance_ms (10);
  return session_ended (session);
}

static void
assert_ended (Session *session)
{
  assert_comes (ends_soon, session);
  session_join (session);
  g_assert_no_error (session->error);
  g_assert_cmpint (session->end, ==, WG_PIPELINE_ENDED);
  g_assert_true (session->stats.ending);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
test_healthy_end (void)
{
  static const char *const descriptions[] = {
    "wgstucksrc ! fakesink name=sink sync=false",
    "wgstucksrc ! queue ! identity ! fakesink name=sink",
    "( wgstucksrc name=inner ) inner. ! queue ! fakesink name=sink async=false",
    "wgstucksrc ! funnel name=f ! queue ! fakesink name=sink wgstucksrc ! f. ",
  };

  for (guint i = 0; i < HEALTHY_ENDS; i++) {
    Session *session = session_new (descriptions[i % G_N_ELEMENTS (descriptions)], NULL, NULL);

    session_start (session);
    session_await_playing (session);
    session_stop (session);
    assert_ended (session);
    g_assert_true (session->stats.eos_sent);
    g_assert_true (session->stats.eos_seen);
    g_assert_false (session->stats.error_seen);
    g_assert_cmpuint (session->eos_count, ==, 1);
    g_assert_cmpuint (session->eos_at_sink, !=, 0);
    g_assert_cmpuint (session->sink_down, >, session->eos_at_sink);
    /* Gone when the end returned: a host may use its names again at once. */
    g_assert_cmpuint (session->finalized, ==, 1);
    session_free (session);
  }
}

static GstPadProbeReturn
on_first_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void) pad;
  (void) info;
  session_stop (data);
  return GST_PAD_PROBE_REMOVE;
}

static void
stop_in_probe (Session *session, GstElement *element)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (element), "sink");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_first_buffer, session, NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
}

/* With the first buffer, while PLAYING is still on its way. */
static void
test_end_with_first_buffer (void)
{
  for (guint i = 0; i < HEALTHY_ENDS; i++) {
    Session *session = session_new ("wgstucksrc ! queue ! fakesink name=sink", stop_in_probe, NULL);

    session_start (session);
    assert_ended (session);
    g_assert_true (session->stats.eos_seen);
    g_assert_cmpuint (session->sink_down, >, session->eos_at_sink);
    g_assert_cmpuint (session->eos_at_sink, !=, 0);
    session_free (session);
  }
}

/* The same, but less in all than the grace of an end that is noticed late (250 ms). */
static gboolean
ends_within_grace (Session *session)
{
  static guint in_all;

  if (in_all < 200) {
    in_all += 10;
    clock_advance_ms (10);
  }
  return session_ended (session);
}

/* An owner that was busy until after the deadline still drains what is healthy. */
static void
test_late_owner (void)
{
  Session *session;

  if (run_in_child ())
    return;
  session = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);
  g_setenv ("WOLF_GUARD_EOS_MS", "20", TRUE);
  session->owner_late_ms = 100;
  session_start (session);
  session_await_playing (session);
  session_stop (session);
  assert_comes (ends_within_grace, session);
  session_join (session);
  g_assert_cmpint (session->end, ==, WG_PIPELINE_ENDED);
  g_assert_true (session->stats.eos_seen);
  g_assert_cmpuint (session->sink_down, >, session->eos_at_sink);
  session_free (session);
}

static void
post_error (GstElement *pipeline, gpointer unused)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");

  (void) unused;
  GST_ELEMENT_ERROR (sink, STREAM, FAILED, ("planted"), (NULL));
  gst_object_unref (sink);
}

static void
test_ended_by_error (void)
{
  Session *session = session_new ("wgstucksrc ! fakesink name=sink", NULL, NULL);

  session_start (session);
  session_await_playing (session);
  g_assert_true (wg_pipeline_post (session->pipeline, "error", post_error, NULL, NULL));
  assert_ended (session);
  g_assert_false (wg_loop_is_stopped (session->loop));
  g_assert_true (session->stats.error_seen);
  g_assert_false (session->stats.eos_sent);
  g_assert_cmpuint (session->eos_count, ==, 0);
  session_free (session);
}

static void
test_ended_by_eos (void)
{
  Session *session =
      session_new ("wgstucksrc num-buffers=5 ! queue ! fakesink name=sink", NULL, NULL);

  session_start (session);
  assert_ended (session);
  g_assert_false (wg_loop_is_stopped (session->loop));
  g_assert_true (session->stats.eos_seen);
  g_assert_false (session->stats.eos_sent);
  g_assert_cmpuint (session->eos_count, ==, 1);
  session_free (session);
}

static gpointer
stop_later (gpointer data)
{
  Session *session = data;

  g_usleep ((gulong) g_random_int_range (10000, 22000)); /* its three buffers take 15 ms */
  session_stop (session);
  return NULL;
}

/* Its own EOS and guard's at about the same time: the sink gets one. */
static void
test_eos_race (void)
{
  for (guint i = 0; i < EOS_RACES; i++) {
    Session *session =
        session_new ("wgstucksrc num-buffers=3 ! queue ! fakesink name=sink", NULL, NULL);
    GThread *stopper;

    session_start (session);
    assert_comes (session_made, session);
    stopper = g_thread_new ("stopper", stop_later, session);
    assert_ended (session);
    g_thread_join (stopper);
    if (session->stats.eos_sent || session->stats.eos_seen)
      g_assert_cmpuint (session->eos_count, ==, 1);
    session_free (session);
  }
}

static void
lock_late (Session *session, GstElement *element)
{
  GstElement *late = gst_bin_get_by_name (GST_BIN (element), "late");

  gst_element_set_locked_state (late, TRUE);
  session->data = late;
}

static gboolean
eos_sent (Session *session)
{
  WgPipelineStats stats;

  wg_pipeline_get_stats (session->pipeline, &stats);
  return stats.eos_sent;
}

/* A source that begins only after the others have had their EOS gets one as well. */
static void
test_late_source (void)
{
  Session *session = session_new (
      "wgstucksrc ! funnel name=f ! queue ! fakesink name=sink wgstucksrc name=late ! f. ",
      lock_late, NULL);
  GstElement *late;

  session_start (session);
  session_await_playing (session);
  late = session->data;
  session_stop (session);
  assert_comes (eos_sent, session);
  gst_element_set_locked_state (late, FALSE);
  g_assert_true (gst_element_sync_state_with_parent (late));
  assert_ended (session);
  g_assert_true (session->stats.eos_seen);
  g_assert_cmpuint (session->eos_count, ==, 1);
  gst_object_unref (late);
  session_free (session);
}

/* Elements come and go while guard looks for the sources: none is missed, none gets EOS twice. */
typedef struct {
  Session *session;
  GstElement *element;
} Churn;

static gpointer
churn (gpointer data)
{
  GstElement *element = ((Churn *) data)->element;

  while (!session_ended (((Churn *) data)->session)) {
    GstElement *extra = gst_element_factory_make ("identity", NULL);

    gst_bin_add (GST_BIN (element), extra);
    gst_bin_remove (GST_BIN (element), extra);
  }
  return NULL;
}

static void
test_churn (void)
{
  for (guint i = 0; i < CHURNED_ENDS; i++) {
    Session *session = session_new (
        "wgstucksrc ! funnel name=f ! fakesink name=sink wgstucksrc ! f. wgstucksrc ! f. "
        "wgstucksrc ! f. wgstucksrc ! f. wgstucksrc ! f. wgstucksrc ! f. wgstucksrc ! f. ",
        NULL, NULL);
    Churn data = { session, NULL };
    GThread *churner;

    session_start (session);
    session_await_playing (session);
    data.element = gst_object_ref (session->borrowed);
    churner = g_thread_new ("churn", churn, &data);
    session_stop (session);
    assert_ended (session);
    g_thread_join (churner);
    gst_object_unref (data.element);
    g_assert_true (session->stats.eos_seen);
    g_assert_cmpuint (session->eos_count, ==, 1);
    session_free (session);
  }
}

/* Nothing streams yet: nothing to drain, nothing to wait for. */
static void
test_never_played (void)
{
  WgLoop *loop = wg_loop_new ();
  WgPipeline *pipeline = wg_pipeline_new ("idle", NULL, "wgstucksrc ! fakesink", loop, NULL);
  WgPipelineStats stats;

  g_assert_nonnull (pipeline);
  g_assert_cmpint (wg_pipeline_end (pipeline), ==, WG_PIPELINE_ENDED);
  wg_pipeline_get_stats (pipeline, &stats);
  g_assert_false (stats.eos_sent);
  g_assert_null (wg_pipeline_get_element (pipeline));
  wg_pipeline_unref (pipeline);
  wg_loop_unref (loop);
  wg_pipeline_unref (NULL);
}

/* --- no pipeline, or one that does not play --------------------------------------------------- */

static void
assert_none (const char *description, WgLoop *loop, WgPipelineError code, const char *text)
{
  GError *error = NULL;

  g_assert_null (wg_pipeline_new ("none", "4", description, loop, &error));
  g_assert_error (error, WG_PIPELINE_ERROR, (int) code);
  if (text)
    g_assert_nonnull (strstr (error->message, text));
  g_error_free (error);
}

static void
test_parse_error (void)
{
  WgLoop *loop = wg_loop_new ();
  WgPipeline *pipeline;

  assert_none ("wgnosuchelement ! fakesink", loop, WG_PIPELINE_ERROR_PARSE, "wgnosuchelement");
  assert_none ("", loop, WG_PIPELINE_ERROR_PARSE, NULL);
  assert_none ("fakesink", loop, WG_PIPELINE_ERROR_PARSE, "single element");
  /* The loop is as good as new: no quit of guard's is left in it. */
  g_assert_false (wg_loop_is_stopped (loop));

  log_watch ();
  pipeline = wg_pipeline_new ("half", "4", "fakesrc ! wgnosuchelement ! fakesink", loop, NULL);
  g_assert_nonnull (pipeline);
  g_assert_cmpuint (log_count ("recovered from"), ==, 1);
  wg_pipeline_end (pipeline);
  wg_pipeline_unref (pipeline);
  wg_loop_unref (loop);
  assert_comes (no_records, NULL);
}

static guint
open_files (void)
{
  DIR *dir = opendir ("/proc/self/fd");
  guint count = 0;

  while (readdir (dir))
    count++;
  closedir (dir);
  return count;
}

static gboolean
files_back_to (guint *before)
{
  return open_files () <= *before;
}

/* Stopped before there was a pipeline: no pipeline, and no loop's eventfd left behind. */
static void
test_stopped_before (void)
{
  guint before = 0;

  for (guint i = 0; i < STOPPED_EARLY; i++) {
    WgLoop *loop = wg_loop_new ();

    wg_loop_stop (loop);
    assert_none ("wgstucksrc ! fakesink", loop, WG_PIPELINE_ERROR_STOPPED, NULL);
    wg_loop_unref (loop);
    if (i == 0) {
      assert_comes (no_records, NULL);
      before = open_files ();
    }
  }
  assert_comes (no_records, NULL);
  assert_comes (files_back_to, &before);
}

static void
test_stopped_during_parse (void)
{
  Session *session = session_new ("wgstucksrc ! fakesink", NULL, NULL);

  gate_close (&stuck_init);
  session_start (session);
  gate_await (&stuck_init, 1);
  session_stop (session);
  gate_open (&stuck_init);
  session_join (session);
  g_assert_null (session->pipeline);
  g_assert_error (session->error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_STOPPED);
  session_free (session);
  g_assert_true (quarantine_is_empty (NULL));
}

/* PLAYING fails and nothing is posted: guard ends the loop itself. */
static void
test_playing_fails (void)
{
  Session *session = session_new ("wgstucksrc refuse=true ! fakesink name=sink", NULL, NULL);

  log_watch ();
  session_start (session);
  assert_ended (session);
  g_assert_true (wg_loop_is_stopped (session->loop));
  g_assert_false (session->stats.eos_sent);
  g_assert_cmpuint (session->eos_count, ==, 0);
  g_assert_cmpuint (log_count ("PLAYING failed"), ==, 1);
  session_free (session);
}

/* The system has no thread to give: no pipeline; and one that plays goes to NULL undrained. */
static void
test_no_thread (void)
{
  Session *session;
  WgLoop *loop;

  if (run_in_child ())
    return;
  session = session_new ("wgstucksrc ! queue ! fakesink name=sink", NULL, NULL);
  loop = wg_loop_new ();
  session_start (session);
  session_await_playing (session);
  threads_refuse (TRUE);
  assert_none ("fakesrc ! fakesink", loop, WG_PIPELINE_ERROR_THREAD, NULL);
  session_stop (session);
  assert_ended (session);
  g_assert_false (session->stats.eos_sent);
  session_free (session);
  wg_loop_unref (loop);
  g_assert_cmpuint (wg_shutdown_wait (), ==, 0); /* neither is listed */
}

static gboolean
quit_again (gpointer loop)
{
  g_main_loop_quit (wg_loop_get_main_loop (loop));
  return G_SOURCE_CONTINUE;
}

typedef struct {
  WgLoop *loop;
  gboolean came;
} LastQuit;

static gboolean
last_quit (gpointer data)
{
  LastQuit *last = data;

  last->came = TRUE;
  return quit_again (last->loop);
}

/* Quits that come while the owner waits for the parser: none is taken for the worker's, and the
 * worker's does not end a later run. */
static void
test_stray_quits (void)
{
  for (guint i = 0; i < STRAY_QUITS; i++) {
    WgLoop *loop = wg_loop_new ();
    GSource *stray = g_idle_source_new (), *timeout = g_timeout_source_new (5);
    LastQuit last = { loop, FALSE };
    WgPipeline *pipeline;

    g_source_set_callback (stray, quit_again, loop, NULL);
    g_source_attach (stray, wg_loop_get_context (loop));
    pipeline = wg_pipeline_new ("stray", NULL, "fakesrc ! fakesink", loop, NULL);
    g_assert_nonnull (pipeline);
    g_source_destroy (stray);
    g_source_unref (stray);

    g_source_set_callback (timeout, last_quit, &last, NULL);
    g_source_attach (timeout, wg_loop_get_context (loop));
    g_assert_false (wg_loop_run (loop));
    g_assert_true (last.came);
    g_source_destroy (timeout);
    g_source_unref (timeout);
    wg_pipeline_end (pipeline);
    wg_pipeline_unref (pipeline);
    wg_loop_unref (loop);
  }
}

/* --- all of life ------------------------------------------------------------------------------ */

static gpointer
random_stopper (gpointer data)
{
  g_usleep ((gulong) g_random_int_range (0, RANDOM_STOP_US));
  wg_loop_stop (data);
  wg_loop_unref (data);
  return NULL;
}

/* Without Session's probes: as bare as it can be. */
static gpointer
random_owner (gpointer unused)
{
  for (guint i = 0; i < RANDOM_STOPS; i++) {
    WgLoop *loop = wg_loop_new ();
    GThread *stopper = g_thread_new ("stopper", random_stopper, wg_loop_ref (loop));
    g_autoptr (GError) error = NULL;
    WgPipeline *pipeline =
        wg_pipeline_new ("random", "4", "wgstucksrc ! queue ! fakesink", loop, &error);

    if (pipeline) {
      wg_pipeline_play (pipeline);
      g_assert_true (wg_loop_run (loop));
      g_assert_cmpint (wg_pipeline_end (pipeline), ==, WG_PIPELINE_ENDED);
    } else {
      g_assert_error (error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_STOPPED);
    }
    wg_pipeline_unref (pipeline);
    wg_loop_unref (loop);
    g_thread_join (stopper);
  }
  return unused;
}

static void
test_random_stops (void)
{
  GThread *owners[OWNERS];
  WgQuarantineStatus before, after;
  WgThreadCounts threads, threads_before;

  wg_quarantine_get_status (&before);
  wg_thread_get_counts (&threads_before);
  for (guint i = 0; i < OWNERS; i++)
    owners[i] = g_thread_new ("owner", random_owner, NULL);
  for (guint i = 0; i < OWNERS; i++)
    g_thread_join (owners[i]);
  assert_comes (no_records, NULL);
  wg_thread_get_counts (&threads);
  g_assert_cmpuint (threads.unexpected, ==, threads_before.unexpected);
  wg_quarantine_get_status (&after);
  g_assert_cmpuint (after.now, ==, 0);
  g_assert_cmpuint (after.entered, ==, before.entered);
}

int
main (int argc, char **argv)
{
  g_setenv ("WOLF_GUARD_EOS_MS", LIMIT_MS, TRUE);
  g_setenv ("WOLF_GUARD_NULL_MS", LIMIT_MS, TRUE);
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  stuck_source_register ();
  log_watch ();

  g_test_add_func ("/pipeline/end/healthy", test_healthy_end);
  g_test_add_func ("/pipeline/end/with-first-buffer", test_end_with_first_buffer);
  g_test_add_func ("/pipeline/end/late-owner", test_late_owner);
  g_test_add_func ("/pipeline/end/by-error", test_ended_by_error);
  g_test_add_func ("/pipeline/end/by-eos", test_ended_by_eos);
  g_test_add_func ("/pipeline/end/eos-race", test_eos_race);
  g_test_add_func ("/pipeline/end/late-source", test_late_source);
  g_test_add_func ("/pipeline/end/churn", test_churn);
  g_test_add_func ("/pipeline/end/never-played", test_never_played);
  g_test_add_func ("/pipeline/new/parse-error", test_parse_error);
  g_test_add_func ("/pipeline/new/stopped-before", test_stopped_before);
  g_test_add_func ("/pipeline/new/stopped-during-parse", test_stopped_during_parse);
  g_test_add_func ("/pipeline/new/no-thread", test_no_thread);
  g_test_add_func ("/pipeline/new/stray-quits", test_stray_quits);
  g_test_add_func ("/pipeline/play/fails", test_playing_fails);
  g_test_add_func ("/pipeline/random-stops", test_random_stops);
  return g_test_run ();
}
