/* SPDX-License-Identifier: MIT */
/* scenarios-buffers.c: what arrives of what was sent, how often, and how much of it waits. */
#include "fixture.h"

#define RESTART_TS 0
#define COMPENSATE_TS 2
#define POOL_MAX 16

static void
give_clock (GstElement *element, GstClockTime base_time)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();

  gst_element_set_clock (element, clock);
  gst_element_set_base_time (element, base_time);
}

static Take *
take_in_sync (const gchar *name, const gchar *node, gint stream_sync)
{
  Take *take = take_new (name, node);

  g_object_set (take->src, "stream-sync", stream_sync, NULL);
  give_clock (take->src, 0);
  return take;
}

void
scenario_restart_ts_shared (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *original = take_playing ("original", "n");
  Take *restarts = take_in_sync ("restarts", "n", RESTART_TS);

  must (result, take_start (restarts) && take_gets (original, feed) && take_gets (restarts, feed),
      "both consumers hear");
  /* So that what one does to a buffer is done before the other looks at it. */
  take_stall (original);
  feed_push (feed);
  must (result, take_wait_stalled (original, WGI_SOON_MS), "the one consumer stands still");
  go_to_work ();
  feed_push_n (feed, 8);
  must (result, take_wait (restarts, 1, 9, WGI_SOON_MS), "the other has them all");
  take_go_on (original);
  must (result, take_wait (original, 1, 9, WGI_SOON_MS), "the one has them all, too");
  result_int (result, "other_pts", take_read (original, &original->other_pts));
  promise (result, take_read (original, &original->other_pts) == 0,
      "timestamps are not changed for the others");
}

/* Consumers that keep a few buffers for a while, one of which wants other timestamps. */
static void
with_pool (Result *result, gint stream_sync)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *original = take_new ("original", "n");
  Take *other = take_in_sync ("other", "n", stream_sync);
  GstBufferPool *pool = counting_pool_new (64, 2, POOL_MAX);

  original->hold = 2;
  other->hold = 3;
  /* A producer that has played for a second longer than this consumer. */
  give_clock (feed->sink, 0);
  gst_element_set_base_time (
      other->src, stream_sync == COMPENSATE_TS ? 3 * WGI_BUFFER_INTERVAL : 0);
  other->shift = -(gint64) (3 * WGI_BUFFER_INTERVAL);
  must (result, take_start (original) && take_start (other), "the consumers start");
  feed->number = 3;
  must (result, take_gets (original, feed) && take_gets (other, feed), "both consumers hear");
  feed->pool = pool;
  go_to_work ();
  phase ("buffers from a pool");
  for (guint i = 0; i < 200; i++)
    if (!take_gets (other, feed))
      break;
  must (result, take_wait (other, 1, 200, WGI_SOON_MS), "buffers arrive");
  result_int (result, "pushed", 200);
  result_int (result, "allocated", counting_pool_allocated (pool));
  result_int (result, "discarded", counting_pool_discarded (pool));
  promise (result, counting_pool_discarded (pool) == 0, "the pool keeps its buffers");
  holds (result, counting_pool_allocated (pool) <= POOL_MAX, "and needs no more of them");
  holds (result, take_read (original, &original->other_pts) == 0,
      "timestamps are not changed for the others");
  if (stream_sync == COMPENSATE_TS)
    holds (result, take_read (other, &other->other_pts) == 0,
        "timestamps are changed by the difference");
}

void
scenario_restart_ts_pool (Result *result)
{
  with_pool (result, RESTART_TS);
}

void
scenario_compensate_ts_pool (Result *result)
{
  with_pool (result, COMPENSATE_TS);
}

/* There is nothing to be compensated in a buffer without a timestamp. */
void
scenario_compensate_ts_none (Result *result)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_in_sync ("l", "n", COMPENSATE_TS);

  give_clock (feed->sink, GST_SECOND);
  feed->no_pts = TRUE;
  must (result, take_start (take), "the consumer starts");
  go_to_work ();
  phase ("buffers without timestamps");
  must (result, take_gets (take, feed) && take_gets (take, feed), "they arrive");
  result_int (result, "other_pts", take_read (take, &take->other_pts));
  promise (result, take_read (take, &take->other_pts) == 0, "no timestamp is made of none");
}

void
scenario_first_buffer_once (Result *result)
{
  Feed *feed = feed_new_here ("n", 1, 64, GST_STATE_PAUSED);
  Take *early = take_playing ("early", "n");

  Job *push = job_start (feed_push, feed);
  must (result,
      gst_element_get_state (feed->sink, NULL, NULL, WGI_SOON_MS * GST_MSECOND)
          == GST_STATE_CHANGE_SUCCESS,
      "the producer prerolls");
  go_to_work ();
  phase ("a listener between preroll and play");
  Take *late = take_playing ("late", "n");
  gst_element_set_state (feed->sink, GST_STATE_PLAYING);
  must (result, job_wait (push, WGI_SOON_MS), "the first push returns");
  must (result, take_gets (early, feed) && take_wait (late, 1, 1, WGI_SOON_MS),
      "the next buffer arrives");
  result_int (result, "early", take_read (early, &early->count[1]));
  result_int (result, "late", take_read (late, &late->count[1]));
  promise (
      result, take_read (early, &early->count[1]) == 2, "the first buffer arrives exactly once");
  holds (result, take_read (late, &late->count[1]) <= 2, "and not twice at who came later");
}

static gboolean
is_drained (gpointer src)
{
  guint64 n = 0;

  g_object_get (src, "current-level-buffers", &n, NULL);
  return n == 0;
}

static void
limits (Result *result, const gchar *limit, guint64 value, const gchar *level)
{
  Feed *feed = feed_new ("n", 1, 64);
  Take *take = take_new ("l", "n");
  guint64 highest = 0;

  g_object_set (take->src, "max-bytes", (guint64) 0, limit, value, NULL);
  must (result, take_start (take) && take_gets (take, feed), "the consumer hears the producer");
  take_stall (take);
  feed_push (feed);
  must (result, take_wait_stalled (take, WGI_SOON_MS), "the consumer stands still");
  go_to_work ();
  phase ("buffers for a consumer that stands still");
  for (guint i = 0; i < 50; i++) {
    guint64 now = 0;
    must (result, within (WGI_SOON_MS, feed_push, feed), "a push without block returns");
    g_object_get (take->src, level, &now, NULL);
    highest = MAX (highest, now);
  }
  result_int (result, "limit", (gint64) value);
  result_int (result, "highest", (gint64) highest);
  promise (result, highest <= value, "a limit that is set bounds the queue");
  take_go_on (take);
  must (result, wait_until (is_drained, take->src, WGI_SOON_MS), "the queue is emptied");
  holds (result, take_gets (take, feed), "new buffers arrive afterwards");
}

void
scenario_limits_bound_buffers (Result *result)
{
  limits (result, "max-buffers", 3, "current-level-buffers");
}

void
scenario_limits_bound_bytes (Result *result)
{
  limits (result, "max-bytes", 3 * 64, "current-level-bytes");
}

void
scenario_limits_bound_time (Result *result)
{
  limits (result, "max-time", 4 * WGI_BUFFER_INTERVAL, "current-level-time");
}
