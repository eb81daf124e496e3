/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-src.c: interpipesrc, which listens to a name and sends on what comes from there.
 *
 * It is a GstAppSrc, so that applications may treat it as one, and has its pad, its properties, its
 * changes of state, its flushes and its end from GstBaseSrc. But GstBaseSrc's own thread sends no
 * buffers: create() opens the inbox and stands still in the appsrc's create(), without the STREAM_LOCK,
 * until it is to flush, to stop, or to end the stream. Workers send (relay-pool.h), with the STREAM_LOCK
 * held as that thread would. So all who take the STREAM_LOCK to be sure that nobody sends are right.
 * What an application puts into the appsrc by hand comes out of that create() and joins the queue.
 *
 * What it listens to is a wish, an object in a slot: a name, and while the element is started a link.
 * Whoever changes the one or the other puts another wish there, and ends the link of the one before.
 */
#include "relay-src.h"

#include "relay-inbox.h"
#include "relay-pool.h"
#include "relay-stream.h"

#include <errno.h>

GST_DEBUG_CATEGORY (relay_src_debug);
#define GST_CAT_DEFAULT relay_src_debug

typedef struct {
  RelayObject object;
  gchar *name;
  RelayLink *link; /* NULL: not started, or no name */
} RelayWish;

struct _InterPipeSrc {
  GstAppSrc parent;

  RelayInbox *inbox;
  RelaySlot wish;
  _Atomic guint64 links;
  atomic_bool started, first_switch;
  atomic_bool block_switch;

  atomic_bool unlocked; /* between the base class's unlock and unlock_stop */
  atomic_bool parked;   /* the base class's thread stands in create(), without the STREAM_LOCK */
  sem_t come_out;       /* it does not any more */
  atomic_int verdict;   /* a GstFlowReturn that ends the stream; OK: none */
  sem_t verdict_or_unlock;

  RelayStream stream; /* what workers do */
};

enum {
  PROP_0,
  PROP_LISTEN_TO,
  PROP_BLOCK_SWITCH,
  PROP_ALLOW_RENEGOTIATION,
  PROP_STREAM_SYNC,
  PROP_ACCEPT_EVENTS,
  PROP_ACCEPT_EOS_EVENT,
  PROP_SWITCH_ON_KEYFRAME,
  PROP_BACKLOG,
  PROP_STATS,
  PROP_LEVEL_BYTES,
  PROP_LEVEL_BUFFERS,
  PROP_LEVEL_TIME
};

G_DEFINE_FINAL_TYPE (InterPipeSrc, relay_src, GST_TYPE_APP_SRC)

#define PARENT GST_BASE_SRC_CLASS (relay_src_parent_class)

static GType
stream_sync_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = { { RELAY_RESTART_TS, "Restart Timestamp", "restart-ts" },
    { RELAY_PASSTHROUGH_TS, "Passthrough Timestamp", "passthrough-ts" },
    { RELAY_COMPENSATE_TS, "Compensate Timestamp", "compensate-ts" }, { 0, NULL, NULL } };

  if (g_once_init_enter (&type)) {
    GType made = g_type_from_name ("GstInterPipeSrcStreamSync");
    if (made == 0)
      made = g_enum_register_static ("GstInterPipeSrcStreamSync", values);
    g_once_init_leave (&type, made);
  }
  return type;
}

/* ---- what it listens to ---- */

static void
wish_free (gpointer data)
{
  RelayWish *self = data;

  relay_unref (self->link);
  g_free (self->name);
  g_free (self);
}

static RelayWish *
wish_new (const gchar *name, RelayLink *link)
{
  RelayWish *self = g_new0 (RelayWish, 1);

  relay_object_init (self, wish_free);
  self->name = g_strdup (name);
  self->link = link;
  return self;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayWish, relay_unref)

static const gchar *
name_of (const RelayWish *wish)
{
  return wish != NULL ? wish->name : NULL;
}

static RelayLink *
link_of (const RelayWish *wish)
{
  return wish != NULL ? wish->link : NULL;
}

static RelayLink *
new_link (InterPipeSrc *self, const gchar *name)
{
  return relay_link_new (self->inbox, name, atomic_fetch_add (&self->links, 1) + 1);
}

/* What comes from where it listens now may not have been delivered yet. That counts as what it has. */
static void
tell_caps_so_far (InterPipeSrc *self, RelayLink *link)
{
  g_autoptr (RelayNode) node = link != NULL ? relay_topic_get_node (link->topic) : NULL;
  g_autoptr (GstCaps) theirs = node != NULL ? gst_pad_get_current_caps (node->pad) : NULL;
  g_autoptr (GstCaps) told = theirs != NULL ? gst_app_src_get_caps (GST_APP_SRC (self)) : NULL;

  if (theirs != NULL && told == NULL && gst_pad_peer_query_accept_caps (self->inbox->pad, theirs))
    gst_app_src_set_caps (GST_APP_SRC (self), theirs);
}

typedef enum { REFUSED, AGREED, AGREED_IF_RECONFIGURED } Agreement;

/* Whether what the topic's node has can be taken, told without anybody being changed. Asks what is behind the
 * element. @tell: what gst_app_src_get_caps() is to tell once it listens there; (transfer full)(nullable) */
static Agreement
agree (InterPipeSrc *self, RelayTopic *topic, GstCaps **tell)
{
  g_autoptr (RelayNode) node = relay_topic_get_node (topic);
  g_autoptr (GstCaps) theirs = node != NULL ? gst_pad_get_current_caps (node->pad) : NULL;
  g_autoptr (GstCaps) had = gst_app_src_get_caps (GST_APP_SRC (self));
  g_autoptr (GstCaps) ours = NULL;
  const gboolean shared = relay_topic_count (topic) > 0;
  const gboolean renegotiates = atomic_load (&self->inbox->renegotiates);

  if (theirs == NULL)
    return AGREED;
  if (had == NULL) {
    *tell = g_steal_pointer (&theirs);
    return AGREED;
  }
  ours = relay_inbox_get_caps (self->inbox);
  if (ours != NULL && gst_caps_is_equal (ours, theirs))
    return AGREED;
  if (!shared)
    return AGREED_IF_RECONFIGURED;
  if (!atomic_load (&node->negotiated))
    return AGREED;
  if ((ours != NULL && !gst_caps_can_intersect (ours, theirs))
      || (!renegotiates && !gst_caps_is_equal (had, theirs)))
    return REFUSED;
  *tell = g_steal_pointer (&theirs);
  return AGREED;
}

static void
send_upstream (RelayLink *link, GstEvent *event)
{
  g_autoptr (RelayNode) node = relay_topic_get_node (link->topic);

  if (node == NULL || !gst_pad_push_event (node->pad, gst_event_ref (event)))
    GST_INFO ("%s is not heard at \"%s\"", GST_EVENT_TYPE_NAME (event), link->topic->name);
  gst_event_unref (event);
}

/* Listens by the link of a wish that is in the slot now; before that, caps would be taken for some that were set by
 * hand. @tell: (nullable) */
static void
begin_to_listen (InterPipeSrc *self, RelayLink *link, Agreement agreement, GstCaps *tell)
{
  if (tell != NULL)
    gst_app_src_set_caps (GST_APP_SRC (self), tell);
  relay_pool_place (self->inbox, link->topic->serial);
  relay_link_add (link);
  if (agreement == AGREED_IF_RECONFIGURED)
    send_upstream (link, gst_event_new_reconfigure ());
  if (link->number > 1 && atomic_load (&self->stream.switch_on_keyframe))
    send_upstream (link,
        gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
            gst_structure_new ("GstForceKeyUnit", "all-headers", G_TYPE_BOOLEAN, TRUE, NULL)));
}

static void
end_to_listen (InterPipeSrc *self, RelayWish *wish)
{
  if (link_of (wish) != NULL) {
    relay_link_end (wish->link);
    relay_inbox_wake (self->inbox);
  }
}

/* Has a link if the element is started, and none if not. Of several threads at once the last one's
 * change stays, and none waits for another. */
static void
settle (InterPipeSrc *self)
{
  for (;;) {
    g_autoptr (RelayWish) was = relay_slot_get (&self->wish);
    const gboolean wanted = atomic_load (&self->started) && name_of (was) != NULL;
    g_autoptr (GstCaps) tell = NULL;
    Agreement agreement = AGREED;
    RelayLink *link = NULL;
    RelayWish *now;

    if (wanted == (link_of (was) != NULL))
      return;
    if (wanted) {
      link = new_link (self, was->name);
      agreement = agree (self, link->topic, &tell);
    }
    now = wish_new (name_of (was), link);
    relay_ref (now);
    if (relay_slot_cas (&self->wish, was, now)) {
      end_to_listen (self, was);
      if (link != NULL)
        begin_to_listen (self, link, agreement, tell);
    } else {
      relay_unref (now);
    }
    relay_unref (now);
  }
}

static gboolean
is_blocked (InterPipeSrc *self)
{
  const gboolean first = atomic_exchange (&self->first_switch, FALSE);

  return atomic_load (&self->block_switch) && !first;
}

static void
set_listen_to (InterPipeSrc *self, const gchar *name)
{
  gboolean passed = FALSE;

  for (;;) {
    g_autoptr (RelayWish) was = relay_slot_get (&self->wish);
    const gboolean wanted = atomic_load (&self->started) && name != NULL;
    g_autoptr (GstCaps) tell = NULL;
    Agreement agreement = AGREED;
    RelayLink *link = NULL;
    RelayWish *now;
    gboolean done;

    if (g_strcmp0 (name_of (was), name) == 0)
      return;
    if (wanted && !passed && is_blocked (self)) {
      GST_ERROR_OBJECT (self, "not listening to \"%s\": block-switch is set", name);
      return;
    }
    passed = wanted;
    if (wanted) {
      tell_caps_so_far (self, link_of (was));
      link = new_link (self, name);
      agreement = agree (self, link->topic, &tell);
    }
    if (agreement == REFUSED) {
      GST_ERROR_OBJECT (self,
          "not listening to \"%s\": its caps are settled with others, and cannot be taken here",
          name);
      relay_unref (link);
      return;
    }
    GST_INFO_OBJECT (self, "listening to \"%s\"", name != NULL ? name : "");
    now = wish_new (name, link);
    relay_ref (now);
    done = relay_slot_cas (&self->wish, was, now);
    if (done) {
      end_to_listen (self, was);
      if (link != NULL)
        begin_to_listen (self, link, agreement, tell);
      settle (self);
    } else {
      relay_unref (now);
    }
    relay_unref (now);
    if (done)
      return;
  }
}

/* ---- the base class's thread ---- */

static gboolean relay_src_unlock_stop (GstBaseSrc *base);

/* Ends the stream: the base class's thread comes back from create() with it. */
static void
give_verdict (GstBaseSrc *base, GstFlowReturn flow)
{
  InterPipeSrc *self = RELAY_SRC (base);

  atomic_store (&self->inbox->open, FALSE);
  atomic_store (&self->inbox->accepting, FALSE);
  atomic_store (&self->verdict, flow);
  sem_post (&self->verdict_or_unlock);
  PARENT->unlock (base);
}

/* @item: (transfer full)(nullable) */
static gboolean
put_by_hand (InterPipeSrc *self, RelayKind kind, gpointer item)
{
  g_autoptr (RelayParcel) parcel = relay_parcel_new (kind, item, NULL);

  if (item != NULL)
    gst_mini_object_unref (item);
  parcel->caps = gst_app_src_get_caps (GST_APP_SRC (self));
  return relay_inbox_put (self->inbox, &parcel->entries[0], TRUE, NULL);
}

/* With the STREAM_LOCK. Nothing of before a stop or a flush is of use. */
static void
open_inbox (InterPipeSrc *self)
{
  relay_stream_begin (&self->stream);
  atomic_store (&self->verdict, GST_FLOW_OK);
  while (sem_trywait (&self->verdict_or_unlock) == 0)
    ;
  atomic_store (&self->inbox->accepting, TRUE);
  atomic_store (&self->inbox->open, TRUE);
  /* It may have been unlocked since. */
  if (atomic_load (&self->unlocked))
    atomic_store (&self->inbox->open, FALSE);
  relay_inbox_call (self->inbox);
}

static GstFlowReturn
wait_for_verdict (InterPipeSrc *self)
{
  while (atomic_load (&self->verdict) == GST_FLOW_OK && !atomic_load (&self->unlocked))
    while (sem_wait (&self->verdict_or_unlock) == -1 && errno == EINTR)
      ;
  return GST_FLOW_FLUSHING;
}

/* Stands in the appsrc's create(), without the STREAM_LOCK, for as long as workers may deliver. */
static GstFlowReturn
park (InterPipeSrc *self, guint64 offset, guint size, GstBuffer **buffer)
{
  GstFlowReturn flow;

  open_inbox (self);
  atomic_store (&self->parked, TRUE);
  GST_PAD_STREAM_UNLOCK (self->inbox->pad);
  do {
    *buffer = NULL;
    flow = PARENT->create (GST_BASE_SRC (self), offset, size, buffer);
    if (flow == GST_FLOW_OK && *buffer != NULL)
      put_by_hand (self, RELAY_DATA, *buffer);
  } while (flow == GST_FLOW_OK && *buffer != NULL);
  if (flow == GST_FLOW_EOS) { /* by hand */
    put_by_hand (self, RELAY_EOS, NULL);
    flow = wait_for_verdict (self);
  }
  atomic_store (&self->parked, FALSE);
  sem_post (&self->come_out);
  GST_PAD_STREAM_LOCK (self->inbox->pad);
  atomic_store (&self->inbox->open, FALSE);
  return flow;
}

/* How often to let others run until who pauses has got from unlock() to live_running, a few lines. */
#define YIELDS 1000

/* A live source is unlocked when it goes to PAUSED; it waits here until it is PLAYING again. Leaving that
 * to the base class is not safe: its task may be started again just before it pauses (GStreamer 1.26). */
static gboolean
is_playing_again (InterPipeSrc *self)
{
  GstBaseSrc *base = GST_BASE_SRC (self);

  if (!base->is_live || !atomic_load (&self->unlocked) || GST_PAD_IS_FLUSHING (self->inbox->pad))
    return FALSE;
  for (int i = 0; i < YIELDS && GST_STATE_TARGET (self) == GST_STATE_PAUSED && base->live_running;
       i++)
    g_thread_yield ();
  if (gst_base_src_wait_playing (base) != GST_FLOW_OK)
    return FALSE;
  relay_src_unlock_stop (base);
  return TRUE;
}

/* A flush may be over by the time that the thread has come out and has the STREAM_LOCK. Then it has been
 * told to go on already, and would overhear that if it paused now. */
static gboolean
may_go_on (InterPipeSrc *self)
{
  if (is_playing_again (self))
    return TRUE;
  return !atomic_load (&self->unlocked) && !GST_PAD_IS_FLUSHING (self->inbox->pad);
}

static GstFlowReturn
relay_src_create (GstBaseSrc *base, guint64 offset, guint size, GstBuffer **buffer)
{
  InterPipeSrc *self = RELAY_SRC (base);
  GstFlowReturn flow, verdict;

  do {
    flow = park (self, offset, size, buffer);
    verdict = atomic_exchange (&self->verdict, GST_FLOW_OK);
    if (verdict != GST_FLOW_OK) {
      PARENT->unlock_stop (base);
      /* The other way round the base class's own unlock might be lost. */
      if (atomic_load (&self->unlocked))
        PARENT->unlock (base);
      return verdict;
    }
  } while (flow == GST_FLOW_FLUSHING && may_go_on (self));
  /* A buffer list by hand, which the base class has and sends. */
  if (flow == GST_FLOW_OK) {
    g_autoptr (GstCaps) caps = gst_app_src_get_caps (GST_APP_SRC (self));
    relay_stream_follow_caps (&self->stream, caps);
  }
  return flow;
}

static gboolean
relay_src_unlock (GstBaseSrc *base)
{
  InterPipeSrc *self = RELAY_SRC (base);

  atomic_store (&self->unlocked, TRUE);
  atomic_store (&self->inbox->open, FALSE);
  atomic_store (&self->inbox->flushing, TRUE);
  atomic_store (&self->verdict, GST_FLOW_OK); /* a flush takes it back */
  relay_inbox_wake (self->inbox);
  sem_post (&self->verdict_or_unlock);
  return PARENT->unlock (base);
}

static gboolean
relay_src_unlock_stop (GstBaseSrc *base)
{
  InterPipeSrc *self = RELAY_SRC (base);

  /* The caller has the STREAM_LOCK and takes it that the thread has come out of create(), as it has with
   * other sources. Here it has been told to, and only has to wake up. */
  while (atomic_load (&self->unlocked) && atomic_load (&self->parked))
    while (sem_wait (&self->come_out) == -1 && errno == EINTR)
      ;
  self->stream.need_segment = TRUE;
  atomic_store (&self->unlocked, FALSE);
  atomic_store (&self->inbox->flushing, FALSE);
  return PARENT->unlock_stop (base);
}

/* Caps are sent by workers, each time before the buffers that are of them. */
static gboolean
relay_src_negotiate (GstBaseSrc *base)
{
  (void) base;
  return TRUE;
}

/* Called from the appsrc's create() for caps that it was told. If those are set by hand, GStreamer 1.26 sends
 * a segment from in there before the first buffer, and a segment must not come before caps. */
static gboolean
relay_src_set_caps (GstBaseSrc *base, GstCaps *caps)
{
  InterPipeSrc *self = RELAY_SRC (base);
  g_autoptr (RelayWish) wish = relay_slot_get (&self->wish);

  if (link_of (wish) != NULL) /* workers send a node's caps */
    return FALSE;
  GST_PAD_STREAM_LOCK (self->inbox->pad);
  if (self->stream.caps == NULL && !atomic_load (&self->unlocked))
    relay_stream_follow_caps (&self->stream, caps);
  GST_PAD_STREAM_UNLOCK (self->inbox->pad);
  return FALSE;
}

static gboolean
relay_src_start (GstBaseSrc *base)
{
  InterPipeSrc *self = RELAY_SRC (base);
  g_autoptr (RelayWish) wish = relay_slot_get (&self->wish);

  if (!PARENT->start (base))
    return FALSE;
  if (atomic_load (&self->stream.sync) == RELAY_RESTART_TS)
    gst_base_src_set_do_timestamp (base, TRUE);
  /* They are counted where they are sent. */
  self->stream.left = base->num_buffers;
  if (self->stream.left > 0)
    base->num_buffers_left = -1;
  /* Not to be switched does not mean not to be started. */
  atomic_store (&self->first_switch, name_of (wish) == NULL);
  /* Somebody has to deliver what comes by hand, too, before it listens to anything. */
  relay_pool_place (self->inbox, 0);
  atomic_store (&self->inbox->accepting, TRUE);
  atomic_store (&self->started, TRUE);
  settle (self);
  return TRUE;
}

static gboolean
relay_src_stop (GstBaseSrc *base)
{
  InterPipeSrc *self = RELAY_SRC (base);

  atomic_store (&self->started, FALSE);
  atomic_store (&self->inbox->accepting, FALSE);
  settle (self);
  relay_inbox_clear (self->inbox);
  GST_PAD_STREAM_LOCK (self->inbox->pad);
  relay_stream_forget (&self->stream);
  GST_PAD_STREAM_UNLOCK (self->inbox->pad);
  return PARENT->stop (base);
}

static GstStateChangeReturn
relay_src_change_state (GstElement *element, GstStateChange transition)
{
  InterPipeSrc *self = RELAY_SRC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    atomic_store (&self->stream.held_back, gst_base_src_is_live (GST_BASE_SRC (self)));
  result = GST_ELEMENT_CLASS (relay_src_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING && result != GST_STATE_CHANGE_FAILURE) {
    atomic_store (&self->stream.held_back, FALSE);
    relay_inbox_call (self->inbox);
  }
  return result;
}

/* ---- events and queries ---- */

/* What an application sends joins the queue, too: GstAppSrc would send it from a thread that has not the
 * STREAM_LOCK, past what waits. */
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
    return put_by_hand (self, RELAY_EOS, NULL);
  case GST_EVENT_TAG:
  case GST_EVENT_GAP:
  case GST_EVENT_CUSTOM_DOWNSTREAM:
  case GST_EVENT_CUSTOM_BOTH:
    if (!accepting)
      break;
    return put_by_hand (self, RELAY_PROMPT, event);
  default:
    break;
  }
  return GST_ELEMENT_CLASS (relay_src_parent_class)->send_event (element, event);
}

static gboolean
relay_src_event (GstBaseSrc *base, GstEvent *event)
{
  InterPipeSrc *self = RELAY_SRC (base);
  g_autoptr (RelayWish) wish = relay_slot_get (&self->wish);
  RelayLink *link = link_of (wish);

  if (GST_EVENT_IS_UPSTREAM (event) && link != NULL) {
    /* What one of several wants must not be done to all. */
    if (relay_topic_count (link->topic) == 1)
      send_upstream (link, gst_event_ref (event));
    else
      GST_INFO_OBJECT (self, "others listen, too: %s goes no further", GST_EVENT_TYPE_NAME (event));
  }
  return PARENT->event (base, event);
}

static gboolean
relay_src_query (GstBaseSrc *base, GstQuery *query)
{
  g_autoptr (RelayWish) wish = relay_slot_get (&RELAY_SRC (base)->wish);

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT && link_of (wish) != NULL) {
    g_autoptr (RelayNode) node = relay_topic_get_node (wish->link->topic);
    if (node != NULL && gst_pad_peer_query (node->pad, query))
      return TRUE;
  }
  return PARENT->query (base, query);
}

/* ---- properties ---- */

/* Limits may be set by functions, too, so they are looked at when GstAppSrc says that they have
 * changed. */
static void
relay_src_notify (GObject *object, GParamSpec *spec)
{
  static const struct {
    const gchar *name;
    RelayBounds bound;
  } bounds[] = { { "max-bytes", RELAY_BOUND_BYTES }, { "max-buffers", RELAY_BOUND_BUFFERS },
    { "max-time", RELAY_BOUND_TIME }, { "block", 0 }, { "leaky-type", 0 } };
  InterPipeSrc *self = RELAY_SRC (object);
  GstAppSrc *appsrc = GST_APP_SRC (object);
  RelayLimits *limits = &self->inbox->limits;

  for (guint i = 0; i < G_N_ELEMENTS (bounds); i++) {
    gboolean block;
    if (!g_str_equal (spec->name, bounds[i].name))
      continue;
    g_object_get (object, "block", &block, NULL);
    atomic_store (&limits->block, block);
    atomic_store (&limits->leaky, gst_app_src_get_leaky_type (appsrc));
    atomic_store (&limits->max_bytes, gst_app_src_get_max_bytes (appsrc));
    atomic_store (&limits->max_buffers, gst_app_src_get_max_buffers (appsrc));
    atomic_store (&limits->max_time, gst_app_src_get_max_time (appsrc));
    atomic_fetch_or (&limits->set, bounds[i].bound);
    relay_inbox_wake (self->inbox);
  }
  if (G_OBJECT_CLASS (relay_src_parent_class)->notify != NULL)
    G_OBJECT_CLASS (relay_src_parent_class)->notify (object, spec);
}

static GstStructure *
make_stats (InterPipeSrc *self)
{
  static const gchar *const drops[RELAY_DROPS] = { [RELAY_DROP_FULL] = "dropped-full",
    [RELAY_DROP_LEAKY] = "dropped-leaky",
    [RELAY_DROP_CAPS] = "dropped-caps",
    [RELAY_DROP_STALE] = "dropped-stale",
    [RELAY_DROP_SYNC] = "dropped-sync",
    [RELAY_DROP_STATE] = "dropped-state",
    [RELAY_DROP_HELD] = "dropped-held",
    [RELAY_DROP_EVENTS] = "dropped-events" };
  RelayInbox *inbox = self->inbox;
  const gint64 last = atomic_load (&inbox->stats.last_switch);
  GstStructure *stats = gst_structure_new ("interpipesrc-stats", "delivered", G_TYPE_UINT64,
      atomic_load (&inbox->stats.delivered), "queued-buffers", G_TYPE_UINT64,
      atomic_load (&inbox->buffers), "queued-bytes", G_TYPE_UINT64, atomic_load (&inbox->bytes),
      "queued-time", G_TYPE_UINT64, relay_inbox_get_time (inbox), "switches", G_TYPE_UINT64,
      atomic_load (&inbox->stats.switches), "last-switch-time", G_TYPE_UINT64,
      last == 0 ? GST_CLOCK_TIME_NONE : (guint64) last, NULL);

  for (guint i = 0; i < RELAY_DROPS; i++)
    gst_structure_set (
        stats, drops[i], G_TYPE_UINT64, atomic_load (&inbox->stats.dropped[i]), NULL);
  return stats;
}

static void
relay_src_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  InterPipeSrc *self = RELAY_SRC (object);
  RelayInbox *inbox = self->inbox;

  switch (id) {
  case PROP_LISTEN_TO:
    set_listen_to (self, g_value_get_string (value));
    break;
  case PROP_BLOCK_SWITCH:
    atomic_store (&self->block_switch, g_value_get_boolean (value));
    break;
  case PROP_ALLOW_RENEGOTIATION:
    atomic_store (&inbox->renegotiates, g_value_get_boolean (value));
    break;
  case PROP_STREAM_SYNC:
    atomic_store (&self->stream.sync, g_value_get_enum (value));
    break;
  case PROP_ACCEPT_EVENTS:
    atomic_store (&inbox->accept_events, g_value_get_boolean (value));
    break;
  case PROP_ACCEPT_EOS_EVENT:
    atomic_store (&inbox->accept_eos, g_value_get_boolean (value));
    break;
  case PROP_SWITCH_ON_KEYFRAME:
    atomic_store (&self->stream.switch_on_keyframe, g_value_get_boolean (value));
    break;
  case PROP_BACKLOG:
    atomic_store (&inbox->limits.backlog, g_value_get_uint64 (value));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
relay_src_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  InterPipeSrc *self = RELAY_SRC (object);
  RelayInbox *inbox = self->inbox;
  g_autoptr (RelayWish) wish = NULL;

  switch (id) {
  case PROP_LISTEN_TO:
    wish = relay_slot_get (&self->wish);
    g_value_set_string (value, name_of (wish));
    break;
  case PROP_SWITCH_ON_KEYFRAME:
    g_value_set_boolean (value, atomic_load (&self->stream.switch_on_keyframe));
    break;
  case PROP_BACKLOG:
    g_value_set_uint64 (value, atomic_load (&inbox->limits.backlog));
    break;
  case PROP_STATS:
    g_value_take_boxed (value, make_stats (self));
    break;
  case PROP_LEVEL_BYTES:
    g_value_set_uint64 (value, atomic_load (&inbox->bytes));
    break;
  case PROP_LEVEL_BUFFERS:
    g_value_set_uint64 (value, atomic_load (&inbox->buffers));
    break;
  case PROP_LEVEL_TIME:
    g_value_set_uint64 (value, relay_inbox_get_time (inbox));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
relay_src_finalize (GObject *object)
{
  InterPipeSrc *self = RELAY_SRC (object);

  relay_unref (relay_slot_swap (&self->wish, NULL));
  relay_stream_forget (&self->stream);
  sem_destroy (&self->verdict_or_unlock);
  sem_destroy (&self->come_out);
  relay_unref (self->inbox);
  G_OBJECT_CLASS (relay_src_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *class)
{
  const GParamFlags written = G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags both = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (class, PROP_LISTEN_TO,
      g_param_spec_string (
          "listen-to", "Listen To", "The name of the interpipesink to listen to", NULL, both));
  g_object_class_install_property (class, PROP_BLOCK_SWITCH,
      g_param_spec_boolean ("block-switch", "Block Switch",
          "Stay with the first interpipesink that it listens to", FALSE, written));
  g_object_class_install_property (class, PROP_ALLOW_RENEGOTIATION,
      g_param_spec_boolean ("allow-renegotiation", "Allow Renegotiation",
          "Take other caps than the first ones", TRUE, written));
  g_object_class_install_property (class, PROP_STREAM_SYNC,
      g_param_spec_enum ("stream-sync", "Stream Synchronization",
          "What becomes of the timestamps of the other pipeline", stream_sync_get_type (),
          RELAY_PASSTHROUGH_TS, written));
  g_object_class_install_property (class, PROP_ACCEPT_EVENTS,
      g_param_spec_boolean ("accept-events", "Accept Events",
          "Take events, but for EOS, from the interpipesink", TRUE, written));
  g_object_class_install_property (class, PROP_ACCEPT_EOS_EVENT,
      g_param_spec_boolean ("accept-eos-event", "Accept EOS Events",
          "Take EOS from the interpipesink", TRUE, written));
  g_object_class_install_property (class, PROP_SWITCH_ON_KEYFRAME,
      g_param_spec_boolean ("switch-on-keyframe", "Switch On Key Frame",
          "After a switch, begin with a key frame, and ask the producer for one", FALSE, both));
  g_object_class_install_property (class, PROP_BACKLOG,
      g_param_spec_uint64 ("backlog", "Backlog",
          "Bytes that may wait where no limit is set (0: no bound)", 0, G_MAXUINT64,
          RELAY_BACKLOG_DEFAULT, both));
  g_object_class_install_property (class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "What was delivered, dropped and why, what waits, and switches", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_override_property (class, PROP_LEVEL_BYTES, "current-level-bytes");
  g_object_class_override_property (class, PROP_LEVEL_BUFFERS, "current-level-buffers");
  g_object_class_override_property (class, PROP_LEVEL_TIME, "current-level-time");
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
  install_properties (object_class);

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
  self->inbox = relay_inbox_new (GST_BASE_SRC_PAD (self), relay_stream_serve, &self->stream);
  atomic_init (&self->inbox->limits.max_bytes, gst_app_src_get_max_bytes (GST_APP_SRC (self)));
  atomic_init (&self->inbox->renegotiates, TRUE);
  atomic_init (&self->inbox->accept_events, TRUE);
  atomic_init (&self->inbox->accept_eos, TRUE);
  atomic_init (&self->stream.sync, RELAY_PASSTHROUGH_TS);
  atomic_init (&self->first_switch, TRUE);
  sem_init (&self->verdict_or_unlock, 0, 0);
  sem_init (&self->come_out, 0, 0);
  self->stream.src = GST_BASE_SRC (self);
  self->stream.inbox = self->inbox;
  self->stream.end = give_verdict;
  self->stream.left = -1;
  gst_app_src_set_emit_signals (GST_APP_SRC (self), FALSE);
}
