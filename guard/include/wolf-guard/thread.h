/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/thread.h: starts and ends of threads, and how they ended
 * ===================================================================
 *
 * A thread enters with a name and leaves before it ends. An end without a leave is reported:
 *
 *   pthread_exit, cancellation,  at once, by a thread-specific destructor. From C++ the wrapper in
 *   or a return without leave    wolf-guard.hpp reports it, and tells an exception apart.
 *   bare exit (the exit system   within 1 s, by a scanner. A thread with records holds a robust
 *   call), a killed thread       mutex, which the kernel hands over in whatever way the thread
 *                                ended. So no thread id can be mistaken for that of a later
 *                                thread. The id counts only where something damaged the thread's
 *                                list of robust mutexes.
 *
 * Log lines (level debug for start and end, error for the unexpected; what is "" is left out):
 *   [GUARD] thread 4711 'q:src' session=12 pipeline=v: started
 *   [GUARD] thread 4711 'q:src' session=12 pipeline=v: ended after 3.2 s
 *   [GUARD] thread 4711 'q:src' session=12 pipeline=v: ENDED UNEXPECTEDLY (bare exit) after 3.2 s
 *
 * The reason in brackets is "bare exit", "exception: " and its text, or "pthread_exit, cancelled,
 * or returned without leaving".
 *
 * Records nest: a pool's thread may enter once more for each task. They leave in reverse order.
 * They are reported in that order, too, when the thread ends without leaving them.
 *
 * Threads:    each function belongs to the thread that it speaks of.
 * Blocking:   for a list operation under guard's own mutex, and for the host's log function.
 *             No function is a cancellation point.
 * Errors:     none. When the system has no thread for the scanner, one line says so, and bare exits
 *             are noticed once a later wg_thread_enter() has started it.
 * More:       inspect.h has the numbers and a function that is called at every start and end.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WG_THREAD_SCAN_MS 500 /* half of the second within which an end has to be reported */

/* How a record ended. */
typedef enum {
  WG_THREAD_ALIVE,
  WG_THREAD_LEFT,      /* wg_thread_leave() */
  WG_THREAD_EXCEPTION, /* wg_thread_fail(), called by the C++ wrapper */
  WG_THREAD_UNWOUND,   /* pthread_exit, cancellation, return: POSIX cannot tell them apart */
  WG_THREAD_VANISHED,  /* bare exit */
} WgThreadEnd;

/* The calling thread enters. The strings are copied; NULL counts as "". */
void wg_thread_enter (const char *name, const char *session, const char *pipeline);

/* The calling thread ends what it entered last, as planned. Without an enter: a warning. */
void wg_thread_leave (void);

/* The calling thread ends what it entered last in the way `end`, which is not WG_THREAD_ALIVE.
 * `what` is an exception's text or NULL. */
void wg_thread_fail (WgThreadEnd end, const char *what);

G_END_DECLS
