/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/lock.h: a mutex that nobody waits for without end
 * ============================================================
 *
 * A thread that ends while it holds a plain mutex takes it along, and a thread that gets stuck with it
 * sticks everybody else. A WgLock knows who holds it and where, gives up waiting after a bound, and
 * goes to the next thread when its owner has ended, by whatever way: return, pthread_exit,
 * cancellation, the bare exit syscall (the kernel hands robust mutexes over, see
 * pthread_mutexattr_setrobust(3); measured: 1,600 of 1,600 deaths).
 *
 *   switch (wg_lock_acquire (lock, "nodes: add")) {
 *   case WG_LOCK_RECOVERED:          the one before us died in the middle of what it did
 *     repair ();
 *     G_GNUC_FALLTHROUGH;
 *   case WG_LOCK_OK:
 *     work ();
 *     wg_lock_release (lock);
 *     break;
 *   case WG_LOCK_TIMEOUT:            do without, or refuse; never ask again in a loop
 *   case WG_LOCK_RELOCK:
 *     break;
 *   }
 *
 * A recovered lock says nothing about what it protects. Where a half-made change cannot be repaired,
 * publish whole states: copy, change the copy, swap one atomic pointer. Then there is nothing to repair.
 *
 * Life:      wg_lock_new() → acquire, release … → wg_lock_unref(); whoever uses it has a reference, or
 *            holds it. The memory of a held lock is never freed: the kernel and
 *            glibc write into it when its owner lets go or dies, years later if need be, and no
 *            sanitizer says whose memory that is by then. The last unref of a held lock makes it an
 *            *orphan*, which is reported, and freed by a later wg_lock_new() or wg_lock_unref(), once
 *            it was released or its owner died.
 * Threads:   any, for every function. release belongs to the thread that acquired.
 * Blocking:  wg_lock_acquire() for at most the bound, on CLOCK_MONOTONIC, and for nothing when somebody
 *            has waited the whole bound for the same turn of the same owner: whoever keeps a lock costs the
 *            process one bound, not one a call. Everything else for nothing but the host's log function
 *            when there is something to report; guard has no lock of its own. No function is a
 *            cancellation point.
 * Reports:   through wg_log(), never while the calling thread holds a WgLock: what it has to say until
 *            then waits for the last release, and is lost if the thread ends first; the counts are not.
 *            A timeout, a relock and a foreign release are reported once for each lock, thread and
 *            place, until another thread or place has been.
 * Copies:    guard may be in a process several times, with hidden symbols in plugins. Each copy has its
 *            own log function, counts and setting; a lock belongs to the copy that made it. A copy
 *            whose host installs no log function writes to stderr.
 * Setting:   WOLF_GUARD_LOCK_MS, environment, read once. A bad value gives one warning and the default.
 * fork:      out of scope. In a child, before exec, no WgLock may be touched.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct WgLock WgLock;

typedef enum {
  WG_LOCK_OK,        /* the caller's */
  WG_LOCK_RECOVERED, /* the caller's, from an owner that has died with it */
  WG_LOCK_TIMEOUT,   /* not the caller's: somebody else holds it */
  WG_LOCK_RELOCK,    /* the caller's since before: this call changed nothing, one release is due */
} WgLockResult;

/* A lock that nobody holds. `name` is for reports; static text, it is kept. Never NULL. Free with
 * wg_lock_unref(). */
WgLock *wg_lock_new (const gchar *name);
WgLock *wg_lock_ref (WgLock *lock);
void wg_lock_unref (WgLock *lock); /* NULL is fine; so is a held lock, see Life */

/* Wait for the lock, at most wg_lock_bound_ms(), and not at all for an owner that somebody has waited so
 * long for already and that has it still. `place` says in reports what it is held for; static text,
 * it is kept. */
WgLockResult wg_lock_acquire (WgLock *lock, const gchar *place) G_GNUC_WARN_UNUSED_RESULT;

/* The same with a bound of its own, in ms, never given up before it has passed; more than ten minutes count
 * as ten minutes. 0 or less is a try: it waits for nothing, and a WG_LOCK_TIMEOUT is then an answer,
 * neither counted nor reported. */
WgLockResult wg_lock_acquire_within (
    WgLock *lock, const gchar *place, gint64 ms) G_GNUC_WARN_UNUSED_RESULT;

/* Is the lock the caller's to work under and to release? */
static inline gboolean
wg_lock_is_mine (WgLockResult result)
{
  return result == WG_LOCK_OK || result == WG_LOCK_RECOVERED;
}

/* Give it back. FALSE, a report and nothing else when the caller does not hold it. */
gboolean wg_lock_release (WgLock *lock);

/* The bound of wg_lock_acquire() in ms: WOLF_GUARD_LOCK_MS, by default 500. What is done under a lock takes
 * microseconds, and a busy machine may keep its owner off the processor for tenths of a second. Longer
 * than that is a stuck owner; and a client that waits for an answer behind two such locks still
 * gets one in a second. */
gint64 wg_lock_bound_ms (void);

/* Who holds a lock. */
typedef struct {
  const gchar *lock; /* its name */
  pid_t tid; /* of a thread that may have ended meanwhile: nobody has come upon its death yet */
  const gchar *place; /* where it acquired the lock */
  gint64 since; /* about when the first thread had to wait for it, µs of g_get_monotonic_time();
                         0 while none had to: a lock that nobody waits for reads no clock */
} WgLockOwner;

/* TRUE and `owner` filled in when somebody holds the lock. A look from outside, past when it returns. */
gboolean wg_lock_get_owner (WgLock *lock, WgLockOwner *owner);

/* What went wrong since the process started, in this copy of guard. */
typedef struct {
  guint64 recovered; /* taken over from dead owners, orphans included */
  guint64 timeouts;  /* those that did not wait included */
  guint64 relocks;
  guint64 foreign;  /* releases by who did not hold it */
  guint64 orphaned; /* locks that lost their last reference while held */
  guint orphans;    /* those of them that are still held, as far as anybody has looked */
} WgLockCounts;
void wg_lock_get_counts (WgLockCounts *counts);

G_END_DECLS
