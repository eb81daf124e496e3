/* SPDX-License-Identifier: MIT
 *
 * What the files of the dispatcher share. Calls go down this list only:
 *
 *   dispatch.c          the public functions
 *   dispatch-monitor.c  what has to happen at a time: threads are written off, tasks dropped at
 *                       their deadline, queues made ready whose task was delayed
 *   dispatch-pool.c     queues and the threads that run their tasks
 *
 * One mutex for all queues and threads: what is done under it is a list operation. A queue is in
 * `ready` when it has a task that may begin and none that runs. A thread of the pool takes the
 * first queue, runs one task of it and puts the queue back.
 */
#pragma once

#include "sync.h"

#include <wolf-guard/dispatch.h>
#include <wolf-guard/inspect.h>

#define WG_DISPATCH_IDLE_MS 10000 /* then a thread of the pool ends, or the monitor */

typedef struct {
  WgTask task;
  WgDispatch *queue; /* a reference */
  guint64 number;
  gint64 not_before, deadline; /* µs; a deadline of 0 is none */
  gint64 began;                /* µs; 0: it waits */
  gboolean lost;               /* the thread that runs it is written off */
  GList link;                  /* in its queue, then in `runs` */
} WgItem;

struct WgDispatch {
  guint refs; /* the users' and one for each item */
  char *name;
  GQueue items; /* of WgItem that wait, in order */
  gboolean is_ready, running, closed;
  GList link, ready_link; /* in `queues` while open; in `ready` */
};

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t work;     /* a queue is ready */
  pthread_cond_t timed;    /* the monitor has to look again */
  pthread_cond_t fewer;    /* tasks than before */
  GQueue queues;           /* of WgDispatch that are open */
  GQueue ready;            /* of WgDispatch */
  GQueue runs;             /* of WgItem */
  WgDispatchStatus status; /* but for what follows from the settings */
  guint64 last_number;
  gboolean monitor_runs, draining;
  gint64 monitor_until; /* it sleeps no longer than that */
} WgDispatchState;

extern WgDispatchState wg_dispatch;

gint64 wg_ms_after (gint64 time, guint ms);

/* --- with the mutex */

void wg_queue_unref (WgDispatch *queue);
/* Take `item` out of its queue. */
void wg_item_take_out (WgItem *item);
/* Take all items out of `queue`, to the end of `dropped`. */
void wg_items_take_out (WgDispatch *queue, GQueue *dropped);
/* Put the queue where the pool finds it, if it has something to do. FALSE: it has, and there is no
 * thread. */
gboolean wg_dispatch_schedule (WgDispatch *queue, gint64 now);
/* When the limit of a running item is over. */
gint64 wg_item_limit (const WgItem *item);
/* Have the monitor look at `at`. */
void wg_dispatch_look_at (gint64 at);

/* --- without the mutex */

void wg_item_free (WgItem *item);
void wg_items_free (GQueue *items);
/* The monitor's thread. */
void *wg_dispatch_monitor (void *unused);
