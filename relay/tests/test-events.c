/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-events.c: events both ways, the end of a stream, flushes, errors. */
#include "fixture.h"

GST_START_TEST (test_gap_comes_at_once)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");

  push (p, 0);
  expect (c, 0);
  gst_harness_push_event (p, gst_event_new_gap (GST_SECOND, GST_SECOND));
  gst_event_unref (await_event (c, GST_EVENT_GAP));
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_segment_follows_the_producer)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");
  const GstSegment *got;
  GstSegment segment;
  GstEvent *event;

  push (p, 0);
  expect (c, 0);
  gst_event_unref (await_event (c, GST_EVENT_SEGMENT));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = GST_SECOND;
  gst_harness_push_event (p, gst_event_new_segment (&segment));
  push (p, 2000);
  expect (c, 2000);
  event = await_event (c, GST_EVENT_SEGMENT);
  gst_event_parse_segment (event, &got);
  fail_unless_equals_uint64 (got->start, GST_SECOND);
  gst_event_unref (event);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_eos)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");
  GstHarness *deaf = consumer_new ("p");

  g_object_set (p->element, "forward-eos", TRUE, NULL);
  g_object_set (deaf->element, "accept-eos-event", FALSE, NULL);
  gst_harness_play (deaf);
  push (p, 0);
  gst_harness_push_event (p, gst_event_new_eos ());
  expect (c, 0);
  gst_event_unref (await_event (c, GST_EVENT_EOS));
  expect (deaf, 0);
  g_usleep (QUIET_US);
  fail_if (GST_PAD_IS_EOS (deaf->sinkpad));
  gst_harness_teardown (deaf);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_eos_sent_to_the_element)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");

  push (p, 0);
  expect (c, 0);
  fail_unless (gst_element_send_event (c->element, gst_event_new_eos ()));
  gst_event_unref (await_event (c, GST_EVENT_EOS));
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* Again and again, as the base class's thread has to be found asleep, awake and in between. */
GST_START_TEST (test_flush_many)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");

  for (guint n = 0; n < 300; n++) {
    fail_unless (gst_element_send_event (c->element, gst_event_new_flush_start ()));
    fail_unless (gst_element_send_event (c->element, gst_event_new_flush_stop (TRUE)));
    push (p, n);
    expect (c, n);
  }
  fail_unless (gst_element_send_event (c->element, gst_event_new_flush_start ()));
  fail_unless (gst_element_send_event (c->element, gst_event_new_flush_stop (TRUE)));
  fail_unless (gst_element_send_event (c->element, gst_event_new_eos ()));
  gst_event_unref (await_event (c, GST_EVENT_EOS));
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_num_buffers)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");

  g_object_set (c->element, "num-buffers", 3, NULL);
  gst_harness_play (c);
  for (guint n = 0; n < 5; n++)
    push (p, n);
  for (guint n = 0; n < 3; n++)
    expect (c, n);
  gst_event_unref (await_event (c, GST_EVENT_EOS));
  fail_unless (gst_harness_try_pull (c) == NULL);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static GstFlowReturn
refuse (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  (void) pad, (void) parent;
  gst_buffer_unref (buffer);
  return GST_FLOW_ERROR;
}

GST_START_TEST (test_error_is_posted)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  GstBus *bus = gst_bus_new ();
  GstMessage *message;

  gst_element_set_bus (c->element, bus);
  gst_pad_set_chain_function (c->sinkpad, refuse);
  gst_harness_play (c);
  push (p, 0);
  message = gst_bus_timed_pop_filtered (bus, SOON_US * 1000, GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "no error is posted");
  gst_message_unref (message);
  gst_element_set_bus (c->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_upstream_event_needs_one_listener)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");
  GstHarness *other;

  gst_harness_push_upstream_event (c, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0, 0, 0));
  fail_unless_equals_int (gst_harness_upstream_events_received (p), 2); /* and a reconfigure */
  other = consumer_playing ("p");
  gst_harness_push_upstream_event (c, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0, 0, 0));
  fail_unless_equals_int (gst_harness_upstream_events_received (p), 2);
  gst_harness_teardown (other);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static Suite *
relay_events_suite (void)
{
  Suite *suite = suite_new ("relay-events");

  ADD ("gap", test_gap_comes_at_once);
  ADD ("segment", test_segment_follows_the_producer);
  ADD ("eos", test_eos);
  ADD ("eos sent to the element", test_eos_sent_to_the_element);
  ADD ("flush many", test_flush_many);
  ADD ("num-buffers", test_num_buffers);
  ADD ("error is posted", test_error_is_posted);
  ADD ("upstream event", test_upstream_event_needs_one_listener);
  return suite;
}

GST_CHECK_MAIN (relay_events);
