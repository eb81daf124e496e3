/* SPDX-License-Identifier: MIT
 *
 * Owners that do not come to the end: their threads die or are cancelled, or they give their
 * reference back. The worker ends the pipeline, and no other thread is held up.
 */
#include "session.h"
#include "stuck-source.h"

#include <gst/app/gstappsink.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EOS_MS 2000
#define NULL_MS 3000

/* What the owner does with its thread, from a source of its loop. */
typedef enum { BY_EXIT, BY_BARE_EXIT } Way;

static gboolean
end_thread (gpointer way)
{
  if (GPOINTER_TO_INT (way) == BY_EXIT)
    pthread_exit (NULL);
  syscall (SYS_exit, 0);
  g_assert_not_reached ();
}

static void
kill_owner (Session *session, Way way)
{
  GSource *source = g_idle_source_new ();

  g_source_set_callback (source, end_thread, GINT_TO_POINTER (way), NULL);
  g_source_attach (source, wg_loop_get_context (session->loop));
  g_source_unref (source);
}

static gboolean
eos_at_sink (Session *session)
{
  return atomic_load (&session->eos_count) == 1 && atomic_load (&session->sink_down) > 0;
}

static gboolean
is_forgotten (gpointer unused)
{
  (void) unused;
  return wg_shutdown_wait () == 0; /* no shutdown has begun: how many there are */
}

static Session *
playing (const char *description)
{
  Session *session = session_new (description, NULL, NULL);

  log_watch ();
  session_start (session);
  session_await_playing (session);
  return session;
}

/* What a dead owner leaves is lost memory, so in a process of its own. */
static void
test_dead (gconstpointer way)
{
  Session *session;

  if (run_in_child ())
    return;
  session = playing ("wgstucksrc ! queue ! fakesink name=sink");
  kill_owner (session, GPOINTER_TO_INT (way));
  if (GPOINTER_TO_INT (way) == BY_EXIT)
    pthread_join (session->thread, NULL);
  else
    pthread_detach (session->thread); /* TSan would wait for it for ever */
  session_stop (session);
  assert_comes (eos_at_sink, session);
  assert_comes (is_forgotten, NULL);
  assert_comes (no_records, NULL);
  g_assert_true (quarantine_is_empty (NULL));
  _exit (0);
}

static gboolean
is_quarantined (gpointer unused)
{
  (void) unused;
  clock_advance_ms (100);
  return !quarantine_is_empty (NULL) && log_count ("did not end in time") == 1;
}

/* Without an owner that waits the monitor thread notices that a pipeline is stuck. */
static void
test_dead_and_stuck (void)
{
  Session *session;

  if (run_in_child ())
    return;
  session = playing ("wgstucksrc ! queue ! fakesink name=sink");
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  kill_owner (session, BY_EXIT);
  pthread_join (session->thread, NULL);
  session_stop (session);
  assert_comes (is_quarantined, NULL);
  g_assert_cmpuint (log_count ("in set_state(NULL) for"), ==, 1);
  gate_open (&stuck_create);
  assert_comes (quarantine_is_empty, NULL);
  assert_comes (is_forgotten, NULL);
  _exit (0);
}

/* An owner that gives its reference back, as a C++ owner does when its stack is unwound. */
static void
test_unref (void)
{
  WgLoop *loop = wg_loop_new ();
  WgPipeline *pipeline = wg_pipeline_new ("test", "4", "wgstucksrc ! fakesink", loop, NULL);

  g_assert_nonnull (pipeline);
  wg_pipeline_play (pipeline);
  wg_pipeline_unref (pipeline);
  assert_comes (is_forgotten, NULL);
  assert_comes (no_records, NULL);
  wg_loop_unref (loop);
}

static void
do_nothing (GstElement *pipeline, gpointer unused)
{
  (void) pipeline;
  (void) unused;
}

static gpointer
post (gpointer pipeline)
{
  g_assert_false (wg_pipeline_post (pipeline, "late", do_nothing, NULL, NULL));
  return NULL;
}

static gpointer
call_post (gpointer session)
{
  GThread *poster = g_thread_new ("poster", post, ((Session *) session)->pipeline);

  g_thread_join (poster);
  return NULL;
}

/* Cancelled while it waits in wg_pipeline_end(): nobody's post waits for a mutex that it took
 * along. */
static void
test_cancelled (void)
{
  Session *session;

  if (run_in_child ())
    return;
  session = playing ("wgstucksrc ! queue ! fakesink name=sink");
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  session_stop (session);
  assert_comes (session_drained, session);
  pthread_cancel (session->thread);
  alarm (AWAIT_S);
  call_post (session);
  while (!session_ended (session) && quarantine_is_empty (NULL)) {
    clock_advance_ms (100);
    g_usleep (1000);
  }
  pthread_join (session->thread, NULL);
  call_post (session);
  g_assert_false (quarantine_is_empty (NULL));
  gate_open (&stuck_create);
  assert_comes (quarantine_is_empty, NULL);
  _exit (0);
}

static gpointer
wait_for_shutdown (gpointer unused)
{
  (void) unused;
  wg_shutdown_wait ();
  return NULL;
}

/* The same for wg_shutdown_wait(). */
static void
test_cancelled_shutdown (void)
{
  enum { WAITERS = 20 };
  pthread_t waiters[WAITERS];
  Session *session;

  if (run_in_child ())
    return;
  session = playing ("wgstucksrc ! queue ! fakesink name=sink");
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  wg_shutdown_begin (AWAIT_S * 1000);
  for (guint i = 0; i < WAITERS; i++)
    g_assert_cmpint (
        pthread_create (&waiters[i], NULL, (void *(*) (void *) ) wait_for_shutdown, NULL), ==, 0);
  assert_comes (session_drained, session);
  alarm (AWAIT_S);
  for (guint i = 0; i < WAITERS; i++)
    pthread_cancel (waiters[i]);
  g_assert_true (wg_shutdown_has_begun ()); /* takes the mutex */
  clock_advance_ms (AWAIT_S * 1000);
  for (guint i = 0; i < WAITERS; i++)
    pthread_join (waiters[i], NULL);
  g_assert_cmpuint (wg_shutdown_wait (), ==, 1);
  gate_open (&stuck_create);
  assert_comes (is_forgotten, NULL);
  session_join (session);
  _exit (0);
}

/* Whoever has been told that a pipeline ended finds it in no list. */
static void
test_done_after_list (void)
{
  for (guint i = 0; i < 500; i++) {
    WgLoop *loop = wg_loop_new ();
    WgPipeline *pipeline = wg_pipeline_new ("test", "4", "fakesrc ! fakesink", loop, NULL);

    g_assert_cmpint (wg_pipeline_end (pipeline), ==, WG_PIPELINE_ENDED);
    g_assert_cmpuint (wg_shutdown_wait (), ==, 0);
    wg_pipeline_unref (pipeline);
    wg_loop_unref (loop);
  }
}

static Gate command_gate = GATE_INIT;

static void
blocking (GstElement *pipeline, gpointer gate)
{
  (void) pipeline;
  gate_pass (gate);
}

/* Its owner has given up on it. */
static void
assert_quarantined (Session *session)
{
  session_expire (session);
  g_assert_cmpint (session->end, ==, WG_PIPELINE_QUARANTINED);
}

/* --- owners that are gone --- */

/* What a host's session object is to an appsink's callback. */
typedef struct {
  atomic_uint *samples, *freed;
} SampleData;

static atomic_uint samples, sample_data_freed;

static GstFlowReturn
on_sample (GstAppSink *sink, gpointer data)
{
  SampleData *sample = data;

  atomic_fetch_add (sample->samples, 1);
  gst_sample_unref (gst_app_sink_pull_sample (sink));
  return GST_FLOW_OK;
}

static void
sample_data_free (gpointer data)
{
  atomic_fetch_add (((SampleData *) data)->freed, 1);
  g_free (data);
}

static void
connect_sample (Session *session, GstElement *element)
{
  GstAppSinkCallbacks callbacks = { .new_sample = on_sample };
  GstElement *sink = gst_bin_get_by_name (GST_BIN (element), "sink");
  SampleData *data = g_new (SampleData, 1);

  (void) session;
  *data = (SampleData){ &samples, &sample_data_freed };
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, data, sample_data_free);
  gst_object_unref (sink);
}

static gboolean
sample_came (gpointer unused)
{
  (void) unused;
  return atomic_load (&samples) > 0;
}

/* The owner has dropped all that it has; then the source comes to, posts messages and pushes. What
 * the callbacks point to is still there, and goes with the pipeline. (For the address sanitizer.)
 */
static void
test_owner_gone (void)
{
  Session *session = session_new ("wgstucksrc name=s chatty=true hold=false ! identity name=i ! "
                                  "queue ! appsink name=sink sync=false",
      connect_sample, NULL);
  GstElement *pipeline;
  guint messages;

  atomic_store (&samples, 0);
  atomic_store (&sample_data_freed, 0);
  session_start (session);
  session_await_playing (session);
  assert_comes (sample_came, NULL);
  /* The worker is what is stuck: the rest of the pipeline goes on, in quarantine. */
  gate_close (&command_gate);
  g_assert_true (wg_pipeline_post (session->pipeline, "blocking", blocking, &command_gate, NULL));
  gate_await (&command_gate, 1);
  pipeline = gst_object_ref (session->borrowed);
  session_stop (session);
  assert_quarantined (session);
  wg_pipeline_unref (g_steal_pointer (&session->pipeline));
  wg_loop_unref (session->loop);
  session->loop = NULL;

  /* In quarantine the host's handler is not asked any more, and nothing piles up on the bus. */
  messages = atomic_load (&session->messages);
  for (guint i = 0; i < 100; i++)
    gst_element_post_message (pipeline,
        gst_message_new_application (GST_OBJECT (pipeline), gst_structure_new_empty ("late")));
  {
    GstBus *bus = gst_element_get_bus (pipeline);

    g_assert_false (gst_bus_have_pending (bus));
    gst_object_unref (bus);
  }
  g_assert_cmpuint (atomic_load (&session->messages), ==, messages);
  g_assert_cmpuint (atomic_load (&sample_data_freed), ==, 0);
  g_assert_cmpuint (atomic_load (&session->data_freed), ==, 0);
  gst_object_unref (pipeline);

  gate_open (&command_gate);
  assert_comes (quarantine_is_empty, NULL);
  assert_comes (session_finalized, session);
  g_assert_cmpuint (atomic_load (&session->finalized), ==, 1);
  g_assert_cmpuint (atomic_load (&session->data_freed), ==, 1);
  g_assert_cmpuint (atomic_load (&sample_data_freed), ==, 1);
  assert_comes (no_records, NULL);
  g_free (session);
}

/* The same with the source stuck in create(): its first deeds when it comes to are messages and a
 * push, while the worker still waits for it. */
static void
test_owner_gone_stuck_source (void)
{
  Session *session =
      session_new ("wgstucksrc chatty=true ! appsink name=sink sync=false", connect_sample, NULL);

  atomic_store (&samples, 0);
  atomic_store (&sample_data_freed, 0);
  session_start (session);
  session_await_playing (session);
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  session_stop (session);
  assert_quarantined (session);
  wg_pipeline_unref (g_steal_pointer (&session->pipeline));
  wg_loop_unref (session->loop);
  session->loop = NULL;
  gate_open (&stuck_create);
  assert_comes (quarantine_is_empty, NULL);
  assert_comes (session_finalized, session);
  g_assert_cmpuint (atomic_load (&sample_data_freed), ==, 1);
  assert_comes (no_records, NULL);
  g_free (session);
}

int
main (int argc, char **argv)
{
  g_setenv ("WOLF_GUARD_EOS_MS", G_STRINGIFY (EOS_MS), TRUE);
  g_setenv ("WOLF_GUARD_NULL_MS", G_STRINGIFY (NULL_MS), TRUE);
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  stuck_source_register ();
  log_watch ();

  g_test_add_data_func ("/owner/dead/exit", GINT_TO_POINTER (BY_EXIT), test_dead);
  g_test_add_data_func ("/owner/dead/bare-exit", GINT_TO_POINTER (BY_BARE_EXIT), test_dead);
  g_test_add_func ("/owner/dead/stuck", test_dead_and_stuck);
  g_test_add_func ("/owner/unref", test_unref);
  g_test_add_func ("/owner/cancelled/end", test_cancelled);
  g_test_add_func ("/owner/cancelled/shutdown", test_cancelled_shutdown);
  g_test_add_func ("/owner/done-after-list", test_done_after_list);
  g_test_add_func ("/owner/gone/stuck-worker", test_owner_gone);
  g_test_add_func ("/owner/gone/stuck-source", test_owner_gone_stuck_source);
  return g_test_run ();
}
