/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/watch.h: what each thread is doing, and since when
 * =============================================================
 *
 * A thread that serves clients puts each operation that may block into a *scope*. A scanner thread
 * looks at all scopes four times a second and reports those that take too long.
 *
 *   wg_watch_begin ("POST /pair");
 *   ...
 *   wg_watch_end ();
 *
 * Levels:    a scope is *slow* after 1 s, *stuck* after 10 s and *lost* after 30 s, beyond the time
 *            that wg_watch_begin_allowing() grants it. The log has one line when a scope becomes
 *            slow, one for each further level, and one when it ends, with the time it took. Only
 *            the innermost scope of a thread counts. There are at most 10 lines a minute; the next
 *            line says how many were left out.
 * Idle:      a thread that waits for work is not slow. It waits outside of all scopes, or in one
 *            that wg_watch_begin_idle() has opened.
 * Lateness:  the scanner adds up the time between its own looks. When it was late itself (SIGSTOP,
 *            a suspended machine, a debugger, a starved processor), only half a second of the gap
 *            counts.
 * Log:       lines are handed to the host by a thread of their own, so that a log which does not
 *            return does not keep the scanner. That thread's scope then is what is stuck.
 * Nesting:   up to 8 scopes. Deeper ones are counted and not seen.
 * Threads:   begin and end belong to the calling thread; the rest to any.
 * Blocking:  begin and end take no lock and allocate nothing. They cost two or three stores and one
 *            reading of the coarse clock. A thread takes one of 1,024 slots with its first begin
 *            and gives it back when it ends, however it ends. Further threads are not seen, and
 *            counted.
 * Settings:  environment: WOLF_GUARD_WATCH (off: no scanner). Read once: WOLF_GUARD_WATCH_SLOW_MS
 *            (1000), WOLF_GUARD_WATCH_STUCK_MS (10000), WOLF_GUARD_WATCH_LOST_MS (30000). A bad
 *            value gives one warning and the default.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

#define WG_WATCH_DEPTH 8
#define WG_WATCH_SCAN_MS 250

/* Open a scope. `operation` must be static text. */
void wg_watch_begin (const char *operation);

/* The same for an operation that may take `ms` before its time begins to count. */
void wg_watch_begin_allowing (const char *operation, guint ms);

/* Open a scope in which the thread waits for work. */
void wg_watch_begin_idle (const char *operation);

/* Close the innermost scope. Without one nothing happens. */
void wg_watch_end (void);

/* Start the scanner; the second time does nothing. With WOLF_GUARD_WATCH=off there is none. FALSE:
 * the system has no thread to give; try again later. */
gboolean wg_watch_start (void);

typedef enum { WG_WATCH_FINE, WG_WATCH_SLOW, WG_WATCH_STUCK, WG_WATCH_LOST } WgWatchLevel;

/* What one thread is doing. */
typedef struct {
  pid_t tid;
  guint depth;                            /* of the innermost scope; 0: in none */
  const char *operations[WG_WATCH_DEPTH]; /* outermost first */
  gint64 since;                           /* of the innermost, µs, coarse; 0: idle */
  WgWatchLevel level;                     /* as of the last look */
} WgWatchThread;

/* Called by the scanner at each change of level, the end of a scope included (WG_WATCH_FINE). It
 * must not block. NULL: none. */
typedef void (*WgWatchFunc) (const WgWatchThread *thread, gpointer data);
void wg_watch_set_func (WgWatchFunc func, gpointer data);

/* Copy what at most `max` threads are doing. Returns how many. */
guint wg_watch_get_threads (WgWatchThread *threads, guint max);

typedef struct {
  guint threads;           /* with a slot */
  guint slow, stuck, lost; /* now */
  guint64 episodes;        /* scopes that became slow, since the process started */
  guint64 left_out;        /* lines */
  guint64 too_deep;        /* scopes beyond WG_WATCH_DEPTH */
  guint64 without_slot;    /* threads */
} WgWatchStatus;

void wg_watch_get_status (WgWatchStatus *status);

G_END_DECLS
