/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-queries.c: what a consumer may ask, what a producer may ask, and circles of both. */
#include "fixture.h"

/* Far more than the producer waits for an answer, far less than a stuck consumer takes. */
#define CHANGES 5

/* ---- contexts ---- */

static gboolean
answer_context (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT) {
    g_autoptr (GstContext) context = gst_context_new ("relay-test", FALSE);
    gst_query_set_context (query, context);
    return TRUE;
  }
  return gst_pad_query_default (pad, parent, query);
}

static gboolean
gets_context (GstHarness *c)
{
  g_autoptr (GstQuery) query = gst_query_new_context ("relay-test");

  return gst_pad_peer_query (c->sinkpad, query);
}

/* Bins change sinks first: what asks for a context asks before the interpipesrc has started. */
GST_START_TEST (test_context_in_every_state)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *q = producer_new ("q", CAPS (1));
  GstHarness *c = consumer_new ("p");

  gst_pad_set_query_function (p->srcpad, answer_context);
  for (GstState state = GST_STATE_NULL; state <= GST_STATE_PLAYING; state++) {
    gst_element_set_state (c->element, state);
    fail_unless (gets_context (c), "none in %s", gst_element_state_get_name (state));
  }
  gst_element_set_state (p->element, GST_STATE_NULL);
  fail_unless (gets_context (c), "none from a producer that is down");
  g_object_set (c->element, "listen-to", "q", NULL);
  fail_if (gets_context (c), "from a producer that was left");
  gst_pad_set_query_function (q->srcpad, answer_context);
  fail_unless (gets_context (c), "none after a switch");
  g_object_set (c->element, "listen-to", NULL, NULL);
  fail_if (gets_context (c), "from none");
  gst_harness_teardown (c);
  gst_harness_teardown (q);
  gst_harness_teardown (p);
}
GST_END_TEST

GST_START_TEST (test_context_by_name)
{
  GstHarness *c = consumer_new ("later");
  GstHarness *p;

  fail_if (gets_context (c), "from a name that is not there");
  p = producer_new ("later", CAPS (1));
  gst_pad_set_query_function (p->srcpad, answer_context);
  fail_unless (gets_context (c), "none from a name that came later");
  gst_harness_teardown (p);
  fail_if (gets_context (c), "from a name that has gone");
  gst_harness_teardown (c);
}
GST_END_TEST

/* ---- allocation ---- */

typedef struct {
  GMutex lock;
  GCond opens;
  gboolean open, reached;
} Gate;

static void
pass_gate (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  gate->reached = TRUE;
  g_cond_broadcast (&gate->opens);
  while (!gate->open)
    g_cond_wait (&gate->opens, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static Gate gate;

/* Stands still with the pad's STREAM_LOCK, as a sink in PAUSED does. */
static GstFlowReturn
stand_in_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  (void) pad, (void) parent;
  pass_gate (&gate);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static void
await_reached (void)
{
  g_mutex_lock (&gate.lock);
  while (!gate.reached)
    g_cond_wait (&gate.opens, &gate.lock);
  g_mutex_unlock (&gate.lock);
}

static void
open_gate (void)
{
  g_mutex_lock (&gate.lock);
  gate.open = TRUE;
  g_cond_broadcast (&gate.opens);
  g_mutex_unlock (&gate.lock);
}

static gboolean
agrees (GstHarness *p)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS (1));
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);

  return gst_pad_peer_query (p->srcpad, query);
}

/* A producer asks how to allocate each time its caps change. If it waited for the consumer that
 * stands still, this test would not end. */
GST_START_TEST (test_allocation_waits_for_nobody)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *stuck = consumer_new ("p");
  GstHarness *c = consumer_playing ("p");

  gst_harness_add_propose_allocation_meta (c, GST_PROTECTION_META_API_TYPE, NULL);
  gst_pad_set_chain_function (stuck->sinkpad, stand_in_chain);
  gst_harness_play (stuck);
  push (p, 0);
  expect (c, 0);
  await_reached ();
  for (guint n = 1; n <= CHANGES; n++) {
    fail_if (agrees (p), "a consumer that has not answered agrees");
    push (p, n);
    expect (c, n);
  }
  open_gate ();
  await_stat (stuck, "delivered", 1 + CHANGES);
  gst_harness_teardown (stuck);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* ---- caps ---- */

/* The caps of a consumer must not keep a producer from being linked, or from changing its own. */
GST_START_TEST (test_caps_forbid_nothing)
{
  GstHarness *c = consumer_new ("p");
  GstHarness *any = consumer_playing ("p");
  GstElement *sink = gst_element_factory_make ("interpipesink", "p");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS (1));
  g_autoptr (GstCaps) allowed = NULL;
  GstHarness *p;

  gst_harness_set_sink_caps_str (c, CAPS (2));
  gst_harness_play (c);
  allowed = gst_pad_query_caps (pad, NULL);
  fail_unless (gst_caps_can_intersect (allowed, caps), "it cannot be linked");
  gst_object_unref (pad);
  p = gst_harness_new_with_element (sink, "sink", NULL);
  gst_object_unref (sink);
  gst_harness_set_src_caps_str (p, CAPS (1));
  gst_harness_play (p);
  push (p, 0);
  expect (any, 0);
  await_stat (c, "dropped-caps", 1);
  gst_harness_set_src_caps_str (p, CAPS (2));
  push (p, 1);
  expect (any, 1);
  expect (c, 1);
  gst_harness_set_src_caps_str (p, CAPS (3));
  push (p, 2);
  expect (any, 2);
  await_stat (c, "dropped-caps", 2);
  gst_harness_teardown (p);
  gst_harness_teardown (any);
  gst_harness_teardown (c);
}
GST_END_TEST

static guint
count_warnings (GstBus *bus)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING)) != NULL) {
    gst_message_unref (message);
    n++;
  }
  return n;
}

GST_START_TEST (test_refused_caps_warn_once)
{
  GstHarness *p = producer_new ("p", CAPS (1));
  GstHarness *c = consumer_new ("p");
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (c->element, bus);
  gst_harness_set_sink_caps_str (c, CAPS (2));
  gst_harness_play (c);
  for (guint n = 0; n < 10; n++)
    push (p, n);
  await_stat (c, "dropped-caps", 10);
  fail_unless_equals_int (count_warnings (bus), 1);
  gst_harness_set_src_caps_str (p, CAPS (3));
  push (p, 10);
  await_stat (c, "dropped-caps", 11);
  fail_unless_equals_int (count_warnings (bus), 1);
  gst_element_set_bus (c->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (c);
  gst_harness_teardown (p);
}
GST_END_TEST

/* ---- circles ---- */

static GstElement *
relay_pipeline_new (const gchar *listen_to, const gchar *name)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *src = gst_element_factory_make ("interpipesrc", "src");
  GstElement *sink = gst_element_factory_make ("interpipesink", name);

  g_object_set (src, "listen-to", listen_to, NULL);
  gst_bin_add_many (GST_BIN (pipeline), src, sink, NULL);
  fail_unless (gst_element_link (src, sink));
  return pipeline;
}

static void
pipeline_free (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_circle_is_refused)
{
  GstElement *pipeline = relay_pipeline_new ("loop", "loop");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  fail_unless_equals_int (
      gst_element_set_state (pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "nothing is said");
  gst_message_unref (message);
  pipeline_free (pipeline);
}
GST_END_TEST

/* A switch that would close the circle is refused; what it listened to stays. */
GST_START_TEST (test_switch_into_circle_is_refused)
{
  GstElement *pipeline = relay_pipeline_new ("other", "loop");
  GstElement *src = gst_bin_get_by_name (GST_BIN (pipeline), "src");
  g_autofree gchar *name = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_object_set (src, "listen-to", "loop", NULL);
  g_object_get (src, "listen-to", &name, NULL);
  fail_unless_equals_string (name, "other");
  gst_object_unref (src);
  pipeline_free (pipeline);
}
GST_END_TEST

/* Two pipelines that started before the circle was closed: what goes upstream does not go round. */
GST_START_TEST (test_circle_of_two)
{
  GstElement *one = relay_pipeline_new ("b", "a");
  GstElement *other = relay_pipeline_new (NULL, "b");
  GstElement *src = gst_bin_get_by_name (GST_BIN (other), "src");
  GstPad *pad = gst_element_get_static_pad (src, "src");
  g_autoptr (GstQuery) query = gst_query_new_context ("relay-test");

  g_object_set (src, "listen-to", "a", NULL);
  fail_if (gst_pad_query (pad, query));
  gst_pad_send_event (pad, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0, 0, 0));
  gst_object_unref (pad);
  gst_object_unref (src);
  pipeline_free (other);
  pipeline_free (one);
}
GST_END_TEST

static Suite *
relay_queries_suite (void)
{
  Suite *suite = suite_new ("relay-queries");

  ADD ("context in every state", test_context_in_every_state);
  ADD ("context by name", test_context_by_name);
  ADD ("allocation waits for nobody", test_allocation_waits_for_nobody);
  ADD ("caps forbid nothing", test_caps_forbid_nothing);
  ADD ("refused caps warn once", test_refused_caps_warn_once);
  ADD ("circle", test_circle_is_refused);
  ADD ("switch into a circle", test_switch_into_circle_is_refused);
  ADD ("circle of two", test_circle_of_two);
  return suite;
}

GST_CHECK_MAIN (relay_queries);
