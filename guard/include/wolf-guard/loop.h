/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/loop.h: a main loop whose stop is never lost
 * =======================================================
 *
 * g_main_loop_quit() before g_main_loop_run() is forgotten: run() sets its flag anew. A WgLoop keeps
 * the request in a flag that is set once and never cleared, and a source that was attached before
 * anybody could ask looks at the flag in every iteration. So a stop counts whether it comes before
 * the run, during it, between two runs, or from several threads at once.
 *
 * Life:       wg_loop_new() → wg_loop_run() … → wg_loop_unref(); whoever may stop it holds a reference.
 * Threads:    run belongs to one thread; stop, stopped, ref and unref to any.
 * Blocking:   wg_loop_stop() takes no lock and allocates nothing: an atomic store, a clock reading and
 *             g_main_context_wakeup(), which is a write to an eventfd (GLib 2.74, gmain.c: it goes
 *             straight to g_wakeup_signal(); g_source_attach() would take the context's lock).
 *
 * Invariant:  once wg_loop_stop() has begun its store, every wg_loop_run() of that loop, present or
 *             future, returns without waiting for any other event.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WgLoop WgLoop;

/* A loop on a context of its own. Never NULL. Free with wg_loop_unref(). */
WgLoop *wg_loop_new (void);
WgLoop *wg_loop_ref (WgLoop *loop);
void wg_loop_unref (WgLoop *loop); /* NULL is fine */

/* The context to push as thread default and to attach sources to. Borrowed. */
GMainContext *wg_loop_context (WgLoop *loop);

/* The GMainLoop inside, for code that quits one (a bus handler, say). Borrowed. A
 * g_main_loop_quit() on it ends the run in progress and is no stop: it may be lost as ever. */
GMainLoop *wg_loop_main_loop (WgLoop *loop);

/* Run until a stop was requested or somebody quits the GMainLoop. Returns at once when the stop came
 * first. TRUE: stopped; FALSE: quit. One thread at a time. */
gboolean wg_loop_run (WgLoop *loop);

/* Ask for the stop. Any thread, any number of times, also from a handler that holds locks. */
void wg_loop_stop (WgLoop *loop);

gboolean wg_loop_stopped (WgLoop *loop);

/* When the first stop was requested, µs of g_get_monotonic_time(); 0 while there was none. */
gint64 wg_loop_stop_time (WgLoop *loop);

G_END_DECLS
