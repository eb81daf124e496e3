/* SPDX-License-Identifier: MIT */
/* rig.c: producers and consumers whose every step the scenario makes. */
#include "rig.h"

#include <gst/app/gstappsrc.h>
#include <string.h>

#define CAPS_NAME "application/x-wgi"
/* For the few conditions that announce themselves to nobody. */
#define POLL_MS 5
/* A push that has not come on for so long stands still. */
#define STILL_MS (150 * WGI_SLOWNESS)

/* What a buffer says of itself. */
typedef struct {
  guint32 feed, number;
  guint64 pts;
} Header;

gboolean
wait_until (gboolean (*check) (gpointer data), gpointer data, guint ms)
{
  const gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;

  while (!check (data)) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    g_usleep (POLL_MS * G_TIME_SPAN_MILLISECOND);
  }
  return TRUE;
}

static GstCaps *
caps_of (gint width)
{
  return gst_caps_new_simple (CAPS_NAME, "width", G_TYPE_INT, width, NULL);
}

/* ---- producers ---- */

static gboolean
feed_on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Feed *feed = gst_pad_get_element_private (pad);
  (void) parent;

  if (feed->on_event != NULL)
    feed->on_event (feed->on_event_data);
  gst_event_unref (event);
  return TRUE;
}

static gboolean
feed_on_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  Feed *feed = gst_pad_get_element_private (pad);

  if (GST_QUERY_TYPE (query) != GST_QUERY_CONTEXT)
    return gst_pad_query_default (pad, parent, query);
  if (feed->on_query != NULL)
    feed->on_query (feed->on_query_data);
  return g_atomic_int_get (&feed->answer_context);
}

Feed *
feed_new_here (const gchar *name, guint id, gint width, GstState state)
{
  Feed *feed = g_new0 (Feed, 1);
  GstElement *sink = gst_element_factory_make ("interpipesink", name);

  feed->id = id;
  feed->sink = gst_object_ref_sink (sink);
  feed->pad = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));
  feed->width = width;
  gst_pad_set_element_private (feed->pad, feed);
  gst_pad_set_event_function (feed->pad, feed_on_event);
  gst_pad_set_query_function (feed->pad, feed_on_query);
  gst_pad_set_active (feed->pad, TRUE);
  g_autoptr (GstPad) peer = gst_element_get_static_pad (sink, "sink");
  gst_pad_link (feed->pad, peer);
  gst_element_set_state (sink, state);
  feed_start_stream (feed);
  feed_caps (feed, width);
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (feed->pad, gst_event_new_segment (&segment));
  return feed;
}

typedef struct {
  gchar *name;
  guint id;
  gint width;
  Feed *feed;
} NewFeed;

static void
make_feed (gpointer data)
{
  NewFeed *new = data;

  new->feed = feed_new_here (new->name, new->id, new->width, GST_STATE_PLAYING);
}

Feed *
feed_new (const gchar *name, guint id, gint width)
{
  NewFeed *new = g_new0 (NewFeed, 1);

  new->name = g_strdup (name);
  new->id = id;
  new->width = width;
  return within (WGI_SOON_MS, make_feed, new) ? new->feed : NULL;
}

void
feed_start_stream (Feed *feed)
{
  gst_pad_push_event (feed->pad, gst_event_new_stream_start ("wgi"));
}

gboolean
feed_caps (Feed *feed, gint width)
{
  g_autoptr (GstCaps) caps = caps_of (width);

  feed->width = width;
  return gst_pad_push_event (feed->pad, gst_event_new_caps (caps));
}

static GstBuffer *
buffer_of (guint id, guint number, gint width, GstBufferPool *pool, gboolean no_pts)
{
  GstBuffer *buffer = NULL;
  const Header header = { id, number, no_pts ? GST_CLOCK_TIME_NONE : number * WGI_BUFFER_INTERVAL };

  if (pool == NULL)
    buffer = gst_buffer_new_allocate (NULL, (gsize) width, NULL);
  else if (gst_buffer_pool_acquire_buffer (pool, &buffer, NULL) != GST_FLOW_OK)
    return NULL;
  gst_buffer_fill (buffer, 0, &header, sizeof header);
  GST_BUFFER_PTS (buffer) = header.pts;
  GST_BUFFER_DTS (buffer) = header.pts;
  return buffer;
}

void
feed_push (gpointer data)
{
  Feed *feed = data;
  GstBuffer *buffer = buffer_of (
      feed->id, (guint) g_atomic_int_get (&feed->number), feed->width, feed->pool, feed->no_pts);

  if (buffer == NULL)
    return;
  g_atomic_int_set (&feed->pushing, TRUE);
  gst_pad_push (feed->pad, buffer);
  g_atomic_int_set (&feed->pushing, FALSE);
  g_atomic_int_inc (&feed->number);
}

void
feed_push_n (Feed *feed, guint n)
{
  while (n-- > 0)
    feed_push (feed);
}

void
feed_run (gpointer data)
{
  Feed *feed = data;

  while (g_atomic_int_get (&feed->running)) {
    feed_push (feed);
    g_usleep (200);
  }
}

gboolean
feed_wait_stalled (Feed *feed, guint ms)
{
  const gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;
  gint64 since = g_get_monotonic_time ();
  gint number = -1;

  while (g_get_monotonic_time () < until) {
    if (g_atomic_int_get (&feed->number) != number || !g_atomic_int_get (&feed->pushing)) {
      number = g_atomic_int_get (&feed->number);
      since = g_get_monotonic_time ();
    }
    if (g_get_monotonic_time () - since > STILL_MS * G_TIME_SPAN_MILLISECOND)
      return TRUE;
    g_usleep (POLL_MS * G_TIME_SPAN_MILLISECOND);
  }
  return FALSE;
}

gboolean
feed_wait_number (Feed *feed, gint number, guint ms)
{
  const gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;

  while (g_atomic_int_get (&feed->number) < number) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    g_usleep (POLL_MS * G_TIME_SPAN_MILLISECOND);
  }
  return TRUE;
}

void
feed_event (Feed *feed, const gchar *name, gint number, gboolean serialized)
{
  GstStructure *structure = gst_structure_new (name, "number", G_TYPE_INT, number, NULL);

  gst_pad_push_event (feed->pad,
      gst_event_new_custom (
          serialized ? GST_EVENT_CUSTOM_DOWNSTREAM : GST_EVENT_CUSTOM_DOWNSTREAM_OOB, structure));
}

guint
feed_num_listeners (Feed *feed)
{
  guint n = 0;

  g_object_get (feed->sink, "num-listeners", &n, NULL);
  return n;
}

void
feed_rename (Feed *feed, const gchar *name)
{
  gst_object_set_name (GST_OBJECT (feed->sink), name);
}

void
feed_stop (Feed *feed)
{
  gst_element_set_state (feed->sink, GST_STATE_NULL);
}

void
feed_drop (gpointer data)
{
  Feed *feed = data;

  gst_clear_object (&feed->sink);
}

void
feed_end (gpointer data)
{
  Feed *feed = data;

  feed_stop (feed);
  feed_drop (feed);
}

/* ---- consumers ---- */

static void
note_buffer (Take *take, GstBuffer *buffer)
{
  Header header = { 0 };

  gst_buffer_extract (buffer, 0, &header, sizeof header);
  const guint feed = header.feed % WGI_FEEDS;
  if (feed != 0) {
    const gboolean shifted = GST_CLOCK_TIME_IS_VALID (header.pts);
    take->total++;
    take->wrong_caps += gst_buffer_get_size (buffer) != (gsize) take->width;
    take->other_pts +=
        GST_BUFFER_PTS (buffer) != header.pts + (shifted ? (guint64) take->shift : 0);
    take->again += (gint64) header.number <= take->last[feed];
    take->event_before = take->last_event;
  }
  take->count[feed]++;
  take->last[feed] = MAX (take->last[feed], (gint64) header.number);
  g_cond_broadcast (&take->cond);
}

static GstFlowReturn
take_on_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Take *take = gst_pad_get_element_private (pad);
  GstBuffer *let_go = buffer;
  (void) parent;

  g_mutex_lock (&take->lock);
  note_buffer (take, buffer);
  if (take->hold > 0) {
    g_queue_push_tail (&take->held, buffer);
    let_go = take->held.length > take->hold ? g_queue_pop_head (&take->held) : NULL;
  }
  g_mutex_unlock (&take->lock);
  if (let_go != NULL)
    gst_buffer_unref (let_go);
  return GST_FLOW_OK;
}

static void
note_event (Take *take, GstEvent *event)
{
  gint number = 0;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    gst_structure_get_int (gst_caps_get_structure (caps, 0), "width", &take->width);
    break;
  case GST_EVENT_FLUSH_STOP:
    take->stopped_flushes++;
    break;
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    gst_structure_get_int (gst_event_get_structure (event), "number", &number);
    take->out_of_order += (guint) number != take->last_event + 1;
    take->last_event = MAX (take->last_event, (guint) number);
    break;
  default:
    break;
  }
  g_cond_broadcast (&take->cond);
}

static gboolean
take_on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Take *take = gst_pad_get_element_private (pad);
  (void) parent;

  g_mutex_lock (&take->lock);
  note_event (take, event);
  g_mutex_unlock (&take->lock);
  if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM_OOB && take->on_event != NULL)
    take->on_event (take->on_event_data);
  gst_event_unref (event);
  return TRUE;
}

static gboolean
take_answer_caps (Take *take, GstQuery *query)
{
  GstCaps *filter = NULL;

  if (take->on_caps_query != NULL)
    take->on_caps_query (take->on_caps_query_data);
  gst_query_parse_caps (query, &filter);
  g_autoptr (GstCaps) caps = take->caps ? gst_caps_ref (take->caps) : gst_caps_new_any ();
  g_autoptr (GstCaps) answer = filter
      ? gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST)
      : gst_caps_ref (caps);
  gst_query_set_caps_result (query, answer);
  return TRUE;
}

static gboolean
take_on_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  Take *take = gst_pad_get_element_private (pad);

  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_CAPS:
    return take_answer_caps (take, query);
  case GST_QUERY_ALLOCATION:
    if (!take->decline)
      gst_query_add_allocation_meta (query, GST_REFERENCE_TIMESTAMP_META_API_TYPE, NULL);
    if (take->sizes) {
      g_mutex_lock (&take->lock);
      gst_query_add_allocation_pool (query, NULL, (guint) take->width, 0, 0);
      g_mutex_unlock (&take->lock);
    }
    return !take->decline;
  default:
    return gst_pad_query_default (pad, parent, query);
  }
}

Take *
take_new (const gchar *name, const gchar *listen_to)
{
  Take *take = g_new0 (Take, 1);

  g_mutex_init (&take->lock);
  g_cond_init (&take->cond);
  for (guint i = 0; i < WGI_FEEDS; i++)
    take->last[i] = -1;
  take->src = gst_object_ref_sink (gst_element_factory_make ("interpipesrc", name));
  take->pad = gst_object_ref_sink (gst_pad_new ("sink", GST_PAD_SINK));
  gst_pad_set_element_private (take->pad, take);
  gst_pad_set_chain_function (take->pad, take_on_buffer);
  gst_pad_set_event_function (take->pad, take_on_event);
  gst_pad_set_query_function (take->pad, take_on_query);
  gst_pad_set_active (take->pad, TRUE);
  g_autoptr (GstPad) peer = gst_element_get_static_pad (take->src, "src");
  gst_pad_link (peer, take->pad);
  g_object_set (take->src, "format", GST_FORMAT_TIME, "listen-to", listen_to, NULL);
  return take;
}

typedef struct {
  GstElement *element;
  GstState state;
  GstStateChangeReturn change;
} StateChange;

static void
change_state (gpointer data)
{
  StateChange *change = data;

  change->change = gst_element_set_state (change->element, change->state);
}

static gboolean
take_change_state (Take *take, GstState state)
{
  StateChange *change = g_new0 (StateChange, 1);

  change->element = take->src;
  change->state = state;
  return within (WGI_SOON_MS, change_state, change) && change->change == GST_STATE_CHANGE_SUCCESS;
}

gboolean
take_start (Take *take)
{
  return take_change_state (take, GST_STATE_PLAYING);
}

gboolean
take_stop (Take *take)
{
  return take_change_state (take, GST_STATE_NULL);
}

Take *
take_playing (const gchar *name, const gchar *listen_to)
{
  Take *take = take_new (name, listen_to);

  take_start (take);
  return take;
}

void
take_listen_here (Take *take, const gchar *node)
{
  g_object_set (take->src, "listen-to", node, NULL);
}

typedef struct {
  Take *take;
  const gchar *node;
} Listen;

static void
listen_to (gpointer data)
{
  const Listen *listen = data;

  take_listen_here (listen->take, listen->node);
}

gboolean
take_listen (Take *take, const gchar *node, guint ms)
{
  Listen *listen = g_new0 (Listen, 1);

  listen->take = take;
  listen->node = node;
  return within (ms, listen_to, listen);
}

gboolean
take_wait (Take *take, guint feed, gint64 number, guint ms)
{
  const gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&take->lock);
  while (take->last[feed] < number && g_cond_wait_until (&take->cond, &take->lock, until))
    ;
  const gboolean here = take->last[feed] >= number;
  g_mutex_unlock (&take->lock);
  return here;
}

guint
take_read (Take *take, const guint *figure)
{
  g_mutex_lock (&take->lock);
  const guint value = *figure;
  g_mutex_unlock (&take->lock);
  return value;
}

gboolean
take_gets (Take *take, Feed *feed)
{
  const gint number = g_atomic_int_get (&feed->number);

  return within (WGI_SOON_MS, feed_push, feed) && take_wait (take, feed->id, number, WGI_SOON_MS);
}

gboolean
take_settle (Take *take)
{
  g_mutex_lock (&take->lock);
  const gint64 number = take->last[0] + 1;
  g_mutex_unlock (&take->lock);
  GstBuffer *marker =
      buffer_of (0, (guint) number, MAX (take->width, (gint) sizeof (Header)), NULL, FALSE);
  return gst_app_src_push_buffer (GST_APP_SRC (take->src), marker) == GST_FLOW_OK
      && take_wait (take, 0, number, WGI_SOON_MS);
}

gboolean
take_wait_event (Take *take, guint number, guint ms)
{
  const gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&take->lock);
  while (take->last_event < number && g_cond_wait_until (&take->cond, &take->lock, until))
    ;
  const gboolean here = take->last_event >= number;
  g_mutex_unlock (&take->lock);
  return here;
}

static GstPadProbeReturn
stand_still (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void) pad, (void) info, (void) data;
  return GST_PAD_PROBE_OK; /* of a blocking probe: stay */
}

void
take_stall (Take *take)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (take->src, "src");

  take->block = gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, stand_still, NULL, NULL);
}

static gboolean
is_blocking (gpointer pad)
{
  return gst_pad_is_blocking (pad);
}

gboolean
take_wait_stalled (Take *take, guint ms)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (take->src, "src");

  return wait_until (is_blocking, pad, ms);
}

void
take_go_on (Take *take)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (take->src, "src");

  gst_pad_remove_probe (pad, take->block);
  take->block = 0;
}

void
take_drop (gpointer data)
{
  Take *take = data;

  gst_clear_object (&take->src);
}
