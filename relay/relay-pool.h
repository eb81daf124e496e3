/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-pool.h: the workers that serve inboxes.
 *
 * Handing a buffer to a thread of its own costs a wake-up, which is most of what gst-interpipe costs.
 * So inboxes share a few lanes, each with one worker; a worker that is awake serves one inbox after the
 * other. All who listen to one name are in one lane: one wake-up for each buffer, however many listen;
 * different names are spread over as many lanes as there are cores.
 *
 * An inbox that is called goes onto its lane's stack (one compare-and-swap) unless it is there already
 * or is being served. The worker takes the whole stack in one exchange and serves it oldest first. What
 * it has not come to is not its own, but the lane's (`rest`). So:
 *
 * - a worker that stands in a push for longer than RELAY_STALL_MS loses its lane to a new one, which
 *   goes on with the rest. The keeper sees to that: a thread that sleeps until a producer sees a worker
 *   that stalls, and that looks ten times a second while there are inboxes that wait behind another.
 *   So it is, after RELAY_LATE_MS, with one that was called and does not come; and wherever else in
 *   its round it stays away. Only the inbox in its hands waits for it, or for ever if it has ended;
 * - who has stalled a worker, or takes longer than RELAY_SLOW_US a buffer again and again (an encoder
 *   in the same thread), gets a lane of its own. Sharing would save it nothing, and cost the others.
 *
 * Invariant: an inbox is in at most one place: a lane's stack, a lane's rest, a worker's hands. `due`
 * says that it is in one, and is taken back only by the worker that has it. The place has a reference.
 *
 * Threads: relay_pool_call() from any; it never waits. Workers are detached and live on.
 */
#pragma once

#include "relay-inbox.h"

G_BEGIN_DECLS

/* Longer than any push that does not wait for something, shorter than two frames. */
#define RELAY_STALL_MS 20
/* One that is called is at work within this, or another one is. */
#define RELAY_LATE_MS 250
/* Several times a wake-up: from here on there is nothing to be saved. */
#define RELAY_SLOW_US 150

/* @now: relay_now(), or a little before */
void relay_pool_call (RelayInbox *inbox, gint64 now);
/* It listens to the topic of that serial number now. */
void relay_pool_place (RelayInbox *inbox, guint serial);
/* It is being freed. */
void relay_pool_forget (RelayInbox *inbox);

G_END_DECLS
