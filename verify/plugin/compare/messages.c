/* SPDX-License-Identifier: MIT */
/* Queries and events, both ways. */
#include "behaviour.h"

#include "consumer.h"
#include "timeouts.h"

static GstQuery *
query_of (GstQueryType type)
{
  g_autoptr (GstCaps) caps = caps_of (64);

  switch ((gint) type) {
  case GST_QUERY_POSITION:
    return gst_query_new_position (GST_FORMAT_TIME);
  case GST_QUERY_DURATION:
    return gst_query_new_duration (GST_FORMAT_TIME);
  case GST_QUERY_LATENCY:
    return gst_query_new_latency ();
  case GST_QUERY_SEEKING:
    return gst_query_new_seeking (GST_FORMAT_TIME);
  case GST_QUERY_SEGMENT:
    return gst_query_new_segment (GST_FORMAT_TIME);
  case GST_QUERY_FORMATS:
    return gst_query_new_formats ();
  case GST_QUERY_BUFFERING:
    return gst_query_new_buffering (GST_FORMAT_TIME);
  case GST_QUERY_URI:
    return gst_query_new_uri ();
  case GST_QUERY_ALLOCATION:
    return gst_query_new_allocation (caps, FALSE);
  case GST_QUERY_SCHEDULING:
    return gst_query_new_scheduling ();
  case GST_QUERY_ACCEPT_CAPS:
    return gst_query_new_accept_caps (caps);
  case GST_QUERY_CAPS:
    return gst_query_new_caps (caps);
  case GST_QUERY_DRAIN:
    return gst_query_new_drain ();
  case GST_QUERY_CONTEXT:
    return gst_query_new_context ("wgi");
  case GST_QUERY_BITRATE:
    return gst_query_new_bitrate ();
  default:
    return gst_query_new_custom (type, gst_structure_new_empty ("wgi"));
  }
}

static gchar *
tell (gboolean answered, gboolean crossed)
{
  return g_strdup_printf (
      "%s%s", answered ? "answered" : "not answered", crossed ? ", crosses" : "");
}

static gchar *
query_up (gint type)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  g_autoptr (GstQuery) query = query_of ((GstQueryType) type);

  consumer_gets (consumer, producer);
  g_atomic_int_set (&producer->answer_context, TRUE);
  g_atomic_int_set (&producer->seen_query, 0);
  const gboolean answered = gst_pad_peer_query (consumer->pad, query);
  return tell (answered, g_atomic_int_get (&producer->seen_query) == type);
}

static gchar *
query_down (gint type)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  g_autoptr (GstQuery) query = query_of ((GstQueryType) type);

  consumer_gets (consumer, producer);
  g_atomic_int_set (&consumer->seen_query, 0);
  const gboolean answered = gst_pad_peer_query (producer->pad, query);
  return tell (answered, g_atomic_int_get (&consumer->seen_query) == type);
}

/* Two consumers, one of which declines. */
static gchar *
query_not_agreed (gint type)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *declines = consumer_new ("declines", "n");
  Consumer *agrees = consumer_playing ("agrees", "n");
  g_autoptr (GstQuery) query = query_of ((GstQueryType) type);

  declines->decline = TRUE;
  consumer_start (declines);
  consumer_gets (agrees, producer);
  consumer_gets (declines, producer);
  const gboolean answered = gst_pad_peer_query (producer->pad, query);
  return g_strdup_printf ("%s, %u metas", answered ? "answered" : "not answered",
      answered ? gst_query_get_n_allocation_metas (query) : 0);
}

static GstState
state_of (gint detail)
{
  return (GstState) detail;
}

/* An element asks before its source has started. */
static gchar *
context_in_state (gint state)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_new ("l", "n");
  g_autoptr (GstQuery) query = gst_query_new_context ("wgi");

  g_atomic_int_set (&producer->answer_context, TRUE);
  gst_element_set_state (consumer->src, state_of (state));
  return tell (gst_pad_peer_query (consumer->pad, query), FALSE);
}

static GstEvent *
event_of (GstEventType type)
{
  GstStructure *structure = gst_structure_new_empty ("wgi");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = GST_SECOND;
  switch ((gint) type) {
  case GST_EVENT_CUSTOM_UPSTREAM:
  case GST_EVENT_CUSTOM_DOWNSTREAM:
  case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
  case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
  case GST_EVENT_CUSTOM_BOTH:
  case GST_EVENT_CUSTOM_BOTH_OOB:
    return gst_event_new_custom (type, structure);
  default:
    gst_structure_free (structure);
  }
  switch ((gint) type) {
  case GST_EVENT_QOS:
    return gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1, 0, 0);
  case GST_EVENT_SEEK:
    return gst_event_new_seek (
        1, GST_FORMAT_TIME, GST_SEEK_FLAG_NONE, GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, 0);
  case GST_EVENT_NAVIGATION:
    return gst_event_new_navigation (gst_structure_new_empty ("application/x-gst-navigation"));
  case GST_EVENT_LATENCY:
    return gst_event_new_latency (GST_MSECOND);
  case GST_EVENT_STEP:
    return gst_event_new_step (GST_FORMAT_BUFFERS, 1, 1, FALSE, FALSE);
  case GST_EVENT_RECONFIGURE:
    return gst_event_new_reconfigure ();
  case GST_EVENT_FLUSH_START:
    return gst_event_new_flush_start ();
  case GST_EVENT_STREAM_START:
    return gst_event_new_stream_start ("wgi2");
  case GST_EVENT_SEGMENT:
    return gst_event_new_segment (&segment);
  case GST_EVENT_TAG:
    return gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "wgi", NULL));
  case GST_EVENT_BUFFERSIZE:
    return gst_event_new_buffer_size (GST_FORMAT_BYTES, 1, 1, FALSE);
  case GST_EVENT_SINK_MESSAGE:
    return gst_event_new_sink_message ("wgi", gst_message_new_eos (NULL));
  case GST_EVENT_STREAM_GROUP_DONE:
    return gst_event_new_stream_group_done (1);
  case GST_EVENT_SEGMENT_DONE:
    return gst_event_new_segment_done (GST_FORMAT_TIME, 0);
  case GST_EVENT_GAP:
    return gst_event_new_gap (0, GST_MSECOND);
  default:
    return gst_event_new_eos ();
  }
}

static gchar *
event_up (gint type)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  consumer_gets (consumer, producer);
  g_atomic_int_set (&producer->seen_event, 0);
  gst_pad_push_event (consumer->pad, event_of ((GstEventType) type));
  const gboolean crosses = g_atomic_int_get (&producer->seen_event) == type;
  return g_strdup (crosses ? "crosses" : "does not cross");
}

/* With two listeners of one node. */
static gchar *
event_up_two (gint type)
{
  Consumer *other = consumer_playing ("other", "n");
  (void) other;
  return event_up (type);
}

static gboolean
has_seen (gpointer consumer)
{
  return g_atomic_int_get (&((Consumer *) consumer)->seen_event) != 0;
}

/* After it two buffers, as some events wait for one. */
static gchar *
event_down (gint type)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  consumer_gets (consumer, producer);
  g_atomic_int_set (&consumer->awaited, type);
  gst_pad_push_event (producer->pad, event_of ((GstEventType) type));
  if (type == GST_EVENT_FLUSH_START)
    gst_pad_push_event (producer->pad, gst_event_new_flush_stop (TRUE));
  else if (type != GST_EVENT_EOS)
    for (guint i = 0; i < 2 && consumer_gets (consumer, producer); i++)
      ;
  /* What is not forwarded cannot be waited for. */
  return g_strdup (
      wait_until (has_seen, consumer, WGI_STUCK_MS / 2) ? "crosses" : "does not cross");
}

#define UP(type)                                                                                   \
  {                                                                                                \
    "query " #type " upstream", query_up, GST_QUERY_##type                                         \
  }
#define DOWN(type)                                                                                 \
  {                                                                                                \
    "query " #type " downstream", query_down, GST_QUERY_##type                                     \
  }

const Behaviour wgi_queries[] = {
  UP (POSITION),
  UP (DURATION),
  UP (LATENCY),
  UP (SEEKING),
  UP (SEGMENT),
  UP (FORMATS),
  UP (BUFFERING),
  UP (URI),
  UP (SCHEDULING),
  UP (CAPS),
  UP (ACCEPT_CAPS),
  UP (CONTEXT),
  UP (BITRATE),
  UP (CUSTOM),
  DOWN (POSITION),
  DOWN (DURATION),
  DOWN (LATENCY),
  DOWN (SEEKING),
  DOWN (SEGMENT),
  DOWN (FORMATS),
  DOWN (ALLOCATION),
  DOWN (CAPS),
  DOWN (ACCEPT_CAPS),
  DOWN (DRAIN),
  DOWN (CONTEXT),
  DOWN (BITRATE),
  DOWN (CUSTOM),
  { "query ALLOCATION, one of two declines", query_not_agreed, GST_QUERY_ALLOCATION },
  { "query CONTEXT of a consumer in NULL", context_in_state, GST_STATE_NULL },
  { "query CONTEXT of a consumer in READY", context_in_state, GST_STATE_READY },
  { "query CONTEXT of a consumer in PAUSED", context_in_state, GST_STATE_PAUSED },
  { NULL, NULL, 0 },
};

#define EVENT_UP(type)                                                                             \
  {                                                                                                \
    "event " #type " upstream", event_up, GST_EVENT_##type                                         \
  }
#define EVENT_DOWN(type)                                                                           \
  {                                                                                                \
    "event " #type " downstream", event_down, GST_EVENT_##type                                     \
  }

const Behaviour wgi_events[] = {
  EVENT_UP (QOS),
  EVENT_UP (SEEK),
  EVENT_UP (NAVIGATION),
  EVENT_UP (LATENCY),
  EVENT_UP (STEP),
  EVENT_UP (RECONFIGURE),
  EVENT_UP (CUSTOM_UPSTREAM),
  EVENT_UP (CUSTOM_BOTH),
  { "event CUSTOM_UPSTREAM, two listeners", event_up_two, GST_EVENT_CUSTOM_UPSTREAM },
  EVENT_DOWN (FLUSH_START),
  EVENT_DOWN (STREAM_START),
  EVENT_DOWN (SEGMENT),
  EVENT_DOWN (TAG),
  EVENT_DOWN (BUFFERSIZE),
  EVENT_DOWN (SINK_MESSAGE),
  EVENT_DOWN (STREAM_GROUP_DONE),
  EVENT_DOWN (SEGMENT_DONE),
  EVENT_DOWN (GAP),
  EVENT_DOWN (EOS),
  EVENT_DOWN (CUSTOM_DOWNSTREAM),
  EVENT_DOWN (CUSTOM_DOWNSTREAM_OOB),
  EVENT_DOWN (CUSTOM_DOWNSTREAM_STICKY),
  EVENT_DOWN (CUSTOM_BOTH),
  EVENT_DOWN (CUSTOM_BOTH_OOB),
  { NULL, NULL, 0 },
};
