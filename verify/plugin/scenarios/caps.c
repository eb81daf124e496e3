/* SPDX-License-Identifier: MIT */
/* under which caps buffers arrive, and whether a consumer starts at all. */
#include "scenario.h"

#define SWITCHERS 3
#define SWITCHES 120
#define SWITCHES_REFUSED 12
static void
switch_caps_alone (Result *result)
{
  Producer *narrow = producer_new ("n1", 1, 64);
  Producer *wide = producer_new ("n2", 2, 128);
  Consumer *consumer = consumer_playing ("l", "n1");

  must (result, consumer_gets (consumer, narrow), "the consumer hears the producer");
  go_to_work ();
  phase ("a switch to other caps");
  holds (result, consumer_listen (consumer, "n2", WGI_SOON_MS), "the switch returns");
  holds (result, consumer_gets (consumer, wide), "the consumer hears the other producer");
  result_int (result, "wrong_caps", consumer_read (consumer, &consumer->wrong_caps));
  promise (
      result, consumer_read (consumer, &consumer->wrong_caps) == 0, "no buffer under wrong caps");
}

static void
switch_caps_shared (Result *result)
{
  Producer *narrow = producer_new ("n1", 1, 64);
  Producer *wide = producer_new ("n2", 2, 128);
  Consumer *other = consumer_playing ("other", "n2");
  Consumer *consumer = consumer_playing ("l", "n1");

  must (result, consumer_gets (consumer, narrow) && consumer_gets (other, wide),
      "both consumers hear");
  go_to_work ();
  phase ("a switch to other caps");
  holds (result, consumer_listen (consumer, "n2", WGI_SOON_MS), "the switch returns");
  holds (result, consumer_gets (consumer, wide) && consumer_gets (other, wide),
      "both hear the producer");
  result_int (result, "wrong_caps", consumer_read (consumer, &consumer->wrong_caps));
  promise (result,
      consumer_read (consumer, &consumer->wrong_caps) == 0
          && consumer_read (other, &other->wrong_caps) == 0,
      "no buffer under wrong caps");
}

/* A consumer that can do nothing with the other's caps, and a producer that has no others. */
static void
switch_caps_refused (Result *result)
{
  Producer *narrow = producer_new ("n1", 1, 64);
  Producer *wide = producer_new ("n2", 2, 128);
  Consumer *consumer = consumer_new ("l", "n1");

  consumer->caps = caps_of (64);
  consumer_start (consumer);
  must (result, consumer_gets (consumer, narrow), "the consumer hears the producer");
  go_to_work ();
  phase ("a switch to caps that the consumer cannot take");
  holds (result, consumer_listen (consumer, "n2", WGI_SOON_MS), "the switch returns");
  holds (result, within (WGI_SOON_MS, producer_push, wide), "the other producer goes on");
  holds (result, within (WGI_SOON_MS, producer_push, narrow), "the producer goes on");
  consumer_settle (consumer);
  result_int (result, "wrong_caps", consumer_read (consumer, &consumer->wrong_caps));
  promise (
      result, consumer_read (consumer, &consumer->wrong_caps) == 0, "no buffer under wrong caps");
  holds (result, consumer_listen (consumer, "n1", WGI_SOON_MS) && consumer_gets (consumer, narrow),
      "the consumer hears the producer again");
}

static void
switch_often (gpointer data)
{
  static const gchar *const nodes[] = { "n1", "n2", "n3" };
  static gint seeds;
  GRand *random = g_rand_new_with_seed ((guint32) g_atomic_int_add (&seeds, 1));

  for (guint i = 0; i < SWITCHES; i++) {
    consumer_listen_here (data, nodes[g_rand_int_range (random, 0, 3)]);
    g_usleep (500);
  }
  g_rand_free (random);
}

static void
switch_caps_threads (Result *result)
{
  Producer *producers[] = { producer_new ("n1", 1, 64), producer_new ("n2", 2, 128),
    producer_new ("n3", 3, 192) };
  Consumer *consumer = consumer_playing ("l", "n1");
  Job *jobs[SWITCHERS], *runs[G_N_ELEMENTS (producers)];
  gboolean returned = TRUE;

  must (result, consumer_gets (consumer, producers[0]), "the consumer hears the producer");
  go_to_work ();
  phase ("switches from several threads");
  for (guint i = 0; i < G_N_ELEMENTS (producers); i++) {
    producers[i]->running = TRUE;
    runs[i] = job_start (producer_run, producers[i]);
  }
  for (guint i = 0; i < SWITCHERS; i++)
    jobs[i] = job_start (switch_often, consumer);
  for (guint i = 0; i < SWITCHERS; i++)
    returned = returned && job_wait (jobs[i], WGI_SOON_MS * 2);
  for (guint i = 0; i < G_N_ELEMENTS (producers); i++)
    g_atomic_int_set (&producers[i]->running, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (producers); i++)
    returned = returned && job_wait (runs[i], WGI_SOON_MS);
  holds (result, returned, "all switches and pushes return");
  holds (result,
      consumer_listen (consumer, "n1", WGI_SOON_MS) && consumer_gets (consumer, producers[0]),
      "the consumer hears where it listens at last");
  result_int (result, "buffers", consumer_read (consumer, &consumer->total));
  result_int (result, "wrong_caps", consumer_read (consumer, &consumer->wrong_caps));
  promise (result, returned && consumer_read (consumer, &consumer->wrong_caps) == 0,
      "no buffer under wrong caps");
}

/* The producer is down, but its sink remembers its caps. */
static Producer *
producer_down (Result *result, Consumer *consumer)
{
  Producer *producer = producer_new ("n", 1, 64);

  consumer_start (consumer);
  must (result, consumer_listen (consumer, "n", WGI_SOON_MS) && consumer_gets (consumer, producer),
      "the consumer hears the producer");
  return producer;
}

static void
producer_up_again (Producer *producer, gint width)
{
  gst_element_set_state (producer->sink, GST_STATE_PLAYING);
  producer_start_stream (producer, width);
}

static void
start_against_down (Result *result)
{
  Consumer *consumer = consumer_new ("l", "n");
  Producer *producer = producer_down (result, consumer);

  must (result, consumer_stop (consumer), "the consumer stops");
  producer_stop (producer);
  go_to_work ();
  phase ("a start while the producer is down");
  promise (result, consumer_start (consumer), "a consumer starts while the producer is down");
  producer_up_again (producer, 128);
  promise (
      result, consumer_gets (consumer, producer), "it hears the producer once that is up again");
  holds (
      result, consumer_read (consumer, &consumer->wrong_caps) == 0, "no buffer under wrong caps");
}

/* The same for a consumer that starts without a node, and has caps of its own already. */
static void
listen_against_down (Result *result)
{
  Consumer *consumer = consumer_new ("l", NULL);
  Producer *producer = producer_down (result, consumer);

  must (result, consumer_stop (consumer), "the consumer stops");
  must (result, consumer_listen (consumer, NULL, WGI_SOON_MS) && consumer_start (consumer),
      "it starts with no node");
  producer_stop (producer);
  go_to_work ();
  phase ("listen-to while the producer is down");
  holds (result, consumer_listen (consumer, "n", WGI_SOON_MS), "listen-to returns");
  expect_fault (result, g_atomic_int_get (&wgi_account->criticals) > 0, "GLib complains");
  producer_up_again (producer, 64);
  promise (
      result, consumer_gets (consumer, producer), "it hears the producer once that is up again");
}

/* Not to be switched does not mean not to be started. */
static void
block_switch_restart (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_new ("l", "n");

  g_object_set (consumer->src, "block-switch", TRUE, NULL);
  must (result, consumer_start (consumer) && consumer_gets (consumer, producer),
      "the consumer hears the producer");
  must (result, consumer_stop (consumer), "the consumer stops");
  go_to_work ();
  phase ("a second start with block-switch");
  promise (result, consumer_start (consumer), "a consumer with block-switch starts again");
  promise (result, consumer_gets (consumer, producer), "and hears its node");
}

/* A meta is allowed if all consumers can do with it. */
static void
allocation_agreed (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *declines = consumer_new ("declines", "n");
  Consumer *agrees = consumer_playing ("agrees", "n");
  g_autoptr (GstCaps) caps = caps_of (64);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);

  declines->decline = TRUE;
  must (result,
      consumer_start (declines) && consumer_gets (declines, producer)
          && consumer_gets (agrees, producer),
      "both consumers hear");
  go_to_work ();
  phase ("an allocation query that one of two declines");
  const gboolean answered = gst_pad_peer_query (producer->pad, query);
  result_bool (result, "answered", answered);
  promise (result, !answered || gst_query_get_n_allocation_metas (query) == 0,
      "no meta that one consumer cannot do with");
}

static guint
size_answered (Producer *producer, gint width)
{
  g_autoptr (GstCaps) caps = caps_of (width);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);
  guint size = 0;

  if (gst_pad_peer_query (producer->pad, query) && gst_query_get_n_allocation_pools (query) > 0)
    gst_query_parse_nth_allocation_pool (query, 0, NULL, &size, NULL, NULL);
  return size;
}

static gboolean
is_sized (gpointer producer)
{
  return size_answered (producer, 64) == 64;
}

/* A producer asks how to allocate for new caps, which have not arrived at the consumer. */
static void
allocation_other_caps (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_new ("l", "n");

  consumer->sizes = TRUE;
  must (result, consumer_start (consumer) && consumer_gets (consumer, producer),
      "the consumer hears the producer");
  /* A busy machine may answer too late for one query. */
  must (result, wait_until (is_sized, producer, WGI_SOON_MS), "it answers for its own caps");
  go_to_work ();
  phase ("an allocation query for larger buffers");
  const guint size = size_answered (producer, 128);
  result_int (result, "size", size);
  promise (result, size == 0 || size >= 128, "no size of buffers under other caps");
}

/* Whether the other consumer hears the producer under caps that `refuses` cannot take, and
 * `refuses` hears it again under its own. */
static void
change_to_refused (Result *result, Producer *producer, Consumer *refuses, Consumer *other)
{
  must (result,
      consumer_gets (refuses, producer) && consumer_gets (other, producer)
          && consumer_wait (refuses, 1, 1, WGI_SOON_MS),
      "both consumers hear");
  go_to_work ();
  phase ("the producer changes to caps that one consumer cannot take");
  const gboolean accepted = producer_caps (producer, 128);
  promise (result, accepted && consumer_gets (other, producer),
      "one consumer's caps do not stop the producer");
  if (!accepted)
    return;
  holds (result, consumer_gets (other, producer), "the other consumer goes on");
  const guint before = consumer_read (refuses, &refuses->count[1]);
  holds (result, consumer_read (other, &other->wrong_caps) == 0, "no buffer under wrong caps");
  /* What it refuses may come to it later than to the other. */
  g_autoptr (GstMessage) warning =
      gst_bus_timed_pop_filtered (refuses->bus, WGI_SOON_MS * GST_MSECOND, GST_MESSAGE_WARNING);
  holds (result, warning != NULL && consumer_messages (refuses, GST_MESSAGE_WARNING) == 0,
      "one warning is posted for the caps");
  holds (result, producer_caps (producer, 64) && consumer_gets (refuses, producer),
      "it hears the producer again under its own caps");
  holds (result, consumer_read (refuses, &refuses->count[1]) == before + 1,
      "and nothing of the others");
}

static void
caps_change_refused (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *refuses = consumer_new ("refuses", "n");

  refuses->caps = caps_of (64);
  consumer_start (refuses);
  change_to_refused (result, producer, refuses, consumer_playing ("other", "n"));
}

static void
caps_change_fixed (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *refuses = consumer_new ("refuses", "n");

  g_object_set (refuses->src, "allow-renegotiation", FALSE, NULL);
  consumer_start (refuses);
  change_to_refused (result, producer, refuses, consumer_playing ("other", "n"));
}

/* A listener waits that wants something else, such as audio, and a new node comes. */
static void
caps_link_refused (Result *result)
{
  Consumer *refuses = consumer_new ("refuses", "n");
  Consumer *other = consumer_playing ("other", "n");
  g_autoptr (GstCaps) wants = caps_of (64);

  refuses->caps = gst_caps_new_empty_simple ("application/x-wgi-other");
  must (result, consumer_start (refuses), "the consumer starts");
  go_to_work ();
  phase ("a node is made that one listener can take nothing of");
  GstElement *sink = gst_object_ref_sink (gst_element_factory_make ("interpipesink", "n"));
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  g_autoptr (GstCaps) unfiltered = gst_pad_query_caps (pad, NULL);
  promise (result, gst_caps_can_intersect (unfiltered, wants), "a listener does not forbid a link");
  g_autoptr (GstCaps) filtered = gst_pad_query_caps (pad, wants);
  holds (result, gst_caps_is_equal (filtered, wants), "nor any caps");
  gst_object_unref (sink);
  Producer *producer = producer_new ("n", 1, 64);
  holds (result, producer != NULL && consumer_gets (other, producer),
      "another consumer hears the node");
}

/* A switch to a node whose caps the consumer cannot take, and that others listen to, fails. */
static void
switch_caps_fallback (Result *result)
{
  Producer *narrow = producer_new ("n1", 1, 64);
  Producer *wide = producer_new ("n2", 2, 128);
  Consumer *other = consumer_playing ("other", "n2");
  Consumer *consumer = consumer_new ("l", "n1");
  guint stays = 0;

  consumer->caps = caps_of (64);
  consumer_start (consumer);
  g_autoptr (GstCaps) filter = caps_of (128);
  gst_caps_unref (gst_pad_peer_query_caps (wide->pad, filter));
  must (result, consumer_gets (other, wide) && consumer_gets (consumer, narrow), "both hear");
  go_to_work ();
  phase ("switches to caps that the consumer cannot take");
  for (guint i = 0; i < SWITCHES_REFUSED; i++) {
    g_autofree gchar *node = NULL;
    must (result, consumer_listen (consumer, "n2", WGI_SOON_MS), "the switch returns");
    g_object_get (consumer->src, "listen-to", &node, NULL);
    stays += g_strcmp0 (node, "n1") == 0 && consumer_gets (consumer, narrow);
  }
  result_int (result, "switches", SWITCHES_REFUSED);
  result_int (result, "stays", stays);
  must (result, stays == SWITCHES_REFUSED, "the consumer stays at the old node, always");
  must (result, consumer_gets (other, wide), "the other consumer is not concerned");
}

const Scenario caps_scenarios[] = {
  { "caps-change-refused", "a producer changes to caps that one consumer cannot take",
      caps_change_refused, NULL },
  { "caps-change-fixed", "the same, the consumer has allow-renegotiation=false", caps_change_fixed,
      NULL },
  { "caps-link-refused", "a node is made whose listener wants other media", caps_link_refused,
      NULL },
  { "switch-caps-fallback", "a switch to caps that the consumer cannot take, to a shared node",
      switch_caps_fallback, NULL },

  { "switch-caps-alone", "a switch to a node with other caps", switch_caps_alone, NULL },
  { "switch-caps-shared", "the same, another consumer listens to it already", switch_caps_shared,
      NULL },
  { "switch-caps-refused", "the same, the consumer cannot take them", switch_caps_refused, NULL },
  { "switch-caps-threads", "the same, often and from several threads", switch_caps_threads, NULL },
  { "start-against-down", "a consumer starts while its producer is down", start_against_down,
      NULL },
  { "listen-against-down", "listen-to is set while the producer is down", listen_against_down,
      NULL },
  { "block-switch-restart", "a consumer with block-switch starts again", block_switch_restart,
      NULL },
  { "allocation-agreed", "one of two consumers declines an allocation query", allocation_agreed,
      NULL },
  { "allocation-other-caps", "a consumer is asked for a size while it has other caps",
      allocation_other_caps, NULL },
  { 0 },
};
