/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/thread.h: who lives, who ended, and how
 * ==================================================
 *
 * A thread enters with a name and leaves before it ends. What ends without leaving is reported:
 *
 *   pthread_exit, cancellation,  at once, by a thread-specific destructor; from C++ the wrapper in
 *   or a return without leave    wolf-guard.hpp says so as well, and tells an exception apart
 *   bare exit (the exit syscall, within 1 s by a scanner (every WG_THREAD_SCAN_MS): as long as it
 *   a killed thread)             has records, a thread holds a robust mutex that the kernel hands
 *                                over, whatever way the thread went. No thread id can be
 *                                mistaken for its successor's that way. (Only where something
 *                                damaged the thread's list of robust mutexes, by freeing one
 *                                that it held, is it the id that counts.)
 *
 * Log lines (level debug for start and end, error for the unexpected; what is "" is left out):
 *   [GUARD] thread 4711 'video:src' session=12 pipeline=video: started
 *   [GUARD] thread 4711 'video:src' session=12 pipeline=video: ended after 3.2 s
 *   [GUARD] thread 4711 'video:src' session=12 pipeline=video: ENDED UNEXPECTEDLY (bare exit) after 3.2 s
 *
 * The reason in brackets is "bare exit", "exception: " and its text, or "pthread_exit, cancelled, or
 * returned without leaving".
 *
 * Records nest: an inner enter/leave pair within an outer one is fine (a pool's thread that serves a
 * task, say); they leave in reverse order, and are reported in that order when the thread ends
 * without leaving them.
 *
 * Threads:    enter, leave and fail belong to the thread they speak of; the rest to any.
 * Blocking:   bounded by a list operation under guard's own lock, and by the host's log function.
 *             None of them is a cancellation point, whatever the host's functions do.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WG_THREAD_SCAN_MS 500 /* half of the second within which an end has to be reported */

/* How a record came to its end. */
typedef enum {
  WG_THREAD_ALIVE,
  WG_THREAD_LEFT,      /* wg_thread_leave() */
  WG_THREAD_EXCEPTION, /* wg_thread_fail(), called by the C++ wrapper */
  WG_THREAD_UNWOUND,   /* pthread_exit, cancellation, return: POSIX cannot tell them apart */
  WG_THREAD_VANISHED,  /* bare exit */
} WgThreadEnd;

typedef struct {
  pid_t tid;
  const char *name, *session, *pipeline; /* never NULL; "" for none */
  gint64 started;                        /* µs, g_get_monotonic_time() */
  WgThreadEnd end;
  const char *what; /* the exception's text; else "" */
} WgThreadInfo;

/* Called for every start and end, beside the log line. Same rules as for WgLogFunc. For tests and
 * health reports; `info` lives until the call returns. After wg_thread_set_func() returns, calls of
 * the function before may still be under way in other threads. */
typedef void (*WgThreadFunc) (const WgThreadInfo *info, gpointer data);
void wg_thread_set_func (WgThreadFunc func, gpointer data);

/* The calling thread enters. Strings are copied; NULL counts as "". */
void wg_thread_enter (const char *name, const char *session, const char *pipeline);

/* The calling thread ends what it entered last, as planned. Without an enter: a warning. */
void wg_thread_leave (void);

/* The calling thread ends what it entered last in the way `end` (not WG_THREAD_ALIVE), because of
 * `what` (an exception's text, or NULL; valid until the call returns). */
void wg_thread_fail (WgThreadEnd end, const char *what);

/* Numbers of records (one for each enter) since the process started, and of those alive now. */
typedef struct {
  guint alive;
  guint64 started, left, unexpected;
} WgThreadCounts;
void wg_thread_counts (WgThreadCounts *counts);

G_END_DECLS
