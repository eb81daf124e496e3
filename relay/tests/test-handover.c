/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-handover.c: what a consumer gets, whatever others do. */
#include "../relay-pool.h"
#include "fixture.h"

GST_START_TEST (test_stalled_costs_only_itself)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *stalled = consumer_playing ("p");
  GstHarness *others[4];
  gulong probe;

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    others[i] = consumer_playing ("p");
  probe = stall (stalled);
  push (p, 0);
  await_stalled (stalled);
  for (guint n = 1; n < 20; n++)
    push (p, n);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    for (guint n = 0; n < 20; n++)
      expect (others[i], n);
  fail_unless_equals_uint64 (stat_of (stalled, "queued-buffers"), 19);
  fail_unless_equals_uint64 (stat_of (stalled, "delivered"), 0);
  go_on (stalled, probe);
  for (guint n = 0; n < 20; n++)
    expect (stalled, n);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    gst_harness_teardown (others[i]);
  gst_harness_teardown (stalled);
  gst_harness_teardown (p);
}
GST_END_TEST

/* All queues stalled, with as many names as there can be queues. */
GST_START_TEST (test_stalled_many)
{
  GstHarness *p[24], *stalled[24], *fine[24];
  gulong probes[24];

  for (guint i = 0; i < G_N_ELEMENTS (p); i++) {
    g_autofree gchar *name = g_strdup_printf ("p%u", i);
    p[i] = producer_new (name, CAPS (1));
    stalled[i] = consumer_playing (name);
    probes[i] = stall (stalled[i]);
    push (p[i], 0);
    await_stalled (stalled[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (p); i++) {
    g_autofree gchar *name = g_strdup_printf ("p%u", i);
    fine[i] = consumer_playing (name);
    push (p[i], 1);
    expect (fine[i], 1);
  }
  for (guint i = 0; i < G_N_ELEMENTS (p); i++) {
    go_on (stalled[i], probes[i]);
    expect (stalled[i], 0);
    expect (stalled[i], 1);
    gst_harness_teardown (fine[i]);
    gst_harness_teardown (stalled[i]);
    gst_harness_teardown (p[i]);
  }
}
GST_END_TEST

GST_START_TEST (test_stopped_while_stalled)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");

  stall (c);
  push (p, 0);
  await_stalled (c);
  push (p, 1);
  fail_unless_equals_int (
      gst_element_set_state (c->element, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  gst_harness_teardown (c);
  c = consumer_playing ("p");
  push (p, 2);
  expect (c, 2);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

static GstPadProbeReturn
count (GstPad *pad, GstPadProbeInfo *info, gpointer counter)
{
  (void) pad, (void) info;
  g_atomic_int_inc ((gint *) counter);
  return GST_PAD_PROBE_OK;
}

GST_START_TEST (test_lists_stay_lists)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (c->element, "src");
  gint lists = 0;

  g_object_set (p->element, "buffer-list", TRUE, NULL);
  push (p, 0);
  expect (c, 0);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER_LIST, count, &lists, NULL);
  for (guint i = 0; i < 3; i++) {
    GstBufferList *list = gst_buffer_list_new ();
    for (guint n = 0; n < 5; n++)
      gst_buffer_list_add (list, buffer_new (1 + 5 * i + n));
    fail_unless_equals_int (gst_pad_push_list (p->srcpad, list), GST_FLOW_OK);
  }
  for (guint n = 1; n <= 15; n++)
    expect (c, n);
  fail_unless_equals_int (g_atomic_int_get (&lists), 3);
  await_stat (c, "delivered", 16);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* The first buffer of a list prerolls; it is not to come twice. */
GST_START_TEST (test_first_list_once)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");
  GstBufferList *list = gst_buffer_list_new ();

  for (guint n = 0; n < 3; n++)
    gst_buffer_list_add (list, buffer_new (n));
  fail_unless_equals_int (gst_pad_push_list (p->srcpad, list), GST_FLOW_OK);
  for (guint n = 0; n < 3; n++)
    expect (c, n);
  push (p, 3);
  expect (c, 3);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* buffer-list=false, the default: one by one. */
GST_START_TEST (test_lists_are_taken_apart)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (c->element, "src");
  GstBufferList *list = gst_buffer_list_new ();
  gint lists = 0;

  push (p, 0);
  expect (c, 0);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER_LIST, count, &lists, NULL);
  for (guint n = 1; n < 4; n++)
    gst_buffer_list_add (list, buffer_new (n));
  fail_unless_equals_int (gst_pad_push_list (p->srcpad, list), GST_FLOW_OK);
  for (guint n = 1; n < 4; n++)
    expect (c, n);
  fail_unless_equals_int (g_atomic_int_get (&lists), 0);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* With last-sample on, the default, the sink keeps each buffer. */
GST_START_TEST (test_buffers_are_writable)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");

  for (guint n = 0; n < 3; n++) {
    GstBuffer *buffer;
    push (p, n);
    buffer = gst_harness_pull (c);
    fail_unless (gst_buffer_is_writable (buffer), "buffer %u is shared", n);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* The memory of a buffer that prerolled and was thrown away is that of the next one. */
GST_START_TEST (test_pool_of_one)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_playing ("p");
  GstBuffer *buffer = buffer_new (0);
  GstBuffer *again;

  /* Late: it prerolls, and does not render. */
  g_object_set (p->element, "sync", TRUE, "max-lateness", G_GINT64_CONSTANT (1),
      "enable-last-sample", FALSE, NULL);
  gst_harness_use_systemclock (p);
  fail_unless_equals_int (gst_harness_push (p, gst_buffer_ref (buffer)), GST_FLOW_OK);
  expect (c, 0);
  g_object_set (p->element, "sync", FALSE, NULL);
  while (!gst_buffer_is_writable (buffer)) /* the consumer's worker gives it back */
    g_usleep (LOOK_US);
  again = buffer; /* as it comes out of a pool of one */
  GST_BUFFER_OFFSET (again) = 1;
  fail_unless_equals_int (gst_harness_push (p, again), GST_FLOW_OK);
  expect (c, 1);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* ---- a neighbour that stands still now and then ---- */

#define NEIGHBOURS_BUFFERS 120

static atomic_int others_got; /* the number of the buffer that the other one got last */

static FROM_HARNESS GstPadProbeReturn
note_got (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void) pad, (void) data;
  atomic_store (&others_got, (gint) GST_BUFFER_OFFSET (GST_PAD_PROBE_INFO_BUFFER (info)));
  return GST_PAD_PROBE_OK;
}

static FROM_HARNESS GstPadProbeReturn
stand_until_other_has_it (GstPad *pad, GstPadProbeInfo *info, gpointer every)
{
  const gint number = (gint) GST_BUFFER_OFFSET (GST_PAD_PROBE_INFO_BUFFER (info));
  (void) pad;

  while (number % GPOINTER_TO_INT (every) == 0 && atomic_load (&others_got) < number)
    g_usleep (LOOK_US);
  return GST_PAD_PROBE_OK;
}

/* If the other's buffer came only after the neighbour goes on, neither would come. */
GST_START_TEST (test_neighbour_at_a_gate)
{
  static const gint every[] = { 1, 5, 33, 40 };
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *neighbour = consumer_playing ("p");
  GstHarness *c = consumer_playing ("p");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (c->element, "src");
  g_autoptr (GstPad) its = gst_element_get_static_pad (neighbour->element, "src");

  atomic_store (&others_got, -1);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_got, NULL, NULL);
  gst_pad_add_probe (its, GST_PAD_PROBE_TYPE_BUFFER, stand_until_other_has_it,
      GINT_TO_POINTER (every[__i__]), NULL);
  for (guint n = 0; n < NEIGHBOURS_BUFFERS; n++) {
    push (p, n);
    expect (c, n);
    expect (neighbour, n);
  }
  gst_harness_teardown (c);
  gst_harness_teardown (neighbour);
  gst_harness_teardown (p);
}
GST_END_TEST

#define SLOW_CONSUMERS 16
#define SLOW_BUFFERS 12
/* The name's worker, the monitor, one that was just replaced, the test's own, a sanitizer's. */
#define OTHER_THREADS 6

static GstPadProbeReturn
be_slow (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void) pad, (void) info, (void) data;
  g_usleep (20 * RELAY_QUICK_US);
  return GST_PAD_PROBE_OK;
}

static guint
count_threads (void)
{
  GDir *dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  g_dir_close (dir);
  return n;
}

/* A slow consumer is served by the thread that it has anyway. */
GST_START_TEST (test_slow_need_no_more_threads)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *slow[SLOW_CONSUMERS];
  guint threads = 0;

  for (guint i = 0; i < SLOW_CONSUMERS; i++) {
    g_autoptr (GstPad) pad = NULL;
    slow[i] = consumer_playing ("p");
    pad = gst_element_get_static_pad (slow[i]->element, "src");
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, be_slow, NULL, NULL);
  }
  for (guint n = 0; n < SLOW_BUFFERS; n++) {
    push (p, n);
    for (guint i = 0; i < SLOW_CONSUMERS; i++)
      expect (slow[i], n);
    threads = MAX (threads, count_threads ());
  }
  fail_unless (threads <= SLOW_CONSUMERS + OTHER_THREADS, "%u threads", threads);
  for (guint i = 0; i < SLOW_CONSUMERS; i++)
    gst_harness_teardown (slow[i]);
  gst_harness_teardown (p);
}
GST_END_TEST

static Suite *
relay_handover_suite (void)
{
  Suite *suite = suite_new ("relay-handover");

  ADD ("stalled costs only itself", test_stalled_costs_only_itself);
  ADD ("stalled many", test_stalled_many);
  ADD ("stopped while stalled", test_stopped_while_stalled);
  ADD ("lists stay lists", test_lists_stay_lists);
  ADD ("first list once", test_first_list_once);
  ADD ("lists are taken apart", test_lists_are_taken_apart);
  ADD ("buffers are writable", test_buffers_are_writable);
  ADD ("pool of one", test_pool_of_one);
  ADD ("slow need no more threads", test_slow_need_no_more_threads);
  ADD_LOOP ("neighbour at a gate", test_neighbour_at_a_gate, 4);
  return suite;
}

GST_CHECK_MAIN (relay_handover);
