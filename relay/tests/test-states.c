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

static Suite *
relay_states_suite (void)
{
  Suite *suite = suite_new ("relay-states");

  ADD ("live waits for playing", test_live_waits_for_playing);
  ADD ("start and stop many", test_start_and_stop_many);
  ADD ("default names", test_default_names);
  return suite;
}

GST_CHECK_MAIN (relay_states);
