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
  atomic_bool block_switch;
} RelaySubscriber;

void relay_subscriber_init (RelaySubscriber *self, GstAppSrc *src, RelayInbox *inbox);
void relay_subscriber_clear (RelaySubscriber *self);

/* @name: (nullable). The old subscription stays if block-switch is set, or if the caps there are
 * settled with others and cannot be taken here. */
void relay_subscriber_listen (RelaySubscriber *self, const gchar *name);
void relay_subscriber_start (RelaySubscriber *self);
void relay_subscriber_stop (RelaySubscriber *self);
/* Returns: (transfer full)(nullable) */
gchar *relay_subscriber_get_name (RelaySubscriber *self);
/* Returns: (transfer full)(nullable): none while the element is stopped */
RelayLink *relay_subscriber_get_link (RelaySubscriber *self);
/* To the newest node of the link's name. @event: (transfer full) */
void relay_link_send_upstream (RelayLink *link, GstEvent *event);

G_END_DECLS
