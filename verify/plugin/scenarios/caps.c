/* SPDX-License-Identifier: MIT */
/* scenarios-caps.c: under which caps buffers arrive, and whether a consumer starts at all. */
#include "fixture.h"

#define SWITCHERS 3
#define SWITCHES 120

void
scenario_switch_caps_alone (Result *result)
{
  Feed *narrow = feed_new ("n1", 1, 64);
  Feed *wide = feed_new ("n2", 2, 128);
  Take *take = take_playing ("l", "n1");

  must (result, take_gets (take, narrow), "the consumer hears the producer");
  go_to_work ();
  phase ("a switch to other caps");
  holds (result, take_listen (take, "n2", WGI_SOON_MS), "the switch returns");
  holds (result, take_gets (take, wide), "the consumer hears the other producer");
  result_int (result, "wrong_caps", take_read (take, &take->wrong_caps));
  promise (result, take_read (take, &take->wrong_caps) == 0, "no buffer under wrong caps");
}

void
scenario_switch_caps_shared (Result *result)
{
  Feed *narrow = feed_new ("n1", 1, 64);
  Feed *wide = feed_new ("n2", 2, 128);
  Take *other = take_playing ("other", "n2");
  Take *take = take_playing ("l", "n1");

  must (result, take_gets (take, narrow) && take_gets (other, wide), "both consumers hear");
  go_to_work ();
  phase ("a switch to other caps");
  holds (result, take_listen (take, "n2", WGI_SOON_MS), "the switch returns");
  holds (result, take_gets (take, wide) && take_gets (other, wide), "both hear the producer");
  result_int (result, "wrong_caps", take_read (take, &take->wrong_caps));
  promise (result,
      take_read (take, &take->wrong_caps) == 0 && take_read (other, &other->wrong_caps) == 0,
      "no buffer under wrong caps");
}

/* A consumer that can do nothing with the other's caps, and a producer that has no others. */
void
scenario_switch_caps_refused (Result *result)
{
  Feed *narrow = feed_new ("n1", 1, 64);
  Feed *wide = feed_new ("n2", 2, 128);
  Take *take = take_new ("l", "n1");

  take->caps = gst_caps_new_simple ("application/x-wgi", "width", G_TYPE_INT, 64, NULL);
  take_start (take);
  must (result, take_gets (take, narrow), "the consumer hears the producer");
  go_to_work ();
  phase ("a switch to caps that the consumer cannot take");
  holds (result, take_listen (take, "n2", WGI_SOON_MS), "the switch returns");
  holds (result, within (WGI_SOON_MS, feed_push, wide), "the other producer goes on");
  holds (result, within (WGI_SOON_MS, feed_push, narrow), "the producer goes on");
  take_settle (take);
  result_int (result, "wrong_caps", take_read (take, &take->wrong_caps));
  promise (result, take_read (take, &take->wrong_caps) == 0, "no buffer under wrong caps");
  holds (result, take_listen (take, "n1", WGI_SOON_MS) && take_gets (take, narrow),
      "the consumer hears the producer again");
}

static void
switch_often (gpointer data)
{
  static const gchar *const nodes[] = { "n1", "n2", "n3" };
  static gint seeds;
  GRand *random = g_rand_new_with_seed ((guint32) g_atomic_int_add (&seeds, 1));

  for (guint i = 0; i < SWITCHES; i++) {
    take_listen_here (data, nodes[g_rand_int_range (random, 0, 3)]);
    g_usleep (500);
  }
  g_rand_free (random);
}

void
scenario_switch_caps_threads (Result *result)
{
  Feed *feeds[] = { feed_new ("n1", 1, 64), feed_new ("n2", 2, 128), feed_new ("n3", 3, 192) };
  Take *take = take_playing ("l", "n1");
  Job *jobs[SWITCHERS], *runs[G_N_ELEMENTS (feeds)];
  gboolean returned = TRUE;

  must (result, take_gets (take, feeds[0]), "the consumer hears the producer");
  go_to_work ();
  phase ("switches from several threads");
  for (guint i = 0; i < G_N_ELEMENTS (feeds); i++) {
    feeds[i]->running = TRUE;
    runs[i] = job_start (feed_run, feeds[i]);
  }
  for (guint i = 0; i < SWITCHERS; i++)
    jobs[i] = job_start (switch_often, take);
  for (guint i = 0; i < SWITCHERS; i++)
    returned = returned && job_wait (jobs[i], WGI_SOON_MS * 2);
  for (guint i = 0; i < G_N_ELEMENTS (feeds); i++)
    g_atomic_int_set (&feeds[i]->running, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (feeds); i++)
    returned = returned && job_wait (runs[i], WGI_SOON_MS);
  holds (result, returned, "all switches and pushes return");
  holds (result, take_listen (take, "n1", WGI_SOON_MS) && take_gets (take, feeds[0]),
      "the consumer hears where it listens at last");
  result_int (result, "buffers", take_read (take, &take->total));
  result_int (result, "wrong_caps", take_read (take, &take->wrong_caps));
  promise (
      result, returned && take_read (take, &take->wrong_caps) == 0, "no buffer under wrong caps");
}

/* The producer is down, but its sink remembers its caps. */
static Feed *
feed_down (Result *result, Take *take)
{
  Feed *feed = feed_new ("n", 1, 64);

  take_start (take);
  must (result, take_listen (take, "n", WGI_SOON_MS) && take_gets (take, feed),
      "the consumer hears the producer");
  return feed;
}

static void
feed_up_again (Feed *feed, gint width)
{
  GstSegment segment;

  gst_element_set_state (feed->sink, GST_STATE_PLAYING);
  feed_start_stream (feed);
  feed_caps (feed, width);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (feed->pad, gst_event_new_segment (&segment));
}

void
scenario_start_against_down (Result *result)
{
  Take *take = take_new ("l", "n");
  Feed *feed = feed_down (result, take);

  must (result, take_stop (take), "the consumer stops");
  feed_stop (feed);
  go_to_work ();
  phase ("a start while the producer is down");
  promise (result, take_start (take), "a consumer starts while the producer is down");
  feed_up_again (feed, 128);
  promise (result, take_gets (take, feed), "it hears the producer once that is up again");
  holds (result, take_read (take, &take->wrong_caps) == 0, "no buffer under wrong caps");
}

/* The same for a consumer that starts without a node, and has caps of its own already. */
void
scenario_listen_against_down (Result *result)
{
  Take *take = take_new ("l", NULL);
  Feed *feed = feed_down (result, take);

  must (result, take_stop (take), "the consumer stops");
  must (
      result, take_listen (take, NULL, WGI_SOON_MS) && take_start (take), "it starts with no node");
  feed_stop (feed);
  go_to_work ();
  phase ("listen-to while the producer is down");
  holds (result, take_listen (take, "n", WGI_SOON_MS), "listen-to returns");
  expect_fault (result, g_atomic_int_get (&wgi_account->criticals) > 0, "GLib complains");
  feed_up_again (feed, 64);
  promise (result, take_gets (take, feed), "it hears the producer once that is up again");
}

/* Not to be switched does not mean not to be started. */
void
scenario_block_switch_restart (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_new ("l", "n");

  g_object_set (take->src, "block-switch", TRUE, NULL);
  must (result, take_start (take) && take_gets (take, feed), "the consumer hears the producer");
  must (result, take_stop (take), "the consumer stops");
  go_to_work ();
  phase ("a second start with block-switch");
  promise (result, take_start (take), "a consumer with block-switch starts again");
  promise (result, take_gets (take, feed), "and hears its node");
}

/* A meta is allowed if all consumers can do with it. */
void
scenario_allocation_agreed (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *declines = take_new ("declines", "n");
  Take *agrees = take_playing ("agrees", "n");
  g_autoptr (GstCaps) caps =
      gst_caps_new_simple ("application/x-wgi", "width", G_TYPE_INT, 64, NULL);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);

  declines->decline = TRUE;
  must (result, take_start (declines) && take_gets (declines, feed) && take_gets (agrees, feed),
      "both consumers hear");
  go_to_work ();
  phase ("an allocation query that one of two declines");
  const gboolean answered = gst_pad_peer_query (feed->pad, query);
  result_bool (result, "answered", answered);
  promise (result, !answered || gst_query_get_n_allocation_metas (query) == 0,
      "no meta that one consumer cannot do with");
}

static guint
size_answered (Feed *feed, gint width)
{
  g_autoptr (GstCaps) caps =
      gst_caps_new_simple ("application/x-wgi", "width", G_TYPE_INT, width, NULL);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);
  guint size = 0;

  if (gst_pad_peer_query (feed->pad, query) && gst_query_get_n_allocation_pools (query) > 0)
    gst_query_parse_nth_allocation_pool (query, 0, NULL, &size, NULL, NULL);
  return size;
}

/* A producer asks how to allocate for new caps, which have not arrived at the consumer. */
void
scenario_allocation_other_caps (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_new ("l", "n");

  take->sizes = TRUE;
  must (result, take_start (take) && take_gets (take, feed), "the consumer hears the producer");
  must (result, size_answered (feed, 64) == 64, "it answers for its own caps");
  go_to_work ();
  phase ("an allocation query for larger buffers");
  const guint size = size_answered (feed, 128);
  result_int (result, "size", size);
  promise (result, size == 0 || size >= 128, "no size of buffers under other caps");
}
