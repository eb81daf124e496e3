/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-states.c: changes of state, and what is so before the first. */
#include "fixture.h"

GST_START_TEST (test_live_waits_for_playing)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");

  g_object_set (c->element, "is-live", TRUE, NULL);
  fail_unless_equals_int (
      gst_element_set_state (c->element, GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  push (p, 0);
  g_usleep (QUIET_US);
  fail_unless_equals_uint64 (stat_of (c, "delivered"), 0);
  gst_harness_play (c);
  expect (c, 0);
  for (guint n = 1; n < 20; n++) {
    gst_element_set_state (c->element, GST_STATE_PAUSED);
    gst_element_set_state (c->element, GST_STATE_PLAYING);
    push (p, n);
    expect (c, n);
  }
  gst_element_set_state (c->element, GST_STATE_PAUSED);
  push (p, 20);
  g_usleep (QUIET_US);
  fail_unless_equals_uint64 (stat_of (c, "delivered"), 20);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_start_and_stop_many)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  guint listeners;

  for (guint n = 0; n < 200; n++) {
    gst_harness_play (c);
    push (p, n);
    expect (c, n);
    gst_element_set_state (c->element, GST_STATE_NULL);
    g_object_get (p->element, "num-listeners", &listeners, NULL);
    fail_unless_equals_int (listeners, 0);
  }
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* What has no name of its own has the one that it has with gst-interpipe. */
GST_START_TEST (test_default_names)
{
  GstElement *sink = gst_element_factory_make ("interpipesink", NULL);
  GstElement *src = gst_element_factory_make ("interpipesrc", NULL);

  fail_unless_equals_string (GST_OBJECT_NAME (sink), "interpipesink0");
  fail_unless_equals_string (GST_OBJECT_NAME (src), "interpipesrc0");
  gst_object_unref (sink);
  gst_object_unref (src);
}
GST_END_TEST

/* What is only written is what the other plugin has no getter for either. */
GST_START_TEST (test_properties)
{
  GstHarness *c = consumer_new ("p");
  guint64 backlog, level_bytes, level_buffers, level_time;
  g_autofree gchar *name = NULL;
  gboolean keyframe;

  g_object_set (c->element, "block-switch", TRUE, "allow-renegotiation", FALSE, "accept-events",
      FALSE, "accept-eos-event", FALSE, "switch-on-keyframe", TRUE, "backlog", (guint64) 7, NULL);
  g_object_get (c->element, "listen-to", &name, "switch-on-keyframe", &keyframe, "backlog",
      &backlog, "current-level-bytes", &level_bytes, "current-level-buffers", &level_buffers,
      "current-level-time", &level_time, NULL);
  fail_unless_equals_string (name, "p");
  fail_unless_equals_int (keyframe, TRUE);
  fail_unless_equals_uint64 (backlog, 7);
  fail_unless_equals_uint64 (level_bytes + level_buffers + level_time, 0);
  gst_harness_teardown (c);
}
GST_END_TEST

/* Then comes EOS, and what waits is not sent. */
GST_START_TEST (test_num_buffers)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");

  g_object_set (c->element, "num-buffers", 3, NULL);
  gst_harness_play (c);
  for (guint n = 0; n < 6; n++)
    push (p, n);
  for (guint n = 0; n < 3; n++)
    expect (c, n);
  gst_event_unref (await_event (c, GST_EVENT_EOS));
  fail_unless_equals_uint64 (stat_of (c, "delivered"), 3);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static GstFlowReturn
refuse (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  (void) pad, (void) parent;
  gst_buffer_unref (buffer);
  return GST_FLOW_NOT_NEGOTIATED;
}

/* What is behind it ends its stream, and its alone. */
GST_START_TEST (test_a_fault_downstream)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *other = consumer_playing ("p");
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
  push (p, 1);
  expect (other, 0);
  expect (other, 1);
  gst_element_set_bus (c->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (c);
  gst_harness_teardown (other);
  gst_harness_teardown (p);
}
GST_END_TEST

static Suite *
relay_states_suite (void)
{
  Suite *suite = suite_new ("relay-states");

  ADD ("live waits for playing", test_live_waits_for_playing);
  ADD ("start and stop many", test_start_and_stop_many);
  ADD ("default names", test_default_names);
  ADD ("properties", test_properties);
  ADD ("num-buffers", test_num_buffers);
  ADD ("a fault downstream", test_a_fault_downstream);
  return suite;
}

GST_CHECK_MAIN (relay_states);
