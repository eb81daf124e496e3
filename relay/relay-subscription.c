/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-subscription.h"

#include "relay-pool.h"

GST_DEBUG_CATEGORY_EXTERN (relay_src_debug);
#define GST_CAT_DEFAULT relay_src_debug

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelaySubscription, relay_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayTopic, relay_unref)

static void
subscription_free (gpointer data)
{
  RelaySubscription *self = data;

  relay_unref (self->link);
  g_free (self->name);
  g_free (self);
}

static RelaySubscription *
subscription_new (const gchar *name, RelayLink *link)
{
  RelaySubscription *self = g_new0 (RelaySubscription, 1);

  relay_object_init (self, subscription_free);
  self->name = g_strdup (name);
  self->link = link;
  return self;
}

static const gchar *
name_of (const RelaySubscription *subscription)
{
  return subscription != NULL ? subscription->name : NULL;
}

static RelayLink *
link_of (const RelaySubscription *subscription)
{
  return subscription != NULL ? subscription->link : NULL;
}

void
relay_subscriber_init (RelaySubscriber *self, GstAppSrc *src, RelayInbox *inbox)
{
  self->src = src;
  self->inbox = inbox;
  atomic_init (&self->first_switch, TRUE);
}

void
relay_subscriber_clear (RelaySubscriber *self)
{
  relay_unref (relay_slot_swap (&self->now, NULL));
}

gchar *
relay_subscriber_get_name (RelaySubscriber *self)
{
  g_autoptr (RelaySubscription) now = relay_slot_get (&self->now);

  return g_strdup (name_of (now));
}

RelayLink *
relay_subscriber_get_link (RelaySubscriber *self)
{
  g_autoptr (RelaySubscription) now = relay_slot_get (&self->now);

  return link_of (now) != NULL ? relay_ref (now->link) : NULL;
}

/* ---- upstream ---- */

#define CIRCLE_QUERY "relay-circle"

typedef struct Passed {
  const RelaySubscriber *subscriber;
  const struct Passed *before;
} Passed;

static _Thread_local const Passed *passed_by_thread;

static gboolean
has_passed (const RelaySubscriber *self)
{
  for (const Passed *passed = passed_by_thread; passed != NULL; passed = passed->before)
    if (passed->subscriber == self)
      return TRUE;
  return FALSE;
}

static void
warn_of_circle (RelaySubscriber *self, const gchar *name)
{
  if (!atomic_exchange (&self->warned_of_circle, TRUE))
    GST_ELEMENT_WARNING (self->src, CORE, PAD, ("This element listens to itself."),
        ("what it sends comes back to it by \"%s\"", name));
}

/* An event or a query goes to the newest node of the topic. @event: (transfer none) */
static gboolean
pass_upstream (RelaySubscriber *self, RelayTopic *topic, GstEvent *event, GstQuery *query)
{
  const Passed passed = { self, passed_by_thread };
  g_autoptr (RelayNode) node = relay_topic_get_node (topic);
  gboolean result;

  if (node == NULL)
    return FALSE;
  if (has_passed (self)) {
    if (query == NULL || GST_QUERY_TYPE (query) != GST_QUERY_CUSTOM)
      warn_of_circle (self, topic->name);
    return FALSE;
  }
  passed_by_thread = &passed;
  if (event != NULL)
    result = gst_pad_push_event (node->pad, gst_event_ref (event));
  else
    result = gst_pad_peer_query (node->pad, query);
  passed_by_thread = passed.before;
  return result;
}

static void
send_by_link (RelaySubscriber *self, RelayLink *link, GstEvent *event)
{
  if (!pass_upstream (self, link->topic, event, NULL))
    GST_INFO_OBJECT (
        self->src, "\"%s\" does not take %s", link->topic->name, GST_EVENT_TYPE_NAME (event));
  gst_event_unref (event);
}

gboolean
relay_subscriber_send_upstream (RelaySubscriber *self, GstEvent *event)
{
  g_autoptr (RelayLink) link = relay_subscriber_get_link (self);

  /* What one of several wants must not be done to all. */
  if (link != NULL && relay_topic_count (link->topic) == 1) {
    send_by_link (self, link, event);
    return TRUE;
  }
  GST_INFO_OBJECT (self->src, "%s goes no further", GST_EVENT_TYPE_NAME (event));
  gst_event_unref (event);
  return FALSE;
}

/* Which subscriber asks whether it is in a circle. NULL: it is another query */
static gconstpointer
asker_of (GstQuery *query)
{
  const GstStructure *structure = gst_query_get_structure (query);
  gpointer asker = NULL;

  if (structure != NULL && gst_structure_has_name (structure, CIRCLE_QUERY))
    gst_structure_get (structure, "asker", G_TYPE_POINTER, &asker, NULL);
  return asker;
}

gboolean
relay_subscriber_ask_upstream (RelaySubscriber *self, GstQuery *query)
{
  const gconstpointer asker = asker_of (query);
  g_autofree gchar *name = NULL;
  g_autoptr (RelayTopic) topic = NULL;

  if (asker == self)
    return TRUE;
  if (asker == NULL && GST_QUERY_TYPE (query) == GST_QUERY_CUSTOM)
    return FALSE;
  name = relay_subscriber_get_name (self);
  topic = name != NULL ? relay_topic_find (name) : NULL;
  return topic != NULL && pass_upstream (self, topic, NULL, query);
}

/* Asks the elements upstream of the topic's node. */
static gboolean
is_in_circle (RelaySubscriber *self, const gchar *name)
{
  g_autoptr (RelayTopic) topic = relay_topic_find (name);
  g_autoptr (GstQuery) query = gst_query_new_custom (
      GST_QUERY_CUSTOM, gst_structure_new (CIRCLE_QUERY, "asker", G_TYPE_POINTER, self, NULL));
  g_autoptr (RelayNode) node = topic != NULL ? relay_topic_get_node (topic) : NULL;

  return node != NULL && gst_pad_peer_query (node->pad, query);
}

/* ---- caps ---- */

/* What the node sent may not have been delivered yet. Its caps count as those that the element
 * has. */
static void
tell_caps_so_far (RelaySubscriber *self, RelayLink *link)
{
  g_autoptr (RelayNode) node = link != NULL ? relay_topic_get_node (link->topic) : NULL;
  g_autoptr (GstCaps) theirs = node != NULL ? gst_pad_get_current_caps (node->pad) : NULL;
  g_autoptr (GstCaps) told = theirs != NULL ? gst_app_src_get_caps (self->src) : NULL;

  if (theirs != NULL && told == NULL && gst_pad_peer_query_accept_caps (self->inbox->pad, theirs))
    gst_app_src_set_caps (self->src, theirs);
}

typedef enum { REFUSED, AGREED, AGREED_IF_RECONFIGURED } Agreement;

/* Whether to listen where the topic's node has caps of its own. Asks what is behind the element,
 * and changes nothing.
 * - Nobody else listens there: the node is asked to reconfigure, and may take other caps.
 * - Others do: the caps stay. What cannot be taken here is refused, always, and the element stays
 *   where it is. An element that has had no caps yet has nowhere to stay.
 *
 * @tell: (transfer full)(nullable): what gst_app_src_get_caps() is to tell after the change */
static Agreement
agree (RelaySubscriber *self, RelayTopic *topic, GstCaps **tell)
{
  g_autoptr (RelayNode) node = relay_topic_get_node (topic);
  g_autoptr (GstCaps) theirs = node != NULL ? gst_pad_get_current_caps (node->pad) : NULL;
  g_autoptr (GstCaps) had = gst_app_src_get_caps (self->src);
  g_autoptr (GstCaps) ours = NULL;

  if (theirs == NULL)
    return AGREED;
  if (had == NULL) {
    *tell = g_steal_pointer (&theirs);
    return AGREED;
  }
  ours = relay_inbox_get_caps (self->inbox);
  if (ours != NULL && gst_caps_is_equal (ours, theirs))
    return AGREED;
  if (relay_topic_count (topic) == 0)
    return AGREED_IF_RECONFIGURED;
  if (ours != NULL && !gst_caps_can_intersect (ours, theirs))
    return REFUSED;
  *tell = g_steal_pointer (&theirs);
  return AGREED;
}

/* ---- changes ---- */

static RelayLink *
new_link (RelaySubscriber *self, const gchar *name)
{
  return relay_link_new (self->inbox, name, atomic_fetch_add (&self->links, 1) + 1);
}

static GstEvent *
key_unit_request_new (void)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
      gst_structure_new ("GstForceKeyUnit", "all-headers", G_TYPE_BOOLEAN, TRUE, NULL));
}

/* The link's subscription is in the slot by now: caps told before would be taken for some that were
 * set by hand. @tell: (nullable) */
static void
begin_to_listen (RelaySubscriber *self, RelayLink *link, Agreement agreement, GstCaps *tell)
{
  if (tell != NULL)
    gst_app_src_set_caps (self->src, tell);
  relay_pool_place (&self->inbox->work, link->topic->queue);
  relay_link_add (link);
  if (agreement == AGREED_IF_RECONFIGURED)
    send_by_link (self, link, gst_event_new_reconfigure ());
  if (link->number > 1 && atomic_load (&self->inbox->switch_on_keyframe))
    send_by_link (self, link, key_unit_request_new ());
}

/* One round of an optimistic change: from what is in the slot to @name, with a link if @listens.
 * Returns: FALSE if another thread was faster */
static gboolean
try_to_change (RelaySubscriber *self, RelaySubscription *was, const gchar *name, RelayLink *link,
    Agreement agreement, GstCaps *tell)
{
  RelaySubscription *now = subscription_new (name, link);

  relay_ref (now);
  if (!relay_slot_cas (&self->now, was, now)) {
    relay_unref (now);
    relay_unref (now);
    return FALSE;
  }
  if (link_of (was) != NULL) {
    relay_link_end (was->link);
    relay_inbox_wake (self->inbox);
  }
  if (link != NULL)
    begin_to_listen (self, link, agreement, tell);
  relay_unref (now);
  return TRUE;
}

static gboolean
is_blocked (RelaySubscriber *self)
{
  const gboolean first = atomic_exchange (&self->first_switch, FALSE);

  return atomic_load (&self->block_switch) && !first;
}

/* Renames the subscription to @name if @renames. Then gives it a link if the element is started,
 * and takes the link away if not. */
static void
change (RelaySubscriber *self, const gchar *name, gboolean renames)
{
  gboolean passed = FALSE;

  for (;;) {
    g_autoptr (RelaySubscription) was = relay_slot_get (&self->now);
    const gchar *const target = renames ? name : name_of (was);
    const gboolean wanted = atomic_load (&self->started) && target != NULL;
    g_autoptr (GstCaps) tell = NULL;
    Agreement agreement = AGREED;
    RelayLink *link = NULL;

    if (renames ? g_strcmp0 (name_of (was), name) == 0 : wanted == (link_of (was) != NULL))
      return;
    if (renames && wanted && !passed && is_blocked (self)) {
      GST_ERROR_OBJECT (self->src, "not listening to \"%s\": block-switch is set", name);
      return;
    }
    passed = wanted;
    if (renames && wanted && is_in_circle (self, name)) {
      warn_of_circle (self, name);
      return;
    }
    if (renames && wanted)
      tell_caps_so_far (self, link_of (was));
    if (wanted) {
      link = new_link (self, target);
      agreement = agree (self, link->topic, &tell);
    }
    if (renames && agreement == REFUSED) {
      GST_ERROR_OBJECT (self->src, "not listening to \"%s\": its caps cannot be taken here", name);
      relay_unref (link);
      return;
    }
    GST_INFO_OBJECT (self->src, "listening to \"%s\"", target != NULL ? target : "");
    if (try_to_change (self, was, target, link, agreement, tell))
      renames = FALSE;
  }
}

void
relay_subscriber_listen (RelaySubscriber *self, const gchar *name)
{
  change (self, name, TRUE);
}

gboolean
relay_subscriber_start (RelaySubscriber *self)
{
  g_autoptr (RelaySubscription) now = relay_slot_get (&self->now);

  atomic_store (&self->warned_of_circle, FALSE);
  if (name_of (now) != NULL && is_in_circle (self, now->name)) {
    GST_ELEMENT_ERROR (self->src, CORE, PAD, ("This element listens to itself."),
        ("what it sends would come back to it by \"%s\"", now->name));
    return FALSE;
  }
  /* Not to be switched does not mean not to be started. */
  atomic_store (&self->first_switch, name_of (now) == NULL);
  atomic_store (&self->started, TRUE);
  change (self, NULL, FALSE);
  return TRUE;
}

void
relay_subscriber_stop (RelaySubscriber *self)
{
  atomic_store (&self->started, FALSE);
  change (self, NULL, FALSE);
}
