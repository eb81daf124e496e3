/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-sender.h"

#include "relay-inbox.h"

GST_DEBUG_CATEGORY_EXTERN (relay_sink_debug);
#define GST_CAT_DEFAULT relay_sink_debug

void
relay_sender_init (RelaySender *self, GstBaseSink *sink)
{
  self->sink = sink;
  self->node = relay_node_new (GST_BASE_SINK_PAD (sink));
  atomic_init (&self->forward_events, TRUE);
}

void
relay_sender_forget (RelaySender *self)
{
  gst_clear_caps (&self->caps);
  gst_clear_event (&self->segment);
}

void
relay_sender_clear (RelaySender *self)
{
  relay_sender_forget (self);
  relay_unref (self->node);
}

/* ---- its name ---- */

void
relay_sender_follow_name (RelaySender *self)
{
  for (;;) {
    g_autofree gchar *name = gst_object_get_name (GST_OBJECT (self->sink));
    RelayTopic *has = relay_slot_get (&self->topic);
    RelayTopic *topic;

    if (name == NULL || (has != NULL && g_str_equal (has->name, name))) {
      relay_unref (has);
      return;
    }
    GST_INFO_OBJECT (self->sink, "now at \"%s\"", name);
    topic = relay_topic_enter (name);
    relay_topic_add_node (topic, self->node);
    if (relay_slot_cas (&self->topic, has, topic)) {
      if (has != NULL) {
        relay_topic_remove_node (has, self->node);
        relay_topic_leave (relay_ref (has));
      }
    } else {
      relay_topic_remove_node (topic, self->node);
      relay_topic_leave (topic);
    }
    relay_unref (has);
  }
}

void
relay_sender_leave_name (RelaySender *self)
{
  RelayTopic *topic = relay_slot_swap (&self->topic, NULL);

  if (topic == NULL)
    return;
  relay_topic_remove_node (topic, self->node);
  relay_topic_leave (topic);
}

/* ---- its listeners ---- */

RelayList *
relay_sender_get_links (RelaySender *self, guint64 *epoch)
{
  RelayTopic *topic = relay_slot_get (&self->topic);
  RelayList *links = NULL;

  if (topic != NULL)
    links = relay_topic_get_links (topic, self->node, epoch);
  relay_unref (topic);
  if (links != NULL && links->len == 0)
    g_clear_pointer (&links, relay_unref);
  return links;
}

guint
relay_sender_count (RelaySender *self)
{
  guint64 epoch;
  g_autoptr (RelayList) links = relay_sender_get_links (self, &epoch);
  guint count = 0;

  for (guint i = 0; links != NULL && i < links->len; i++)
    count += !atomic_load (&((RelayLink *) links->members[i])->ended);
  return count;
}

/* ---- handing over ---- */

static gboolean
is_in (RelayList *list, gpointer link)
{
  for (guint i = 0; list != NULL && i < list->len; i++)
    if (list->members[i] == link)
      return TRUE;
  return FALSE;
}

static gboolean
is_wanted (const RelayLink *link, RelayKind kind)
{
  switch (kind) {
  case RELAY_EVENT:
  case RELAY_PROMPT:
    return atomic_load (&link->inbox->accept_events);
  case RELAY_EOS:
    return atomic_load (&link->inbox->accept_eos);
  default:
    return TRUE;
  }
}

static RelayItem *
new_item (RelaySender *self, RelayKind kind, GstMiniObject *content, RelayList *links)
{
  RelayItem *item = relay_item_new (kind, content, relay_ref (links));

  item->base_time = gst_element_get_base_time (GST_ELEMENT (self->sink));
  if (self->caps != NULL)
    item->caps = gst_caps_ref (self->caps);
  if (self->segment != NULL && atomic_load (&self->forward_events))
    item->segment = gst_event_ref (self->segment);
  return item;
}

/* The consumer wants room to be waited for. A pause interrupts the wait. */
static GstFlowReturn
put_and_wait (RelaySender *self, RelayInbox *inbox, RelayEntry *entry, gboolean prerolls)
{
  GstFlowReturn flow = GST_FLOW_OK;

  while (flow == GST_FLOW_OK && relay_inbox_put (inbox, entry, &self->waiter) == RELAY_NO_ROOM)
    flow = prerolls ? GST_FLOW_FLUSHING : gst_base_sink_wait_preroll (self->sink);
  return flow;
}

GstFlowReturn
relay_sender_hand_over (
    RelaySender *self, RelayKind kind, GstMiniObject *content, RelayList *but_not, RelayList **to)
{
  guint64 epoch;
  g_autoptr (RelayList) links = relay_sender_get_links (self, &epoch);
  g_autoptr (RelayItem) item = NULL;
  g_autofree gboolean *full = NULL;
  GstFlowReturn flow = GST_FLOW_OK;

  if (to != NULL)
    *to = links != NULL ? relay_ref (links) : NULL;
  /* If all of them have it already, one may be changing it by now: it is not to be looked at. */
  if (links == NULL || links == but_not)
    return GST_FLOW_OK;
  item = new_item (self, kind, content, links);
  item->epoch = epoch;
  for (guint i = 0; i < links->len; i++) {
    RelayLink *link = links->members[i];

    if (is_in (but_not, link) || !is_wanted (link, kind)
        || relay_inbox_put (link->inbox, &item->entries[i], NULL) != RELAY_NO_ROOM)
      continue;
    if (full == NULL)
      full = g_new0 (gboolean, links->len);
    full[i] = TRUE;
  }
  relay_queue_check (((RelayLink *) links->members[0])->topic->queue, item->at);
  for (guint i = 0; full != NULL && flow == GST_FLOW_OK && i < links->len; i++)
    if (full[i])
      flow = put_and_wait (
          self, ((RelayLink *) links->members[i])->inbox, &item->entries[i], to != NULL);
  return flow;
}

void
relay_sender_pass_around (RelaySender *self, GstEvent *event)
{
  guint64 epoch;
  g_autoptr (RelayList) links = relay_sender_get_links (self, &epoch);
  const gboolean flush = GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START
      || GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP;

  for (guint i = 0; links != NULL && i < links->len; i++) {
    RelayLink *link = links->members[i];
    GstElement *element;

    if (atomic_load (&link->ended) || !is_wanted (link, RELAY_EVENT))
      continue;
    if (!flush) {
      gst_pad_push_event (link->inbox->pad, gst_event_ref (event));
      continue;
    }
    /* For its base class, too: that begins anew after it. Not gst_element_send_event(), which takes
     * the STATE_LOCK of another pipeline's element. */
    element = gst_pad_get_parent_element (link->inbox->pad);
    if (element != NULL) {
      GST_ELEMENT_GET_CLASS (element)->send_event (element, gst_event_ref (event));
      gst_object_unref (element);
    }
  }
}
