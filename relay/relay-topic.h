/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-topic.h: names, the nodes that send under them, and the links that listen to them.
 *
 * A name is a thing of its own, a topic, and both sides hold it. An interpipesink brings a node to
 * the topic of its name. An interpipesrc that listens to the name leaves a link there. So either
 * may come first, and neither has to be told when the other comes or goes. The newest node of a
 * topic finds the links there; an older one finds none until it is the newest again.
 *
 * Both lists of a topic, and the list of all topics, are RelayLists in slots. A change is made on
 * a copy, which goes into the slot in one exchange. A thread that ends in the midst of a change
 * has changed nothing.
 *
 * A topic lives as long as it has users. Then it leaves the list of all topics. A thread that
 * finds a topic that is about to leave makes a new one of the same name.
 *
 * Threads: any. Nothing here waits, calls into an element, or emits anything.
 */
#pragma once

#include "relay-pool.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct RelayInbox RelayInbox;

typedef struct {
  RelayObject object;
  gchar *name;
  guint serial;     /* tells it from others that had the same address */
  atomic_int users; /* nodes and links; -1: it is leaving */
  RelaySlot nodes, links;
  RelayQueue *queue; /* of the work of those that listen */
} RelayTopic;

/* An interpipesink, as others see it. Its pad may be used for as long as there is a reference. If
 * the element is gone, an event or query reaches nothing. */
typedef struct {
  RelayObject object;
  GstPad *pad;
} RelayNode;

/* One listening of one interpipesrc, from one setting of listen-to to the next. */
typedef struct {
  RelayObject object;
  RelayInbox *inbox;
  RelayTopic *topic;
  guint64 number; /* of the links of one inbox, each has a higher one than those before it */
  atomic_bool ended;
} RelayLink;

/* Finds or makes the topic of a name, and stays in it. Returns: (transfer full) */
RelayTopic *relay_topic_enter (const gchar *name);
/* Returns: (transfer full)(nullable): the topic of a name if there is one. The caller is no user
 * of it: it may leave the list of all topics meanwhile. */
RelayTopic *relay_topic_find (const gchar *name);
/* @topic: (transfer full)(nullable) */
void relay_topic_leave (RelayTopic *topic);
/* Returns: (transfer full)(nullable): the newest node */
RelayNode *relay_topic_get_node (RelayTopic *topic);
/* How many listen. */
guint relay_topic_count (RelayTopic *topic);
/* The links, if @node is the newest. @epoch: a number that grows whenever the newest may have
 * changed. Returns: (transfer full)(nullable) */
RelayList *relay_topic_get_links (RelayTopic *topic, RelayNode *node, guint64 *epoch);

RelayNode *relay_node_new (GstPad *pad);
/* The node is in the topic for as long as the caller is. */
void relay_topic_add_node (RelayTopic *topic, RelayNode *node);
void relay_topic_remove_node (RelayTopic *topic, RelayNode *node);

/* In the topic of @name, but listening only once it is added. */
RelayLink *relay_link_new (RelayInbox *inbox, const gchar *name, guint64 number);
void relay_link_add (RelayLink *link);
/* From now on it gets nothing more. */
void relay_link_end (RelayLink *link);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayNode, relay_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayLink, relay_unref)

G_END_DECLS
