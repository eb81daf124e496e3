/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-sink.c: interpipesink, which hands what it gets to all that listen to its name.
 *
 * It is a GstAppSink, so that applications may treat it as one. Its pad, its properties, its
 * synchronisation to the clock and its preroll come from there. Buffers do not go through the
 * appsink's queue. render() puts them into the inboxes of those that listen. It waits only for
 * consumers that ask for it with block=true.
 *
 * What stands below "the streaming thread's" belongs to that thread while data flows.
 */
#include "relay-sink.h"

#include "relay-agreement.h"
#include "relay-inbox.h"

GST_DEBUG_CATEGORY_STATIC (relay_sink_debug);
#define GST_CAT_DEFAULT relay_sink_debug

struct _InterPipeSink {
  GstAppSink parent;

  RelayNode *node;
  RelaySlot topic;
  atomic_bool forward_eos, forward_events;
  /* Who listened when they had no caps in common with what comes here: who_listens() */
  _Atomic guint64 disagreed;

  /* the streaming thread's */
  GstCaps *caps;
  GstEvent *segment;
  /* What has been handed over at preroll, and is not to be again when it is rendered. */
  gpointer prerolled;
  RelayList *prerolled_to;
};

enum { PROP_0, PROP_FORWARD_EOS, PROP_FORWARD_EVENTS, PROP_NUM_LISTENERS };

G_DEFINE_FINAL_TYPE (InterPipeSink, relay_sink, GST_TYPE_APP_SINK)

/* ---- its name ---- */

/* Brings the node to the topic of the element's name. Of several threads that rename it at once,
 * each looks again, so that the last name stays. */
static void
follow_name (InterPipeSink *self)
{
  for (;;) {
    g_autofree gchar *name = gst_object_get_name (GST_OBJECT (self));
    RelayTopic *has = relay_slot_get (&self->topic);
    RelayTopic *topic;

    if (name == NULL || (has != NULL && g_str_equal (has->name, name))) {
      relay_unref (has);
      return;
    }
    GST_INFO_OBJECT (self, "now at \"%s\"", name);
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

static void
relay_sink_notify (GObject *object, GParamSpec *spec)
{
  if (g_str_equal (spec->name, "name") && RELAY_SINK (object)->node != NULL)
    follow_name (RELAY_SINK (object));
  if (G_OBJECT_CLASS (relay_sink_parent_class)->notify != NULL)
    G_OBJECT_CLASS (relay_sink_parent_class)->notify (object, spec);
}

static void
relay_sink_constructed (GObject *object)
{
  InterPipeSink *self = RELAY_SINK (object);

  G_OBJECT_CLASS (relay_sink_parent_class)->constructed (object);
  follow_name (self);
}

static void
relay_sink_dispose (GObject *object)
{
  InterPipeSink *self = RELAY_SINK (object);
  RelayTopic *topic = relay_slot_swap (&self->topic, NULL);

  if (topic != NULL) {
    relay_topic_remove_node (topic, self->node);
    relay_topic_leave (topic);
  }
  G_OBJECT_CLASS (relay_sink_parent_class)->dispose (object);
}

static void
forget_preroll (InterPipeSink *self)
{
  self->prerolled = NULL;
  g_clear_pointer (&self->prerolled_to, relay_unref);
}

static void
relay_sink_finalize (GObject *object)
{
  InterPipeSink *self = RELAY_SINK (object);

  forget_preroll (self);
  gst_clear_caps (&self->caps);
  gst_clear_event (&self->segment);
  relay_unref (self->node);
  G_OBJECT_CLASS (relay_sink_parent_class)->finalize (object);
}

/* Returns: (transfer full)(nullable): the links that listen to it now */
static RelayList *
get_links (InterPipeSink *self, guint64 *epoch)
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

static guint
count_links (InterPipeSink *self)
{
  guint64 epoch;
  g_autoptr (RelayList) links = get_links (self, &epoch);
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

/* To all who listen, but for those in @but_not (nullable). Returns: (transfer full)(nullable): who
 * they are. First to all that have room, then to those that it has to be waited for. */
static RelayList *
hand_over (InterPipeSink *self, RelayKind kind, GstMiniObject *content, RelayList *but_not)
{
  guint64 epoch;
  RelayList *links = get_links (self, &epoch);
  g_autoptr (RelayItem) item = NULL;
  g_autofree gboolean *full = NULL;

  if (links == NULL)
    return NULL;
  /* All of them have it already, and one may be changing it by now: it is not to be looked at. */
  if (links == but_not)
    return links;
  item = relay_item_new (kind, content, relay_ref (links));
  item->epoch = epoch;
  item->base_time = gst_element_get_base_time (GST_ELEMENT (self));
  if (self->caps != NULL)
    item->caps = gst_caps_ref (self->caps);
  if (self->segment != NULL && atomic_load (&self->forward_events))
    item->segment = gst_event_ref (self->segment);
  for (guint i = 0; i < links->len; i++) {
    RelayLink *link = links->members[i];
    gboolean its_full = FALSE;

    if (!is_in (but_not, link) && is_wanted (link, kind))
      relay_inbox_put (link->inbox, &item->entries[i], FALSE, &its_full);
    if (its_full && full == NULL)
      full = g_new0 (gboolean, links->len);
    if (its_full)
      full[i] = TRUE;
  }
  for (guint i = 0; full != NULL && i < links->len; i++)
    if (full[i])
      relay_inbox_put (((RelayLink *) links->members[i])->inbox, &item->entries[i], TRUE, NULL);
  return links;
}

static GstFlowReturn
relay_sink_preroll (GstBaseSink *base, GstBuffer *buffer)
{
  InterPipeSink *self = RELAY_SINK (base);

  forget_preroll (self);
  self->prerolled_to = hand_over (self, RELAY_DATA, GST_MINI_OBJECT_CAST (buffer), NULL);
  self->prerolled = buffer;
  return GST_FLOW_OK;
}

static GstFlowReturn
relay_sink_render (GstBaseSink *base, GstBuffer *buffer)
{
  InterPipeSink *self = RELAY_SINK (base);
  RelayList *but_not = self->prerolled == buffer ? self->prerolled_to : NULL;

  relay_unref (hand_over (self, RELAY_DATA, GST_MINI_OBJECT_CAST (buffer), but_not));
  if (self->prerolled != NULL)
    forget_preroll (self);
  return GST_FLOW_OK;
}

static GstFlowReturn
relay_sink_render_list (GstBaseSink *base, GstBufferList *list)
{
  InterPipeSink *self = RELAY_SINK (base);

  /* The first buffer of a list prerolls. Consumers that have it get the others. */
  if (self->prerolled != NULL && gst_buffer_list_length (list) > 0
      && self->prerolled == gst_buffer_list_get (list, 0)) {
    for (guint i = 0; i < gst_buffer_list_length (list); i++)
      relay_sink_render (base, gst_buffer_list_get (list, i));
    return GST_FLOW_OK;
  }
  relay_unref (hand_over (self, RELAY_DATA, GST_MINI_OBJECT_CAST (list), NULL));
  return GST_FLOW_OK;
}

/* ---- events ---- */

/* At once, in this thread: a flush is to reach a worker that stands in the way of what is queued. */
static void
pass_around (InterPipeSink *self, GstEvent *event)
{
  guint64 epoch;
  g_autoptr (RelayList) links = get_links (self, &epoch);
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

static void
forward_event (InterPipeSink *self, GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
  case GST_EVENT_SEGMENT:
    break; /* in each item */
  case GST_EVENT_STREAM_START:
    break; /* a consumer's stream is its own, and goes on whatever it listens to */
  case GST_EVENT_EOS:
    if (atomic_load (&self->forward_eos))
      relay_unref (hand_over (self, RELAY_EOS, NULL, NULL));
    break;
  case GST_EVENT_FLUSH_START:
  case GST_EVENT_FLUSH_STOP:
    if (atomic_load (&self->forward_events))
      pass_around (self, event);
    break;
  default:
    if (!atomic_load (&self->forward_events))
      break;
    if (!GST_EVENT_IS_SERIALIZED (event))
      pass_around (self, event);
    else
      relay_unref (hand_over (self,
          GST_EVENT_TYPE (event) == GST_EVENT_GAP
                  || GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT_DONE
              ? RELAY_PROMPT
              : RELAY_EVENT,
          GST_MINI_OBJECT_CAST (event), NULL));
    break;
  }
}

static gboolean
relay_sink_event (GstBaseSink *base, GstEvent *event)
{
  InterPipeSink *self = RELAY_SINK (base);

  GST_DEBUG_OBJECT (self, "%s", GST_EVENT_TYPE_NAME (event));
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_event_replace (&self->segment, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    forget_preroll (self);
  forward_event (self, event);
  /* The appsink would keep events for an application that pulls; nobody takes them out here. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    return GST_BASE_SINK_CLASS (relay_sink_parent_class)->event (base, event);
  return GST_BASE_SINK_CLASS (g_type_class_peek (GST_TYPE_BASE_SINK))->event (base, event);
}

/* ---- caps and allocation ---- */

/* Which list of which topic. */
static guint64
who_listens (RelayList *links)
{
  const RelayLink *link = links->members[0];

  return links->version << 24 ^ link->topic->serial;
}

/* What all those who listen can take. Anything if they cannot agree, with each other or with what
 * comes here: then each takes what it can and drops the rest; that is so until others listen. */
static GstCaps *
relay_sink_get_caps (GstBaseSink *base, GstCaps *filter)
{
  InterPipeSink *self = RELAY_SINK (base);
  guint64 epoch;
  g_autoptr (RelayList) links = get_links (self, &epoch);
  g_autoptr (GstCaps) common = NULL;

  if (links == NULL || atomic_load (&self->disagreed) == who_listens (links))
    goto anything;
  common = relay_agreement_on_caps (links);
  if (common == NULL)
    goto anything;
  if (filter != NULL)
    gst_caps_take (&common, gst_caps_intersect (common, filter));
  if (gst_caps_is_empty (common)) {
    GST_INFO_OBJECT (self, "no caps in common with those who listen");
    atomic_store (&self->disagreed, who_listens (links));
    goto anything;
  }
  atomic_store (&self->node->negotiated, TRUE);
  return g_steal_pointer (&common);

anything:
  atomic_store (&self->node->negotiated, FALSE);
  return filter != NULL ? gst_caps_ref (filter) : NULL;
}

static gboolean
relay_sink_set_caps (GstBaseSink *base, GstCaps *caps)
{
  InterPipeSink *self = RELAY_SINK (base);

  GST_INFO_OBJECT (self, "caps %" GST_PTR_FORMAT, caps);
  gst_caps_replace (&self->caps, caps);
  /* For gst_app_sink_get_caps(). */
  gst_app_sink_set_caps (GST_APP_SINK (self), caps);
  return GST_BASE_SINK_CLASS (relay_sink_parent_class)->set_caps (base, caps);
}

static gboolean
relay_sink_propose_allocation (GstBaseSink *base, GstQuery *query)
{
  guint64 epoch;
  g_autoptr (RelayList) links = get_links (RELAY_SINK (base), &epoch);

  return relay_agreement_on_allocation (links, query);
}

/* ---- state ---- */

static gboolean
relay_sink_stop (GstBaseSink *base)
{
  InterPipeSink *self = RELAY_SINK (base);

  forget_preroll (self);
  gst_clear_caps (&self->caps);
  gst_clear_event (&self->segment);
  return GST_BASE_SINK_CLASS (relay_sink_parent_class)->stop (base);
}

/* ---- properties ---- */

static void
relay_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  InterPipeSink *self = RELAY_SINK (object);

  switch (id) {
  case PROP_FORWARD_EOS:
    atomic_store (&self->forward_eos, g_value_get_boolean (value));
    break;
  case PROP_FORWARD_EVENTS:
    atomic_store (&self->forward_events, g_value_get_boolean (value));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
relay_sink_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  InterPipeSink *self = RELAY_SINK (object);

  switch (id) {
  case PROP_NUM_LISTENERS:
    g_value_set_uint (value, count_links (self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
relay_sink_class_init (InterPipeSinkClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBaseSinkClass *base_class = GST_BASE_SINK_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (relay_sink_debug, "interpipesink", 0, "interpipeline sink");

  object_class->constructed = relay_sink_constructed;
  object_class->notify = relay_sink_notify;
  object_class->dispose = relay_sink_dispose;
  object_class->finalize = relay_sink_finalize;
  object_class->set_property = relay_sink_set_property;
  object_class->get_property = relay_sink_get_property;

  g_object_class_install_property (object_class, PROP_FORWARD_EOS,
      g_param_spec_boolean ("forward-eos", "Forward EOS", "Pass EOS on to those who listen", FALSE,
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (object_class, PROP_FORWARD_EVENTS,
      g_param_spec_boolean ("forward-events", "Forward events",
          "Pass downstream events, but for EOS, on to those who listen", TRUE,
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (object_class, PROP_NUM_LISTENERS,
      g_param_spec_uint ("num-listeners", "Number of listeners",
          "How many interpipesrc listen to this one", 0, G_MAXUINT, 0,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_set_static_metadata (element_class, "Internal pipeline sink", "Generic/Sink",
      "Hands buffers to the interpipesrc elements that listen to its name",
      "The Wolf Guard developers");

  base_class->get_caps = GST_DEBUG_FUNCPTR (relay_sink_get_caps);
  base_class->set_caps = GST_DEBUG_FUNCPTR (relay_sink_set_caps);
  base_class->propose_allocation = GST_DEBUG_FUNCPTR (relay_sink_propose_allocation);
  base_class->event = GST_DEBUG_FUNCPTR (relay_sink_event);
  base_class->preroll = GST_DEBUG_FUNCPTR (relay_sink_preroll);
  base_class->render = GST_DEBUG_FUNCPTR (relay_sink_render);
  base_class->render_list = GST_DEBUG_FUNCPTR (relay_sink_render_list);
  base_class->stop = GST_DEBUG_FUNCPTR (relay_sink_stop);
}

static void
relay_sink_init (InterPipeSink *self)
{
  self->node = relay_node_new (GST_BASE_SINK_PAD (self));
  atomic_init (&self->forward_events, TRUE);
  gst_app_sink_set_drop (GST_APP_SINK (self), TRUE);
  gst_app_sink_set_max_buffers (GST_APP_SINK (self), 3);
  gst_base_sink_set_sync (GST_BASE_SINK (self), FALSE);
}
