/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-switches.c: a consumer that changes over to another node. */
#include "fixture.h"

GST_START_TEST (test_switch)
{
  GstHarness *one = producer_new ("one", CAPS (1));
  GstHarness *two = producer_new ("two", CAPS (2));
  GstHarness *c = consumer_playing ("one");
  gint n = 0;

  push (one, 0);
  expect (c, 0);
  fail_unless_equals_uint64 (stat_of (c, "switches"), 0);
  fail_unless_equals_uint64 (stat_of (c, "last-switch-time"), GST_CLOCK_TIME_NONE);
  g_object_set (c->element, "listen-to", "two", NULL);
  push (one, 1);
  push (two, 2);
  expect (c, 2);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (c->sinkpad);
  gst_structure_get_int (gst_caps_get_structure (caps, 0), "n", &n);
  fail_unless_equals_int (n, 2);
  await_stat (c, "switches", 1);
  fail_unless (stat_of (c, "last-switch-time") <= (guint64) g_get_monotonic_time () * 1000);
  g_object_set (c->element, "listen-to", NULL, NULL);
  push (two, 3);
  g_object_set (c->element, "listen-to", "one", NULL);
  push (one, 4);
  expect (c, 4);
  gst_harness_teardown (c);
  gst_harness_teardown (two);
  gst_harness_teardown (one);
}
GST_END_TEST

/* ---- the order over switches ---- */

#define RUNNERS 4
#define RUNNER_SWITCHES 160

typedef struct {
  GstHarness *h;
  GThread *thread;
  guint id;
  gint stop;
} Runner;

static FROM_HARNESS gpointer
run_producer (gpointer data)
{
  Runner *runner = data;

  while (!g_atomic_int_get (&runner->stop)) {
    GstBuffer *buffer = buffer_new (0);
    GST_BUFFER_OFFSET (buffer) = runner->id;
    gst_harness_push (runner->h, buffer);
  }
  return NULL;
}

static FROM_HARNESS GstPadProbeReturn
note_order (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  gint *order = data; /* who it came from last, how many changes, of them wrong ones */
  const gint from = (gint) GST_BUFFER_OFFSET (GST_PAD_PROBE_INFO_BUFFER (info));
  (void) pad;

  if (from != order[0]) {
    order[2] += from != (order[0] + 1) % RUNNERS;
    order[0] = from;
    g_atomic_int_inc (&order[1]);
  }
  return GST_PAD_PROBE_DROP;
}

/* Producers push flat out, a consumer goes from each to the next when it has heard it. What comes
 * late of one that it has left would show as a change back. */
GST_START_TEST (test_order_over_switches)
{
  Runner runners[RUNNERS] = { 0 };
  gint order[3] = { RUNNERS - 1, 0, 0 };
  g_autoptr (GstPad) pad = NULL;
  GstHarness *c = consumer_new ("p0");

  g_object_set (c->element, "max-buffers", (guint64) 4, NULL);
  pad = gst_element_get_static_pad (c->element, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_order, order, NULL);
  for (guint i = 0; i < RUNNERS; i++) {
    g_autofree gchar *name = g_strdup_printf ("p%u", i);
    runners[i].id = i;
    runners[i].h = producer_new (name, CAPS (1));
    runners[i].thread = g_thread_new (name, run_producer, &runners[i]);
  }
  gst_harness_play (c);
  for (gint n = 1; n <= RUNNER_SWITCHES; n++) {
    g_autofree gchar *name = g_strdup_printf ("p%d", n % RUNNERS);
    const gint64 until = g_get_monotonic_time () + SOON_US;
    while (g_atomic_int_get (&order[1]) < n) {
      fail_if (g_get_monotonic_time () > until, "switch %d is not heard", n);
      g_usleep (LOOK_US);
    }
    g_object_set (c->element, "listen-to", name, NULL);
  }
  for (guint i = 0; i < RUNNERS; i++) {
    g_atomic_int_set (&runners[i].stop, TRUE);
    g_thread_join (runners[i].thread);
  }
  gst_harness_teardown (c);
  for (guint i = 0; i < RUNNERS; i++)
    gst_harness_teardown (runners[i].h);
  fail_unless_equals_int (order[2], 0);
}
GST_END_TEST

static void
push_delta (GstHarness *h, guint number)
{
  GstBuffer *buffer = buffer_new (number);

  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
}

GST_START_TEST (test_switch_on_keyframe)
{
  GstHarness *one = producer_new ("one", CAPS (1));
  GstHarness *two = producer_new ("two", CAPS (1));
  GstHarness *c = consumer_new ("one");
  gboolean asked = FALSE;
  GstEvent *event;

  g_object_set (c->element, "switch-on-keyframe", TRUE, NULL);
  gst_harness_play (c);
  push_delta (one, 0); /* the first is no switch */
  expect (c, 0);
  g_object_set (c->element, "listen-to", "two", NULL);
  while ((event = gst_harness_try_pull_upstream_event (two)) != NULL) {
    asked = asked || gst_event_has_name (event, "GstForceKeyUnit");
    gst_event_unref (event);
  }
  fail_unless (asked, "it does not ask for a key frame");
  push_delta (two, 1);
  push (two, 2);
  push_delta (two, 3);
  expect (c, 2);
  expect (c, 3);
  gst_harness_teardown (c);
  gst_harness_teardown (two);
  gst_harness_teardown (one);
}
GST_END_TEST

static GstPadProbeReturn
note_caps (GstPad *pad, GstPadProbeInfo *info, gpointer came)
{
  (void) pad;
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_CAPS)
    g_atomic_int_set ((gint *) came, TRUE);
  return GST_PAD_PROBE_OK;
}

/* They come with the first buffer, and not from the base class's thread because the appsrc was
 * told of them. */
GST_START_TEST (test_no_caps_before_a_buffer)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  gint came = FALSE;

  for (guint n = 0; n < 200; n++) {
    GstHarness *c = consumer_playing (NULL);
    g_autoptr (GstPad) pad = gst_element_get_static_pad (c->element, "src");

    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, note_caps, &came, NULL);
    g_usleep (LOOK_US); /* it stands in create(), most likely */
    g_object_set (c->element, "listen-to", "p", NULL);
    g_usleep (LOOK_US);
    gst_harness_teardown (c);
    fail_if (came, "caps came in round %u", n);
  }
  gst_harness_teardown (p);
}
GST_END_TEST

/* To a node whose caps cannot be taken, and that others listen to: it stays where it is, always. */
GST_START_TEST (test_switch_to_other_caps)
{
  GstHarness *one = producer_new ("one", CAPS (1));
  GstHarness *two = producer_new ("two", CAPS (2));
  GstHarness *other = consumer_playing ("two");
  GstHarness *c = consumer_new ("one");

  gst_harness_set_sink_caps_str (c, CAPS (1));
  gst_harness_play (c);
  push (one, 0);
  expect (c, 0);
  for (guint n = 1; n < 20; n++) {
    g_autofree gchar *name = NULL;
    if (n % 2 == 0)
      push (two, n);
    g_object_set (c->element, "listen-to", "two", NULL);
    g_object_get (c->element, "listen-to", &name, NULL);
    fail_unless_equals_string (name, "one");
    push (one, n);
    expect (c, n);
  }
  gst_harness_teardown (c);
  gst_harness_teardown (other);
  gst_harness_teardown (two);
  gst_harness_teardown (one);
}
GST_END_TEST

static Suite *
relay_switches_suite (void)
{
  Suite *suite = suite_new ("relay-switches");

  ADD ("switch", test_switch);
  ADD ("order over switches", test_order_over_switches);
  ADD ("switch on key frame", test_switch_on_keyframe);
  ADD ("switch to other caps", test_switch_to_other_caps);
  ADD ("no caps before a buffer", test_no_caps_before_a_buffer);
  return suite;
}

GST_CHECK_MAIN (relay_switches);
