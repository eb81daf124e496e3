/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-sender.h: what an interpipesink sends under its name.
 *
 * Threads: caps, segment, hand-over and pass-around are the streaming thread's. The name may change
 * from any thread, and the links may be looked at from any.
 */
#pragma once

#include "relay-inbox.h"

#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

typedef struct {
  GstBaseSink *sink; /* not ours: it has this */
  RelayNode *node;
  RelaySlot topic;
  atomic_bool forward_eos, forward_events;
  RelayWaiter waiter; /* the sink's unlock() makes it give up */
  GstCaps *caps;
  GstEvent *segment;
} RelaySender;

void relay_sender_init (RelaySender *self, GstBaseSink *sink);
/* After a stop: forgets caps and segment. */
void relay_sender_forget (RelaySender *self);
void relay_sender_clear (RelaySender *self);

/* Brings the node to the topic of the element's name. Of several threads that rename it at once
 * each looks again, so that the last name stays. */
void relay_sender_follow_name (RelaySender *self);
void relay_sender_leave_name (RelaySender *self);

/* Returns: (transfer full)(nullable): the links that listen now, with the @epoch of their list */
RelayList *relay_sender_get_links (RelaySender *self, guint64 *epoch);
/* How many listen. */
guint relay_sender_count (RelaySender *self);

/* To all that listen, but for those in @but_not (nullable). First to all that have room, then to
 * those for whose room it has to wait.
 * @to: (optional)(transfer full)(nullable): which they are; with it, the content prerolls */
GstFlowReturn relay_sender_hand_over (
    RelaySender *self, RelayKind kind, GstMiniObject *content, RelayList *but_not, RelayList **to);
/* At once, in this thread: a flush is to reach a worker that stands in the way of what waits. */
void relay_sender_pass_around (RelaySender *self, GstEvent *event);

G_END_DECLS
