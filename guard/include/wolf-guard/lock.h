/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/lock.h: a mutex with a time limit, which survives the death of its owner
 * ===================================================================================
 *
 * A plain mutex is lost when its owner ends without unlocking it, and an owner that is stuck blocks
 * every other thread. A WgLock knows its owner and the place where it was acquired. A thread gives
 * up waiting after a time limit. The lock goes to the next thread when its owner has ended in any
 * way: return, pthread_exit, cancellation, or the bare exit system call (robust mutexes, see
 * pthread_mutexattr_setrobust(3); measured: 1,600 of 1,600 deaths).
 *
 *   switch (wg_lock_acquire (lock, "nodes: add")) {
 *   case WG_LOCK_RECOVERED:          the last owner died while it held the lock
 *     repair ();
 *     G_GNUC_FALLTHROUGH;
 *   case WG_LOCK_OK:
 *     work ();
 *     wg_lock_release (lock);
 *     break;
 *   case WG_LOCK_TIMEOUT:            do without, or refuse; do not retry in a loop
 *   case WG_LOCK_RELOCK:
 *     break;
 *   }
 *
 * A recovered lock says nothing about the data that it protects. Where a half-made change cannot be
 * repaired, publish whole states: copy, change the copy, swap one atomic pointer.
 *
 * Life:      wg_lock_new(), then acquire and release, then wg_lock_unref(). A thread that uses the
 *            lock has a reference or holds the lock. The memory of a held lock is never freed: the
 *            kernel and glibc write into it when the owner releases it or dies. The last unref of a
 *            held lock makes it an *orphan*. An orphan is reported, and freed by a later
 *            wg_lock_new() or wg_lock_unref() once it was released or its owner died.
 * Threads:   any, for every function. Release belongs to the thread that acquired.
 * Blocking:  wg_lock_acquire() waits for at most its time limit, on CLOCK_MONOTONIC. It does not
 *            wait when another thread has waited the whole time limit for the same acquisition of
 *            the same owner: a stuck owner costs the process one time limit, not one per call.
 *            Every other function blocks only in the host's log function, if it has something to
 *            report. guard has no lock of its own here. No function is a cancellation point.
 * Errors:    only those of WgLockResult. No function fails for lack of memory; GLib ends the
 *            process.
 * Reports:   through wg_log(), never while the calling thread holds a WgLock. A report waits for
 *            the thread's last release, and is lost if the thread ends before; the counts are not.
 *            A timeout, a relock and a foreign release are reported once for each lock, thread and
 *            place, until another thread or place has been reported.
 * Copies:    a process may contain several copies of guard, with hidden symbols in plugins. Each
 *            copy has a log function, counts and a setting of its own. A lock belongs to the copy
 *            that made it. A copy whose host installs no log function writes to stderr.
 * Setting:   WOLF_GUARD_LOCK_MS, from the environment, read once. A bad value gives one warning and
 *            the default.
 * fork:      not supported. A child must not touch any WgLock before exec.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WgLock WgLock;

typedef enum {
  WG_LOCK_OK,        /* acquired */
  WG_LOCK_RECOVERED, /* acquired from an owner that died with it */
  WG_LOCK_TIMEOUT,   /* not acquired: another thread holds it */
  WG_LOCK_RELOCK,    /* the caller holds it already; nothing changed, one release is due */
} WgLockResult;

/* A new lock that no thread holds. `name` is for reports and must be static text. Never NULL. Free
 * with wg_lock_unref(). */
WgLock *wg_lock_new (const gchar *name);

/* Take a reference; returns `lock`. */
WgLock *wg_lock_ref (WgLock *lock);

/* Give a reference back. NULL is ignored. A held lock becomes an orphan, see Life. */
void wg_lock_unref (WgLock *lock);

/* Acquire the lock; wait for at most wg_lock_get_timeout_ms(), or not at all, see Blocking. `place`
 * says in reports what the lock is held for and must be static text. */
WgLockResult wg_lock_acquire (WgLock *lock, const gchar *place) G_GNUC_WARN_UNUSED_RESULT;

/* The same with a time limit of its own in ms, which is always waited for. More than ten minutes
 * count as ten minutes. 0 or less only tries: a WG_LOCK_TIMEOUT is then neither counted nor
 * reported. */
WgLockResult wg_lock_acquire_within (
    WgLock *lock, const gchar *place, gint64 ms) G_GNUC_WARN_UNUSED_RESULT;

/* TRUE: the caller holds the lock and has to release it. */
static inline gboolean
wg_lock_is_mine (WgLockResult result)
{
  return result == WG_LOCK_OK || result == WG_LOCK_RECOVERED;
}

/* Release the lock. FALSE, and a report: the caller does not hold it, and nothing changed. */
gboolean wg_lock_release (WgLock *lock);

/* The time limit of wg_lock_acquire() in ms: WOLF_GUARD_LOCK_MS, by default 500. Work under a lock
 * takes microseconds, and a busy machine may keep the owner off the processor for tenths of a
 * second. A longer time means a stuck owner, and a client that waits behind two such locks is
 * answered within a second. */
gint64 wg_lock_get_timeout_ms (void);

G_END_DECLS
