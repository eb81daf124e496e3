/* SPDX-License-Identifier: MIT */
/* Queries across the border between pipelines. */
#include "scenario.h"
#include "window.h"

/* Bins change sinks first, so an element behind a source asks before the source has started. */
static const GstState states[] = { GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED,
  GST_STATE_PLAYING };

static gboolean
is_context_known (Consumer *consumer)
{
  g_autoptr (GstQuery) query = gst_query_new_context ("wgi");

  return gst_pad_peer_query (consumer->pad, query);
}

static void
set_state (Consumer *consumer, GstState state)
{
  gst_element_set_state (consumer->src, state);
}

static Producer *
producer_with_context (const gchar *name, guint id)
{
  Producer *producer = producer_new (name, id, 64);

  g_atomic_int_set (&producer->answer_context, TRUE);
  return producer;
}

/* A regression of the series once: upstream forwards context queries in every state. */
static void
context_states (Result *result)
{
  Consumer *consumer = consumer_new ("l", "n");
  Consumer *late = consumer_new ("late", NULL);
  Consumer *early = consumer_new ("early", "later");
  guint known = 0, known_late = 0, known_early = 0;

  producer_with_context ("n", 1);
  go_to_work ();
  phase ("context queries in each state");
  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    set_state (consumer, states[i]);
    known += is_context_known (consumer);
    set_state (late, states[i]);
    consumer_listen_here (late, "n");
    known_late += is_context_known (late);
    consumer_listen_here (late, NULL);
    set_state (early, states[i]);
    must (result, !is_context_known (early), "nothing answers for a node that is not there");
  }
  set_state (early, GST_STATE_NULL);
  producer_with_context ("later", 2);
  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    set_state (early, states[i]);
    known_early += is_context_known (early);
  }
  result_int (result, "known", known);
  result_int (result, "known_late", known_late);
  result_int (result, "known_early", known_early);
  must (result, known == G_N_ELEMENTS (states), "a context query crosses in every state");
  must (result, known_late == G_N_ELEMENTS (states), "so it does when listen-to is set later");
  must (result, known_early == G_N_ELEMENTS (states), "so it does when the node comes later");
}

static void
context_switch (Result *result)
{
  Consumer *consumer = consumer_new ("l", "silent");
  guint silent = 0, known = 0;

  producer_new ("silent", 1, 64);
  producer_with_context ("n", 2);
  go_to_work ();
  phase ("context queries around switches");
  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    set_state (consumer, states[i]);
    silent += !is_context_known (consumer);
    consumer_listen_here (consumer, "n");
    known += is_context_known (consumer);
    consumer_listen_here (consumer, "silent");
  }
  must (result, silent == G_N_ELEMENTS (states) && known == G_N_ELEMENTS (states),
      "the node that is listened to now answers, in every state");
}

typedef struct {
  Producer *producer;
  gboolean answered;
  guint metas;
} Allocation;

static void
ask_allocation (gpointer data)
{
  Allocation *allocation = data;
  g_autoptr (GstCaps) caps = caps_of (128);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);

  allocation->answered = gst_pad_peer_query (allocation->producer->pad, query);
  allocation->metas = allocation->answered ? gst_query_get_n_allocation_metas (query) : 0;
}

static gboolean
is_agreed (gpointer producer)
{
  Allocation allocation = { producer, FALSE, 0 };

  ask_allocation (&allocation);
  return allocation.metas == 1;
}

/* A producer asks how to allocate for its next caps; a consumer holds its answer back. */
static void
ask_while_stuck (Result *result, Producer *producer, Consumer *other, Gate *gate)
{
  Allocation allocation = { producer, FALSE, 0 };

  must (result, gate_wait_entered (gate, WGI_SOON_MS), "the consumer is stuck");
  go_to_work ();
  phase ("an allocation query while a consumer is stuck");
  Job *job = job_start (ask_allocation, &allocation);
  const gboolean returned = job_wait (job, WGI_STUCK_MS);
  result_bool (result, "returned", returned);
  promise (result, returned, "an allocation query does not wait for a consumer that is stuck");
  if (returned) {
    holds (result, consumer_gets (other, producer), "the other consumer goes on");
    holds (result, state_within (WGI_SOON_MS, producer->sink, GST_STATE_NULL),
        "the producer can be stopped");
    gst_element_set_state (producer->sink, GST_STATE_PLAYING);
    producer_start_stream (producer, 64);
  }
  gate_release (gate);
  must (result, job_wait (job, WGI_SOON_MS), "the query returns when the consumer goes on");
  holds (result, consumer_gets (other, producer), "buffers flow afterwards");
  holds (result, wait_until (is_agreed, producer, WGI_SOON_MS), "all consumers agree afterwards");
}

/* The consumer's sink is prerolled in PAUSED: its pad's STREAM_LOCK is taken. */
static void
allocation_paused (Result *result)
{
  static Gate gate;
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *paused = consumer_new ("paused", "n");
  Consumer *other = consumer_playing ("other", "n");

  paused->on_buffer = gate_enter;
  paused->on_buffer_data = &gate;
  must (result, consumer_start (paused) && consumer_gets (other, producer), "the consumers start");
  ask_while_stuck (result, producer, other, &gate);
}

static void
ask_once (gpointer producer)
{
  Allocation allocation = { producer, FALSE, 0 };

  ask_allocation (&allocation);
}

/* The same with a queue in between: nothing is locked, the query just is not answered. */
static void
allocation_slow (Result *result)
{
  static Gate gate;
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *slow = consumer_new ("slow", "n");
  Consumer *other = consumer_playing ("other", "n");

  must (result,
      consumer_start (slow) && consumer_gets (other, producer) && consumer_gets (slow, producer),
      "the consumers start");
  slow->on_allocation = gate_enter;
  slow->on_allocation_data = &gate;
  Job *first = job_start (ask_once, producer);
  ask_while_stuck (result, producer, other, &gate);
  must (result, job_wait (first, WGI_SOON_MS), "the first query returns");
}

const Scenario queries_scenarios[] = {
  { "context-states", "an element behind a source asks for a context", context_states, NULL },
  { "context-switch", "the same, and listen-to changes", context_switch, NULL },
  { "allocation-paused", "a producer asks how to allocate while a consumer is paused",
      allocation_paused, NULL },
  { "allocation-slow", "the same, and a consumer answers late", allocation_slow, NULL },
  { 0 },
};
