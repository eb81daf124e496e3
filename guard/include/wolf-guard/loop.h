/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/loop.h: a main loop whose stop is never lost
 * =======================================================
 *
 * g_main_loop_quit() before g_main_loop_run() is forgotten: the run sets its flag anew. A WgLoop
 * keeps the request in a flag that is set once and never cleared. A source that is attached from
 * the beginning looks at the flag in every iteration. So a stop counts before the run, during it,
 * between two runs, and from several threads at once.
 *
 * Life:       wg_loop_new(), wg_loop_run(), wg_loop_unref(). Each thread that may stop it holds a
 *             reference.
 * Threads:    run belongs to one thread; every other function to any thread.
 * Blocking:   only wg_loop_run() blocks. wg_loop_stop() takes no lock and allocates nothing: it is
 *             an atomic store, a clock reading, semaphore posts and g_main_context_wakeup(), which
 *             writes to an eventfd (GLib 2.74, gmain.c). g_source_attach() would take the context's
 *             lock.
 * Errors:     wg_loop_new() may return NULL. No other function fails.
 *
 * Invariant:  once wg_loop_stop() has begun its store, every wg_loop_run() of that loop, present or
 *             future, returns without waiting for any other event.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WgLoop WgLoop;

/* A loop on a context of its own; free with wg_loop_unref(). NULL when fewer than 8 file
 * descriptors are left: GLib ends the process if there is none for the context. wg_pipeline_new()
 * reports that as an error, so its caller need not look. */
WgLoop *wg_loop_new (void);

/* Take a reference; returns `loop`. */
WgLoop *wg_loop_ref (WgLoop *loop);

/* Give a reference back. NULL is ignored. */
void wg_loop_unref (WgLoop *loop);

/* The context to attach sources to and to push as thread default. Borrowed. */
GMainContext *wg_loop_get_context (WgLoop *loop);

/* The GMainLoop inside, for code that quits one, a bus handler say. Borrowed. g_main_loop_quit() on
 * it ends the run in progress. It is no stop and may be lost as ever. */
GMainLoop *wg_loop_get_main_loop (WgLoop *loop);

/* Run until a stop was requested or the GMainLoop is quit. Returns at once when the stop came
 * first. TRUE: stopped; FALSE: quit. */
gboolean wg_loop_run (WgLoop *loop);

/* Request the stop, any number of times. The caller may hold locks. NULL is ignored. */
void wg_loop_stop (WgLoop *loop);

gboolean wg_loop_is_stopped (WgLoop *loop);

/* When the first stop was requested, µs of g_get_monotonic_time(); 0 while there was none. */
gint64 wg_loop_get_stop_time (WgLoop *loop);

G_END_DECLS
