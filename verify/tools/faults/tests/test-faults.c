/* SPDX-License-Identifier: MIT */
/*
 * test-faults.c: every fault shows, in the way in which a stuck pipeline shows it, and ends when it
 * is released; and nothing shows while no fault is armed. The same call is watched on both sides.
 */
#include "checks.h"

#include "client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIVE                                                                                       \
  "videotestsrc name=src is-live=true ! video/x-raw,width=64,height=48 ! fakesink name=out"

static void
free_order (gchar *answer)
{
  g_free (answer);
}

static void
test_nothing_armed (void)
{
  g_autofree gchar *before = order ("list");
  GstElement *pipeline = run_pipeline (LIVE);

  g_assert_nonnull (strstr (before, "\"faults\":[]"));
  g_assert_true (call_returns (call_start (call_eos, pipeline), PROMPT_MS));
  g_assert_true (bus_has (pipeline, GST_MESSAGE_EOS, PROMPT_MS));
  g_autofree gchar *list = order ("list");
  g_assert_nonnull (strstr (list, "\"hits\":[]"));
  g_assert_nonnull (strstr (list, "\"element\":\"src\",\"factory\":\"videotestsrc\""));
  end (pipeline);
  g_autofree gchar *after = order ("list");
  g_assert_null (strstr (after, "\"element\":\"src\""));
}

/* EOS to the pipeline waits for the stuck thread; EOS to the source's peer does not. */
static void
check_stuck (const gchar *where)
{
  GstElement *pipeline = run_pipeline (LIVE);

  free_order (order ("stall element=src where=%s", where));
  g_assert_true (order_reached ("wait element=src state=stalled timeout=%d", PROMPT_MS));
  g_autofree gchar *list = order ("list");
  g_assert_nonnull (strstr (list, "\"thread\":\"src:src\""));

  Call *eos_to_peers = call_start (call_eos_to_peers, pipeline);
  g_assert_true (call_returns (eos_to_peers, PROMPT_MS));
  g_assert_true (bus_has (pipeline, GST_MESSAGE_EOS, PROMPT_MS));
  Call *eos = call_start (call_eos, pipeline);
  g_assert_false (call_returns (eos, BLOCKED_MS));
  free_order (order ("release element=src"));
  g_assert_true (call_returns (eos, PROMPT_MS));
  g_assert_true (order_reached ("wait element=src state=clear timeout=%d", PROMPT_MS));
  end (pipeline);
}

static void
test_stall_push (void)
{
  check_stuck ("push");
}
static void
test_stall_create (void)
{
  check_stuck ("create");
}

static void
test_null_blocks (void)
{
  GstElement *pipeline = run_pipeline (LIVE);

  free_order (order ("stall element=src where=create"));
  g_assert_true (order_reached ("wait element=src timeout=%d", PROMPT_MS));
  Call *null = call_start (call_null, pipeline);
  g_assert_false (call_returns (null, BLOCKED_MS));
  free_order (order ("release all"));
  g_assert_true (call_returns (null, PROMPT_MS));
  gst_object_unref (pipeline);
}

static void
check_start_blocks (const gchar *where)
{
  g_autoptr (GstElement) pipeline =
      gst_parse_launch ("fakesrc name=slow is-live=true ! fakesink", NULL);

  free_order (order ("stall element=slow where=%s", where));
  Call *playing = call_start (call_play, pipeline);
  g_assert_true (order_reached ("wait element=slow timeout=%d", PROMPT_MS));
  g_assert_false (call_returns (playing, BLOCKED_MS));
  free_order (order ("release element=slow"));
  g_assert_true (call_returns (playing, PROMPT_MS));
  g_assert_true (call_returns (call_start (call_null, pipeline), PROMPT_MS));
}

static void
test_stall_start (void)
{
  check_start_blocks ("start");
}
static void
test_stall_state (void)
{
  check_start_blocks ("state");
}

static void
parse (gpointer data)
{
  *(GstElement **) data = gst_parse_launch ("fakesrc ! identity ! fakesink", NULL);
}

static void
test_stall_parse (void)
{
  GstElement *pipeline = NULL;

  free_order (order ("stall factory=identity where=parse"));
  Call *parsing = call_start (parse, &pipeline);
  g_assert_true (order_reached ("wait factory=identity timeout=%d", PROMPT_MS));
  g_assert_false (call_returns (parsing, BLOCKED_MS));
  free_order (order ("release factory=identity"));
  g_assert_true (call_returns (parsing, PROMPT_MS));
  gst_object_unref (pipeline);
}

/* Of two pipelines with the same names inside, only the chosen one. */
static void
test_one_of_two (void)
{
  GstElement *a = run_pipeline ("videotestsrc name=src is-live=true ! fakesink name=a_video");
  GstElement *b = run_pipeline ("videotestsrc name=src is-live=true ! fakesink name=b_video");

  free_order (order ("stall element=src with=b_video where=push"));
  g_assert_true (order_reached ("wait with=b_video timeout=%d", PROMPT_MS));
  g_assert_false (order_reached ("wait with=a_video timeout=%d", BLOCKED_MS));
  g_assert_true (call_returns (call_start (call_eos, a), PROMPT_MS));
  Call *eos = call_start (call_eos, b);
  g_assert_false (call_returns (eos, BLOCKED_MS));
  free_order (order ("release with=b_video"));
  g_assert_true (call_returns (eos, PROMPT_MS));

  free_order (order ("stall factory=videotestsrc nth=1 where=state type=PAUSED->READY for=60000"));
  Call *null_b = call_start (call_null, b);
  g_assert_true (call_returns (null_b, PROMPT_MS));
  Call *null_a = call_start (call_null, a);
  g_assert_false (call_returns (null_a, BLOCKED_MS));
  free_order (order ("release all"));
  g_assert_true (call_returns (null_a, PROMPT_MS));
  gst_object_unref (a);
  gst_object_unref (b);
}

static void
test_time_limit (void)
{
  GstElement *pipeline = run_pipeline (LIVE);

  free_order (order ("stall element=src where=push for=200"));
  g_assert_true (order_reached ("wait element=src timeout=%d", PROMPT_MS));
  g_assert_true (call_returns (call_start (call_eos, pipeline), PROMPT_MS));
  g_assert_true (order_reached ("wait state=clear timeout=%d", PROMPT_MS));
  end (pipeline);
  free_order (order ("release all"));
}

/* Lets some by, strikes once, and then no more. */
static void
test_after_and_times (void)
{
  GstElement *a = run_pipeline ("videotestsrc name=src is-live=true ! fakesink");
  GstElement *b = run_pipeline ("videotestsrc name=src is-live=true ! fakesink");

  free_order (order ("stall element=src where=push after=3 times=1"));
  g_assert_true (order_reached ("wait element=src timeout=%d", PROMPT_MS));
  g_assert_false (order_reached ("wait element=src count=2 timeout=%d", BLOCKED_MS));
  free_order (order ("release all"));
  g_assert_true (order_reached ("wait state=clear timeout=%d", PROMPT_MS));
  end (a);
  end (b);
}

static void
test_hold_lock (void)
{
  GstElement *pipeline = run_pipeline (LIVE);

  free_order (order ("hold element=out lock=state"));
  g_assert_true (order_reached ("wait element=out timeout=%d", PROMPT_MS));
  Call *null = call_start (call_null, pipeline);
  g_assert_false (call_returns (null, BLOCKED_MS));
  free_order (order ("release element=out"));
  g_assert_true (call_returns (null, PROMPT_MS));
  gst_object_unref (pipeline);
}

static void
ask_caps (gpointer pad)
{
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);

  g_assert_nonnull (caps);
}

static void
test_event_and_query (void)
{
  GstElement *pipeline = run_pipeline (LIVE);

  free_order (order ("stall element=src where=event type=eos"));
  Call *eos = call_start (call_eos, pipeline);
  g_assert_true (order_reached ("wait element=src timeout=%d", PROMPT_MS));
  free_order (order ("release all"));
  g_assert_true (call_returns (eos, PROMPT_MS));
  free_order (order ("stall element=out where=query type=caps"));
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  Call *query = call_start (ask_caps, pad);
  g_assert_true (order_reached ("wait element=out timeout=%d", PROMPT_MS));
  g_assert_false (call_returns (query, BLOCKED_MS));
  free_order (order ("release all"));
  g_assert_true (call_returns (query, PROMPT_MS));
  end (pipeline);
}

/* A subclass of a wrapped class that chains up, and one that inherits, run their own code once. */
static void
test_class_hierarchy (void)
{
  GstElement *base =
      run_pipeline ("appsrc name=base is-live=true format=time ! fakesink async=false");
  GstElement *pipeline = run_pipeline ("audiotestsrc is-live=true num-buffers=5 ! fakesink");

  g_assert_true (bus_has (pipeline, GST_MESSAGE_EOS, PROMPT_MS));
  end (pipeline);
  end (base);
}

/* A frame of the right size, one of another; and a pipeline that nobody watches. */
static void
test_caps (void)
{
  free_order (order ("watch-caps element=liar"));
  GstElement *pipeline =
      run_pipeline ("videotestsrc is-live=true num-buffers=3 ! fakesink appsrc name=liar "
                    "caps=video/x-raw,format=I420,width=64,height=48,framerate=30/1 ! "
                    "fakesink async=false");
  g_autoptr (GstElement) liar = gst_bin_get_by_name (GST_BIN (pipeline), "liar");
  const gsize sizes[] = { 4608, 100 };
  GstFlowReturn flow;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, sizes[i], NULL);
    g_signal_emit_by_name (liar, "push-buffer", buffer, &flow);
    g_assert_cmpint (flow, ==, GST_FLOW_OK);
  }
  g_signal_emit_by_name (liar, "end-of-stream", &flow);
  g_assert_true (bus_has (pipeline, GST_MESSAGE_EOS, PROMPT_MS));
  g_autofree gchar *caps = order ("caps");
  g_assert_nonnull (strstr (caps, "\"frames\":2,\"wrong\":1,\"first\":\"liar: 100 bytes"));
  end (pipeline);
}

static void
test_bad_orders (void)
{
  const gchar *const bad[] = { "stall element=x", "stall where=push", "stall element=x where=moon",
    "dance", "release", "hold element=none lock=stream", "wait state=happy", "get element=x",
    "stall element=x where=push nth=a", "stall element=' where=", "hold element=* lock=mortise",
    "watch-caps" };
  g_autoptr (GError) error = NULL;
  g_autoptr (WgfClient) client =
      wgf_client_connect (g_getenv ("WG_FAULTS_SOCKET"), PROMPT_MS, &error);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree gchar *said = wgf_client_order (client, PROMPT_MS, &error, "%s", bad[i]);
    g_assert_no_error (error);
    if (!g_str_has_prefix (said, "{\"ok\":false,\"error\":\""))
      g_error ("\"%s\" was taken: %s", bad[i], said);
  }
}

static void
test_journal (void)
{
  g_autofree gchar *text = NULL;
  GstElement *pipeline =
      run_pipeline ("videotestsrc is-live=true num-buffers=2 ! fakesink name=journalled");

  g_assert_true (bus_has (pipeline, GST_MESSAGE_EOS, PROMPT_MS));
  end (pipeline);
  g_assert_true (g_file_get_contents (g_getenv ("WG_FAULTS_JOURNAL"), &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "\"event\":\"eos\",\"element\":\"journalled\""));
  g_assert_nonnull (strstr (text, "\"detail\":\"READY->NULL\""));
}

/* The thread is gone, what it held is not. Leaves its pipeline and the blocked call behind. */
static void
check_dead (const gchar *where)
{
  GstElement *pipeline = run_pipeline ("videotestsrc name=mortal is-live=true ! fakesink");
  g_autofree gchar *armed = order ("die element=mortal where=%s", where);
  const guint id = (guint) g_ascii_strtoull (strstr (armed, "\"id\":") + 5, NULL, 10);

  g_assert_true (order_reached ("wait id=%u state=dead timeout=%d", id, PROMPT_MS));
  g_autofree gchar *list = order ("list");
  gchar *hit = strstr (list, "\"hits\":[");
  g_autofree gchar *mark = g_strdup_printf ("{\"fault\":%u,", id);
  const gint tid = (gint) g_ascii_strtoll (strstr (strstr (hit, mark), "\"tid\":") + 6, NULL, 10);
  g_autofree gchar *task = g_strdup_printf ("/proc/self/task/%d", tid);
  const gint64 until = g_get_monotonic_time () + PROMPT_MS * G_TIME_SPAN_MILLISECOND;
  /* The kernel reaps the thread soon after it told of its end. */
  while (g_file_test (task, G_FILE_TEST_EXISTS) && g_get_monotonic_time () < until)
    g_thread_yield ();
  g_assert_false (g_file_test (task, G_FILE_TEST_EXISTS));

  g_assert_true (call_returns (call_start (call_eos_to_peers, pipeline), PROMPT_MS));
  g_assert_true (bus_has (pipeline, GST_MESSAGE_EOS, PROMPT_MS));
  Call *eos = call_start (call_eos, pipeline);
  free_order (order ("release id=%u", id));
  g_assert_false (call_returns (eos, BLOCKED_MS));
}

static void
test_die_create (void)
{
  check_dead ("create");
}
static void
test_die_push (void)
{
  check_dead ("push");
}

int
main (int argc, char **argv)
{
  unlink (g_getenv ("WG_FAULTS_JOURNAL"));
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/faults/nothing-armed", test_nothing_armed);
  g_test_add_func ("/faults/stall-push", test_stall_push);
  g_test_add_func ("/faults/stall-create", test_stall_create);
  g_test_add_func ("/faults/null-blocks", test_null_blocks);
  g_test_add_func ("/faults/stall-start", test_stall_start);
  g_test_add_func ("/faults/stall-state", test_stall_state);
  g_test_add_func ("/faults/stall-parse", test_stall_parse);
  g_test_add_func ("/faults/one-of-two", test_one_of_two);
  g_test_add_func ("/faults/time-limit", test_time_limit);
  g_test_add_func ("/faults/after-and-times", test_after_and_times);
  g_test_add_func ("/faults/hold-lock", test_hold_lock);
  g_test_add_func ("/faults/event-and-query", test_event_and_query);
  g_test_add_func ("/faults/class-hierarchy", test_class_hierarchy);
  g_test_add_func ("/faults/caps", test_caps);
  g_test_add_func ("/faults/bad-orders", test_bad_orders);
  g_test_add_func ("/faults/journal", test_journal);
  g_test_add_func ("/faults/die-create", test_die_create);
  g_test_add_func ("/faults/die-push", test_die_push);
  const int failed = g_test_run ();
  fflush (stdout);
  _exit (failed); /* threads that died holding locks leave nothing that could be cleaned up */
}
