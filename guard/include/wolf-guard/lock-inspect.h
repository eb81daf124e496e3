/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/lock-inspect.h: which thread holds a lock, and what went wrong with locks
 * ====================================================================================
 *
 * For health reports and tests. Any thread may call these functions. None of them blocks, fails or
 * allocates. What they return is past when they return.
 */
#pragma once

#include <sys/types.h>
#include <wolf-guard/lock.h>

G_BEGIN_DECLS

typedef struct {
  const gchar *lock;  /* its name */
  pid_t tid;          /* the owner's; it may have died without any thread having noticed yet */
  const gchar *place; /* where it acquired the lock */
  /* About when the first thread had to wait for this owner, µs of g_get_monotonic_time(). 0 while
   * none had to: a lock that no thread waits for reads no clock. */
  gint64 since;
} WgLockOwner;

/* TRUE, and `owner` filled in, when a thread holds the lock. */
gboolean wg_lock_get_owner (WgLock *lock, WgLockOwner *owner);

/* Numbers since the process started, in this copy of guard. */
typedef struct {
  guint64 recovered; /* taken over from dead owners, orphans included */
  guint64 timeouts;  /* acquisitions that gave up, or did not wait because another thread had */
  guint64 relocks;   /* acquisitions by the owner itself */
  guint64 foreign;   /* releases by a thread that did not hold it */
  guint64 orphaned;  /* locks that lost their last reference while held */
  guint orphans;     /* those of them that are still held, as far as any call has looked */
} WgLockCounts;

void wg_lock_get_counts (WgLockCounts *counts);

G_END_DECLS
