/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-queue.h: worker queues. Each has one worker, a thread that runs one task after the other.
 *
 * A task goes onto the queue's stack (one compare-and-swap). The worker takes the whole stack in
 * one exchange and runs the oldest first. It is woken only if it sleeps. What it has not come to
 * belongs to the queue (`rest`), not to the worker. So a worker can be replaced:
 * - one that stands in one task for longer than RELAY_STALL_MS loses its queue to a new worker,
 *   which goes on with what waits behind that task;
 * - so does one that was woken and does not come within RELAY_LATE_MS.
 *
 * The monitor thread sees to that. It looks at once when a producer finds a worker that stalls, and
 * 20 times a second while tasks wait behind others.
 *
 * Invariants:
 * 1. A task is in at most one place: a queue's stack, a queue's rest, a worker's hands. The place
 *    has a reference.
 * 2. Pushing never waits: one compare-and-swap, and at most one post.
 * 3. A worker whose queue was taken touches nothing of it any more, but for its memory.
 *
 * Threads: all functions, from any. A worker ends when its queue has no users.
 */
#pragma once

#include "relay-object.h"

G_BEGIN_DECLS

/* Longer than any push that does not wait for something. */
#define RELAY_STALL_MS 5
/* A worker that was woken runs something within this, or another one does. */
#define RELAY_LATE_MS 250

typedef struct RelayQueue RelayQueue;
typedef struct RelayWorker RelayWorker;

/* Intrusive: the first member of what it is the task of. */
typedef struct RelayTask {
  RelayObject object;
  struct RelayTask *next; /* the queue's */
  /* Looks at the worker's clock when it has done something that may take long. */
  void (*run) (struct RelayTask *task, RelayWorker *worker);
} RelayTask;

/* The caller is its user. */
RelayQueue *relay_queue_new (void);
/* One user more. FALSE: it has none any more, or there can be no worker */
gboolean relay_queue_join (RelayQueue *queue);
/* @queue: (transfer full)(nullable): one user less */
void relay_queue_leave (RelayQueue *queue);
/* Has the task run. The caller is a user. */
void relay_queue_push (RelayQueue *queue, RelayTask *task);
/* Whether its worker stalls. @now: relay_now(), or a little before */
void relay_queue_check (RelayQueue *queue, gint64 now);

/* relay_now() when the worker began with this task. */
gint64 relay_worker_began (const RelayWorker *worker);
/* Returns: relay_now(), which is when it begins with the next one */
gint64 relay_worker_look (RelayWorker *worker);
gboolean relay_worker_has_queue (const RelayWorker *worker);

G_END_DECLS
