/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-inbox.c: the queue alone, while its holder, the test, is away. */
#include "../relay-inbox.h"

#include <gst/check/gstcheck.h>

/* For what must not come, and longer than a producer's patience. */
#define AWAY_US ((RELAY_PATIENCE_MS + 100) * G_TIME_SPAN_MILLISECOND)

GST_DEBUG_CATEGORY (relay_src_debug);

static guint
deliver (RelayInbox *inbox, gpointer data, gboolean *more)
{
  (void) inbox, (void) data, (void) more;
  return 0;
}

static RelayInbox *
inbox_new (void)
{
  g_autoptr (GstPad) pad = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));
  RelayInbox *inbox = relay_inbox_new (pad, deliver, NULL);

  atomic_store (&inbox->accepting, TRUE);
  return inbox;
}

typedef struct {
  RelayInbox *inbox;
  RelayKind kind;
  GstMiniObject *content;
} Put;

static gpointer
put (gpointer data)
{
  const Put *put = data;
  g_autoptr (RelayItem) item = relay_item_new (put->kind, put->content, NULL);
  gboolean full = FALSE;

  return GINT_TO_POINTER (relay_inbox_put (put->inbox, &item->entries[0], FALSE, &full));
}

/* Whether it is put although the holder is away for longer than a producer's patience. */
static gboolean
put_while_held (RelayInbox *inbox, RelayKind kind, gpointer content)
{
  Put its = { inbox, kind, content };
  GThread *thread;

  atomic_store (&inbox->held, TRUE);
  thread = g_thread_new ("producer", put, &its);
  g_usleep (AWAY_US);
  atomic_store (&inbox->held, FALSE);
  return GPOINTER_TO_INT (g_thread_join (thread));
}

static guint64
dropped (RelayInbox *inbox, RelayDrop why)
{
  return atomic_load (&inbox->stats.dropped[why]);
}

GST_START_TEST (test_held_drops_and_counts)
{
  RelayInbox *inbox = inbox_new ();
  GstBuffer *buffer = gst_buffer_new ();
  GstEvent *event =
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("relay-test"));

  fail_if (put_while_held (inbox, RELAY_DATA, buffer));
  fail_unless_equals_uint64 (dropped (inbox, RELAY_DROP_HELD), 1);
  fail_if (put_while_held (inbox, RELAY_EVENT, event));
  fail_unless_equals_uint64 (dropped (inbox, RELAY_DROP_EVENTS), 1);
  fail_unless (relay_inbox_is_empty (inbox));
  gst_event_unref (event);
  gst_buffer_unref (buffer);
  relay_unref (inbox);
}
GST_END_TEST

GST_START_TEST (test_ends_wait)
{
  RelayInbox *inbox = inbox_new ();
  GstEvent *done = gst_event_new_segment_done (GST_FORMAT_TIME, 0);

  fail_unless (put_while_held (inbox, RELAY_PROMPT, done), "SEGMENT_DONE is lost");
  fail_unless (put_while_held (inbox, RELAY_EOS, NULL), "EOS is lost");
  fail_unless_equals_uint64 (dropped (inbox, RELAY_DROP_EVENTS), 0);
  gst_event_unref (done);
  relay_unref (inbox);
}
GST_END_TEST

static Suite *
relay_inbox_suite (void)
{
  Suite *suite = suite_create ("relay-inbox");
  TCase *held = tcase_create ("held");

  GST_DEBUG_CATEGORY_INIT (relay_src_debug, "relay-inbox", 0, "the queue alone");
  suite_add_tcase (suite, held);
  tcase_add_test (held, test_held_drops_and_counts);
  tcase_add_test (held, test_ends_wait);
  return suite;
}

GST_CHECK_MAIN (relay_inbox);
