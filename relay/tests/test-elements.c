/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-elements.c: the elements, one behaviour a test. What gst-interpipe gets wrong is tested by
 * verify/interpipe; here is what relay adds, and what its way of delivering could break.
 *
 * The plugin is RELAY_PLUGIN, loaded from its file. Waits are bounded by GST_CHECK's time for a test.
 */
#include <gst/app/gstappsrc.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#define CAPS(n) "application/x-relay, n=(int)" #n
/* Of a wait that ends by itself only if something is wrong. */
#define SOON_US (5 * G_TIME_SPAN_SECOND)
/* Between two looks at what announces itself to nobody. */
#define LOOK_US 500
/* For what must not come. */
#define QUIET_US (50 * G_TIME_SPAN_MILLISECOND)

/* Buffers come through the harness's queue, whose lock TSan does not see. */
#define FROM_HARNESS __attribute__ ((no_sanitize ("thread")))

/* ---- what tests are made of ---- */

static GstHarness *
producer_new (const gchar *name, const gchar *caps)
{
  GstElement *sink = gst_element_factory_make ("interpipesink", name);
  GstHarness *h = gst_harness_new_with_element (sink, "sink", NULL);

  gst_object_unref (sink);
  gst_harness_set_src_caps_str (h, caps);
  gst_harness_play (h);
  return h;
}

static GstHarness *
consumer_new (const gchar *listen_to)
{
  GstElement *src = gst_element_factory_make ("interpipesrc", NULL);
  GstHarness *h = gst_harness_new_with_element (src, NULL, "src");

  gst_object_unref (src);
  g_object_set (src, "format", GST_FORMAT_TIME, "listen-to", listen_to, NULL);
  return h;
}

static GstHarness *
consumer_playing (const gchar *listen_to)
{
  GstHarness *h = consumer_new (listen_to);

  gst_harness_play (h);
  return h;
}

static FROM_HARNESS GstBuffer *
buffer_new (guint number)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 16, NULL);

  GST_BUFFER_PTS (buffer) = number * GST_MSECOND;
  GST_BUFFER_OFFSET (buffer) = number;
  return buffer;
}

static void
push (GstHarness *h, guint number)
{
  fail_unless_equals_int (gst_harness_push (h, buffer_new (number)), GST_FLOW_OK);
}

static FROM_HARNESS void
expect (GstHarness *h, guint number)
{
  GstBuffer *buffer = gst_harness_pull (h);

  fail_unless (buffer != NULL, "buffer %u does not come", number);
  fail_unless_equals_int (GST_BUFFER_OFFSET (buffer), number);
  gst_buffer_unref (buffer);
}

static guint64
stat_of (GstHarness *h, const gchar *name)
{
  GstStructure *stats;
  guint64 value = G_MAXUINT64 - 1;

  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value), "no %s", name);
  gst_structure_free (stats);
  return value;
}

static void
await_stat (GstHarness *h, const gchar *name, guint64 value)
{
  const gint64 until = g_get_monotonic_time () + SOON_US;

  while (stat_of (h, name) != value) {
    fail_if (g_get_monotonic_time () > until, "%s is %" G_GUINT64_FORMAT, name, stat_of (h, name));
    g_usleep (LOOK_US);
  }
}

static GstPadProbeReturn
stand_still (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void) pad, (void) info, (void) data;
  return GST_PAD_PROBE_OK; /* of a blocking probe: stay */
}

static gulong
stall (GstHarness *h)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (h->element, "src");

  return gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, stand_still, NULL, NULL);
}

static void
await_stalled (GstHarness *h)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (h->element, "src");
  const gint64 until = g_get_monotonic_time () + SOON_US;

  while (!gst_pad_is_blocking (pad)) {
    fail_if (g_get_monotonic_time () > until, "it does not stand still");
    g_usleep (LOOK_US);
  }
}

static void
go_on (GstHarness *h, gulong probe)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (h->element, "src");

  gst_pad_remove_probe (pad, probe);
}

static FROM_HARNESS GstEvent *
await_event (GstHarness *h, GstEventType type)
{
  for (;;) {
    GstEvent *event = gst_harness_pull_event (h);
    fail_unless (event != NULL, "no %s comes", gst_event_type_get_name (type));
    if (GST_EVENT_TYPE (event) == type)
      return event;
    gst_event_unref (event);
  }
}

/* ---- delivering ---- */

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

/* All lanes stalled, with as many names as there can be lanes. */
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

/* ---- limits ---- */

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

GST_START_TEST (test_backlog_bounds_what_nobody_bounds)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  gulong probe;

  g_object_set (c->element, "backlog", (guint64) 5 * 16, NULL);
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

/* ---- switches ---- */

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

/* Producers push flat out, a consumer goes from each to the next when it has heard it. What comes late
 * of one that it has left would show as a change back. */
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

/* ---- events and ends ---- */

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

/* ---- states ---- */

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

/* ---- upstream ---- */

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

/* How tests are told apart differs between versions of check: by macros only. */
#define ADD(about, test)                                                                           \
  do {                                                                                             \
    TCase *tcase = tcase_create (about);                                                           \
    suite_add_tcase (suite, tcase);                                                                \
    tcase_add_test (tcase, test);                                                                  \
  } while (0)

static Suite *
relay_suite (void)
{
  Suite *suite = suite_create ("relay");
  GError *error = NULL;

  if (g_getenv ("RELAY_PLUGIN") == NULL)
    g_error ("RELAY_PLUGIN is not set: the plugin's file; ctest sets it");
  if (!gst_plugin_load_file (g_getenv ("RELAY_PLUGIN"), &error))
    g_error ("RELAY_PLUGIN: %s", error->message);
  ADD ("stalled costs only itself", test_stalled_costs_only_itself);
  ADD ("stalled many", test_stalled_many);
  ADD ("stopped while stalled", test_stopped_while_stalled);
  ADD ("lists stay lists", test_lists_stay_lists);
  ADD ("first list once", test_first_list_once);
  ADD ("full drops the new", test_full_drops_the_new);
  ADD ("leaky drops the old", test_leaky_drops_the_old);
  ADD ("discont", test_discont);
  ADD ("backlog", test_backlog_bounds_what_nobody_bounds);
  ADD ("block waits last", test_block_waits_last);
  ADD ("switch", test_switch);
  ADD ("order over switches", test_order_over_switches);
  ADD ("switch on key frame", test_switch_on_keyframe);
  ADD ("gap", test_gap_comes_at_once);
  ADD ("segment", test_segment_follows_the_producer);
  ADD ("eos", test_eos);
  ADD ("eos sent to the element", test_eos_sent_to_the_element);
  ADD ("flush many", test_flush_many);
  ADD ("num-buffers", test_num_buffers);
  ADD ("by hand", test_by_hand);
  ADD ("by hand only", test_by_hand_only);
  ADD ("error is posted", test_error_is_posted);
  ADD ("live waits for playing", test_live_waits_for_playing);
  ADD ("start and stop many", test_start_and_stop_many);
  ADD ("default names", test_default_names);
  ADD ("upstream event", test_upstream_event_needs_one_listener);
  return suite;
}

GST_CHECK_MAIN (relay);
