/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-topic.h"

#include "relay-inbox.h"

#define LEAVING -1

static RelaySlot topics;

/* ---- topics ---- */

static void
topic_free (gpointer data)
{
  RelayTopic *self = data;

  relay_unref (relay_slot_swap (&self->nodes, NULL));
  relay_unref (relay_slot_swap (&self->links, NULL));
  relay_queue_leave (self->queue);
  g_free (self->name);
  g_free (self);
}

static RelayTopic *
topic_new (const gchar *name)
{
  static atomic_uint serials;
  RelayTopic *self = g_new0 (RelayTopic, 1);

  relay_object_init (self, topic_free);
  self->name = g_strdup (name);
  self->serial = atomic_fetch_add (&serials, 1);
  atomic_init (&self->users, 1);
  self->queue = relay_queue_new ();
  return self;
}

static gboolean
try_to_enter (RelayTopic *topic)
{
  gint users = atomic_load (&topic->users);

  while (users != LEAVING)
    if (atomic_compare_exchange_weak (&topic->users, &users, users + 1))
      return TRUE;
  return FALSE;
}

static gboolean
is_leaving (gpointer member, gconstpointer data)
{
  (void) data;
  return atomic_load (&((RelayTopic *) member)->users) == LEAVING;
}

/* Puts a topic into the list that was seen to have none of its name. */
static gboolean
try_to_add (RelayList *seen, RelayTopic *topic)
{
  RelayList *changed = relay_list_copy (seen, is_leaving, NULL, topic);

  if (relay_slot_cas (&topics, seen, changed))
    return TRUE;
  relay_unref (changed);
  return FALSE;
}

RelayTopic *
relay_topic_enter (const gchar *name)
{
  for (;;) {
    g_autoptr (RelayList) list = relay_slot_get (&topics);

    for (guint i = 0; list != NULL && i < list->len; i++) {
      RelayTopic *topic = list->members[i];
      if (g_str_equal (topic->name, name) && try_to_enter (topic))
        return relay_ref (topic);
    }
    RelayTopic *topic = topic_new (name);
    if (try_to_add (list, topic))
      return topic;
    relay_unref (topic);
  }
}

RelayTopic *
relay_topic_find (const gchar *name)
{
  g_autoptr (RelayList) list = relay_slot_get (&topics);

  for (guint i = 0; list != NULL && i < list->len; i++) {
    RelayTopic *topic = list->members[i];
    if (g_str_equal (topic->name, name) && atomic_load (&topic->users) != LEAVING)
      return relay_ref (topic);
  }
  return NULL;
}

void
relay_topic_leave (RelayTopic *topic)
{
  gint none = 0;

  if (topic == NULL)
    return;
  if (atomic_fetch_sub (&topic->users, 1) == 1
      && atomic_compare_exchange_strong (&topic->users, &none, LEAVING))
    relay_list_change (&topics, is_leaving, NULL, NULL);
  relay_unref (topic);
}

/* ---- nodes ---- */

static void
node_free (gpointer data)
{
  RelayNode *self = data;

  gst_object_unref (self->pad);
  g_free (self);
}

RelayNode *
relay_node_new (GstPad *pad)
{
  RelayNode *self = g_new0 (RelayNode, 1);

  relay_object_init (self, node_free);
  self->pad = gst_object_ref (pad);
  return self;
}

static gboolean
is_same (gpointer member, gconstpointer data)
{
  return member == data;
}

void
relay_topic_add_node (RelayTopic *topic, RelayNode *node)
{
  relay_list_change (&topic->nodes, is_same, node, node);
}

void
relay_topic_remove_node (RelayTopic *topic, RelayNode *node)
{
  relay_list_change (&topic->nodes, is_same, node, NULL);
}

RelayNode *
relay_topic_get_node (RelayTopic *topic)
{
  g_autoptr (RelayList) list = relay_slot_get (&topic->nodes);

  return list != NULL && list->len > 0 ? relay_ref (list->members[list->len - 1]) : NULL;
}

RelayList *
relay_topic_get_links (RelayTopic *topic, RelayNode *node, guint64 *epoch)
{
  g_autoptr (RelayList) list = relay_slot_get (&topic->nodes);

  if (list == NULL || list->len == 0 || list->members[list->len - 1] != node)
    return NULL;
  *epoch = list->version;
  return relay_slot_get (&topic->links);
}

/* ---- links ---- */

static void
link_free (gpointer data)
{
  RelayLink *self = data;

  relay_topic_leave (self->topic);
  relay_unref (self->inbox);
  g_free (self);
}

RelayLink *
relay_link_new (RelayInbox *inbox, const gchar *name, guint64 number)
{
  RelayLink *self = g_new0 (RelayLink, 1);

  relay_object_init (self, link_free);
  self->inbox = relay_ref (inbox);
  self->topic = relay_topic_enter (name);
  self->number = number;
  return self;
}

static gboolean
is_ended_or_same (gpointer member, gconstpointer data)
{
  return member == data || atomic_load (&((RelayLink *) member)->ended);
}

void
relay_link_add (RelayLink *link)
{
  relay_list_change (&link->topic->links, is_ended_or_same, link, link);
  /* Ended by another thread before it was there. */
  if (atomic_load (&link->ended))
    relay_list_change (&link->topic->links, is_ended_or_same, link, NULL);
}

void
relay_link_end (RelayLink *link)
{
  atomic_store (&link->ended, TRUE);
  relay_list_change (&link->topic->links, is_ended_or_same, link, NULL);
}

guint
relay_topic_count (RelayTopic *topic)
{
  g_autoptr (RelayList) list = relay_slot_get (&topic->links);
  guint count = 0;

  for (guint i = 0; list != NULL && i < list->len; i++)
    count += !is_ended_or_same (list->members[i], NULL);
  return count;
}
