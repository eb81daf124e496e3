/* SPDX-License-Identifier: MIT
 *
 * What is posted to a pipeline's worker: order, a full queue, events that merge.
 */
#include "session.h"
#include "stuck-source.h"

#define LIMIT_MS "20000"

static void
assert_ended (Session *session)
{
  session_join (session);
  g_assert_no_error (session->error);
  g_assert_cmpint (session->end, ==, WG_PIPELINE_ENDED);
}

/* --- commands --------------------------------------------------------------------------------- */

static Gate command_gate = GATE_INIT;
static atomic_uint ran, freed;

typedef struct {
  guint number;
  guint *next; /* the worker's */
} Numbered;

static void
numbered (GstElement *pipeline, gpointer data)
{
  Numbered *command = data;

  g_assert_true (GST_IS_PIPELINE (pipeline));
  g_assert_cmpuint (command->number, ==, *command->next);
  ++*command->next;
  atomic_fetch_add (&ran, 1);
}

static void
free_counted (gpointer data)
{
  atomic_fetch_add (&freed, 1);
  g_free (data);
}

static void
blocking (GstElement *pipeline, gpointer gate)
{
  (void) pipeline;
  gate_pass (gate);
}

static gboolean
all_ran (guint *n)
{
  return atomic_load (&ran) == *n && atomic_load (&freed) == *n;
}

static Numbered *
numbered_new (guint number, guint *next)
{
  Numbered *command = g_new (Numbered, 1);

  *command = (Numbered){ number, next };
  return command;
}

static void
test_post_order (void)
{
  Idle idle = idle_new ("fakesrc ! fakesink");
  guint next = 0, n = WG_PIPELINE_QUEUE_MAX;

  atomic_store (&ran, 0);
  atomic_store (&freed, 0);
  for (guint i = 0; i < n; i++)
    g_assert_true (wg_pipeline_post (
        idle.pipeline, "numbered", numbered, numbered_new (i, &next), free_counted));
  assert_comes (all_ran, &n);
  g_assert_cmpint (wg_pipeline_end (idle.pipeline), ==, WG_PIPELINE_ENDED);
  idle_free (&idle);
}

static gpointer
end_idle (gpointer pipeline)
{
  return GINT_TO_POINTER (wg_pipeline_end (pipeline));
}

static gboolean
is_ending (WgPipeline *pipeline)
{
  WgPipelineStats stats;

  wg_pipeline_get_stats (pipeline, &stats);
  return stats.ending;
}

static void
test_overflow_and_ending (void)
{
  Idle idle = idle_new ("fakesrc ! fakesink");
  guint next = 0;
  WgPipelineStats stats;
  GThread *ender;

  log_watch ();
  atomic_store (&ran, 0);
  atomic_store (&freed, 0);
  gate_close (&command_gate);
  g_assert_true (wg_pipeline_post (idle.pipeline, "blocking", blocking, &command_gate, NULL));
  gate_await (&command_gate, 1);

  for (guint i = 0; i < WG_PIPELINE_QUEUE_MAX; i++)
    g_assert_true (wg_pipeline_post (
        idle.pipeline, "numbered", numbered, numbered_new (i, &next), free_counted));
  for (guint i = 1; i <= 3; i++) {
    g_assert_false (wg_pipeline_post (
        idle.pipeline, "one too many", numbered, numbered_new (0, &next), free_counted));
    g_assert_cmpuint (atomic_load (&freed), ==, i);
    wg_pipeline_get_stats (idle.pipeline, &stats);
    g_assert_cmpuint (stats.dropped_full, ==, i);
  }
  g_assert_cmpuint (log_count ("commands are waiting"), ==, 1);
  g_assert_cmpuint (log_count ("in blocking for"), ==, 1);

  /* The end drops them all, unrun, each freed once, before the worker is free again. */
  ender = g_thread_new ("ender", end_idle, idle.pipeline);
  assert_comes (is_ending, idle.pipeline);
  g_assert_false (wg_pipeline_post (
      idle.pipeline, "too late", numbered, numbered_new (0, &next), free_counted));
  gate_open (&command_gate);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (ender)), ==, WG_PIPELINE_ENDED);
  g_assert_false (wg_pipeline_post (
      idle.pipeline, "much too late", numbered, numbered_new (0, &next), free_counted));
  g_assert_cmpuint (atomic_load (&ran), ==, 0);
  g_assert_cmpuint (atomic_load (&freed), ==, WG_PIPELINE_QUEUE_MAX + 5);
  wg_pipeline_get_stats (idle.pipeline, &stats);
  g_assert_cmpuint (stats.dropped_full, ==, 3);
  g_assert_cmpuint (stats.dropped_ending, ==, WG_PIPELINE_QUEUE_MAX + 2);
  idle_free (&idle);
}

/* PLAYING finds the queue full: the owner must not run a loop that nothing will ever end. */
static void
test_play_into_full_queue (void)
{
  Idle idle = idle_new ("fakesrc ! fakesink");
  guint next = 0;
  GThread *ender;

  gate_close (&command_gate);
  g_assert_true (wg_pipeline_post (idle.pipeline, "blocking", blocking, &command_gate, NULL));
  gate_await (&command_gate, 1);
  for (guint i = 0; i < WG_PIPELINE_QUEUE_MAX; i++)
    g_assert_true (
        wg_pipeline_post (idle.pipeline, "numbered", numbered, numbered_new (i, &next), g_free));
  wg_pipeline_play (idle.pipeline);
  g_assert_true (wg_loop_is_stopped (idle.loop));
  ender = g_thread_new ("ender", end_idle, idle.pipeline);
  assert_comes (is_ending, idle.pipeline);
  gate_open (&command_gate);
  g_thread_join (ender);
  idle_free (&idle);
}

static char *
get_string (GstElement *pipeline, const char *name, const char *property)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);
  char *value;

  g_object_get (element, property, &value, NULL);
  gst_object_unref (element);
  return value;
}

static gboolean
told_missing (gpointer unused)
{
  (void) unused;
  return log_count ("no element 'wgnosuch'") == 1;
}

static void
test_post_string (void)
{
  Idle idle = idle_new ("fakesrc ! fakesink name=sink filesink name=cf");
  GstElement *pipeline = wg_pipeline_get_element (idle.pipeline), *other = gst_pipeline_new (NULL);

  log_watch ();
  g_assert_true (wg_pipeline_post_string (pipeline, "cf", "location", "hello"));
  g_assert_true (wg_pipeline_post_string (pipeline, "wgnosuch", "location", "hello"));
  assert_comes (told_missing, NULL); /* which comes after the first */
  {
    g_autofree char *location = get_string (pipeline, "cf", "location");

    g_assert_cmpstr (location, ==, "hello");
  }
  g_assert_false (wg_pipeline_post_string (other, "cf", "location", "hello")); /* not guard's */
  wg_pipeline_end (idle.pipeline);
  g_assert_false (wg_pipeline_post_string (pipeline, "cf", "location", "hello"));
  gst_object_unref (other);
  gst_object_unref (pipeline);
  idle_free (&idle);
}

/* --- upstream events -------------------------------------------------------------------------- */

static GstEvent *
input_event (void)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("input"));
}

static atomic_uint probed;

static GstPadProbeReturn
on_upstream (GstPad *pad, GstPadProbeInfo *info, gpointer unused)
{
  (void) pad;
  (void) unused;
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_CUSTOM_UPSTREAM)
    atomic_fetch_add (&probed, 1);
  return GST_PAD_PROBE_OK;
}

static void
probe_upstream (Session *session, GstElement *element)
{
  GstElement *before = gst_bin_get_by_name (GST_BIN (element), "before");
  GstPad *pad = gst_element_get_static_pad (before, "src");

  (void) session;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_upstream, NULL, NULL);
  gst_object_unref (pad);
  gst_object_unref (before);
}

static gboolean
source_got (guint *n)
{
  return stuck_source_events () == *n;
}

static void
test_send_upstream (void)
{
  Session *session = session_new (
      "( wgstucksrc name=inner ) name=b inner. ! identity name=before ! fakesink name=sink",
      probe_upstream, NULL);
  guint got = stuck_source_events ();
  GstElement *inner, *pipeline;
  GstEvent *event = gst_event_ref (input_event ());

  atomic_store (&probed, 0);
  session_start (session);
  session_await_playing (session);
  pipeline = gst_object_ref (session->borrowed);
  inner = gst_bin_get_by_name (GST_BIN (pipeline), "inner");

  g_assert_true (wg_pipeline_send_upstream (inner, event)); /* to the source, by its own pad */
  got++;
  assert_comes (source_got, &got);
  g_assert_cmpuint (atomic_load (&probed), ==, 0);

  g_assert_true (wg_pipeline_send_upstream (pipeline, input_event ())); /* by the sink */
  got++;
  assert_comes (source_got, &got);
  g_assert_cmpuint (atomic_load (&probed), ==, 1);

  g_assert_false (wg_pipeline_send_upstream (NULL, input_event ()));

  session_stop (session);
  assert_ended (session);
  g_assert_false (wg_pipeline_send_upstream (pipeline, input_event ()));
  g_assert_false (wg_pipeline_send_upstream (inner, input_event ()));
  g_assert_cmpuint (stuck_source_events (), ==, got);
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (event), ==, 1); /* guard's are given back */
  gst_event_unref (event);
  gst_object_unref (inner);
  gst_object_unref (pipeline);
  session_free (session);
}

/* A bin that is no pipeline gets it on its source pads, as elements do. */
static void
test_send_upstream_bin (void)
{
  Session *session = session_new ("wgstucksrc name=s ! fakesink name=sink", NULL, NULL);
  guint got = stuck_source_events ();
  GstElement *bin = gst_parse_bin_from_description ("wgstucksrc", TRUE, NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);

  session_start (session);
  session_await_playing (session);
  gst_bin_add_many (GST_BIN (session->borrowed), gst_object_ref (bin), sink, NULL);
  gst_element_link (bin, sink);
  gst_element_sync_state_with_parent (sink);
  gst_element_sync_state_with_parent (bin);
  g_assert_true (wg_pipeline_send_upstream (bin, input_event ()));
  got++;
  assert_comes (source_got, &got);
  session_stop (session);
  assert_ended (session);
  gst_object_unref (bin);
  session_free (session);
}

/* What is in no pipeline of guard's is served at once, in the calling thread. */
static void
test_send_upstream_elsewhere (void)
{
  GstElement *pipeline = gst_parse_launch ("wgstucksrc name=s ! fakesink name=sink", NULL);
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "s");
  guint got = stuck_source_events ();

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  g_assert_true (wg_pipeline_send_upstream (source, input_event ()));
  g_assert_cmpuint (stuck_source_events (), ==, got + 1);
  g_assert_true (wg_pipeline_send_upstream (pipeline, input_event ()));
  g_assert_cmpuint (stuck_source_events (), ==, got + 2);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (source);
  gst_object_unref (pipeline);
}

/* --- events while the worker is slow */

/* The events that a pad has seen, as text: "NAME x y" each. */
typedef struct {
  GMutex mutex;
  GString *text;
} Seen;

static GstPadProbeReturn
note_event (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  const GstStructure *event = gst_event_get_structure (GST_PAD_PROBE_INFO_EVENT (info));
  Seen *seen = data;
  double x = 0;

  (void) pad;
  if (!event || !gst_structure_has_field (event, "x"))
    return GST_PAD_PROBE_OK;
  gst_structure_get_double (event, "x", &x);
  g_mutex_lock (&seen->mutex);
  g_string_append_printf (seen->text, "%s%d ", gst_structure_get_name (event), (int) x);
  g_mutex_unlock (&seen->mutex);
  return GST_PAD_PROBE_OK;
}

static void
watch_events (Session *session, GstElement *element)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (element), "sink");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, note_event, session->data, NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
}

static gboolean
send (Session *session, const char *name, double x, WgEventKind kind)
{
  GstStructure *structure = gst_structure_new (name, "x", G_TYPE_DOUBLE, x, NULL);

  return wg_pipeline_send_upstream_as (
      session->borrowed, gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, structure), kind);
}

static Gate last_gate = GATE_INIT;

/* FALSE: the queue is full. */
static gboolean
post_last (Session *session)
{
  return wg_pipeline_post (session->pipeline, "last", blocking, &last_gate, NULL);
}

/* Play, hold the worker, send(), let it go, end. Returns what the sink's pad has seen. */
static char *
seen_while_slow (void (*send_all) (Session *session))
{
  Seen seen = { .text = g_string_new (NULL) };
  Session *session = session_new ("wgstucksrc ! fakesink name=sink", watch_events, &seen);

  g_mutex_init (&seen.mutex);
  log_watch ();
  session_start (session);
  session_await_playing (session);
  gate_close (&command_gate);
  g_assert_true (wg_pipeline_post (session->pipeline, "slow", blocking, &command_gate, NULL));
  gate_await (&command_gate, 1);
  send_all (session);
  gate_close (&last_gate);
  gate_open (&command_gate);
  assert_comes (post_last, session);
  gate_await (&last_gate, 1); /* all before it have run */
  gate_open (&last_gate);
  session_stop (session);
  assert_ended (session);
  session_free (session);
  g_mutex_clear (&seen.mutex);
  return g_string_free (seen.text, FALSE);
}

static void
send_drag (Session *session)
{
  WgPipelineStats stats;

  g_assert_true (send (session, "press", 1, WG_EVENT_ORDINARY));
  for (guint i = 0; i < 400; i++)
    g_assert_true (send (session, "move", 1, WG_EVENT_SUM));
  g_assert_true (send (session, "release", 1, WG_EVENT_VITAL));
  for (guint i = 0; i < 400; i++)
    g_assert_true (send (session, "place", i, WG_EVENT_LATEST));
  wg_pipeline_get_stats (session->pipeline, &stats);
  g_assert_cmpuint (stats.merged, ==, 2 * 399);
  g_assert_cmpuint (stats.dropped_full, ==, 0);
}

/* 1 press, 400 moves, 1 release: the release arrives, the way is the whole way. */
static void
test_drag (void)
{
  g_autofree char *seen = seen_while_slow (send_drag);

  g_assert_cmpstr (seen, ==, "press1 move400 release1 place399 ");
}

static void
send_mixed (Session *session)
{
  send (session, "move", 1, WG_EVENT_SUM);
  send (session, "key", 1, WG_EVENT_ORDINARY);
  send (session, "move", 2, WG_EVENT_SUM);    /* not into the one before the key */
  send (session, "turn", 3, WG_EVENT_SUM);    /* another name */
  send (session, "turn", 4, WG_EVENT_LATEST); /* another kind */
  send (session, "turn", 5, WG_EVENT_LATEST);
}

/* Merging changes no order. */
static void
test_merge_order (void)
{
  g_autofree char *seen = seen_while_slow (send_mixed);

  g_assert_cmpstr (seen, ==, "move1 key1 move2 turn3 turn5 ");
}

static void
send_many_keys (Session *session)
{
  guint pressed = 0, refused = 0;

  for (guint i = 0; i < 400; i++)
    if (send (session, "down", i, WG_EVENT_ORDINARY))
      pressed++;
    else
      refused++;
  g_assert_cmpuint (pressed, ==, WG_PIPELINE_QUEUE_MAX);
  g_assert_cmpuint (refused, ==, 400 - WG_PIPELINE_QUEUE_MAX); /* the caller knows */
  for (guint i = 0; i < pressed; i++)
    g_assert_true (send (session, "up", i, WG_EVENT_VITAL));
  g_assert_false (send (session, "up", 0, WG_EVENT_VITAL));
}

/* Presses beyond the limit are refused; each release of one that was taken is taken, too. */
static void
test_releases (void)
{
  g_autofree char *seen = seen_while_slow (send_many_keys);
  g_auto (GStrv) events = g_strsplit (seen, " ", -1);

  g_assert_cmpuint (g_strv_length (events), ==, 2 * WG_PIPELINE_QUEUE_MAX + 1);
  g_assert_cmpstr (events[2 * WG_PIPELINE_QUEUE_MAX - 1], ==, "up255");
}

int
main (int argc, char **argv)
{
  g_setenv ("WOLF_GUARD_EOS_MS", LIMIT_MS, TRUE);
  g_setenv ("WOLF_GUARD_NULL_MS", LIMIT_MS, TRUE);
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  stuck_source_register ();
  log_watch ();

  g_test_add_func ("/commands/play/full-queue", test_play_into_full_queue);
  g_test_add_func ("/commands/post/order", test_post_order);
  g_test_add_func ("/commands/post/overflow-and-ending", test_overflow_and_ending);
  g_test_add_func ("/commands/post/string", test_post_string);
  g_test_add_func ("/commands/upstream/recipients", test_send_upstream);
  g_test_add_func ("/commands/upstream/bin", test_send_upstream_bin);
  g_test_add_func ("/commands/upstream/elsewhere", test_send_upstream_elsewhere);
  g_test_add_func ("/commands/events/drag", test_drag);
  g_test_add_func ("/commands/events/order", test_merge_order);
  g_test_add_func ("/commands/events/releases", test_releases);
  return g_test_run ();
}
