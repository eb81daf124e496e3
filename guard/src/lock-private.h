/* SPDX-License-Identifier: MIT
 *
 * What lock.c (owners) and lock-report.c (what went wrong) share.
 */
#pragma once

#include <wolf-guard/lock-inspect.h>

typedef struct {
  guint64 id;    /* 0 until wg_lock_self_init(); no two threads ever have the same */
  guint held;    /* WgLocks of this copy of guard */
  guint reports; /* that wait until `held` is 0 */
} WgLockSelf;

extern _Thread_local WgLockSelf wg_lock_self;

void wg_lock_self_init (WgLockSelf *self);

/* The tid inside a WgLockSelf.id. Tids come back when their threads are gone, ids do not. */
static inline pid_t
wg_lock_tid (guint64 id)
{
  return (pid_t) (id & G_MAXUINT32);
}

typedef enum {
  WG_LOCK_EVENT_RECOVERED,
  WG_LOCK_EVENT_TIMEOUT,
  WG_LOCK_EVENT_RELOCK,
  WG_LOCK_EVENT_FOREIGN,
  WG_LOCK_EVENT_ORPHANED,
  WG_LOCK_EVENT_RECLAIMED, /* an orphan was free at last */
  WG_LOCK_EVENTS
} WgLockEvent;

/* Nothing in it belongs to a lock, which may be gone before the report is out. */
typedef struct {
  WgLockEvent event;
  WgLockOwner owner; /* tid 0: not known, nobody */
  pid_t tid;         /* the thread that it happened to */
  const char *place; /* where that thread was; NULL when it has no place */
  gint64 ms;         /* how long a timeout waited */
} WgLockReport;

void wg_lock_count (WgLockEvent event);

/* Say it, now or when the calling thread holds no WgLock any more. */
void wg_lock_report (const WgLockReport *report);

/* Say what is waiting; by a thread that holds no WgLock. */
void wg_lock_flush_reports (void);
