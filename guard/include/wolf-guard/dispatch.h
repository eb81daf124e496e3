/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/dispatch.h: work that has no pipeline gets a thread of its own
 * =========================================================================
 *
 * A thread that serves clients must not wait for Docker, for a network or for a lock. It posts a
 * *task* to a *queue* and goes on. A queue runs its tasks in order, one at a time, on a thread of a
 * small pool. Two queues do not wait for each other. Make one queue per owner: a session, a lobby,
 * the icons.
 *
 *   wg_dispatch_get ("session 42")
 *   wg_dispatch_post() ──▶ [ task task task ] ──▶ thread of the pool: task.func (task.data)
 *   wg_dispatch_close()      what has not begun is dropped
 *   wg_dispatch_unref()
 *
 * Pool:      threads are made when tasks wait and end after 10 s without work. There are at most
 *            WOLF_GUARD_DISPATCH_THREADS (32).
 * Limits:    a queue holds at most WG_DISPATCH_QUEUE_MAX tasks; further posts are refused. A task
 *            that has not begun by its deadline is dropped. A task that runs longer than its limit
 *            keeps its thread, but the thread is *written off*: it no longer counts, another one is
 *            made in its place, and the queue goes on with the next task. The log says so, and once
 *            more when the task returns after all. Beyond WOLF_GUARD_DISPATCH_LOST_MAX (8) such
 *            threads guard logs *FAILING* and makes no more in their place.
 * Ownership: a task's data belong to the queue from the post on, also when it is refused. `notify`
 *            frees them once, after the task has run or instead of it. A written-off task may run
 *            beside the next one, and a running task beside the close of its queue: its data must
 *            keep alive what it touches.
 * Threads:   any, for every function. A task may post, close and unref.
 * Blocking:  wg_dispatch_drain() only. Every other function takes guard's own mutex for a list
 *            operation. wg_dispatch_post() allocates once, besides what a new thread takes.
 *            `func` and `notify` are called without the mutex.
 * Settings:  environment, read once. A bad value gives one warning and the default.
 * More:      inspect.h has the numbers.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WgDispatch WgDispatch;

#define WG_DISPATCH_QUEUE_MAX 64
#define WG_DISPATCH_LIMIT_MS 30000 /* of a task that has none of its own */

typedef struct {
  const char *what; /* names the task in reports; static text */
  void (*func) (gpointer data);
  gpointer data;
  GDestroyNotify notify; /* or NULL */
  guint delay_ms;        /* not begun before; tasks behind it overtake it meanwhile */
  guint deadline_ms;     /* not begun later than this after the post; 0: no deadline */
  guint limit_ms;        /* runs at most; 0: WG_DISPATCH_LIMIT_MS */
} WgTask;

typedef enum {
  WG_DISPATCH_FULL = 1,  /* WG_DISPATCH_QUEUE_MAX tasks wait */
  WG_DISPATCH_CLOSED,    /* the queue is closed, or the process drains */
  WG_DISPATCH_NO_THREAD, /* there is no thread, and the system has none to give */
} WgDispatchRefusal;

/* The open queue of that name, made when there is none: a reference, never NULL. Free with
 * wg_dispatch_unref(). */
WgDispatch *wg_dispatch_get (const char *name);

/* Give a reference back. NULL is ignored. Tasks that wait still run. */
void wg_dispatch_unref (WgDispatch *queue);

/* Drop what has not begun and refuse what comes. The next wg_dispatch_get() of the name makes a new
 * queue. The second time does nothing. */
void wg_dispatch_close (WgDispatch *queue);

/* Have task->func (task->data) run. Copies `task`. Returns a number for wg_dispatch_cancel(), or 0
 * when it is refused; `why` (or NULL) then says why, and the data are freed. */
guint64 wg_dispatch_post (WgDispatch *queue, const WgTask *task, WgDispatchRefusal *why);

/* TRUE: the task had not begun and does not run; its data are freed. */
gboolean wg_dispatch_cancel (WgDispatch *queue, guint64 number);

/* The process is about to end: refuse posts, let delayed tasks begin, and wait at most `limit_ms`
 * until all tasks have run. What has not begun by then is dropped. Returns how many tasks were
 * dropped or still run. It cannot be taken back. No cancellation point. */
guint wg_dispatch_drain (guint limit_ms);

G_END_DECLS
