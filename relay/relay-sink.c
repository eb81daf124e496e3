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
#include "relay-sender.h"

GST_DEBUG_CATEGORY_EXTERN (relay_sink_debug);
#define GST_CAT_DEFAULT relay_sink_debug

struct _InterPipeSink {
  GstAppSink parent;

  RelaySender sender;
  /* GstBaseSink's, behind those of this element */
  GstPadChainFunction chain;
  GstPadChainListFunction chain_list;
  /* The list of links that had no caps in common with what comes here: which_links() */
  _Atomic guint64 disagreed;
  atomic_bool asks_producer;

  /* the streaming thread's */
  /* What has been handed over at preroll, and is not to be again when it is rendered. */
  gpointer prerolled;
  RelayList *prerolled_to;
};

enum { PROP_0, PROP_FORWARD_EOS, PROP_FORWARD_EVENTS, PROP_NUM_LISTENERS };

G_DEFINE_FINAL_TYPE (InterPipeSink, relay_sink, GST_TYPE_APP_SINK)

static void
relay_sink_notify (GObject *object, GParamSpec *spec)
{
  if (g_str_equal (spec->name, "name") && RELAY_SINK (object)->sender.node != NULL)
    relay_sender_follow_name (&RELAY_SINK (object)->sender);
  if (G_OBJECT_CLASS (relay_sink_parent_class)->notify != NULL)
    G_OBJECT_CLASS (relay_sink_parent_class)->notify (object, spec);
}

static void
relay_sink_constructed (GObject *object)
{
  InterPipeSink *self = RELAY_SINK (object);

  G_OBJECT_CLASS (relay_sink_parent_class)->constructed (object);
  relay_sender_follow_name (&self->sender);
}

static void
relay_sink_dispose (GObject *object)
{
  InterPipeSink *self = RELAY_SINK (object);

  relay_sender_leave_name (&self->sender);
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
  relay_sender_clear (&self->sender);
  G_OBJECT_CLASS (relay_sink_parent_class)->finalize (object);
}

/* What prerolled is what renders only if nothing else came in between: that may have its
 * address. */
static GstFlowReturn
relay_sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  InterPipeSink *self = RELAY_SINK (parent);

  forget_preroll (self);
  return self->chain (pad, parent, buffer);
}

static GstFlowReturn
relay_sink_chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  InterPipeSink *self = RELAY_SINK (parent);

  forget_preroll (self);
  return self->chain_list (pad, parent, list);
}

static GstFlowReturn
relay_sink_preroll (GstBaseSink *base, GstBuffer *buffer)
{
  InterPipeSink *self = RELAY_SINK (base);

  forget_preroll (self);
  self->prerolled = buffer;
  return relay_sender_hand_over (
      &self->sender, RELAY_DATA, GST_MINI_OBJECT_CAST (buffer), NULL, &self->prerolled_to);
}

static GstFlowReturn
relay_sink_render (GstBaseSink *base, GstBuffer *buffer)
{
  InterPipeSink *self = RELAY_SINK (base);
  RelayList *but_not = self->prerolled == buffer ? self->prerolled_to : NULL;

  return relay_sender_hand_over (
      &self->sender, RELAY_DATA, GST_MINI_OBJECT_CAST (buffer), but_not, NULL);
}

static GstFlowReturn
relay_sink_render_list (GstBaseSink *base, GstBufferList *list)
{
  InterPipeSink *self = RELAY_SINK (base);
  GstFlowReturn flow = GST_FLOW_OK;

  /* The first buffer of a list prerolls. Consumers that have it get the others. */
  if (self->prerolled == NULL && gst_app_sink_get_buffer_list_support (GST_APP_SINK (self)))
    return relay_sender_hand_over (
        &self->sender, RELAY_DATA, GST_MINI_OBJECT_CAST (list), NULL, NULL);
  for (guint i = 0; flow == GST_FLOW_OK && i < gst_buffer_list_length (list); i++)
    flow = relay_sink_render (base, gst_buffer_list_get (list, i));
  return flow;
}

static gboolean
relay_sink_unlock (GstBaseSink *base)
{
  relay_waiter_give_up (&RELAY_SINK (base)->sender.waiter);
  return GST_BASE_SINK_CLASS (relay_sink_parent_class)->unlock (base);
}

static gboolean
relay_sink_unlock_stop (GstBaseSink *base)
{
  atomic_store (&RELAY_SINK (base)->sender.waiter.gives_up, FALSE);
  return GST_BASE_SINK_CLASS (relay_sink_parent_class)->unlock_stop (base);
}

/* ---- events ---- */

static gboolean
is_prompt (GstEvent *event)
{
  return GST_EVENT_TYPE (event) == GST_EVENT_GAP
      || GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT_DONE;
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
    if (atomic_load (&self->sender.forward_eos))
      relay_sender_hand_over (&self->sender, RELAY_EOS, NULL, NULL, NULL);
    break;
  case GST_EVENT_FLUSH_START:
  case GST_EVENT_FLUSH_STOP:
    if (atomic_load (&self->sender.forward_events))
      relay_sender_pass_around (&self->sender, event);
    break;
  default:
    if (!atomic_load (&self->sender.forward_events))
      break;
    if (!GST_EVENT_IS_SERIALIZED (event))
      relay_sender_pass_around (&self->sender, event);
    else
      relay_sender_hand_over (&self->sender, is_prompt (event) ? RELAY_PROMPT : RELAY_EVENT,
          GST_MINI_OBJECT_CAST (event), NULL, NULL);
    break;
  }
}

static gboolean
relay_sink_event (GstBaseSink *base, GstEvent *event)
{
  InterPipeSink *self = RELAY_SINK (base);

  GST_DEBUG_OBJECT (self, "%s", GST_EVENT_TYPE_NAME (event));
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_event_replace (&self->sender.segment, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    forget_preroll (self);
  forward_event (self, event);
  /* The appsink would keep events for an application that pulls; nobody takes them out here. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    return GST_BASE_SINK_CLASS (relay_sink_parent_class)->event (base, event);
  return GST_BASE_SINK_CLASS (g_type_class_peek (GST_TYPE_BASE_SINK))->event (base, event);
}

/* ---- caps and allocation ---- */

/* Which list of which topic it is. */
static guint64
which_links (RelayList *links)
{
  const RelayLink *link = links->members[0];

  return links->version << 24 ^ link->topic->serial;
}

/* The sinks that ask for caps in this thread. In a circle of pipelines one would ask itself for
 * ever. */
typedef struct Asking {
  const InterPipeSink *sink;
  const struct Asking *before;
} Asking;

static _Thread_local const Asking *asked_by_thread;

static gboolean
is_asking (const InterPipeSink *self)
{
  for (const Asking *asking = asked_by_thread; asking != NULL; asking = asking->before)
    if (asking->sink == self)
      return TRUE;
  return FALSE;
}

/* Returns: (transfer full)(nullable): NULL for anything */
static GstCaps *
ask_links (InterPipeSink *self, RelayList *links)
{
  const Asking asking = { self, asked_by_thread };
  GstCaps *common;

  if (links == NULL || is_asking (self))
    return NULL;
  asked_by_thread = &asking;
  common = relay_agreement_on_caps (links);
  asked_by_thread = asking.before;
  return common;
}

/* Whether the producer can meet caps that were asked for without a filter. Before it is linked
 * nobody knows, and the caps must not forbid the link. */
static gboolean
can_meet (InterPipeSink *self, GstCaps *common)
{
  g_autoptr (GstCaps) theirs = gst_pad_get_current_caps (self->sender.node->pad);

  if (theirs == NULL && gst_pad_is_linked (self->sender.node->pad)) {
    /* What stands before the sink may ask it in turn. */
    if (atomic_exchange (&self->asks_producer, TRUE))
      return TRUE;
    theirs = gst_pad_peer_query_caps (self->sender.node->pad, NULL);
    atomic_store (&self->asks_producer, FALSE);
  }
  return theirs != NULL && gst_caps_can_intersect (common, theirs);
}

/* What all those that listen can take. Anything if they cannot agree, with each other or with what
 * comes here: then each takes what it can and drops the rest. That is so until others listen. So
 * the caps of a consumer neither forbid a producer nor stop it. */
static GstCaps *
relay_sink_get_caps (GstBaseSink *base, GstCaps *filter)
{
  InterPipeSink *self = RELAY_SINK (base);
  guint64 epoch;
  g_autoptr (RelayList) links = relay_sender_get_links (&self->sender, &epoch);
  g_autoptr (GstCaps) common = NULL;

  if (links != NULL && atomic_load (&self->disagreed) != which_links (links))
    common = ask_links (self, links);
  if (common == NULL)
    return filter != NULL ? gst_caps_ref (filter) : NULL;
  if (filter == NULL)
    return can_meet (self, common) ? g_steal_pointer (&common) : NULL;
  gst_caps_take (&common, gst_caps_intersect (common, filter));
  if (!gst_caps_is_empty (common))
    return g_steal_pointer (&common);
  GST_INFO_OBJECT (self, "no caps in common with those that listen");
  atomic_store (&self->disagreed, which_links (links));
  return gst_caps_ref (filter);
}

static gboolean
relay_sink_set_caps (GstBaseSink *base, GstCaps *caps)
{
  InterPipeSink *self = RELAY_SINK (base);

  GST_INFO_OBJECT (self, "caps %" GST_PTR_FORMAT, caps);
  gst_caps_replace (&self->sender.caps, caps);
  /* For gst_app_sink_get_caps(). */
  gst_app_sink_set_caps (GST_APP_SINK (self), caps);
  return GST_BASE_SINK_CLASS (relay_sink_parent_class)->set_caps (base, caps);
}

/* Each consumer takes what it can: caps that come are never refused. */
static gboolean
relay_sink_query (GstBaseSink *base, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_ACCEPT_CAPS)
    return GST_BASE_SINK_CLASS (relay_sink_parent_class)->query (base, query);
  gst_query_set_accept_caps_result (query, TRUE);
  return TRUE;
}

static gboolean
relay_sink_propose_allocation (GstBaseSink *base, GstQuery *query)
{
  guint64 epoch;
  g_autoptr (RelayList) links = relay_sender_get_links (&RELAY_SINK (base)->sender, &epoch);

  return relay_agreement_on_allocation (links, query);
}

/* ---- state ---- */

static gboolean
relay_sink_stop (GstBaseSink *base)
{
  InterPipeSink *self = RELAY_SINK (base);

  forget_preroll (self);
  relay_sender_forget (&self->sender);
  return GST_BASE_SINK_CLASS (relay_sink_parent_class)->stop (base);
}

/* ---- properties ---- */

static void
relay_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  InterPipeSink *self = RELAY_SINK (object);

  switch (id) {
  case PROP_FORWARD_EOS:
    atomic_store (&self->sender.forward_eos, g_value_get_boolean (value));
    break;
  case PROP_FORWARD_EVENTS:
    atomic_store (&self->sender.forward_events, g_value_get_boolean (value));
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
    g_value_set_uint (value, relay_sender_count (&self->sender));
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
  base_class->query = GST_DEBUG_FUNCPTR (relay_sink_query);
  base_class->propose_allocation = GST_DEBUG_FUNCPTR (relay_sink_propose_allocation);
  base_class->unlock = GST_DEBUG_FUNCPTR (relay_sink_unlock);
  base_class->unlock_stop = GST_DEBUG_FUNCPTR (relay_sink_unlock_stop);
  base_class->event = GST_DEBUG_FUNCPTR (relay_sink_event);
  base_class->preroll = GST_DEBUG_FUNCPTR (relay_sink_preroll);
  base_class->render = GST_DEBUG_FUNCPTR (relay_sink_render);
  base_class->render_list = GST_DEBUG_FUNCPTR (relay_sink_render_list);
  base_class->stop = GST_DEBUG_FUNCPTR (relay_sink_stop);
}

static void
relay_sink_init (InterPipeSink *self)
{
  GstPad *pad = GST_BASE_SINK_PAD (self);

  self->chain = GST_PAD_CHAINFUNC (pad);
  self->chain_list = GST_PAD_CHAINLISTFUNC (pad);
  gst_pad_set_chain_function (pad, relay_sink_chain);
  gst_pad_set_chain_list_function (pad, relay_sink_chain_list);
  relay_sender_init (&self->sender, GST_BASE_SINK (self));
  gst_app_sink_set_drop (GST_APP_SINK (self), TRUE);
  gst_app_sink_set_max_buffers (GST_APP_SINK (self), 3);
  gst_base_sink_set_sync (GST_BASE_SINK (self), FALSE);
}
