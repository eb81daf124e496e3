/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-subscription.h: which name an interpipesrc listens to.
 *
 * A subscription is an object that never changes: a name, and a link while the element is started.
 * It stands in a slot. A change of listen-to, a start and a stop each put another subscription
 * there and end the link of the one before. Of several threads at once the last one's change
 * stays, and none waits for another.
 *
 * Threads: any.
 */
#pragma once

#include "relay-inbox.h"

#include <gst/app/gstappsrc.h>

G_BEGIN_DECLS

typedef struct {
  RelayObject object;
  gchar *name;     /* NULL: none */
  RelayLink *link; /* NULL: not started, or no name */
} RelaySubscription;

typedef struct {
  GstAppSrc *src; /* not ours: it has this */
  RelayInbox *inbox;
  RelaySlot now; /* a RelaySubscription */
  _Atomic guint64 links;
  atomic_bool started, first_switch;
  atomic_bool block_switch, warned_of_circle;
} RelaySubscriber;

void relay_subscriber_init (RelaySubscriber *self, GstAppSrc *src, RelayInbox *inbox);
void relay_subscriber_clear (RelaySubscriber *self);

/* @name: (nullable). The old subscription stays in three cases:
 * - block-switch is set;
 * - others listen there, and what they get cannot be taken here;
 * - what the element sends would come back to it. A WARNING is posted. */
void relay_subscriber_listen (RelaySubscriber *self, const gchar *name);
/* Returns: FALSE, and an ERROR is posted, if what the element sends would come back to it */
gboolean relay_subscriber_start (RelaySubscriber *self);
void relay_subscriber_stop (RelaySubscriber *self);
/* Returns: (transfer full)(nullable) */
gchar *relay_subscriber_get_name (RelaySubscriber *self);
/* Returns: (transfer full)(nullable): none while the element is stopped */
RelayLink *relay_subscriber_get_link (RelaySubscriber *self);

/*
 * Pipelines may form a circle: what listens to a name feeds the sink of that name. An event or
 * query that goes upstream would go round for ever. So a thread notes the subscribers that it has
 * passed, and passes none of them twice.
 */

/* To the newest node of the name that it listens to. @event: (transfer full) */
gboolean relay_subscriber_send_upstream (RelaySubscriber *self, GstEvent *event);
/* The same for a query, started or not. Of custom queries only those pass that ask for a circle. */
gboolean relay_subscriber_ask_upstream (RelaySubscriber *self, GstQuery *query);

G_END_DECLS
