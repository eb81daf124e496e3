/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-pool.h: which thread delivers for which consumer.
 *
 * A thread for each consumer costs a wake-up for each buffer and consumer, which is most of what
 * gst-interpipe costs. A thread for several couples them: one waits while another is served. So
 * what is quick is served together, and what is not serves itself:
 * - Each name has a worker queue with one worker. It runs the work of the name's consumers one
 *   after the other: one wake-up for each buffer, however many listen.
 * - Work that is not trusted runs alone, in a thread of its own that the element has anyway
 *   (relay-base.h). So does all work at first.
 *
 * Trust. Work runs alone until it was quick RELAY_TRUST times in succession: RELAY_QUICK_US a
 * buffer. In the worker queue the time beyond that adds up, and 0.5 % of all time is let off. More
 * than RELAY_STALLED_MS in all, and it runs alone again, for twice as many quick runs. So all that
 * a consumer may ever cost its neighbours is some milliseconds now and then, whatever its pattern.
 *
 * Work that has stood in a worker's run until the worker lost its queue (relay-queue.h) runs alone
 * from then on, too.
 *
 * A RelayWork is intrusive: it is the first member of what it is the work of. It is in one state:
 * - idle;
 * - scheduled: it is in its queue, or its own thread has been woken;
 * - running: a thread has it in its hands;
 * - running again: it was scheduled meanwhile, and will be scheduled anew.
 *
 * Invariants:
 * 1. Work is in at most one place: a queue, a thread's hands. The thread that takes it out of idle
 *    has it, and so has the one that takes it out of a queue.
 * 2. Only the thread that has it changes its `queue` (NULL: it runs alone) and what is known of it.
 * 3. Scheduling never waits.
 *
 * Threads: relay_pool_place() and relay_pool_schedule() from any.
 */
#pragma once

#include "relay-queue.h"

#include <semaphore.h>

G_BEGIN_DECLS

/* About a wake-up: from here on there is nothing to be saved. */
#define RELAY_QUICK_US 50
#define RELAY_TRUST 32
#define RELAY_TRUST_MAX 8192
#define RELAY_STALLED_MS 5
/* Work that runs alone and has nothing to do for so long lets its thread go back to what else it
 * does. */
#define RELAY_LINGER_MS 100

typedef struct RelayWork RelayWork;

/* Returns: how much was done, in buffers. *@more: FALSE at first; TRUE has it scheduled again */
typedef guint (*RelayRun) (RelayWork *work, gboolean *more);

struct RelayWork {
  RelayTask task;
  RelayRun run;
  /* Has the work's own thread call relay_pool_run_alone(). NULL: there is none, and all is
   * trusted */
  void (*go_alone) (RelayWork *work);

  /* the pool's */
  atomic_int state;
  RelaySlot home; /* the queue of the name that it belongs to */
  _Atomic (RelayQueue *) queue;
  sem_t wake; /* its own thread */
  atomic_bool placed;
  gboolean trusted;
  guint quick, needs; /* runs in succession */
  gint64 stalled, judged;
};

void relay_work_init (RelayWork *work, RelayRun run, void (*go_alone) (RelayWork *work));
void relay_work_clear (RelayWork *work);

/* It belongs to that queue now. @queue: (nullable): to no name */
void relay_pool_place (RelayWork *work, RelayQueue *queue);
/* Has it run at least once from now on. */
void relay_pool_schedule (RelayWork *work);

/* For the work's own thread. */
gboolean relay_pool_is_alone (RelayWork *work);
/* Runs it once, or waits until it is scheduled, something has woken it, or it has nothing to do. */
void relay_pool_run_alone (RelayWork *work);
void relay_pool_wake_alone (RelayWork *work);
/* Takes it out of idle, if it is. The caller has it until relay_pool_run_held(), which runs it. */
gboolean relay_pool_hold (RelayWork *work);
void relay_pool_run_held (RelayWork *work);

G_END_DECLS
