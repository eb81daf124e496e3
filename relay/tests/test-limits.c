/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-limits.c: what may wait for a consumer, and what becomes of the rest. */
#include "../relay-stream.h"
#include "fixture.h"

static void
fill (GstHarness *c, GstHarness *p, guint n, gulong *probe)
{
  *probe = stall (c);
  push (p, 0);
  await_stalled (c);
  for (guint i = 1; i <= n; i++)
    push (p, i);
}

GST_START_TEST (test_full_drops_the_new)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  gulong probe;

  g_object_set (c->element, "max-buffers", (guint64) 3, NULL);
  gst_harness_play (c);
  fill (c, p, 10, &probe);
  fail_unless_equals_uint64 (stat_of (c, "queued-buffers"), 3);
  fail_unless_equals_uint64 (stat_of (c, "dropped-full"), 7);
  go_on (c, probe);
  for (guint n = 0; n <= 3; n++)
    expect (c, n);
  push (p, 11);
  expect (c, 11);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_leaky_drops_the_old)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  gulong probe;

  g_object_set (c->element, "max-bytes", (guint64) 0, "max-buffers", (guint64) 2, NULL);
  gst_util_set_object_arg (G_OBJECT (c->element), "leaky-type", "downstream");
  gst_harness_play (c);
  fill (c, p, 10, &probe);
  fail_unless_equals_uint64 (stat_of (c, "queued-buffers"), 2);
  fail_unless_equals_uint64 (stat_of (c, "dropped-leaky"), 8);
  go_on (c, probe);
  expect (c, 0);
  expect (c, 9);
  expect (c, 10);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static FROM_HARNESS void
expect_discont (GstHarness *h, guint number, gboolean discont)
{
  GstBuffer *buffer = gst_harness_pull (h);

  fail_unless_equals_int (GST_BUFFER_OFFSET (buffer), number);
  fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT), discont);
  gst_buffer_unref (buffer);
}

/* The first, what follows a drop, what follows a switch: and none of the others. */
GST_START_TEST (test_discont)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *q = producer_new ("q", CAPS (1));
  GstHarness *c = consumer_new ("p");
  gulong probe;

  g_object_set (c->element, "max-buffers", (guint64) 2, NULL);
  gst_harness_play (c);
  fill (c, p, 4, &probe);
  go_on (c, probe);
  expect_discont (c, 0, TRUE);
  expect_discont (c, 1, FALSE);
  expect_discont (c, 2, FALSE);
  push (p, 5);
  expect_discont (c, 5, TRUE); /* 3 and 4 were dropped */
  push (p, 6);
  expect_discont (c, 6, FALSE);
  g_object_set (c->element, "listen-to", "q", NULL);
  push (q, 7);
  expect_discont (c, 7, TRUE);
  push (q, 8);
  expect_discont (c, 8, FALSE);
  gst_harness_teardown (c);
  c = consumer_new ("p");
  g_object_set (c->element, "max-bytes", (guint64) 0, "max-buffers", (guint64) 2, NULL);
  gst_util_set_object_arg (G_OBJECT (c->element), "leaky-type", "downstream");
  gst_harness_play (c);
  fill (c, p, 4, &probe);
  go_on (c, probe);
  expect_discont (c, 0, TRUE);
  expect_discont (c, 3, TRUE); /* 1 and 2 were */
  expect_discont (c, 4, FALSE);
  gst_harness_teardown (c);
  gst_harness_teardown (q);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_backlog_without_limits)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  gulong probe;

  g_object_set (c->element, "backlog", (guint64) 5 * (16 + RELAY_OVERHEAD), NULL);
  gst_harness_play (c);
  fill (c, p, 10, &probe);
  fail_unless_equals_uint64 (stat_of (c, "queued-bytes"), 5 * 16);
  go_on (c, probe);
  gst_harness_teardown (c);
  c = consumer_new ("p");
  g_object_set (c->element, "backlog", (guint64) 0, NULL);
  gst_harness_play (c);
  fill (c, p, 100, &probe);
  fail_unless_equals_uint64 (stat_of (c, "queued-buffers"), 100);
  go_on (c, probe);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static gpointer
push_some (gpointer p)
{
  for (guint n = 1; n <= 5; n++)
    push (p, n);
  return NULL;
}

/* block=true: all come; and the others have theirs before the producer waits. */
GST_START_TEST (test_block_waits_last)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  GstHarness *other;
  GThread *thread;
  gulong probe;

  g_object_set (c->element, "block", TRUE, "max-buffers", (guint64) 1, NULL);
  gst_harness_play (c);
  other = consumer_playing ("p");
  probe = stall (c);
  push (p, 0);
  await_stalled (c);
  thread = g_thread_new ("pusher", push_some, p);
  expect (other, 0);
  expect (other, 1);
  expect (other, 2); /* for which c has no room */
  go_on (c, probe);
  g_thread_join (thread);
  for (guint n = 0; n <= 5; n++)
    expect (c, n);
  fail_unless_equals_uint64 (stat_of (c, "dropped-full"), 0);
  gst_harness_teardown (other);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static gpointer
push_until_refused (gpointer data)
{
  GstHarness *p = data;
  guint n = 1;

  while (gst_harness_push (p, buffer_new (n)) == GST_FLOW_OK)
    n++;
  return GUINT_TO_POINTER (n);
}

/* The producer waits for a consumer that has no room, and is stopped. */
GST_START_TEST (test_block_lets_the_producer_stop)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  GThread *thread;
  gulong probe;

  g_object_set (c->element, "block", TRUE, "max-buffers", (guint64) 1, NULL);
  gst_harness_play (c);
  fill (c, p, 1, &probe);
  thread = g_thread_new ("pusher", push_until_refused, p);
  g_usleep (QUIET_US); /* it waits by then, most likely */
  gst_element_set_state (p->element, GST_STATE_NULL);
  fail_unless_equals_int (GPOINTER_TO_UINT (g_thread_join (thread)), 1);
  go_on (c, probe);
  expect (c, 0);
  expect (c, 1);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* A pause of the producer interrupts the wait; nothing is lost by it. */
GST_START_TEST (test_block_and_pause)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  GThread *thread;
  gulong probe;

  g_object_set (c->element, "block", TRUE, "max-buffers", (guint64) 1, NULL);
  gst_harness_play (c);
  probe = stall (c);
  push (p, 0);
  await_stalled (c);
  thread = g_thread_new ("pusher", push_some, p);
  for (guint i = 0; i < 3; i++) {
    g_usleep (QUIET_US / 5);
    gst_element_set_state (p->element, GST_STATE_PAUSED);
    gst_element_set_state (p->element, GST_STATE_PLAYING);
  }
  go_on (c, probe);
  for (guint n = 0; n <= 5; n++)
    expect (c, n);
  g_thread_join (thread);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_limits_by_function)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  gulong probe;

  gst_app_src_set_max_buffers (GST_APP_SRC (c->element), 3);
  gst_harness_play (c);
  fill (c, p, 10, &probe);
  fail_unless_equals_uint64 (stat_of (c, "queued-buffers"), 3);
  go_on (c, probe);
  for (guint n = 0; n <= 3; n++)
    expect (c, n);
  /* While it plays: from the next round on, which is of no more than so many buffers. */
  gst_app_src_set_max_buffers (GST_APP_SRC (c->element), 5);
  for (guint n = 0; n <= RELAY_BUDGET; n++) {
    push (p, n);
    expect (c, n);
  }
  fill (c, p, 10, &probe);
  fail_unless_equals_uint64 (stat_of (c, "queued-buffers"), 5);
  go_on (c, probe);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* ---- events ---- */

#define TOO_MANY 100

static void
push_event (GstHarness *p, guint number)
{
  fail_unless (gst_harness_push_event (p,
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
          gst_structure_new ("relay-test", "number", G_TYPE_UINT, number, NULL))));
}

static FROM_HARNESS guint
expect_event (GstHarness *c)
{
  g_autoptr (GstEvent) event = await_event (c, GST_EVENT_CUSTOM_DOWNSTREAM);
  guint number = G_MAXUINT;

  gst_structure_get_uint (gst_event_get_structure (event), "number", &number);
  return number;
}

/* The first ones come, and what the end of a stream depends on, and buffers. */
GST_START_TEST (test_events_are_limited)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");
  gulong probe;

  g_object_set (p->element, "forward-eos", TRUE, NULL);
  fill (c, p, 0, &probe);
  for (guint n = 0; n < RELAY_EVENTS + TOO_MANY; n++)
    push_event (p, n);
  fail_unless_equals_uint64 (stat_of (c, "dropped-events"), TOO_MANY);
  fail_unless (gst_harness_push_event (p, gst_event_new_gap (GST_SECOND, GST_SECOND)));
  fail_unless_equals_uint64 (stat_of (c, "dropped-events"), TOO_MANY + 1);
  fail_unless (gst_harness_push_event (p, gst_event_new_segment_done (GST_FORMAT_TIME, 0)));
  push (p, 1);
  fail_unless (gst_harness_push_event (p, gst_event_new_eos ()));
  fail_unless_equals_uint64 (stat_of (c, "dropped-events"), TOO_MANY + 1);
  go_on (c, probe);
  expect (c, 0);
  expect (c, 1);
  for (guint n = 0; n < RELAY_EVENTS; n++)
    fail_unless_equals_int (expect_event (c), n);
  gst_event_unref (await_event (c, GST_EVENT_SEGMENT_DONE));
  gst_event_unref (await_event (c, GST_EVENT_EOS));
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* There is room again once some are taken out. */
GST_START_TEST (test_events_find_room_again)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");
  gulong probe;

  for (guint round = 0; round < 2; round++) {
    fill (c, p, 0, &probe);
    for (guint n = 0; n < RELAY_EVENTS; n++)
      push_event (p, n);
    push (p, 1);
    go_on (c, probe);
    expect (c, 0);
    expect (c, 1);
    for (guint n = 0; n < RELAY_EVENTS; n++)
      fail_unless_equals_int (expect_event (c), n);
  }
  fail_unless_equals_uint64 (stat_of (c, "dropped-events"), 0);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* They go with the buffer that comes next, and that is dropped each time: its caps are refused. */
GST_START_TEST (test_events_without_a_buffer_are_limited)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");

  gst_harness_set_sink_caps_str (c, CAPS (2));
  gst_harness_play (c);
  for (guint n = 0; n < RELAY_EVENTS + TOO_MANY; n++) {
    push_event (p, n);
    push (p, n);
  }
  await_stat (c, "dropped-caps", RELAY_EVENTS + TOO_MANY);
  fail_unless_equals_uint64 (stat_of (c, "dropped-events"), TOO_MANY);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static Suite *
relay_limits_suite (void)
{
  Suite *suite = suite_new ("relay-limits");

  ADD ("full drops the new", test_full_drops_the_new);
  ADD ("leaky drops the old", test_leaky_drops_the_old);
  ADD ("discont", test_discont);
  ADD ("backlog", test_backlog_without_limits);
  ADD ("block waits last", test_block_waits_last);
  ADD ("block lets the producer stop", test_block_lets_the_producer_stop);
  ADD ("block and pause", test_block_and_pause);
  ADD ("limits by function", test_limits_by_function);
  ADD ("events", test_events_are_limited);
  ADD ("events find room again", test_events_find_room_again);
  ADD ("events without a buffer", test_events_without_a_buffer_are_limited);
  return suite;
}

GST_CHECK_MAIN (relay_limits);
