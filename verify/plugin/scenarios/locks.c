/* SPDX-License-Identifier: MIT */
/* A callback or a consumer is slow; unrelated elements must go on meanwhile. */
#include "scenario.h"
#include "window.h"

/* Unrelated producers and consumers. */
typedef struct {
  Producer *here, *there;
  Consumer *switches, *stops, *starts, *waits, *flows;
} Others;

static Others
others_new (Result *result)
{
  Others others = { .here = producer_new ("here", 10, 64),
    .there = producer_new ("there", 11, 64) };

  others.switches = consumer_playing ("switches", "here");
  others.stops = consumer_playing ("stops", "here");
  others.flows = consumer_playing ("flows", "there");
  others.waits = consumer_playing ("waits", "later");
  others.starts = consumer_new ("starts", "there");
  must (result,
      consumer_gets (others.switches, others.here) && consumer_gets (others.flows, others.there),
      "the others stream");
  return others;
}

static void
count_listeners (gpointer data)
{
  producer_num_listeners (data);
}

/* Each step has a time limit of its own. */
static void
others_go_on (Result *result, Others *others)
{
  phase ("others' work meanwhile");
  holds (result, consumer_gets (others->flows, others->there), "others' buffers flow meanwhile");
  const gboolean switched = consumer_listen (others->switches, "there", WGI_STUCK_MS);
  result_bool (result, "other_switch", switched);
  promise (result, switched, "another listener switches meanwhile");
  const gboolean started = consumer_start (others->starts);
  result_bool (result, "other_start", started);
  promise (result, started, "another consumer starts meanwhile");
  const gboolean stopped = consumer_stop (others->stops);
  result_bool (result, "other_stop", stopped);
  promise (result, stopped, "another consumer stops meanwhile");
  const gboolean made = producer_new ("later", 12, 64) != NULL;
  result_bool (result, "other_node", made);
  promise (result, made, "a node that a listener waits for comes meanwhile");
  const gboolean counted = within (WGI_STUCK_MS, count_listeners, others->here);
  holds (result, counted, "listeners are counted meanwhile");
  holds (result, switched && consumer_gets (others->switches, others->there),
      "the other listener hears its new node meanwhile");
}

typedef struct {
  Consumer *consumer;
  const gchar *node;
} Switch;

static void
switch_here (gpointer data)
{
  const Switch *what = data;

  consumer_listen_here (what->consumer, what->node);
}

static void
send_oob (gpointer producer)
{
  producer_event (producer, "wgi-oob", 1, FALSE);
}

/* A consumer switches in the handler of an event. */
static void
switch_in_event_probe (Result *result)
{
  Producer *one = producer_new ("n1", 1, 64);
  Producer *two = producer_new ("n2", 2, 64);
  Consumer *consumer = consumer_playing ("l", "n1");
  Switch what = { consumer, "n2" };

  must (result, consumer_gets (consumer, one), "the consumer hears the producer");
  consumer->on_event = switch_here;
  consumer->on_event_data = &what;
  go_to_work ();
  phase ("a switch from within an event");
  promise (result, within (WGI_SOON_MS, send_oob, one), "the event's push returns");
  promise (result, consumer_gets (consumer, two), "the consumer hears the other producer");
}

/* A consumer answers a caps query late. */
static void
slow_caps_query (Result *result)
{
  static Gate gate;
  Others others = others_new (result);
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", NULL);
  Switch what = { consumer, "n" };

  consumer->on_caps_query = gate_enter;
  consumer->on_caps_query_data = &gate;
  go_to_work ();
  Job *job = job_start (switch_here, &what);
  result_bool (result, "entered", gate_wait_entered (&gate, WGI_SOON_MS));
  others_go_on (result, &others);
  gate_release (&gate);
  holds (result, job_wait (job, WGI_SOON_MS), "the slow one gets there");
  holds (result, consumer_gets (consumer, producer), "and hears its node");
}

/* A producer handles a reconfigure event slowly. */
static void
slow_reconfigure (Result *result)
{
  static Gate gate;
  Others others = others_new (result);
  Producer *one = producer_new ("n1", 1, 64);
  Producer *two = producer_new ("n2", 2, 128);
  Consumer *consumer = consumer_playing ("l", "n1");
  Switch what = { consumer, "n2" };

  must (result, consumer_gets (consumer, one), "the consumer hears the producer");
  two->on_event = gate_enter;
  two->on_event_data = &gate;
  go_to_work ();
  Job *job = job_start (switch_here, &what);
  result_bool (result, "entered", gate_wait_entered (&gate, WGI_STUCK_MS));
  others_go_on (result, &others);
  gate_release (&gate);
  holds (result, job_wait (job, WGI_SOON_MS), "the slow one gets there");
  holds (result, consumer_gets (consumer, two), "and hears its node");
}

/* A consumer handles an event slowly; another listener of the node leaves. */
static void
slow_event (Result *result)
{
  static Gate gate;
  Others others = others_new (result);
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  Consumer *leaves = consumer_playing ("leaves", "n");

  must (result, consumer_gets (consumer, producer) && consumer_gets (leaves, producer),
      "the consumers hear the producer");
  consumer->on_event = gate_enter;
  consumer->on_event_data = &gate;
  go_to_work ();
  Job *job = job_start (send_oob, producer);
  must (result, gate_wait_entered (&gate, WGI_SOON_MS), "the event arrives");
  promise (
      result, consumer_listen (leaves, "there", WGI_STUCK_MS), "a listener of the node switches");
  others_go_on (result, &others);
  gate_release (&gate);
  holds (result, job_wait (job, WGI_SOON_MS), "the event's push returns");
}

/* A log call that blocks, such as on a full pipe behind stderr. */
static void
slow_log (Result *result)
{
  static Gate gate;
  Others others = others_new (result);
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", NULL);
  Switch what = { consumer, "n" };

  go_to_work ();
  Job *job = job_start_with_logs (switch_here, &what, gate_enter, &gate);
  result_bool (result, "entered", gate_wait_entered (&gate, WGI_STUCK_MS));
  others_go_on (result, &others);
  gate_release (&gate);
  holds (result, job_wait (job, WGI_SOON_MS), "the slow one gets there");
  holds (result, consumer_gets (consumer, producer), "and hears its node");
}

static Consumer *
consumer_blocking (const gchar *name, const gchar *node)
{
  Consumer *consumer = consumer_new (name, node);

  g_object_set (
      consumer->src, "block", TRUE, "max-bytes", (guint64) 0, "max-buffers", (guint64) 1, NULL);
  consumer_start (consumer);
  return consumer;
}

/* The producer's thread blocks in a push into a consumer that is stalled. */
static void
stall (Result *result, Consumer *consumer, Producer *producer)
{
  consumer_stall (consumer);
  if (!g_atomic_int_exchange (&producer->running, TRUE))
    job_start (producer_run, producer);
  must (result, consumer_wait_stalled (consumer, WGI_SOON_MS), "the consumer stalls");
  must (result, producer_wait_stalled (producer, WGI_SOON_MS), "the producer waits for it");
}

static void
block_stall_others (Result *result)
{
  Others others = others_new (result);
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_blocking ("l", "n");
  Consumer *leaves = consumer_playing ("leaves", "n");

  must (result, consumer_gets (consumer, producer) && consumer_gets (leaves, producer),
      "the consumers hear the producer");
  stall (result, consumer, producer);
  go_to_work ();
  phase ("another listener of a blocked node switches");
  promise (
      result, consumer_listen (leaves, "there", WGI_STUCK_MS), "a listener of the node switches");
  others_go_on (result, &others);
  consumer_go_on (consumer);
  const gint number = g_atomic_int_get (&producer->number);
  holds (result, producer_wait_number (producer, number + 10, WGI_SOON_MS),
      "the producer goes on after it");
}

static void
stop_and_drop (gpointer data)
{
  Consumer *consumer = data;

  gst_element_set_state (consumer->src, GST_STATE_NULL);
  consumer_drop (consumer);
}

/* What can be done to the one that blocks. */
static void
block_stall_own (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Producer *other = producer_new ("n2", 2, 64);
  Consumer *listens = consumer_playing ("listens", "n");
  Consumer *consumer = consumer_blocking ("l", "n");

  must (result, consumer_gets (consumer, producer) && consumer_gets (listens, producer),
      "the consumers hear the producer");
  stall (result, consumer, producer);
  go_to_work ();
  phase ("a stalled listener switches");
  const gboolean switched = consumer_listen (consumer, "n2", WGI_STUCK_MS);
  promise (result, switched, "the stalled listener can be switched away");
  const gint number = g_atomic_int_get (&producer->number);
  promise (result, consumer_wait (listens, 1, number + 10, WGI_STUCK_MS),
      "its former producer flows for the others");
  if (!switched)
    return;
  consumer_go_on (consumer);
  holds (result, consumer_gets (consumer, other), "it hears its new node once it goes on");
  Consumer *again = consumer_blocking ("again", "n");
  holds (result, consumer_wait (again, 1, 0, WGI_SOON_MS), "another listens");
  stall (result, again, producer);
  phase ("a stalled listener is torn down");
  holds (result, within (WGI_SOON_MS, stop_and_drop, again), "a stalled listener can be torn down");
  const gint then = g_atomic_int_get (&producer->number);
  holds (result, consumer_wait (listens, 1, then + 10, WGI_SOON_MS), "the others flow after it");
}

static void
pause_producer (gpointer producer)
{
  gst_element_set_state (((Producer *) producer)->sink, GST_STATE_PAUSED);
}

/* The producer's own state changes, while it waits for room at a consumer. */
static void
block_stall_producer (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_blocking ("l", "n");

  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  stall (result, consumer, producer);
  go_to_work ();
  phase ("a producer that waits for a consumer is paused");
  const gboolean paused = within (WGI_STUCK_MS, pause_producer, producer);
  promise (result, paused, "the producer can be paused");
  if (!paused)
    return;
  gst_element_set_state (producer->sink, GST_STATE_PLAYING);
  consumer_go_on (consumer);
  const gint number = g_atomic_int_get (&producer->number);
  holds (result, consumer_wait (consumer, 1, number + 10, WGI_SOON_MS), "it plays again");
  holds (result, consumer_read (consumer, &consumer->count[1]) >= (guint) number + 10,
      "and no buffer is lost");
  stall (result, consumer, producer);
  phase ("a producer that waits for a consumer is stopped");
  holds (result, state_within (WGI_SOON_MS, producer->sink, GST_STATE_NULL),
      "the producer can be stopped");
}

const Scenario locks_scenarios[] = {
  { "block-stall-producer", "a blocking consumer stalls: the producer's states",
      block_stall_producer, NULL },

  { "switch-in-event-probe", "listen-to is changed because of a forwarded event",
      switch_in_event_probe, NULL },
  { "slow-caps-query", "a consumer answers a caps query late", slow_caps_query, NULL },
  { "slow-reconfigure", "a producer reconfigures slowly", slow_reconfigure, NULL },
  { "slow-event", "a consumer handles an event slowly", slow_event, NULL },
  { "slow-log", "a log call blocks", slow_log, NULL },
  { "block-stall-others", "a blocking consumer stalls: everybody else", block_stall_others, NULL },
  { "block-stall-own", "a blocking consumer stalls: itself", block_stall_own, NULL },
  { 0 },
};
