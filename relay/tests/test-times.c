/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-times.c: what becomes of the producer's times (stream-sync). */
#include "fixture.h"

/* Of the producer's time, and nothing that a consumer that has just started could have. */
#define FAR (10 * 3600 * (GstClockTime) GST_SECOND)

static GstHarness *
consumer_with_sync (const gchar *sync)
{
  GstHarness *c = consumer_new ("p");

  gst_util_set_object_arg (G_OBJECT (c->element), "stream-sync", sync);
  return c;
}

/* A GAP of the producer's time would have a sink wait for ten hours. */
GST_START_TEST (test_restart_of_events)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_with_sync ("restart-ts");
  GstClockTime time, duration;
  GstFormat format;
  gint64 position;
  GstEvent *event;

  gst_harness_play (c);
  push (p, 0);
  expect (c, 0);
  gst_harness_push_event (p, gst_event_new_gap (FAR, GST_SECOND));
  event = await_event (c, GST_EVENT_GAP);
  gst_event_parse_gap (event, &time, &duration);
  fail_unless (time < FAR, "GAP has the producer's time");
  fail_unless_equals_uint64 (duration, GST_SECOND);
  gst_event_unref (event);
  gst_harness_push_event (p, gst_event_new_segment_done (GST_FORMAT_TIME, (gint64) FAR));
  event = await_event (c, GST_EVENT_SEGMENT_DONE);
  gst_event_parse_segment_done (event, &format, &position);
  fail_unless (position < (gint64) FAR, "SEGMENT_DONE has the producer's time");
  gst_event_unref (event);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_passthrough_of_events)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_with_sync ("passthrough-ts");
  GstClockTime time;
  GstEvent *event;

  gst_harness_play (c);
  gst_harness_push_event (p, gst_event_new_gap (FAR, GST_SECOND));
  event = await_event (c, GST_EVENT_GAP);
  gst_event_parse_gap (event, &time, NULL);
  fail_unless_equals_uint64 (time, FAR);
  gst_event_unref (event);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static FROM_HARNESS GstClockTime
pull_time (GstHarness *c)
{
  GstBuffer *buffer = gst_harness_pull (c);
  const GstClockTime time = GST_BUFFER_PTS (buffer);

  gst_buffer_unref (buffer);
  return time;
}

static void
push_at (GstHarness *p, GstClockTime time)
{
  GstBuffer *buffer = buffer_new (0);

  GST_BUFFER_PTS (buffer) = time;
  fail_unless_equals_int (gst_harness_push (p, buffer), GST_FLOW_OK);
}

/* A sink that is not live has no base time until it has prerolled, and prerolls by a buffer. */
GST_START_TEST (test_compensate_prerolls)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_with_sync ("compensate-ts");
  GstClockTime last;

  fail_unless_equals_int (
      gst_element_set_state (c->element, GST_STATE_PAUSED), GST_STATE_CHANGE_SUCCESS);
  push_at (p, FAR);
  fail_unless_equals_uint64 (pull_time (c), 0);
  push_at (p, FAR + GST_SECOND);
  fail_unless_equals_uint64 (pull_time (c), GST_SECOND);
  /* It takes over when it is where the preroll was: here after half an hour. */
  gst_element_set_base_time (c->element, FAR - 1800 * GST_SECOND);
  gst_element_set_base_time (p->element, 0);
  gst_element_set_state (c->element, GST_STATE_PLAYING);
  push_at (p, FAR + 2 * GST_SECOND);
  last = pull_time (c);
  fail_unless_equals_uint64 (last, 1802 * GST_SECOND);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* What would be before the preroll is dropped, however far it is. */
GST_START_TEST (test_compensate_goes_on_after_preroll)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_with_sync ("compensate-ts");

  gst_element_set_state (c->element, GST_STATE_PAUSED);
  for (guint i = 0; i < 5; i++) {
    push_at (p, FAR + i * GST_SECOND);
    fail_unless_equals_uint64 (pull_time (c), i * GST_SECOND);
  }
  gst_element_set_base_time (c->element, FAR + 4 * GST_SECOND);
  gst_element_set_base_time (p->element, 0);
  gst_element_set_state (c->element, GST_STATE_PLAYING);
  push_at (p, FAR + 5 * GST_SECOND); /* 1 s, and 4 s have been sent */
  await_stat (c, "dropped-sync", 1);
  push_at (p, FAR + 9 * GST_SECOND);
  fail_unless_equals_uint64 (pull_time (c), 5 * GST_SECOND);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* Events keep their number, and what has no time of the stream stays as it is. */
GST_START_TEST (test_compensate_of_events)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_with_sync ("compensate-ts");
  GstEvent *gap = gst_event_new_gap (FAR + GST_SECOND, GST_SECOND), *event;
  const guint32 number = gst_event_get_seqnum (gap);
  GstClockTime time;
  GstFormat format;
  gint64 position;

  gst_harness_play (c);
  gst_element_set_base_time (c->element, FAR);
  gst_element_set_base_time (p->element, 0);
  gst_harness_push_event (p, gap);
  event = await_event (c, GST_EVENT_GAP);
  gst_event_parse_gap (event, &time, NULL);
  fail_unless_equals_uint64 (time, GST_SECOND);
  fail_unless_equals_int (gst_event_get_seqnum (event), number);
  gst_event_unref (event);
  gst_harness_push_event (p, gst_event_new_segment_done (GST_FORMAT_TIME, (gint64) FAR + 7));
  gst_harness_push_event (p, gst_event_new_segment_done (GST_FORMAT_BYTES, 8));
  gst_harness_push_event (p, gst_event_new_segment_done (GST_FORMAT_TIME, 1)); /* before it */
  for (guint i = 0; i < 3; i++) {
    static const gint64 expected[] = { 7, 8, 0 };
    event = await_event (c, GST_EVENT_SEGMENT_DONE);
    gst_event_parse_segment_done (event, &format, &position);
    fail_unless_equals_int64 (position, expected[i]);
    gst_event_unref (event);
  }
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static void
push_list (GstHarness *p, GstClockTime time)
{
  GstBufferList *list = gst_buffer_list_new ();

  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer = buffer_new (i);
    GST_BUFFER_PTS (buffer) = time + i;
    gst_buffer_list_add (list, buffer);
  }
  fail_unless_equals_int (gst_pad_push_list (p->srcpad, list), GST_FLOW_OK);
}

static FROM_HARNESS gboolean
pull_discont (GstHarness *c, GstClockTime *time)
{
  GstBuffer *buffer = gst_harness_pull (c);
  const gboolean discont = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);

  *time = GST_BUFFER_PTS (buffer);
  gst_buffer_unref (buffer);
  return discont;
}

/* A list is shared by two consumers: each changes its own, and the first buffer is the one that
 * follows nothing. */
GST_START_TEST (test_lists)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *moved = consumer_with_sync ("compensate-ts");
  GstHarness *plain;
  GstClockTime time;

  g_object_set (p->element, "buffer-list", TRUE, NULL);
  push_at (p, 0); /* prerolls; a list would come in pieces */
  plain = consumer_playing ("p");
  gst_harness_play (moved);
  gst_element_set_base_time (moved->element, FAR);
  gst_element_set_base_time (p->element, 0);
  push_list (p, FAR + 1);
  for (guint i = 0; i < 2; i++) {
    fail_unless_equals_int (pull_discont (moved, &time), i == 0);
    fail_unless_equals_uint64 (time, 1 + i);
    fail_unless_equals_int (pull_discont (plain, &time), i == 0);
    fail_unless_equals_uint64 (time, FAR + 1 + i);
  }
  gst_harness_teardown (moved);
  gst_harness_teardown (plain);
  gst_harness_teardown (p);
}
GST_END_TEST

/* do-timestamp is for what has no time, and leaves the rest. */
GST_START_TEST (test_do_timestamp)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");

  g_object_set (c->element, "do-timestamp", TRUE, NULL);
  gst_harness_play (c);
  push_at (p, FAR);
  fail_unless_equals_uint64 (pull_time (c), FAR);
  push_at (p, GST_CLOCK_TIME_NONE);
  fail_unless (pull_time (c) < FAR, "no time was made");
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static Suite *
relay_times_suite (void)
{
  Suite *suite = suite_new ("relay-times");

  ADD ("restart-ts, events", test_restart_of_events);
  ADD ("passthrough-ts, events", test_passthrough_of_events);
  ADD ("compensate-ts, events", test_compensate_of_events);
  ADD ("lists", test_lists);
  ADD ("do-timestamp", test_do_timestamp);
  ADD ("compensate-ts prerolls", test_compensate_prerolls);
  ADD ("compensate-ts after preroll", test_compensate_goes_on_after_preroll);
  return suite;
}

GST_CHECK_MAIN (relay_times);
