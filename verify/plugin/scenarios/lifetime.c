/* SPDX-License-Identifier: MIT */
/* An element goes away while another one uses it. */
#include "scenario.h"
#include "window.h"

/* More messages than the plugin logs in any of these calls. */
#define MOMENTS 6

static gboolean
complained (void)
{
  return g_atomic_int_get (&wgi_account->criticals) + g_atomic_int_get (&wgi_account->warnings) > 0;
}

/* After a node went away in the midst of `what`, the consumer must find the next of that name. */
static void
judge_lifetime (Result *result, Consumer *consumer, const Window *window, gboolean returned)
{
  const gboolean bad = !returned || complained ();

  result_int (result, "moments", window->opened);
  result_bool (result, "returned", returned);
  expect_fault (result, bad, "a node that has gone is used");
  holds (result, returned, "the call returns");
  if (bad)
    return;
  phase ("a new node of the same name");
  Producer *next = producer_new ("n", 2, 64);
  holds (result, next != NULL && consumer_gets (consumer, next),
      "the next node of that name is heard");
}

/* The consumer is asked for its caps by the node that it is about to listen to. */
static void
node_lifetime_listen (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", NULL);
  Window window = { .step = producer_end, .data = producer };

  consumer->on_caps_query = window_open;
  consumer->on_caps_query_data = &window;
  go_to_work ();
  phase ("listen-to, and the node's last reference goes meanwhile");
  const gboolean returned = consumer_listen (consumer, "n", WGI_SOON_MS);
  consumer->on_caps_query = NULL;
  window_close (&window);
  judge_lifetime (result, consumer, &window, returned);
}

static void
send_event (gpointer data)
{
  Consumer *consumer = data;

  gst_pad_push_event (consumer->pad,
      gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("wgi-up")));
}

static void
send_query (gpointer data)
{
  Consumer *consumer = data;
  g_autoptr (GstQuery) query = gst_query_new_context ("wgi");

  gst_pad_peer_query (consumer->pad, query);
}

static void
lifetime_while (Result *result, Step step, const gchar *what)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  Window window = { .step = producer_end, .data = producer };

  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  go_to_work ();
  phase ("%s, and the node's last reference goes meanwhile", what);
  const gboolean returned =
      job_wait (job_start_with_logs (step, consumer, window_open, &window), WGI_SOON_MS);
  window_close (&window);
  judge_lifetime (result, consumer, &window, returned);
}

static void
node_lifetime_event (Result *result)
{
  lifetime_while (result, send_event, "an upstream event");
}

static void
node_lifetime_query (Result *result)
{
  lifetime_while (result, send_query, "a context query");
}

static void
stop_and_drop (gpointer data)
{
  Consumer *consumer = data;

  gst_element_set_state (consumer->src, GST_STATE_NULL);
  consumer_drop (consumer);
}

/* A consumer ends at the given moment of its node's end. Whether nothing is left of either. */
static gboolean
leave_at (gint moment)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *stays = consumer_playing ("stays", "n");
  Consumer *leaves = consumer_playing ("leaves", "n");
  Window window = { .step = stop_and_drop, .data = leaves, .at = moment };

  if (producer == NULL)
    return FALSE;
  phase ("a node goes, at message %d one of its listeners", moment);
  if (!job_wait (job_start_with_logs (producer_end, producer, window_open, &window), WGI_SOON_MS)
      || !window_close (&window))
    return FALSE;
  phase ("another node after moment %d", moment);
  Producer *next = producer_new ("n", 2, 64);
  if (next == NULL)
    return FALSE;
  phase ("listen again after moment %d", moment);
  Consumer *again = consumer_playing ("leaves", "n");
  const gboolean well = consumer_gets (stays, next) && consumer_gets (again, next)
      && producer_num_listeners (next) == 2 && !complained ();
  return well && within (WGI_SOON_MS, stop_and_drop, stays)
      && within (WGI_SOON_MS, stop_and_drop, again) && producer_num_listeners (next) == 0
      && within (WGI_SOON_MS, producer_end, next);
}

static void
failed_leave (Result *result)
{
  gint moment = 0;

  go_to_work ();
  while (moment < MOMENTS && leave_at (moment))
    moment++;
  if (moment < MOMENTS)
    result_int (result, "went_wrong_at", moment);
  promise (result, moment == MOMENTS, "nothing is left of a listener that left");
}

static void
renamed_source (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  go_to_work ();
  phase ("a listener's new name");
  gst_object_set_name (GST_OBJECT (consumer->src), "renamed");
  promise (result, consumer_stop (consumer) && producer_num_listeners (producer) == 0,
      "a listener with a new name leaves its node");
  consumer_drop (consumer);
  phase ("a push after a renamed listener's end");
  holds (result, within (WGI_SOON_MS, producer_push, producer), "the producer goes on");
  phase ("a new node after a renamed listener's end");
  holds (result, producer_new ("n2", 2, 64) != NULL, "a new node comes");
}

/* A renamed node is another node to listeners of its old name. */
static void
renamed_node (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  go_to_work ();
  phase ("a node's new name");
  producer_rename (producer, "m");
  promise (
      result, producer_num_listeners (producer) == 0, "listeners leave a node with another name");
  Producer *next = producer_new ("n", 2, 64);
  holds (result, next != NULL && consumer_gets (consumer, next),
      "the next node of that name is heard");
  const guint before = consumer_read (consumer, &consumer->count[1]);
  holds (result, within (WGI_SOON_MS, producer_push, producer) && consumer_settle (consumer),
      "both go on");
  promise (result, consumer_read (consumer, &consumer->count[1]) == before,
      "the renamed node is not heard");
  producer_rename (producer, "k");
  holds (result, consumer_listen (consumer, "k", WGI_SOON_MS) && consumer_gets (consumer, producer),
      "it is heard under its new name");
  phase ("a listener's end after a node's new name");
  holds (result, consumer_stop (consumer), "the listener ends");
  consumer_drop (consumer);
  phase ("a push after it");
  holds (result, within (WGI_SOON_MS, producer_push, producer), "the producer goes on");
}

const Scenario lifetime_scenarios[] = {
  { "node-lifetime-listen", "a node goes while a listener joins it", node_lifetime_listen, NULL },
  { "node-lifetime-event", "a node goes while an event is on its way to it", node_lifetime_event,
      NULL },
  { "node-lifetime-query", "a node goes while it is asked for a context", node_lifetime_query,
      NULL },
  { "failed-leave", "a listener goes at each moment of its node's end", failed_leave, NULL },
  { "renamed-source", "a listener gets a new name while it listens", renamed_source, NULL },
  { "renamed-node", "a node gets a new name while it is listened to", renamed_node, NULL },
  { 0 },
};
