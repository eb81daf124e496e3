/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-pool.h: the workers that run what is scheduled.
 *
 * A thread for each consumer costs a wake-up for each buffer and consumer, which is most of what
 * gst-interpipe costs. Here consumers share a few worker queues, each with one worker. A worker
 * that is awake runs one piece of work after the other.
 *
 * A RelayWork is intrusive: it is the first member of what it is the work of. It is in one state:
 * - idle;
 * - scheduled: it is in a queue, or on its way into one;
 * - running: a worker has it in its hands;
 * - running again: it was scheduled meanwhile, and the worker schedules it anew.
 *
 * The thread that takes it from idle to scheduled puts it onto its queue's stack (one
 * compare-and-swap). The worker takes the whole stack in one exchange and runs the oldest first.
 * What it has not come to belongs to the queue (`rest`), not to the worker. So:
 *
 * - A worker that stands in one run for longer than RELAY_STALL_MS loses its queue to a new one,
 *   which goes on with the rest. So does a worker that was woken and does not come within
 *   RELAY_LATE_MS. The monitor thread sees to that. It sleeps until a producer finds a worker that
 *   stalls, and looks ten times a second while work waits behind other work.
 * - Work that has stalled a worker, or takes longer than RELAY_SLOW_US a buffer again and again,
 *   gets a queue of its own. Sharing would save it nothing, and cost the others.
 *
 * Invariant: work is in at most one place: a queue's stack, a queue's rest, a worker's hands. Its
 * state is idle if and only if it is in none. The place has a reference.
 *
 * Threads: relay_pool_schedule() from any; it never waits. Workers are detached and live on.
 */
#pragma once

#include "relay-object.h"

G_BEGIN_DECLS

/* Longer than any push that does not wait for something, shorter than two frames. */
#define RELAY_STALL_MS 20
/* A worker that was woken runs something within this, or another one does. */
#define RELAY_LATE_MS 250
/* Several times a wake-up: from here on there is nothing to be saved. */
#define RELAY_SLOW_US 150

typedef struct RelayQueue RelayQueue;
typedef struct RelayWork RelayWork;

/* Returns: how much was done, in buffers. *@more: FALSE at first; TRUE has it scheduled again */
typedef guint (*RelayRun) (RelayWork *work, gboolean *more);

struct RelayWork {
  RelayObject object;
  RelayRun run;

  /* the pool's */
  atomic_int state;
  _Atomic (RelayQueue *) queue;
  RelayWork *next;
  gint slowness;
};

/* Has it run at least once from now on. @now: relay_now(), or a little before */
void relay_pool_schedule (RelayWork *work, gint64 now);
/* It belongs to the topic of that serial number now. */
void relay_pool_place (RelayWork *work, guint serial);
/* It is being freed. */
void relay_pool_forget (RelayWork *work);

G_END_DECLS
