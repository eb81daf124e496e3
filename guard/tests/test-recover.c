/* SPDX-License-Identifier: MIT
 *
 * A streaming thread that ends in the midst of things, by pthread_exit or cancellation: its
 * pipeline ends by the ordinary way, each time. WG_LONG in the environment: 1,000 times.
 */
#include "session.h"
#include "stuck-source.h"

#include <stdlib.h>

#define TIMES 20
#define TIMES_LONG 1000
#define DESCRIPTION                                                                                \
  "wgstucksrc name=s hold=false chatty=true ! identity name=i ! queue name=q ! fakesink name=sink"

static guint
times (void)
{
  return getenv ("WG_LONG") ? TIMES_LONG : TIMES;
}

static void *
await_cancel (void)
{
  pthread_cancel (pthread_self ());
  pthread_testcancel ();
  g_assert_not_reached ();
}

typedef struct {
  const char *element, *pad;
  GstPadProbeType type;
  gboolean cancelled;
} Place;

static GstPadProbeReturn
die (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  const Place *place = data;

  (void) pad;
  (void) info;
  if (place->cancelled)
    await_cancel ();
  pthread_exit (NULL);
}

/* In the owner's thread, before PLAYING: the source's thread dies with its first buffer there. */
static void
plant (Session *session, GstElement *element)
{
  const Place *place = session->data;
  GstElement *at = gst_bin_get_by_name (GST_BIN (element), place->element);
  GstPad *pad = gst_element_get_static_pad (at, place->pad);

  gst_pad_add_probe (pad, place->type, die, (gpointer) place, NULL);
  gst_object_unref (pad);
  gst_object_unref (at);
}

static void
die_there (const Place *place)
{
  for (guint i = 0; i < times (); i++) {
    Session *session = session_new (DESCRIPTION, plant, (gpointer) place);
    WgQuarantineStatus status;

    session_start (session);
    assert_comes (session_ended, session);
    session_join (session);
    g_assert_true (session->stats.error_seen);
    g_assert_cmpint (session->end, ==, WG_PIPELINE_ENDED);
    wg_quarantine_get_status (&status);
    g_assert_cmpuint (status.now, ==, 0);
    session_free (session);
  }
}

/* In a push: the locks of two pads are held. */
static void
test_push (void)
{
  static const Place place = { "i", "sink", GST_PAD_PROBE_TYPE_BUFFER, FALSE };

  log_watch ();
  die_there (&place);
  g_assert_cmpuint (log_count ("'s:src'"), >, 0);
  g_assert_cmpuint (log_count ("ENDED UNEXPECTEDLY"), ==, times ());
}

static void
test_cancelled (void)
{
  static const Place place = { "i", "src", GST_PAD_PROBE_TYPE_BUFFER, TRUE };

  die_there (&place);
}

/* In a probe of its own pad, beside guard's. */
static void
test_probe (void)
{
  static const Place place = { "s", "src", GST_PAD_PROBE_TYPE_BUFFER, FALSE };

  die_there (&place);
}

static void
test_event (void)
{
  static const Place place = { "i", "sink", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, FALSE };

  die_there (&place);
}

static void
test_block (void)
{
  static const Place place = { "i", "src", GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER,
    FALSE };

  die_there (&place);
}

/* The thread of a queue, in a push. */
static void
test_queue (void)
{
  static const Place place = { "sink", "sink", GST_PAD_PROBE_TYPE_BUFFER, FALSE };

  die_there (&place);
}

/* --- in the host's handler of a message that the thread posts in a push */

static GstPadProbeReturn
post (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstElement *element = gst_pad_get_parent_element (pad);

  (void) info;
  (void) data;
  gst_element_post_message (
      element, gst_message_new_application (GST_OBJECT (element), gst_structure_new_empty ("die")));
  gst_object_unref (element);
  return GST_PAD_PROBE_OK;
}

static GstBusSyncReply
die_of_message (GstBus *bus, GstMessage *message, gpointer data)
{
  (void) bus;
  (void) data;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_APPLICATION
      && gst_message_has_name (message, "die"))
    pthread_exit (NULL);
  return GST_BUS_PASS;
}

static void
plant_handler (Session *session, GstElement *element)
{
  GstElement *at = gst_bin_get_by_name (GST_BIN (element), "i");
  GstPad *pad = gst_element_get_static_pad (at, "sink");

  wg_pipeline_set_sync_handler (session->pipeline, die_of_message, NULL, NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, post, NULL, NULL);
  gst_object_unref (pad);
  gst_object_unref (at);
}

/* The bus keeps what its handler points to: the thread had a reference. A small leak each time. */
static void
test_sync_handler (void)
{
  for (guint i = 0; i < times (); i++) {
    Session *session = session_new (DESCRIPTION, plant_handler, NULL);

    session_start (session);
    assert_comes (session_ended, session);
    session_join (session);
    g_assert_cmpint (session->end, ==, WG_PIPELINE_ENDED);
  }
}

/* --- in create(). GStreamer 1.22 holds no LIVE_LOCK there. */

static GstBusSyncReply
die_of_chat (GstBus *bus, GstMessage *message, gpointer data)
{
  (void) bus;
  (void) data;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_APPLICATION)
    pthread_exit (NULL);
  return GST_BUS_PASS;
}

static void
plant_in_create (Session *session, GstElement *element)
{
  (void) element;
  wg_pipeline_set_sync_handler (session->pipeline, die_of_chat, NULL, NULL);
}

static void
test_create (void)
{
  for (guint i = 0; i < times (); i++) {
    Session *session = session_new (DESCRIPTION, plant_in_create, NULL);

    session_start (session);
    assert_comes (session_ended, session);
    session_join (session);
    g_assert_cmpint (session->end, ==, WG_PIPELINE_ENDED);
  }
}

/* --- what is not given back: a sink's PREROLL_LOCK, which has no owner */

static void
die_in_render (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  (void) sink;
  (void) buffer;
  (void) pad;
  (void) data;
  pthread_exit (NULL);
}

static void
plant_in_render (Session *session, GstElement *element)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (element), "sink");

  (void) session;
  g_object_set (sink, "signal-handoffs", TRUE, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (die_in_render), NULL);
  gst_object_unref (sink);
}

/* The owner learns of it at once, and the pipeline stays in quarantine. The last test: it leaves
 * that behind. */
static void
test_render (void)
{
  Session *session = session_new (DESCRIPTION, plant_in_render, NULL);
  WgQuarantineStatus status;

  session_start (session);
  assert_comes (session_ended, session);
  session_join (session);
  g_assert_true (session->stats.error_seen);
  g_assert_cmpint (session->end, ==, WG_PIPELINE_QUARANTINED);
  wg_quarantine_get_status (&status);
  g_assert_cmpuint (status.now, ==, 1);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  stuck_source_register ();
  log_watch ();

  g_test_add_func ("/recover/push", test_push);
  g_test_add_func ("/recover/cancelled", test_cancelled);
  g_test_add_func ("/recover/probe", test_probe);
  g_test_add_func ("/recover/event", test_event);
  g_test_add_func ("/recover/block", test_block);
  g_test_add_func ("/recover/queue", test_queue);
  g_test_add_func ("/recover/sync-handler", test_sync_handler);
  g_test_add_func ("/recover/create", test_create);
  g_test_add_func ("/recover/render", test_render);
  return g_test_run ();
}
