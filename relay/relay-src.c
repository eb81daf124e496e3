/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-src.c: interpipesrc, which listens to a name and sends on what comes from there.
 *
 * It is a GstAppSrc, so that applications may treat it as one. Its pad, its changes of state, its
 * flushes and its end come from GstBaseSrc. Its parts:
 * - relay-subscription: which name it listens to;
 * - relay-inbox: what waits for it;
 * - relay-stream: what workers send from the inbox, under which caps, segment and time;
 * - relay-base: GstBaseSrc's own thread;
 * - relay-properties.
 */
#include "relay-src.h"

#include "relay-limits.h"
#include "relay-pool.h"
#include "relay-properties.h"

GST_DEBUG_CATEGORY_EXTERN (relay_src_debug);
#define GST_CAT_DEFAULT relay_src_debug

G_DEFINE_FINAL_TYPE (InterPipeSrc, relay_src, GST_TYPE_APP_SRC)

#define PARENT GST_BASE_SRC_CLASS (relay_src_parent_class)

/* ---- the stream ---- */

static void
end_stream (GstBaseSrc *base, GstFlowReturn flow)
{
  relay_base_end (&RELAY_SRC (base)->base, flow);
}

static GstFlowReturn
relay_src_create (GstBaseSrc *base, guint64 offset, guint size, GstBuffer **buffer)
{
  return relay_base_create (&RELAY_SRC (base)->base, offset, size, buffer);
}

static gboolean
relay_src_unlock (GstBaseSrc *base)
{
  return relay_base_unlock (&RELAY_SRC (base)->base);
}

static gboolean
relay_src_unlock_stop (GstBaseSrc *base)
{
  return relay_base_unlock_stop (&RELAY_SRC (base)->base);
}

/* In a worker: the element is to deliver by itself. It may have gone meanwhile. */
static void
go_alone (RelayInbox *inbox)
{
  GstElement *element = gst_pad_get_parent_element (inbox->pad);

  if (element == NULL)
    return;
  relay_base_call (&RELAY_SRC (element)->base);
  gst_object_unref (element);
}

/* Workers send caps, each time before the buffers that are of them. */
static gboolean
relay_src_negotiate (GstBaseSrc *base)
{
  (void) base;
  return TRUE;
}

/* Called from the appsrc's create() for caps that it was told. If those are set by hand, GStreamer
 * 1.26 sends a segment from in there before the first buffer, and a segment must not come before
 * caps. */
static gboolean
relay_src_set_caps (GstBaseSrc *base, GstCaps *caps)
{
  InterPipeSrc *self = RELAY_SRC (base);
  g_autoptr (RelayLink) link = relay_subscriber_get_link (&self->subscriber);

  if (link != NULL) /* workers send a node's caps */
    return FALSE;
  GST_PAD_STREAM_LOCK (self->inbox->pad);
  if (self->stream.caps == NULL && !atomic_load (&self->base.unlocked))
    relay_stream_follow_caps (&self->stream, caps);
  GST_PAD_STREAM_UNLOCK (self->inbox->pad);
  return FALSE;
}

/* ---- state ---- */

static gboolean
relay_src_start (GstBaseSrc *base)
{
  InterPipeSrc *self = RELAY_SRC (base);

  if (!PARENT->start (base))
    return FALSE;
  if (atomic_load (&self->stream.times.sync) == RELAY_RESTART_TS)
    gst_base_src_set_do_timestamp (base, TRUE);
  relay_limits_follow (self->inbox, GST_APP_SRC (base));
  /* They are counted where they are sent. */
  self->stream.left = base->num_buffers;
  if (self->stream.left > 0)
    base->num_buffers_left = -1;
  /* Something has to deliver what comes by hand, too, before it listens to anything. */
  relay_pool_place (&self->inbox->work, NULL);
  atomic_store (&self->inbox->accepting, TRUE);
  if (!relay_subscriber_start (&self->subscriber)) {
    atomic_store (&self->inbox->accepting, FALSE);
    PARENT->stop (base);
    return FALSE;
  }
  return TRUE;
}

static gboolean
relay_src_stop (GstBaseSrc *base)
{
  InterPipeSrc *self = RELAY_SRC (base);

  atomic_store (&self->inbox->accepting, FALSE);
  relay_subscriber_stop (&self->subscriber);
  relay_inbox_clear (self->inbox);
  GST_PAD_STREAM_LOCK (self->inbox->pad);
  /* A producer may still be putting what it has looked up. That is not for the next start. */
  self->stream.first_link = atomic_load (&self->subscriber.links) + 1;
  relay_stream_forget (&self->stream);
  GST_PAD_STREAM_UNLOCK (self->inbox->pad);
  relay_pool_place (&self->inbox->work, NULL);
  return PARENT->stop (base);
}

static GstStateChangeReturn
relay_src_change_state (GstElement *element, GstStateChange transition)
{
  InterPipeSrc *self = RELAY_SRC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    atomic_store (&self->stream.waits_for_playing, gst_base_src_is_live (GST_BASE_SRC (self)));
  result = GST_ELEMENT_CLASS (relay_src_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING && result != GST_STATE_CHANGE_FAILURE) {
    atomic_store (&self->stream.waits_for_playing, FALSE);
    relay_inbox_schedule (self->inbox);
  }
  return result;
}

/* ---- events and queries ---- */

/* What an application sends joins the inbox, too. GstAppSrc would send it past what waits, from a
 * thread that has not the STREAM_LOCK. */
static gboolean
relay_src_send_event (GstElement *element, GstEvent *event)
{
  InterPipeSrc *self = RELAY_SRC (element);
  const gboolean accepting = atomic_load (&self->inbox->accepting);

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_FLUSH_STOP:
    relay_inbox_clear (self->inbox);
    break;
  case GST_EVENT_EOS:
    if (!accepting)
      break;
    gst_event_unref (event);
    return relay_base_put (&self->base, RELAY_EOS, NULL);
  case GST_EVENT_TAG:
  case GST_EVENT_GAP:
  case GST_EVENT_CUSTOM_DOWNSTREAM:
  case GST_EVENT_CUSTOM_BOTH:
    if (!accepting)
      break;
    return relay_base_put (&self->base, RELAY_PROMPT, event);
  default:
    break;
  }
  return GST_ELEMENT_CLASS (relay_src_parent_class)->send_event (element, event);
}

static gboolean
relay_src_event (GstBaseSrc *base, GstEvent *event)
{
  if (GST_EVENT_IS_UPSTREAM (event))
    relay_subscriber_send_upstream (&RELAY_SRC (base)->subscriber, gst_event_ref (event));
  return PARENT->event (base, event);
}

static gboolean
relay_src_query (GstBaseSrc *base, GstQuery *query)
{
  RelaySubscriber *subscriber = &RELAY_SRC (base)->subscriber;

  /* A context is asked for on the way up, before the element has started. */
  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT || GST_QUERY_TYPE (query) == GST_QUERY_CUSTOM)
    if (relay_subscriber_ask_upstream (subscriber, query))
      return TRUE;
  return PARENT->query (base, query);
}

/* ---- properties ---- */

static void
relay_src_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (!relay_properties_set (RELAY_SRC (object), id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
relay_src_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  if (!relay_properties_get (RELAY_SRC (object), id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
relay_src_notify (GObject *object, GParamSpec *spec)
{
  relay_limits_notice (RELAY_SRC (object)->inbox, GST_APP_SRC (object), spec->name);
  if (G_OBJECT_CLASS (relay_src_parent_class)->notify != NULL)
    G_OBJECT_CLASS (relay_src_parent_class)->notify (object, spec);
}

/* ---- the class ---- */

static void
relay_src_finalize (GObject *object)
{
  InterPipeSrc *self = RELAY_SRC (object);

  relay_subscriber_clear (&self->subscriber);
  relay_stream_forget (&self->stream);
  relay_base_clear (&self->base);
  relay_unref (self->inbox);
  G_OBJECT_CLASS (relay_src_parent_class)->finalize (object);
}

static void
relay_src_class_init (InterPipeSrcClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstBaseSrcClass *base_class = GST_BASE_SRC_CLASS (class);

  GST_DEBUG_CATEGORY_INIT (relay_src_debug, "interpipesrc", 0, "interpipeline source");

  object_class->set_property = relay_src_set_property;
  object_class->get_property = relay_src_get_property;
  object_class->notify = relay_src_notify;
  object_class->finalize = relay_src_finalize;
  relay_properties_install (object_class);

  gst_element_class_set_static_metadata (element_class, "Inter pipeline source", "Generic/Source",
      "Sends on what comes from the interpipesink that it listens to", "The Wolf Guard developers");
  element_class->change_state = GST_DEBUG_FUNCPTR (relay_src_change_state);
  element_class->send_event = GST_DEBUG_FUNCPTR (relay_src_send_event);

  base_class->start = GST_DEBUG_FUNCPTR (relay_src_start);
  base_class->stop = GST_DEBUG_FUNCPTR (relay_src_stop);
  base_class->unlock = GST_DEBUG_FUNCPTR (relay_src_unlock);
  base_class->unlock_stop = GST_DEBUG_FUNCPTR (relay_src_unlock_stop);
  base_class->create = GST_DEBUG_FUNCPTR (relay_src_create);
  base_class->negotiate = GST_DEBUG_FUNCPTR (relay_src_negotiate);
  base_class->set_caps = GST_DEBUG_FUNCPTR (relay_src_set_caps);
  base_class->event = GST_DEBUG_FUNCPTR (relay_src_event);
  base_class->query = GST_DEBUG_FUNCPTR (relay_src_query);
}

static void
relay_src_init (InterPipeSrc *self)
{
  GstBaseSrc *base = GST_BASE_SRC (self);

  self->inbox =
      relay_inbox_new (GST_BASE_SRC_PAD (self), relay_stream_run, go_alone, &self->stream);
  atomic_init (&self->inbox->limits.max_bytes, gst_app_src_get_max_bytes (GST_APP_SRC (self)));
  atomic_init (&self->inbox->renegotiates, TRUE);
  atomic_init (&self->inbox->accept_events, TRUE);
  atomic_init (&self->inbox->accept_eos, TRUE);
  relay_subscriber_init (&self->subscriber, GST_APP_SRC (self), self->inbox);
  relay_stream_init (&self->stream, base, self->inbox, end_stream);
  relay_base_init (&self->base, base, PARENT, self->inbox, &self->stream);
  gst_app_src_set_emit_signals (GST_APP_SRC (self), FALSE);
}
