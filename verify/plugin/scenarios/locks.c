/* SPDX-License-Identifier: MIT */
/* scenarios-locks.c: a callback or a consumer that takes its time, and everybody else meanwhile. */
#include "fixture.h"

/* Those who have nothing to do with it. */
typedef struct {
  Feed *here, *there;
  Take *switches, *stops, *starts, *waits, *flows;
} Others;

static Others
others_new (Result *result)
{
  Others others = { .here = feed_new ("here", 10, 64), .there = feed_new ("there", 11, 64) };

  others.switches = take_playing ("switches", "here");
  others.stops = take_playing ("stops", "here");
  others.flows = take_playing ("flows", "there");
  others.waits = take_playing ("waits", "later");
  others.starts = take_new ("starts", "there");
  must (result, take_gets (others.switches, others.here) && take_gets (others.flows, others.there),
      "the others stream");
  return others;
}

static void
count_listeners (gpointer data)
{
  feed_num_listeners (data);
}

/* Each in a bound of time of its own. */
static void
others_go_on (Result *result, Others *others)
{
  phase ("others' work meanwhile");
  holds (result, take_gets (others->flows, others->there), "others' buffers flow meanwhile");
  const gboolean switched = take_listen (others->switches, "there", WGI_STUCK_MS);
  result_bool (result, "other_switch", switched);
  promise (result, switched, "another listener switches meanwhile");
  const gboolean started = take_start (others->starts);
  result_bool (result, "other_start", started);
  promise (result, started, "another consumer starts meanwhile");
  const gboolean stopped = take_stop (others->stops);
  result_bool (result, "other_stop", stopped);
  promise (result, stopped, "another consumer stops meanwhile");
  const gboolean made = feed_new ("later", 12, 64) != NULL;
  result_bool (result, "other_node", made);
  promise (result, made, "a node that somebody waits for comes meanwhile");
  const gboolean counted = within (WGI_STUCK_MS, count_listeners, others->here);
  holds (result, counted, "listeners are counted meanwhile");
  holds (result, switched && take_gets (others->switches, others->there),
      "the other listener hears its new node meanwhile");
}

typedef struct {
  Take *take;
  const gchar *node;
} Switch;

static void
switch_here (gpointer data)
{
  const Switch *what = data;

  take_listen_here (what->take, what->node);
}

static void
send_oob (gpointer feed)
{
  feed_event (feed, "wgi-oob", 1, FALSE);
}

/* A consumer changes over because of what an event says. */
void
scenario_switch_in_event_probe (Result *result)
{
  Feed *one = feed_new ("n1", 1, 64);
  Feed *two = feed_new ("n2", 2, 64);
  Take *take = take_playing ("l", "n1");
  Switch what = { take, "n2" };

  must (result, take_gets (take, one), "the consumer hears the producer");
  take->on_event = switch_here;
  take->on_event_data = &what;
  go_to_work ();
  phase ("a switch from within an event");
  promise (result, within (WGI_SOON_MS, send_oob, one), "the event's push returns");
  promise (result, take_gets (take, two), "the consumer hears the other producer");
}

/* A consumer that takes its time to say what caps it likes. */
void
scenario_slow_caps_query (Result *result)
{
  static Gate gate;
  Others others = others_new (result);
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", NULL);
  Switch what = { take, "n" };

  take->on_caps_query = gate_enter;
  take->on_caps_query_data = &gate;
  go_to_work ();
  Job *job = job_start (switch_here, &what);
  result_bool (result, "entered", gate_wait_entered (&gate, WGI_SOON_MS));
  others_go_on (result, &others);
  gate_release (&gate);
  holds (result, job_wait (job, WGI_SOON_MS), "the slow one gets there");
  holds (result, take_gets (take, feed), "and hears its node");
}

/* A producer that takes its time over a reconfigure event. */
void
scenario_slow_reconfigure (Result *result)
{
  static Gate gate;
  Others others = others_new (result);
  Feed *one = feed_new ("n1", 1, 64);
  Feed *two = feed_new ("n2", 2, 128);
  Take *take = take_playing ("l", "n1");
  Switch what = { take, "n2" };

  must (result, take_gets (take, one), "the consumer hears the producer");
  two->on_event = gate_enter;
  two->on_event_data = &gate;
  go_to_work ();
  Job *job = job_start (switch_here, &what);
  result_bool (result, "entered", gate_wait_entered (&gate, WGI_STUCK_MS));
  others_go_on (result, &others);
  gate_release (&gate);
  holds (result, job_wait (job, WGI_SOON_MS), "the slow one gets there");
  holds (result, take_gets (take, two), "and hears its node");
}

/* A consumer that takes its time over an event; another of the same node wants to leave. */
void
scenario_slow_event (Result *result)
{
  static Gate gate;
  Others others = others_new (result);
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", "n");
  Take *leaves = take_playing ("leaves", "n");

  must (result, take_gets (take, feed) && take_gets (leaves, feed),
      "the consumers hear the producer");
  take->on_event = gate_enter;
  take->on_event_data = &gate;
  go_to_work ();
  Job *job = job_start (send_oob, feed);
  must (result, gate_wait_entered (&gate, WGI_SOON_MS), "the event arrives");
  promise (result, take_listen (leaves, "there", WGI_STUCK_MS), "a listener of the node switches");
  others_go_on (result, &others);
  gate_release (&gate);
  holds (result, job_wait (job, WGI_SOON_MS), "the event's push returns");
}

/* A log that takes its time, such as a full pipe behind stderr. */
void
scenario_slow_log (Result *result)
{
  static Gate gate;
  Others others = others_new (result);
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_playing ("l", NULL);
  Switch what = { take, "n" };

  go_to_work ();
  Job *job = job_start_with_logs (switch_here, &what, gate_enter, &gate);
  result_bool (result, "entered", gate_wait_entered (&gate, WGI_STUCK_MS));
  others_go_on (result, &others);
  gate_release (&gate);
  holds (result, job_wait (job, WGI_SOON_MS), "the slow one gets there");
  holds (result, take_gets (take, feed), "and hears its node");
}

static Take *
take_blocking (const gchar *name, const gchar *node)
{
  Take *take = take_new (name, node);

  g_object_set (
      take->src, "block", TRUE, "max-bytes", (guint64) 0, "max-buffers", (guint64) 1, NULL);
  take_start (take);
  return take;
}

/* The producer's thread stands in a push into a consumer that takes nothing. */
static void
stall (Result *result, Take *take, Feed *feed)
{
  take_stall (take);
  if (!g_atomic_int_exchange (&feed->running, TRUE))
    job_start (feed_run, feed);
  must (result, take_wait_stalled (take, WGI_SOON_MS), "the consumer stands still");
  must (result, feed_wait_stalled (feed, WGI_SOON_MS), "the producer waits for it");
}

void
scenario_block_stall_others (Result *result)
{
  Others others = others_new (result);
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_blocking ("l", "n");
  Take *leaves = take_playing ("leaves", "n");

  must (result, take_gets (take, feed) && take_gets (leaves, feed),
      "the consumers hear the producer");
  stall (result, take, feed);
  go_to_work ();
  phase ("another listener of a blocked node switches");
  promise (result, take_listen (leaves, "there", WGI_STUCK_MS), "a listener of the node switches");
  others_go_on (result, &others);
  take_go_on (take);
  const gint number = g_atomic_int_get (&feed->number);
  holds (
      result, feed_wait_number (feed, number + 10, WGI_SOON_MS), "the producer goes on after it");
}

static void
stop_and_drop (gpointer data)
{
  Take *take = data;

  gst_element_set_state (take->src, GST_STATE_NULL);
  take_drop (take);
}

/* What can be done to the one that blocks. */
void
scenario_block_stall_own (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Feed *other = feed_new ("n2", 2, 64);
  Take *listens = take_playing ("listens", "n");
  Take *take = take_blocking ("l", "n");

  must (result, take_gets (take, feed) && take_gets (listens, feed),
      "the consumers hear the producer");
  stall (result, take, feed);
  go_to_work ();
  phase ("a stalled listener switches");
  const gboolean switched = take_listen (take, "n2", WGI_STUCK_MS);
  promise (result, switched, "the stalled listener can be switched away");
  const gint number = g_atomic_int_get (&feed->number);
  promise (result, take_wait (listens, 1, number + 10, WGI_STUCK_MS),
      "its former producer flows for the others");
  if (!switched)
    return;
  take_go_on (take);
  holds (result, take_gets (take, other), "it hears its new node once it goes on");
  Take *again = take_blocking ("again", "n");
  holds (result, take_wait (again, 1, 0, WGI_SOON_MS), "another listens");
  stall (result, again, feed);
  phase ("a stalled listener is torn down");
  holds (result, within (WGI_SOON_MS, stop_and_drop, again), "a stalled listener can be torn down");
  const gint then = g_atomic_int_get (&feed->number);
  holds (result, take_wait (listens, 1, then + 10, WGI_SOON_MS), "the others flow after it");
}
