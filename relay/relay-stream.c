/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-stream.h"

#include "relay-os.h"
#include "relay-view.h"

GST_DEBUG_CATEGORY_EXTERN (relay_src_debug);
#define GST_CAT_DEFAULT relay_src_debug

/* A node whose time is behind by less is at what has been sent of the one before; by more, it goes
 * by another time altogether, and nothing of it would come for as long as that takes. */
#define OVERLAP GST_SECOND

/* What a worker delivers before it looks after another inbox. */
#define BUDGET 16

/* The old node's last one has gone. FALSE: it is of a node that has been left. */
static gboolean
change_over (RelayStream *self, const RelayEntry *entry)
{
  RelayLink *link = entry->link;

  if (link == NULL) /* by hand */
    return TRUE;
  if (link == self->link) {
    if (entry->item->epoch < self->epoch)
      return FALSE;
    self->epoch = entry->item->epoch;
    return TRUE;
  }
  if (self->link != NULL && link->number < self->link->number)
    return FALSE;
  if (self->link != NULL) {
    atomic_fetch_add (&self->inbox->stats.switches, 1);
    atomic_store (&self->inbox->stats.last_switch, relay_now ());
    self->need_key = atomic_load (&self->inbox->switch_on_keyframe);
    self->catches_up = self->discont = TRUE;
    GST_DEBUG_OBJECT (
        self->src, "from \"%s\" to \"%s\"", self->link->topic->name, link->topic->name);
  }
  relay_unref (self->link);
  self->link = relay_ref (link);
  self->epoch = entry->item->epoch;
  return TRUE;
}

static gboolean
is_acceptable (RelayStream *self, GstCaps *caps)
{
  if (self->caps != NULL && !atomic_load (&self->inbox->renegotiates))
    return FALSE;
  return gst_pad_peer_query_accept_caps (self->inbox->pad, caps);
}

gboolean
relay_stream_follow_caps (RelayStream *self, GstCaps *caps)
{
  g_autoptr (GstCaps) told = NULL;

  if (gst_pad_check_reconfigure (self->inbox->pad))
    gst_caps_replace (&self->refused, NULL);
  if (caps == NULL || caps == self->caps)
    return TRUE;
  if (caps == self->refused)
    return FALSE;
  if (self->caps != NULL && gst_caps_is_equal (caps, self->caps)) {
    gst_caps_replace (&self->caps, caps);
    return TRUE;
  }
  if (!is_acceptable (self, caps)) {
    gst_caps_replace (&self->refused, caps);
    GST_WARNING_OBJECT (self->src,
        "dropping what comes with caps that cannot be taken here: %" GST_PTR_FORMAT, caps);
    return FALSE;
  }
  gst_caps_replace (&self->refused, NULL);
  gst_caps_replace (&self->caps, caps);
  told = gst_app_src_get_caps (GST_APP_SRC (self->src));
  if (told == NULL || !gst_caps_is_equal (told, caps))
    gst_app_src_set_caps (GST_APP_SRC (self->src), caps);
  gst_pad_push_event (self->inbox->pad, gst_event_new_caps (caps));
  return TRUE;
}

static gboolean
is_same_segment (GstEvent *a, GstEvent *b)
{
  const GstSegment *one, *other;

  if (a == b || a == NULL || b == NULL)
    return a == b;
  gst_event_parse_segment (a, &one);
  gst_event_parse_segment (b, &other);
  return gst_segment_is_equal (one, other);
}

/* Timestamps are the producer's unless they are made here; so is the segment. */
static void
follow_segment (RelayStream *self, const RelayEntry *entry)
{
  GstEvent *segment = entry->item->segment;

  if (entry->link == NULL && !self->need_segment)
    return;
  if (atomic_load (&self->sync) == RELAY_RESTART_TS || !atomic_load (&self->inbox->accept_events))
    segment = NULL;
  if (!self->need_segment && is_same_segment (segment, self->segment))
    return;
  gst_event_replace (&self->segment, segment);
  self->need_segment = FALSE;
  if (segment != NULL)
    gst_pad_push_event (self->inbox->pad, gst_event_ref (segment));
  else
    gst_pad_push_event (self->inbox->pad, gst_event_new_segment (&self->src->segment));
}

static void
send_events (RelayStream *self)
{
  GstEvent *event;

  while ((event = g_queue_pop_head (&self->events)) != NULL)
    gst_pad_push_event (self->inbox->pad, event);
}

static GstClockTime
shifted (GstClockTime time, GstClockTimeDiff shift)
{
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return time;
  return shift < 0 && time < (GstClockTime) -shift ? 0 : time + (GstClockTime) shift;
}

/* Whether compensate-ts lets it through, and by how much it is moved. Time goes on over a switch:
 * both nodes may have sent the same moment. */
static gboolean
find_shift (RelayStream *self, const RelayItem *item, GstClockTimeDiff *shift)
{
  GstClockTime at;

  if (GST_STATE (self->src) != GST_STATE_PLAYING)
    return FALSE; /* there is no base time yet */
  *shift = GST_CLOCK_DIFF (gst_element_get_base_time (GST_ELEMENT (self->src)), item->base_time);
  if (!GST_CLOCK_TIME_IS_VALID (item->time))
    return TRUE;
  if (*shift < 0 && item->time < (GstClockTime) - *shift)
    return FALSE;
  at = shifted (item->time, *shift);
  if (self->catches_up && at < self->last && self->last - at < OVERLAP)
    return FALSE;
  self->catches_up = FALSE;
  self->last = at;
  return TRUE;
}

typedef struct {
  RelaySync sync;
  GstClockTimeDiff shift;
  GstClockTime stamp; /* NONE: no clock */
} Times;

static GstBuffer *
change_times (GstBuffer *buffer, const Times *times)
{
  switch (times->sync) {
  case RELAY_RESTART_TS:
    buffer = relay_view_new (buffer);
    GST_BUFFER_PTS (buffer) = times->stamp;
    GST_BUFFER_DTS (buffer) = times->stamp;
    break;
  case RELAY_COMPENSATE_TS:
    if (times->shift == 0)
      break;
    buffer = relay_view_new (buffer);
    GST_BUFFER_PTS (buffer) = shifted (GST_BUFFER_PTS (buffer), times->shift);
    GST_BUFFER_DTS (buffer) = shifted (GST_BUFFER_DTS (buffer), times->shift);
    break;
  default:
    if (!GST_CLOCK_TIME_IS_VALID (times->stamp) || GST_BUFFER_PTS_IS_VALID (buffer)
        || GST_BUFFER_DTS_IS_VALID (buffer))
      break;
    buffer = relay_view_new (buffer);
    GST_BUFFER_PTS (buffer) = times->stamp;
    GST_BUFFER_DTS (buffer) = times->stamp;
    break;
  }
  return buffer;
}

static gboolean
change_times_in_list (GstBuffer **buffer, guint index, gpointer times)
{
  (void) index;
  *buffer = change_times (*buffer, times);
  return TRUE;
}

/* FALSE: it cannot be sent yet. */
static gboolean
find_times (RelayStream *self, const RelayEntry *entry, Times *times)
{
  times->sync = entry->link == NULL ? RELAY_PASSTHROUGH_TS : (RelaySync) atomic_load (&self->sync);
  times->shift = 0;
  times->stamp = self->stamps && self->clock != NULL
      ? (GstClockTime) MAX (entry->item->at + self->running, 0)
      : GST_CLOCK_TIME_NONE;
  return times->sync != RELAY_COMPENSATE_TS || find_shift (self, entry->item, &times->shift);
}

static GstBuffer *
mark_discont (GstBuffer *buffer)
{
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT))
    return buffer;
  buffer = relay_view_new (buffer);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  return buffer;
}

static gboolean
mark_first_discont (GstBuffer **buffer, guint index, gpointer unused)
{
  (void) index, (void) unused;
  *buffer = mark_discont (*buffer);
  return FALSE;
}

static GstFlowReturn
send_data (RelayStream *self, RelayItem *item, Times *times, gboolean discont)
{
  GstMiniObject *content = relay_item_take_content (item);

  if (GST_IS_BUFFER (content)) {
    GstBuffer *buffer = change_times (GST_BUFFER_CAST (content), times);
    return gst_pad_push (self->inbox->pad, discont ? mark_discont (buffer) : buffer);
  }
  if (discont) {
    content = GST_MINI_OBJECT_CAST (gst_buffer_list_make_writable (GST_BUFFER_LIST_CAST (content)));
    gst_buffer_list_foreach (GST_BUFFER_LIST_CAST (content), mark_first_discont, NULL);
  }
  if (times->sync != RELAY_PASSTHROUGH_TS || GST_CLOCK_TIME_IS_VALID (times->stamp)) {
    content = GST_MINI_OBJECT_CAST (gst_buffer_list_make_writable (GST_BUFFER_LIST_CAST (content)));
    gst_buffer_list_foreach (GST_BUFFER_LIST_CAST (content), change_times_in_list, times);
  }
  return gst_pad_push_list (self->inbox->pad, GST_BUFFER_LIST_CAST (content));
}

static gboolean
is_delta (const RelayItem *item)
{
  GstBuffer *buffer = GST_IS_BUFFER (item->content)
      ? GST_BUFFER_CAST (item->content)
      : gst_buffer_list_get (GST_BUFFER_LIST_CAST (item->content), 0);

  return GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}

static void
judge_flow (RelayStream *self, GstFlowReturn flow)
{
  switch (flow) {
  case GST_FLOW_OK:
    break;
  case GST_FLOW_FLUSHING:
    /* Either this is being stopped, and says so itself; or something behind it flushes, and what
     * comes after that may pass. */
    break;
  case GST_FLOW_NOT_NEGOTIATED:
    if (gst_pad_needs_reconfigure (self->inbox->pad))
      break;
    /* fall through */
  default:
    GST_INFO_OBJECT (self->src, "ending: %s", gst_flow_get_name (flow));
    self->end (self->src, flow);
    break;
  }
}

static void
deliver_data (RelayStream *self, RelayEntry *entry)
{
  RelayItem *item = entry->item;
  const guint buffers = item->buffers;
  RelayDrop why = RELAY_DROPS;
  Times times;
  GstFlowReturn flow;

  if (buffers == 0)
    return;
  if (self->need_key && is_delta (item))
    why = RELAY_DROP_STATE;
  else if (!find_times (self, entry, &times))
    why = RELAY_DROP_SYNC;
  else if (!relay_stream_follow_caps (self, item->caps))
    why = RELAY_DROP_CAPS;
  if (why != RELAY_DROPS) {
    relay_inbox_drop (self->inbox, why, buffers);
    return;
  }
  self->need_key = FALSE;
  follow_segment (self, entry);
  send_events (self);
  flow = send_data (self, item, &times, self->discont || entry->discont);
  self->discont = FALSE;
  if (flow == GST_FLOW_OK)
    atomic_store_explicit (&self->inbox->stats.delivered,
        atomic_load_explicit (&self->inbox->stats.delivered, memory_order_relaxed) + buffers,
        memory_order_relaxed);
  else
    relay_inbox_drop (self->inbox, RELAY_DROP_STATE, buffers);
  judge_flow (self, flow);
  if (self->left > 0 && (self->left -= (gint) MIN (buffers, (guint) self->left)) == 0)
    self->end (self->src, GST_FLOW_EOS);
}

/* For what comes next. Nothing may come next for long, if caps are refused or a key frame is
 * waited for. */
static void
keep_event (RelayStream *self, const RelayItem *item)
{
  if (self->events.length >= RELAY_EVENTS && relay_item_is_dispensable (item))
    relay_inbox_drop (self->inbox, RELAY_DROP_EVENTS, 1);
  else
    g_queue_push_tail (&self->events, gst_mini_object_ref (item->content));
}

static void
deliver (RelayStream *self, RelayEntry *entry)
{
  RelayItem *item = entry->item;

  if (!change_over (self, entry)) {
    if (item->kind == RELAY_DATA)
      relay_inbox_drop (self->inbox, RELAY_DROP_STALE, item->buffers);
    return;
  }
  switch (item->kind) {
  case RELAY_DATA:
    deliver_data (self, entry);
    break;
  case RELAY_EVENT:
    keep_event (self, item);
    break;
  case RELAY_PROMPT:
    keep_event (self, item);
    if (relay_stream_follow_caps (self, item->caps)) {
      follow_segment (self, entry);
      send_events (self);
    }
    break;
  case RELAY_EOS:
    if (self->need_segment && relay_stream_follow_caps (self, item->caps))
      follow_segment (self, entry);
    send_events (self);
    self->end (self->src, GST_FLOW_EOS);
    break;
  }
}

/* Where running time is, looked up once for all that a worker delivers at a time. */
static void
look_at_clock (RelayStream *self)
{
  gst_clear_object (&self->clock);
  if (!self->stamps)
    return;
  self->clock = gst_element_get_clock (GST_ELEMENT (self->src));
  if (self->clock == NULL)
    return;
  self->running = (GstClockTimeDiff) gst_clock_get_time (self->clock)
      - (GstClockTimeDiff) gst_element_get_base_time (GST_ELEMENT (self->src)) - relay_now ();
}

static gboolean
may_deliver (RelayStream *self)
{
  return atomic_load (&self->inbox->open) && !atomic_load (&self->waits_for_playing);
}

guint
relay_stream_run (RelayInbox *inbox, gpointer data, gboolean *more)
{
  RelayStream *self = data;
  RelayEntry *entry;
  guint n = 0;

  GST_PAD_STREAM_LOCK (inbox->pad);
  /* Only now it is known that the element is still there. */
  if (atomic_load (&inbox->open)) {
    look_at_clock (self);
    while (n < BUDGET && may_deliver (self) && (entry = relay_inbox_take (inbox)) != NULL) {
      RelayItem *item = entry->item;
      deliver (self, entry);
      relay_unref (item);
      n++;
    }
    *more = n == BUDGET && may_deliver (self);
  }
  GST_PAD_STREAM_UNLOCK (inbox->pad);
  return n;
}

void
relay_stream_init (RelayStream *self, GstBaseSrc *src, RelayInbox *inbox,
    void (*end) (GstBaseSrc *src, GstFlowReturn flow))
{
  self->src = src;
  self->inbox = inbox;
  self->end = end;
  self->left = -1;
  atomic_init (&self->sync, RELAY_PASSTHROUGH_TS);
}

void
relay_stream_begin (RelayStream *self)
{
  self->need_segment = self->discont = TRUE;
  self->stamps =
      atomic_load (&self->sync) == RELAY_RESTART_TS || gst_base_src_get_do_timestamp (self->src);
}

void
relay_stream_forget (RelayStream *self)
{
  g_clear_pointer (&self->link, relay_unref);
  gst_clear_caps (&self->caps);
  gst_clear_caps (&self->refused);
  gst_clear_event (&self->segment);
  gst_clear_object (&self->clock);
  g_queue_clear_full (&self->events, (GDestroyNotify) gst_event_unref);
  self->need_key = self->catches_up = FALSE;
  self->last = 0;
}
