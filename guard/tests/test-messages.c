/* SPDX-License-Identifier: MIT
 *
 * What guard makes of a pipeline's messages: the host's handler is asked, streaming threads get
 * records.
 */
#include "session.h"
#include "stuck-source.h"

#include <wolf-guard/log.h>
#include <wolf-guard/thread.h>

#define LIMIT_MS "20000"

static void
assert_ended (Session *session)
{
  session_join (session);
  g_assert_no_error (session->error);
  g_assert_cmpint (session->end, ==, WG_PIPELINE_ENDED);
}

/* --- messages and threads --------------------------------------------------------------------- */

static atomic_uint replaced;

static GstBusSyncReply
drop_handler (GstBus *bus, GstMessage *message, gpointer data)
{
  (void) bus;
  atomic_fetch_add ((atomic_uint *) data, 1);
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
count_replaced (gpointer data)
{
  (void) data;
  atomic_fetch_add (&replaced, 1);
}

static void
post_chat (GstElement *pipeline, gpointer unused)
{
  (void) unused;
  gst_element_post_message (pipeline,
      gst_message_new_application (GST_OBJECT (pipeline), gst_structure_new_empty ("chat")));
}

static gboolean
reached (atomic_uint *count)
{
  return atomic_load (count) > 0;
}

/* The host's handler is asked about each message and its reply counts; its data goes once. */
static void
test_sync_handler (void)
{
  Idle idle = idle_new ("fakesrc ! fakesink");
  GstElement *pipeline = wg_pipeline_get_element (idle.pipeline);
  GstBus *bus = gst_element_get_bus (pipeline);
  atomic_uint first = 0, second = 0;

  atomic_store (&replaced, 0);
  g_assert_true (wg_pipeline_post (idle.pipeline, "post", post_chat, NULL, NULL));
  {
    GstMessage *message =
        gst_bus_timed_pop_filtered (bus, AWAIT_S * GST_SECOND, GST_MESSAGE_APPLICATION);

    g_assert_nonnull (message); /* no handler of the host's: passed */
    gst_message_unref (message);
  }
  wg_pipeline_set_sync_handler (idle.pipeline, drop_handler, &first, count_replaced);
  wg_pipeline_set_sync_handler (idle.pipeline, drop_handler, &second, count_replaced);
  g_assert_cmpuint (atomic_load (&replaced), ==, 1);
  g_assert_true (wg_pipeline_post (idle.pipeline, "post", post_chat, NULL, NULL));
  assert_comes (reached, &second);
  g_assert_cmpuint (first, ==, 0);
  g_assert_cmpuint (second, ==, 1);
  g_assert_false (gst_bus_have_pending (bus));

  gst_object_unref (bus);
  wg_pipeline_end (idle.pipeline);
  g_assert_cmpuint (atomic_load (&replaced), ==, 1); /* we hold the pipeline, it holds the bus */
  gst_object_unref (pipeline);
  g_assert_cmpuint (atomic_load (&replaced), ==, 2);
  idle_free (&idle);
}

static pthread_mutex_t seen_mutex = PTHREAD_MUTEX_INITIALIZER;
static GHashTable
    *seen; /* "name/pipeline/session" of threads that began, to a count of those alive */

static void
on_thread (const WgThreadInfo *info, gpointer unused)
{
  g_autofree char *key = g_strdup_printf ("%s/%s/%s", info->name, info->pipeline, info->session);
  int alive;

  (void) unused;
  pthread_mutex_lock (&seen_mutex);
  alive = GPOINTER_TO_INT (g_hash_table_lookup (seen, key));
  alive += info->end == WG_THREAD_ALIVE ? 1 : -1;
  g_assert_true (info->end == WG_THREAD_ALIVE || info->end == WG_THREAD_LEFT);
  g_hash_table_insert (seen, g_steal_pointer (&key), GINT_TO_POINTER (alive));
  pthread_mutex_unlock (&seen_mutex);
}

static void
assert_seen (const char *key, int alive)
{
  gpointer value;

  pthread_mutex_lock (&seen_mutex);
  g_assert_true (g_hash_table_lookup_extended (seen, key, NULL, &value));
  g_assert_cmpint (GPOINTER_TO_INT (value), ==, alive);
  pthread_mutex_unlock (&seen_mutex);
}

static void
test_streaming_threads (void)
{
  Session *session =
      session_new ("wgstucksrc name=s ! queue name=q ! fakesink name=sink", NULL, NULL);

  assert_comes (no_records, NULL);
  seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  wg_thread_set_func (on_thread, NULL);
  session_start (session);
  session_await_playing (session);
  assert_seen ("s:src/test/4", 1);
  assert_seen ("q:src/test/4", 1);
  assert_seen ("worker/test/4", 1);
  session_stop (session);
  assert_ended (session);
  assert_comes (no_records, NULL);
  assert_seen ("s:src/test/4", 0);
  assert_seen ("q:src/test/4", 0);
  session_free (session);
  wg_thread_set_func (NULL, NULL);
  pthread_mutex_lock (&seen_mutex);
  g_hash_table_destroy (seen);
  pthread_mutex_unlock (&seen_mutex);
}

static void
post_leave (GstElement *element)
{
  gst_element_post_message (element,
      gst_message_new_stream_status (GST_OBJECT (element), GST_STREAM_STATUS_TYPE_LEAVE, element));
}

/* GStreamer posts LEAVE for a task that was stopped before its thread began: that ends no record,
 * neither the thread's own nor one that is not there. */
static void
test_stopped_streaming_thread (void)
{
  WgThreadCounts before, after;

  assert_comes (no_records, NULL); /* so that only our own is counted */
  log_watch ();
  Idle idle = idle_new ("fakesrc name=s ! fakesink");
  GstElement *pipeline = wg_pipeline_get_element (idle.pipeline);
  GstElement *s = gst_bin_get_by_name (GST_BIN (pipeline), "s");

  wg_thread_enter ("test", "4", "");
  wg_thread_get_counts (&before);
  post_leave (s);
  wg_thread_get_counts (&after);
  g_assert_cmpuint (after.left, ==, before.left);
  wg_thread_leave ();
  post_leave (s);
  g_assert_cmpuint (log_count ("leaves without"), ==, 0);

  gst_object_unref (s);
  gst_object_unref (pipeline);
  wg_pipeline_end (idle.pipeline);
  idle_free (&idle);
}

/* --- log lines
 * --------------------------------------------------------------------------------- */

static WgPipeline *logged_pipeline;
static atomic_uint settings_lines;

/* A host's function that asks guard something, as it may: guard logs with no lock held. */
static void
asking_log (WgLogLevel level, const char *line)
{
  WgPipelineStats stats;

  (void) level;
  if (!strstr (line, "is no number"))
    return;
  if (logged_pipeline)
    wg_pipeline_get_stats (logged_pipeline, &stats);
  atomic_fetch_add (&settings_lines, 1);
}

static void
test_bad_setting (void)
{
  Idle idle;

  if (run_in_child ())
    return;
  g_setenv ("WOLF_GUARD_EOS_MS", "soon", TRUE);
  wg_log_set_func (asking_log);
  idle = idle_new ("fakesrc ! fakesink");
  logged_pipeline = idle.pipeline;
  wg_pipeline_end (idle.pipeline);
  g_assert_cmpuint (atomic_load (&settings_lines), ==, 1);
  logged_pipeline = NULL;
  idle_free (&idle);
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

  g_test_add_func ("/messages/sync-handler", test_sync_handler);
  g_test_add_func ("/messages/streaming-threads", test_streaming_threads);
  g_test_add_func ("/messages/stopped-thread", test_stopped_streaming_thread);
  g_test_add_func ("/messages/bad-setting", test_bad_setting);
  return g_test_run ();
}
