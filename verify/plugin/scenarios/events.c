/* SPDX-License-Identifier: MIT */
/* scenarios-events.c: events across the border between pipelines. */
#include "fixture.h"

/* By luck: in most rounds one of the consumers meets the producer in the same instant. */
#define ROUNDS 3
#define CONSUMERS 4
#define EVENTS 20000
#define LATE_EVENTS 200

typedef struct {
  Feed *feed;
  guint number;
} Sender;

static void
send_many (gpointer data)
{
  Sender *sender = data;

  for (guint i = 0; i < EVENTS; i++) {
    feed_event (sender->feed, "wgi-serial", (gint) ++sender->number, TRUE);
    feed_push (sender->feed);
  }
}

/* Whether all that was sent to all of them came, in order; of what is late, more buffers help. */
static gboolean
all_arrived (Take *takes[], Sender *sender)
{
  gboolean arrived = TRUE;

  for (guint i = 0; i < CONSUMERS; i++) {
    for (guint j = 0; j < LATE_EVENTS; j++)
      if (take_read (takes[i], &takes[i]->last_event) == sender->number
          || !take_gets (takes[i], sender->feed))
        break;
    arrived = arrived && take_read (takes[i], &takes[i]->last_event) == sender->number
        && take_read (takes[i], &takes[i]->out_of_order) == 0;
  }
  return arrived;
}

/* The producer's thread puts events where the consumers' threads take them away. */
void
scenario_pending_events (Result *result)
{
  Sender sender = { .feed = feed_new ("n", 1, 64) };
  Take *takes[CONSUMERS];
  gboolean arrived = TRUE, returned = TRUE;
  guint round = 0;

  for (guint i = 0; i < CONSUMERS; i++) {
    g_autofree gchar *name = g_strdup_printf ("l%u", i);
    takes[i] = take_playing (name, "n");
    must (result, take_gets (takes[i], sender.feed), "the consumer hears the producer");
  }
  go_to_work ();
  while (arrived && returned && round < ROUNDS) {
    phase ("events are put and taken, round %u", ++round);
    returned = within (WGI_SOON_MS * 5, send_many, &sender);
    arrived = returned && all_arrived (takes, &sender);
  }
  result_int (result, "rounds", round);
  result_int (result, "sent", sender.number);
  promise (result, arrived, "each event arrives once and in order");
}

/* An event stands before the buffer that follows it. */
void
scenario_events_in_order (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");

  must (result, take_gets (take, feed), "the consumer hears the producer");
  go_to_work ();
  phase ("three events and a buffer");
  for (gint i = 1; i <= 3; i++)
    feed_event (feed, "wgi-serial", i, TRUE);
  must (result, take_gets (take, feed), "the buffer arrives");
  result_int (result, "events_before_buffer", take_read (take, &take->event_before));
  promise (result, take_read (take, &take->event_before) == 3,
      "all events arrive before the buffer that follows them");
}

void
scenario_stale_events (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");

  must (result, take_gets (take, feed), "the consumer hears the producer");
  go_to_work ();
  phase ("an event of the last run");
  feed_event (feed, "wgi-serial", 1, TRUE);
  must (result, take_stop (take) && take_start (take), "the consumer runs a second time");
  must (
      result, take_gets (take, feed) && take_gets (take, feed), "the consumer hears the producer");
  result_int (result, "last_event", take_read (take, &take->last_event));
  promise (result, take_read (take, &take->last_event) == 0, "nothing of the last run is left");
}

static void
note_end (gpointer data, GstMiniObject *object)
{
  (void) object;
  g_atomic_int_inc ((gint *) data);
}

void
scenario_event_leak (Result *result)
{
  static gint freed;
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");

  g_object_set (take->src, "accept-events", FALSE, NULL);
  must (result, take_gets (take, feed), "the consumer hears the producer");
  go_to_work ();
  phase ("events that are not accepted");
  for (gint i = 0; i < 20; i++) {
    GstEvent *event =
        gst_event_new_custom (i % 2 ? GST_EVENT_CUSTOM_DOWNSTREAM : GST_EVENT_CUSTOM_DOWNSTREAM_OOB,
            gst_structure_new_empty ("wgi-leak"));
    gst_mini_object_weak_ref (GST_MINI_OBJECT (event), note_end, &freed);
    gst_pad_push_event (feed->pad, event);
  }
  must (result, take_gets (take, feed), "the consumer hears the producer");
  result_int (result, "sent", 20);
  result_int (result, "freed", g_atomic_int_get (&freed));
  promise (result, g_atomic_int_get (&freed) == 20, "no event is left behind");
}

/* An event that somebody else holds, too, is not written to. */
void
scenario_event_unchanged (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");
  g_autoptr (GstEvent) event =
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("wgi-kept"));

  must (
      result, take_gets (take, feed) && take_gets (take, feed), "the consumer hears the producer");
  GST_EVENT_TIMESTAMP (event) = 12345;
  go_to_work ();
  phase ("an event that its sender keeps");
  gst_pad_push_event (feed->pad, gst_event_ref (event));
  must (result, take_gets (take, feed), "the consumer hears the producer");
  result_int (result, "timestamp", (gint64) GST_EVENT_TIMESTAMP (event));
  promise (result, GST_EVENT_TIMESTAMP (event) == 12345, "the sender's event is not written to");
}

static void
flush (gpointer data)
{
  Feed *feed = data;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (feed->pad, gst_event_new_flush_start ());
  gst_pad_push_event (feed->pad, gst_event_new_flush_stop (TRUE));
  gst_pad_push_event (feed->pad, gst_event_new_segment (&segment));
}

/* What a seek in the producer's pipeline sends. */
void
scenario_flush_events (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");

  /* A pipeline would put the flushed sink into PLAYING again; this one stands alone. */
  g_object_set (feed->sink, "async", FALSE, NULL);
  must (result, take_gets (take, feed), "the consumer hears the producer");
  go_to_work ();
  phase ("a flush in the producer's pipeline");
  holds (result, within (WGI_SOON_MS, flush, feed), "the flush returns");
  const gboolean flow = take_gets (take, feed);
  promise (result, flow && g_atomic_int_get (&wgi_account->warnings) == 0,
      "buffers flow after a flush, behind a new segment");
}

static void
send_event (gpointer data)
{
  Take *take = data;

  gst_pad_push_event (take->pad,
      gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("wgi-up")));
}

void
scenario_null_listen_event (Result *result)
{
  Take *take = take_playing ("l", NULL);
  g_autoptr (GstQuery) query = gst_query_new_context ("wgi");

  go_to_work ();
  phase ("an upstream event with no node to listen to");
  holds (result, within (WGI_SOON_MS, send_event, take), "the event returns");
  const gint after_event = g_atomic_int_get (&wgi_account->criticals);
  promise (result, after_event == 0, "an event with no node is no fault");
  phase ("a context query with no node to listen to");
  gst_pad_peer_query (take->pad, query);
  promise (result, g_atomic_int_get (&wgi_account->criticals) == after_event,
      "a query with no node is no fault");
}
