/* SPDX-License-Identifier: MIT */
/* what arrives of what was sent, how often, and how much of it waits. */
#include "pool.h"
#include "scenario.h"

#include <gst/app/gstappsrc.h>
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

static Consumer *
consumer_in_sync (const gchar *name, const gchar *node, gint stream_sync)
{
  Consumer *consumer = consumer_new (name, node);

  g_object_set (consumer->src, "stream-sync", stream_sync, NULL);
  give_clock (consumer->src, 0);
  return consumer;
}

static void
restart_ts_shared (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *original = consumer_playing ("original", "n");
  Consumer *restarts = consumer_in_sync ("restarts", "n", RESTART_TS);

  must (result,
      consumer_start (restarts) && consumer_gets (original, producer)
          && consumer_gets (restarts, producer),
      "both consumers hear");
  /* The one changes a buffer before the other sees it. */
  consumer_stall (original);
  producer_push (producer);
  must (result, consumer_wait_stalled (original, WGI_SOON_MS), "the one consumer stalls");
  go_to_work ();
  producer_push_n (producer, 8);
  must (result, consumer_wait (restarts, 1, 9, WGI_SOON_MS), "the other has them all");
  consumer_go_on (original);
  must (result, consumer_wait (original, 1, 9, WGI_SOON_MS), "the one has them all, too");
  result_int (result, "other_pts", consumer_read (original, &original->other_pts));
  promise (result, consumer_read (original, &original->other_pts) == 0,
      "timestamps are not changed for the others");
}

/* Consumers that keep a few buffers for a while, one of which wants other timestamps. */
static void
with_pool (Result *result, gint stream_sync)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *original = consumer_new ("original", "n");
  Consumer *other = consumer_in_sync ("other", "n", stream_sync);
  GstBufferPool *pool = counting_pool_new (64, 2, POOL_MAX);

  original->hold = 2;
  other->hold = 3;
  /* A producer that has played for a second longer than this consumer. */
  give_clock (producer->sink, 0);
  gst_element_set_base_time (
      other->src, stream_sync == COMPENSATE_TS ? 3 * WGI_BUFFER_INTERVAL : 0);
  other->shift = -(gint64) (3 * WGI_BUFFER_INTERVAL);
  must (result, consumer_start (original) && consumer_start (other), "the consumers start");
  producer->number = 3;
  must (result, consumer_gets (original, producer) && consumer_gets (other, producer),
      "both consumers hear");
  producer->pool = pool;
  go_to_work ();
  phase ("buffers from a pool");
  for (guint i = 0; i < 200; i++)
    if (!consumer_gets (other, producer))
      break;
  must (result, consumer_wait (other, 1, 200, WGI_SOON_MS), "buffers arrive");
  result_int (result, "pushed", 200);
  result_int (result, "allocated", counting_pool_allocated (pool));
  result_int (result, "discarded", counting_pool_discarded (pool));
  promise (result, counting_pool_discarded (pool) == 0, "the pool keeps its buffers");
  holds (result, counting_pool_allocated (pool) <= POOL_MAX, "and needs no more of them");
  holds (result, consumer_read (original, &original->other_pts) == 0,
      "timestamps are not changed for the others");
  if (stream_sync == COMPENSATE_TS)
    holds (result, consumer_read (other, &other->other_pts) == 0,
        "timestamps are changed by the difference");
}

static void
restart_ts_pool (Result *result)
{
  with_pool (result, RESTART_TS);
}

static void
compensate_ts_pool (Result *result)
{
  with_pool (result, COMPENSATE_TS);
}

/* There is nothing to be compensated in a buffer without a timestamp. */
static void
compensate_ts_none (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_in_sync ("l", "n", COMPENSATE_TS);

  give_clock (producer->sink, GST_SECOND);
  producer->no_pts = TRUE;
  must (result, consumer_start (consumer), "the consumer starts");
  go_to_work ();
  phase ("buffers without timestamps");
  must (result, consumer_gets (consumer, producer) && consumer_gets (consumer, producer),
      "they arrive");
  result_int (result, "other_pts", consumer_read (consumer, &consumer->other_pts));
  promise (
      result, consumer_read (consumer, &consumer->other_pts) == 0, "no timestamp is made of none");
}

static void
first_buffer_once (Result *result)
{
  Producer *producer = producer_new_here ("n", 1, 64, GST_STATE_PAUSED);
  Consumer *early = consumer_playing ("early", "n");

  Job *push = job_start (producer_push, producer);
  must (result,
      gst_element_get_state (producer->sink, NULL, NULL, WGI_SOON_MS * GST_MSECOND)
          == GST_STATE_CHANGE_SUCCESS,
      "the producer prerolls");
  go_to_work ();
  phase ("a listener between preroll and play");
  Consumer *late = consumer_playing ("late", "n");
  gst_element_set_state (producer->sink, GST_STATE_PLAYING);
  must (result, job_wait (push, WGI_SOON_MS), "the first push returns");
  must (result, consumer_gets (early, producer) && consumer_wait (late, 1, 1, WGI_SOON_MS),
      "the next buffer arrives");
  result_int (result, "early", consumer_read (early, &early->count[1]));
  result_int (result, "late", consumer_read (late, &late->count[1]));
  promise (result, consumer_read (early, &early->count[1]) == 2,
      "the first buffer arrives exactly once");
  holds (result, consumer_read (late, &late->count[1]) <= 2, "and not twice at a later listener");
}

static gboolean
is_drained (gpointer src)
{
  guint64 n = 0;

  g_object_get (src, "current-level-buffers", &n, NULL);
  return n == 0;
}

static void
set_limit (GstElement *src, const gchar *limit, guint64 value)
{
  if (limit == NULL)
    gst_app_src_set_max_buffers (GST_APP_SRC (src), value);
  else
    g_object_set (src, limit, value, NULL);
}

/* NULL limit: max-buffers, by GstAppSrc's function. */
static void
limits (Result *result, const gchar *limit, guint64 value, const gchar *level)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_new ("l", "n");
  guint64 highest = 0;

  g_object_set (consumer->src, "max-bytes", (guint64) 0, NULL);
  set_limit (consumer->src, limit, value);
  must (result, consumer_start (consumer) && consumer_gets (consumer, producer),
      "the consumer hears the producer");
  consumer_stall (consumer);
  producer_push (producer);
  must (result, consumer_wait_stalled (consumer, WGI_SOON_MS), "the consumer stalls");
  go_to_work ();
  phase ("buffers for a consumer that stalls");
  for (guint i = 0; i < 50; i++) {
    guint64 now = 0;
    must (result, within (WGI_SOON_MS, producer_push, producer), "a push without block returns");
    g_object_get (consumer->src, level, &now, NULL);
    highest = MAX (highest, now);
  }
  result_int (result, "limit", (gint64) value);
  result_int (result, "highest", (gint64) highest);
  promise (result, highest <= value, "a limit that is set bounds the queue");
  consumer_go_on (consumer);
  must (result, wait_until (is_drained, consumer->src, WGI_SOON_MS), "the queue is emptied");
  holds (result, consumer_gets (consumer, producer), "new buffers arrive afterwards");
}

static void
limits_bound_buffers (Result *result)
{
  limits (result, "max-buffers", 3, "current-level-buffers");
}

static void
limits_bound_bytes (Result *result)
{
  limits (result, "max-bytes", 3 * 64, "current-level-bytes");
}

static void
limits_bound_time (Result *result)
{
  limits (result, "max-time", 4 * WGI_BUFFER_INTERVAL, "current-level-time");
}

static void
limits_by_function (Result *result)
{
  limits (result, NULL, 3, "current-level-buffers");
}

#define BIG ((gsize) 8 << 20)
#define BIG_BUFFERS 40
#define BACKLOG ((guint64) 256 << 20)

/* All of them have the same memory, so that it costs nothing. */
static void
push_big (Producer *producer, GstMemory *memory)
{
  GstBuffer *buffer = gst_buffer_new ();

  gst_buffer_append_memory (buffer, gst_memory_ref (memory));
  gst_pad_push (producer->pad, buffer);
}

/* No limit is set. */
static void
limits_default (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  GstMemory *memory = gst_allocator_alloc (NULL, BIG, NULL);
  guint64 bytes = 0;

  must (result, consumer_gets (consumer, producer), "the consumer hears the producer");
  consumer_stall (consumer);
  producer_push (producer);
  must (result, consumer_wait_stalled (consumer, WGI_SOON_MS), "the consumer stalls");
  go_to_work ();
  phase ("buffers for a consumer that stalls, without limits");
  for (guint i = 0; i < BIG_BUFFERS; i++)
    push_big (producer, memory);
  g_object_get (consumer->src, "current-level-bytes", &bytes, NULL);
  result_int (result, "mebibytes", (gint64) (bytes >> 20));
  promise (result, bytes <= BACKLOG, "memory is bounded without limits");
  consumer_go_on (consumer);
  must (result, wait_until (is_drained, consumer->src, WGI_SOON_MS), "the queue is emptied");
  holds (result, consumer_gets (consumer, producer), "new buffers arrive afterwards");
}

static gboolean
is_at_eos (gpointer consumer)
{
  return consumer_read (consumer, &((Consumer *) consumer)->eos) > 0;
}

/* A snapshot: its pipeline stays as it is after that. */
static void
eos_snapshot (Result *result)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_new ("l", "n");
  guint64 n = 0;

  g_object_set (consumer->src, "num-buffers", 1, NULL);
  must (result, consumer_start (consumer) && consumer_gets (consumer, producer),
      "the consumer hears the producer");
  producer_push (producer);
  must (result, wait_until (is_at_eos, consumer, WGI_SOON_MS), "the consumer is at EOS");
  go_to_work ();
  phase ("buffers for a consumer at EOS");
  producer_push_n (producer, 100);
  g_object_get (consumer->src, "current-level-buffers", &n, NULL);
  result_int (result, "queued", (gint64) n);
  promise (result, n <= 2, "nothing is queued for a consumer at EOS");
  holds (result, consumer_stop (consumer), "the consumer stops");
  g_object_set (consumer->src, "num-buffers", -1, NULL);
  holds (result, consumer_start (consumer) && consumer_gets (consumer, producer),
      "and hears the producer when it starts again");
}

const Scenario buffers_scenarios[] = {
  { "limits-by-function", "max-buffers, set by GstAppSrc's function", limits_by_function, NULL },
  { "limits-default", "no limit is set", limits_default, NULL },
  { "eos-snapshot", "a consumer stays at EOS after num-buffers", eos_snapshot, NULL },

  { "restart-ts-shared", "restart-ts beside a consumer that wants the original", restart_ts_shared,
      NULL },
  { "restart-ts-pool", "restart-ts and the producer's pool", restart_ts_pool, NULL },
  { "compensate-ts-pool", "compensate-ts and the producer's pool", compensate_ts_pool, NULL },
  { "compensate-ts-none", "compensate-ts and buffers without timestamps", compensate_ts_none,
      NULL },
  { "first-buffer-once", "a producer prerolls, then plays", first_buffer_once, NULL },
  { "limits-bound-buffers", "max-buffers without block", limits_bound_buffers, NULL },
  { "limits-bound-bytes", "max-bytes without block", limits_bound_bytes, NULL },
  { "limits-bound-time", "max-time without block", limits_bound_time, NULL },
  { 0 },
};
