/* SPDX-License-Identifier: MIT */
/* events across the border between pipelines. */
#include "scenario.h"

/* By luck: in most rounds one of the consumers meets the producer in the same instant. */
#define ROUNDS 3
#define CONSUMERS 4
#define EVENTS 20000
#define LATE_EVENTS 200

typedef struct {
  Producer *producer;
  guint number;
} Sender;

static void
send_many (gpointer data)
{
  Sender *sender = data;

  for (guint i = 0; i < EVENTS; i++) {
    producer_event (sender->producer, "wgi-serial", (gint) ++sender->number, TRUE);
    producer_push (sender->producer);
  }
}

/* Whether all that was sent to all of them came, in order; of what is late, more buffers help. */
static gboolean
all_arrived (Consumer *consumers[], Sender *sender)
{
  gboolean arrived = TRUE;

  for (guint i = 0; i < CONSUMERS; i++) {
    for (guint j = 0; j < LATE_EVENTS; j++)
      if (consumer_read (consumers[i], &consumers[i]->last_event) == sender->number
          || !consumer_gets (consumers[i], sender->producer))
        break;
    arrived = arrived && consumer_read (consumers[i], &consumers[i]->last_event) == sender->number
        && consumer_read (consumers[i], &consumers[i]->out_of_order) == 0;
  }
  return arrived;
}

/* The producer's thread queues events while the consumers' threads dequeue them. */
static void
pending_events (Result *result)
{
  Sender sender = { .producer = producer_new ("n", 1, 64) };
  Consumer *consumers[CONSUMERS];
  gboolean arrived = TRUE, returned = TRUE;
  guint round = 0;

  for (guint i = 0; i < CONSUMERS; i++) {
    g_autofree gchar *name = g_strdup_printf ("l%u", i);
    consumers[i] = consumer_playing (name, "n");
    must (result, consumer_gets (consumers[i], sender.producer), "the consumer hears the producer");
  }
  go_to_work ();
  while (arrived && returned && round < ROUNDS) {
    phase ("events are put and taken, round %u", ++round);
    returned = within (WGI_SOON_MS * 5, send_many, &sender);
    arrived = returned && all_arrived (consumers, &sender);
  }
  result_int (result, "rounds", round);
  result_int (result, "sent", sender.number);
  promise (result, arrived, "each event arrives once and in order");
}

/* An event stands before the buffer that follows it. */
static void
events_in_order (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  go_to_work ();
  phase ("three events and a buffer");
  for (gint i = 1; i <= 3; i++)
    producer_event (producer, "wgi-serial", i, TRUE);
  must (result, consumer_gets (consumer, producer), "the buffer arrives");
  result_int (result, "events_before_buffer", consumer_read (consumer, &consumer->event_before));
  promise (result, consumer_read (consumer, &consumer->event_before) == 3,
      "all events arrive before the buffer that follows them");
}

static void
stale_events (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  go_to_work ();
  phase ("an event of the last run");
  producer_event (producer, "wgi-serial", 1, TRUE);
  must (result, consumer_stop (consumer) && consumer_start (consumer),
      "the consumer runs a second time");
  must (result, consumer_gets (consumer, producer) && consumer_gets (consumer, producer),
      "the consumer hears the producer");
  result_int (result, "last_event", consumer_read (consumer, &consumer->last_event));
  promise (result, consumer_read (consumer, &consumer->last_event) == 0,
      "nothing of the last run is left");
}

static void
note_end (gpointer data, GstMiniObject *object)
{
  (void) object;
  g_atomic_int_inc ((gint *) data);
}

static void
event_leak (Result *result)
{
  static gint freed;
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  g_object_set (consumer->src, "accept-events", FALSE, NULL);
  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  go_to_work ();
  phase ("events that are not accepted");
  for (gint i = 0; i < 20; i++) {
    GstEvent *event =
        gst_event_new_custom (i % 2 ? GST_EVENT_CUSTOM_DOWNSTREAM : GST_EVENT_CUSTOM_DOWNSTREAM_OOB,
            gst_structure_new_empty ("wgi-leak"));
    gst_mini_object_weak_ref (GST_MINI_OBJECT (event), note_end, &freed);
    gst_pad_push_event (producer->pad, event);
  }
  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  result_int (result, "sent", 20);
  result_int (result, "freed", g_atomic_int_get (&freed));
  promise (result, g_atomic_int_get (&freed) == 20, "no event is left behind");
}

/* The plugin must not write to an event that its sender still holds. */
static void
event_unchanged (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  g_autoptr (GstEvent) event =
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("wgi-kept"));

  must (result, consumer_gets (consumer, producer) && consumer_gets (consumer, producer),
      "the consumer hears the producer");
  GST_EVENT_TIMESTAMP (event) = 12345;
  go_to_work ();
  phase ("an event that its sender keeps");
  gst_pad_push_event (producer->pad, gst_event_ref (event));
  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  result_int (result, "timestamp", (gint64) GST_EVENT_TIMESTAMP (event));
  promise (result, GST_EVENT_TIMESTAMP (event) == 12345, "the sender's event is not written to");
}

static void
flush (gpointer data)
{
  Producer *producer = data;

  gst_pad_push_event (producer->pad, gst_event_new_flush_start ());
  gst_pad_push_event (producer->pad, gst_event_new_flush_stop (TRUE));
  producer_segment (producer);
}

/* What a seek in the producer's pipeline sends. */
static void
flush_events (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  /* A pipeline would put the flushed sink into PLAYING again; this one stands alone. */
  g_object_set (producer->sink, "async", FALSE, NULL);
  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  go_to_work ();
  phase ("a flush in the producer's pipeline");
  holds (result, within (WGI_SOON_MS, flush, producer), "the flush returns");
  const gboolean flow = consumer_gets (consumer, producer);
  promise (result, flow && g_atomic_int_get (&wgi_account->warnings) == 0,
      "buffers flow after a flush, behind a new segment");
}

static void
send_event (gpointer data)
{
  Consumer *consumer = data;

  gst_pad_push_event (consumer->pad,
      gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("wgi-up")));
}

static void
null_listen_event (Result *result)
{
  Consumer *consumer = consumer_playing ("l", NULL);
  g_autoptr (GstQuery) query = gst_query_new_context ("wgi");

  go_to_work ();
  phase ("an upstream event with no node to listen to");
  holds (result, within (WGI_SOON_MS, send_event, consumer), "the event returns");
  const gint after_event = g_atomic_int_get (&wgi_account->criticals);
  promise (result, after_event == 0, "an event with no node is no fault");
  phase ("a context query with no node to listen to");
  gst_pad_peer_query (consumer->pad, query);
  promise (result, g_atomic_int_get (&wgi_account->criticals) == after_event,
      "a query with no node is no fault");
}

/* A pipeline that listens to itself, as for a feedback effect: what goes into its source comes to
 * its sink, and the other way round. */
static struct {
  Producer *producer;
  Consumer *consumer;
} loop;

static void
loop_event (gpointer data)
{
  (void) data;
  send_event (loop.consumer);
}

static void
loop_context (gpointer data)
{
  g_autoptr (GstQuery) query = gst_query_new_context ("wgi");
  (void) data;

  gst_pad_peer_query (loop.consumer->pad, query);
}

static void
loop_caps (gpointer data)
{
  gst_caps_unref (gst_pad_peer_query_caps (loop.producer->pad, NULL));
  (void) data;
}

static void
feedback (Result *result)
{
  loop.producer = producer_new ("n", 1, 64);
  loop.consumer = consumer_playing ("l", "n");
  must (result, consumer_gets (loop.consumer, loop.producer), "the consumer hears the producer");
  loop.producer->on_event = loop_event;
  loop.producer->on_query = loop_context;
  loop.consumer->on_caps_query = loop_caps;
  consumer_messages (loop.consumer, GST_MESSAGE_ANY);
  go_to_work ();
  phase ("an event in a loop");
  promise (result, within (WGI_SOON_MS, send_event, loop.consumer), "an event in a loop returns");
  phase ("queries in a loop");
  holds (result, within (WGI_SOON_MS, loop_context, NULL), "a context query in a loop returns");
  holds (result, within (WGI_SOON_MS, loop_caps, NULL), "a caps query in a loop returns");
  holds (result, consumer_messages (loop.consumer, GST_MESSAGE_WARNING) == 1,
      "one message tells of the loop");
  holds (result, consumer_gets (loop.consumer, loop.producer), "buffers flow");
}

const Scenario events_scenarios[] = {
  { "feedback", "a pipeline listens to itself", feedback, NULL },

  { "pending-events", "events are put and taken by two threads", pending_events, NULL },
  { "events-in-order", "several events before a buffer", events_in_order, NULL },
  { "stale-events", "an event of the consumer's last run", stale_events, NULL },
  { "event-leak", "events that are not accepted", event_leak, NULL },
  { "event-unchanged", "an event that its sender keeps", event_unchanged, NULL },
  { "flush-events", "the producer flushes", flush_events, NULL },
  { "null-listen-event", "events and queries with no node", null_listen_event, NULL },
  { 0 },
};
