/* SPDX-License-Identifier: MIT */
/* At which time of its own a consumer gets what a producer sends. */
#include "scenario.h"

#define RESTART_TS 0
#define PASSTHROUGH_TS 1
#define COMPENSATE_TS 2
/* x264enc moves its timestamps, and its segment, by so much. */
#define FAR (1000 * 60 * 60 * GST_SECOND)

static GstClockTime
now (void)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();

  return gst_clock_get_time (clock);
}

static void
give_clock (GstElement *element, GstClockTime base_time)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();

  gst_element_set_clock (element, clock);
  gst_element_set_base_time (element, base_time);
}

static Producer *
producer_far (const gchar *name, guint id, GstClockTime start)
{
  Producer *producer = producer_new (name, id, 64);

  producer->start = start;
  producer_segment (producer);
  return producer;
}

static Consumer *
consumer_synced (const gchar *name, const gchar *node, gint sync, GstClockTime base_time)
{
  Consumer *consumer = consumer_new (name, node);

  g_object_set (consumer->src, "stream-sync", sync, NULL);
  give_clock (consumer->src, base_time);
  return consumer;
}

/* GAP and SEGMENT_DONE carry times too. */
static void
events_restart_ts (Result *result)
{
  Producer *producer = producer_far ("n", 1, FAR);
  Consumer *consumer = consumer_synced ("l", "n", RESTART_TS, now ());

  must (result, consumer_start (consumer) && consumer_gets (consumer, producer),
      "the consumer hears the producer");
  go_to_work ();
  phase ("GAP and SEGMENT_DONE with the producer's time");
  gst_pad_push_event (producer->pad, gst_event_new_gap (FAR + GST_SECOND, GST_SECOND));
  gst_pad_push_event (
      producer->pad, gst_event_new_segment_done (GST_FORMAT_TIME, FAR + 2 * GST_SECOND));
  must (result, consumer_gets (consumer, producer) && consumer_gets (consumer, producer),
      "buffers arrive after them");
  promise (result, !GST_CLOCK_TIME_IS_VALID (consumer->gap) || consumer->gap < FAR,
      "a GAP has the consumer's time");
  holds (result, !GST_CLOCK_TIME_IS_VALID (consumer->done) || consumer->done < FAR,
      "SEGMENT_DONE has the consumer's time");
}

/* A pipeline goes to PLAYING only when its sink has a buffer. */
static void
compensate_ts_preroll (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_synced ("l", "n", COMPENSATE_TS, 0);

  give_clock (producer->sink, now ());
  must (result, state_within (WGI_SOON_MS, consumer->src, GST_STATE_PAUSED),
      "the consumer is paused");
  go_to_work ();
  phase ("a buffer for a consumer that prerolls");
  must (result, within (WGI_SOON_MS, producer_push, producer), "the push returns");
  promise (result, consumer_wait (consumer, 1, 0, WGI_STUCK_MS),
      "a consumer that is not live prerolls with compensate-ts");
  holds (result, consumer_start (consumer) && consumer_gets (consumer, producer),
      "and plays after that");
}

/* A consumer that comes after the producer's segment. */
static void
segment_late (Result *result)
{
  const GstClockTime base = now ();
  Producer *producer = producer_far ("n", 1, FAR);
  Consumer *passes = consumer_synced ("passes", "n", PASSTHROUGH_TS, base);
  Consumer *compensates = consumer_synced ("compensates", "n", COMPENSATE_TS, base);

  give_clock (producer->sink, base + GST_SECOND);
  go_to_work ();
  phase ("a consumer that comes after the segment");
  must (result, consumer_start (passes) && consumer_start (compensates), "the consumers start");
  must (result,
      within (WGI_SOON_MS, producer_push, producer) && consumer_wait (passes, 1, 0, WGI_SOON_MS)
          && consumer_wait (compensates, 1, 0, WGI_SOON_MS),
      "the consumers hear the producer");
  result_int (result, "passed_ms", passes->running / GST_MSECOND);
  result_int (result, "compensated_ms", compensates->running / GST_MSECOND);
  promise (result, passes->running == 0, "passthrough-ts: the producer's running time");
  promise (result, compensates->running == GST_SECOND,
      "compensate-ts: the moment at which the producer has it");
}

static void
segment_switch (Result *result)
{
  Producer *near = producer_new ("near", 1, 64);
  Producer *far = producer_far ("far", 2, FAR);
  Consumer *consumer = consumer_synced ("l", "near", PASSTHROUGH_TS, now ());

  must (result, consumer_start (consumer) && consumer_gets (consumer, near),
      "the consumer hears the producer");
  go_to_work ();
  phase ("a switch to a node with another segment");
  holds (result, consumer_listen (consumer, "far", WGI_SOON_MS), "the switch returns");
  holds (result, consumer_gets (consumer, far), "the consumer hears the other producer");
  result_int (result, "running_ms", consumer->running / GST_MSECOND);
  promise (result, consumer->running == 0, "the segment comes before the other node's buffers");
  holds (result,
      consumer_listen (consumer, "near", WGI_SOON_MS) && consumer_gets (consumer, near)
          && consumer->running == (near->number - 1) * (gint64) WGI_BUFFER_INTERVAL,
      "and the first node's segment when it comes back");
}

const Scenario times_scenarios[] = {
  { "events-restart-ts", "GAP and SEGMENT_DONE with restart-ts", events_restart_ts, NULL },
  { "compensate-ts-preroll", "a consumer prerolls with compensate-ts", compensate_ts_preroll,
      NULL },
  { "segment-late", "a consumer comes after the producer's segment", segment_late, NULL },
  { "segment-switch", "a switch to a node with another segment", segment_switch, NULL },
  { 0 },
};
