/* SPDX-License-Identifier: MIT
 *
 * A streaming thread that is stuck is named with the call; one that waits for work is left alone.
 */
#include "scan-support.h"
#include "session.h"
#include "stuck-source.h"

#include "../src/watch-private.h"

#define SLOW_MS 1000

/* Streams and loops that are watched. */
static guint
watched (void)
{
  static WgBeatBook books[WG_BEATS];
  WgBeatCounts counts;

  g_assert_true (wg_beat_read (books, WG_BEATS, &counts, G_MAXINT64));
  return counts.count;
}

static gboolean
none_is_watched (gpointer unused)
{
  (void) unused;
  return watched () == 0;
}

static Session *
play (const char *description)
{
  Session *session = session_new (description, NULL, NULL);

  scan_for (60 * 1000); /* another minute's lines */
  session_start (session);
  session_await_playing (session);
  return session;
}

static void
finish (Session *session)
{
  session_stop (session);
  session_join (session);
  session_free (session);
  assert_comes (none_is_watched, NULL);
}

/* The queue's thread has nothing to do meanwhile, and is not late. */
static void
test_create (void)
{
  Session *session;

  session = play ("wgstucksrc name=s ! queue name=q ! fakesink name=sink");
  g_assert_cmpuint (watched (), >=, 3); /* two threads and the main loop */
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  scan_at_once (WG_WATCH_SCAN_MS);
  log_watch ();
  scan_for (3 * SLOW_MS);
  g_assert_cmpuint (log_count ("watch: stream 's:src "), ==, 1);
  g_assert_cmpuint (log_count ("'s:src': create: slow after 1."), ==, 1);
  g_assert_cmpuint (log_count ("'q:src"), ==, 0);
  gate_open (&stuck_create);
  finish (session);
}

static Gate push_gate = GATE_INIT;

static GstPadProbeReturn
stand (GstPad *pad, GstPadProbeInfo *info, gpointer unused)
{
  (void) pad;
  (void) info;
  (void) unused;
  gate_pass (&push_gate);
  return GST_PAD_PROBE_OK;
}

static void
test_push (void)
{
  Session *session = play ("wgstucksrc name=s hold=false ! identity name=i ! fakesink name=sink");
  GstElement *identity = gst_bin_get_by_name (GST_BIN (session->borrowed), "i");
  GstPad *pad = gst_element_get_static_pad (identity, "sink");

  gate_close (&push_gate);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, stand, NULL, NULL);
  gate_await (&push_gate, 1);
  scan_at_once (WG_WATCH_SCAN_MS);
  log_watch ();
  scan_for (3 * SLOW_MS);
  g_assert_cmpuint (log_count ("'s:src': a push: slow after 1."), ==, 1);
  gate_open (&push_gate);
  gst_object_unref (pad);
  gst_object_unref (identity);
  finish (session);
}

/* A source that has made no buffer yet may be waiting for its display. */
static void
test_first_buffer (void)
{
  Session *session = session_new ("wgstucksrc name=s ! fakesink name=sink", NULL, NULL);

  scan_for (60 * 1000);
  gate_close (&stuck_create);
  session_start (session);
  gate_await (&stuck_create, 1);
  log_watch ();
  scan_for (20 * SLOW_MS);
  g_assert_cmpuint (log_count ("watch: stream"), ==, 0);
  gate_open (&stuck_create);
  session_await_playing (session);
  finish (session);
}

/* A fed source and a queue may wait for an hour. */
static void
test_fed (void)
{
  Session *session = session_new ("appsrc ! queue ! fakesink name=sink", NULL, NULL);

  scan_for (60 * 1000);
  log_watch ();
  session_start (session);
  assert_comes (session_made, session);
  scan_for (60 * SLOW_MS);
  g_assert_cmpuint (log_count ("watch: stream"), ==, 0);
  finish (session);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  stuck_source_register ();
  log_watch ();

  g_test_add_func ("/streams/create", test_create);
  g_test_add_func ("/streams/push", test_push);
  g_test_add_func ("/streams/first-buffer", test_first_buffer);
  g_test_add_func ("/streams/fed", test_fed);
  return g_test_run ();
}
