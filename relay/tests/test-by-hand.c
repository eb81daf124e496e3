/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-by-hand.c: what an application puts into the interpipesrc itself. */
#include "fixture.h"

#include <gst/app/gstappsrc.h>

GST_START_TEST (test_by_hand)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");

  push (p, 0);
  expect (c, 0);
  fail_unless_equals_int (
      gst_app_src_push_buffer (GST_APP_SRC (c->element), buffer_new (7)), GST_FLOW_OK);
  expect (c, 7);
  push (p, 1);
  expect (c, 1);
  fail_unless_equals_int (gst_app_src_end_of_stream (GST_APP_SRC (c->element)), GST_FLOW_OK);
  gst_event_unref (await_event (c, GST_EVENT_EOS));
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_by_hand_only)
{
  GstHarness *c = consumer_playing (NULL);
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS (3));
  g_autoptr (GstCaps) got = NULL;
  GstBufferList *list = gst_buffer_list_new ();

  gst_app_src_set_caps (GST_APP_SRC (c->element), caps);
  fail_unless_equals_int (
      gst_app_src_push_buffer (GST_APP_SRC (c->element), buffer_new (1)), GST_FLOW_OK);
  expect (c, 1);
  gst_buffer_list_add (list, buffer_new (2));
  gst_buffer_list_add (list, buffer_new (3));
  fail_unless_equals_int (
      gst_app_src_push_buffer_list (GST_APP_SRC (c->element), list), GST_FLOW_OK);
  expect (c, 2);
  expect (c, 3);
  got = gst_pad_get_current_caps (c->sinkpad);
  fail_unless (got != NULL && gst_caps_is_equal (got, caps));
  fail_unless_equals_int (
      gst_app_src_push_buffer (GST_APP_SRC (c->element), buffer_new (4)), GST_FLOW_OK);
  expect (c, 4);
  fail_unless_equals_int (gst_app_src_end_of_stream (GST_APP_SRC (c->element)), GST_FLOW_OK);
  gst_event_unref (await_event (c, GST_EVENT_EOS));
  gst_harness_teardown (c);
}
GST_END_TEST

static Suite *
relay_by_hand_suite (void)
{
  Suite *suite = suite_new ("relay-by-hand");

  ADD ("by hand", test_by_hand);
  ADD ("by hand only", test_by_hand_only);
  return suite;
}

GST_CHECK_MAIN (relay_by_hand);
