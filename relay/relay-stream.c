/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-stream.h"

#include "relay-limits.h"
#include "relay-os.h"
#include "relay-view.h"

GST_DEBUG_CATEGORY_EXTERN (relay_src_debug);
#define GST_CAT_DEFAULT relay_src_debug

/* The old node's last one has gone. FALSE: it is of a node that has been left. */
static gboolean
change_over (RelayStream *self, const RelayEntry *entry)
{
  RelayLink *link = entry->link;

  if (link == NULL) /* by hand */
    return TRUE;
  if (link->number < self->first_link)
    return FALSE;
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
    self->times.catches_up = self->discont = TRUE;
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

static void
warn_of_caps (RelayStream *self, GstCaps *caps)
{
  g_autofree gchar *text = NULL;

  if (self->warned != NULL && gst_caps_is_equal (self->warned, caps))
    return;
  gst_caps_replace (&self->warned, caps);
  text = gst_caps_to_string (caps);
  GST_ELEMENT_WARNING (self->src, CORE, NEGOTIATION,
      ("What comes here cannot be taken, and is dropped."), ("caps %s", text));
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
    warn_of_caps (self, caps);
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
  if (atomic_load (&self->times.sync) == RELAY_RESTART_TS
      || !atomic_load (&self->inbox->accept_events))
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

static gboolean
change_times_in_list (GstBuffer **buffer, guint index, gpointer shift)
{
  (void) index;
  *buffer = relay_shift_buffer (*buffer, shift);
  return TRUE;
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

/* The appsink's last sample keeps a producer's buffer. A single consumer gets one that is its own
 * to write to, as if there were no such sample; several share theirs, as behind a tee. */
static GstBuffer *
make_own (const RelayItem *item, GstBuffer *buffer)
{
  return item->n_entries == 1 ? relay_view_new (buffer) : buffer;
}

static GstFlowReturn
send_data (RelayStream *self, RelayItem *item, RelayShift *shift, gboolean discont)
{
  GstMiniObject *content = relay_item_take_content (item);
  GstBufferList *list;

  if (GST_IS_BUFFER (content)) {
    GstBuffer *buffer = make_own (item, GST_BUFFER_CAST (content));
    buffer = relay_shift_buffer (buffer, shift);
    return gst_pad_push (self->inbox->pad, discont ? mark_discont (buffer) : buffer);
  }
  list = GST_BUFFER_LIST_CAST (content);
  if (discont) {
    list = gst_buffer_list_make_writable (list);
    gst_buffer_list_foreach (list, mark_first_discont, NULL);
  }
  if (shift->sync != RELAY_PASSTHROUGH_TS || GST_CLOCK_TIME_IS_VALID (shift->stamp)) {
    list = gst_buffer_list_make_writable (list);
    gst_buffer_list_foreach (list, change_times_in_list, shift);
  }
  return gst_pad_push_list (self->inbox->pad, list);
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
  RelayShift shift = relay_times_find (&self->times, entry);
  GstFlowReturn flow;

  if (buffers == 0)
    return;
  if (self->need_key && is_delta (item))
    why = RELAY_DROP_STATE;
  else if (!relay_times_is_in_time (&self->times, item, &shift))
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
  flow = send_data (self, item, &shift, self->discont);
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

/* For what comes next. Nothing may come next for long, if caps are refused or a key frame is waited
 * for. */
static void
keep_event (RelayStream *self, const RelayEntry *entry)
{
  const RelayShift shift = relay_times_find (&self->times, entry);
  GstEvent *event = GST_EVENT_CAST (entry->item->content);

  if (self->events.length >= RELAY_EVENTS && relay_item_is_dispensable (entry->item)) {
    relay_inbox_drop (self->inbox, RELAY_DROP_EVENTS, 1);
    return;
  }
  event = relay_shift_event (event, &shift);
  if (event != NULL)
    g_queue_push_tail (&self->events, event);
}

/* By the numbers: whether it is late, and whether something before it was dropped. */
static gboolean
is_late (RelayStream *self, const RelayEntry *entry)
{
  if (entry->number < self->number)
    return entry->item->kind == RELAY_DATA && entry->link != NULL && entry->link == self->link;
  self->discont = self->discont || entry->number > self->number + 1;
  self->number = entry->number;
  return FALSE;
}

static void
deliver (RelayStream *self, RelayEntry *entry)
{
  RelayItem *item = entry->item;
  const gboolean late = is_late (self, entry);

  if (late || !change_over (self, entry)) {
    if (item->kind == RELAY_DATA)
      relay_inbox_drop (self->inbox, late ? RELAY_DROP_LEAKY : RELAY_DROP_STALE, item->buffers);
    return;
  }
  switch (item->kind) {
  case RELAY_DATA:
    deliver_data (self, entry);
    break;
  case RELAY_EVENT:
    keep_event (self, entry);
    break;
  case RELAY_PROMPT:
    keep_event (self, entry);
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
    relay_limits_follow (inbox, GST_APP_SRC (self->src));
    relay_times_look_at_clock (&self->times);
    while (n < RELAY_BUDGET && may_deliver (self) && (entry = relay_inbox_take (inbox)) != NULL) {
      RelayItem *item = entry->item;
      deliver (self, entry);
      relay_unref (item);
      n++;
    }
    *more = n == RELAY_BUDGET && may_deliver (self);
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
  self->times.src = src;
  atomic_init (&self->times.sync, RELAY_PASSTHROUGH_TS);
}

void
relay_stream_begin (RelayStream *self)
{
  self->need_segment = self->discont = TRUE;
  relay_times_begin (&self->times);
}

void
relay_stream_forget (RelayStream *self)
{
  g_clear_pointer (&self->link, relay_unref);
  gst_clear_caps (&self->caps);
  gst_clear_caps (&self->refused);
  gst_clear_caps (&self->warned);
  gst_clear_event (&self->segment);
  g_queue_clear_full (&self->events, (GDestroyNotify) gst_event_unref);
  self->need_key = FALSE;
  relay_times_forget (&self->times);
}
