/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/launch.h: the launch token
 * =====================================
 *
 * One token stands for one launch of a session. Session ids do not: Wolf's are a hash of the client's
 * certificate and repeat with every launch of the same client. The token is made before the first
 * thread of the launch starts, is set once by whoever stops the session, and stays set: a thread
 * that comes to life, registers a handler or returns from a wait after the stop finds out by asking.
 *
 * Tokens are filed under the session's id, so that a stop that knows nothing but an id reaches every
 * launch of it. A set token leaves the file; the next launch of the same id gets a fresh one.
 *
 * Threads:    every function, any thread.
 * Blocking:   bounded by guard's own short critical sections (a list operation). Watch functions
 *             run outside of them, in the thread that stops.
 *
 * Invariant:  wg_launch_watch() and wg_launch_stop() racing: the function is called exactly once,
 *             by whichever came second.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WgLaunch WgLaunch;

/* Called once when the launch is stopped; must not block. */
typedef void (*WgLaunchFunc) (gpointer data);

/* A new launch of the session `id`, filed under it until it is stopped. Never NULL. Free the
 * reference with wg_launch_unref(); the file keeps one of its own. */
WgLaunch *wg_launch_begin (const char *id);

/* The newest launch of `id` that is not stopped, or NULL. Free with wg_launch_unref(). */
WgLaunch *wg_launch_find (const char *id);

WgLaunch *wg_launch_ref (WgLaunch *launch);
void wg_launch_unref (WgLaunch *launch); /* NULL is fine */

const char *wg_launch_id (WgLaunch *launch);
gboolean wg_launch_stopped (WgLaunch *launch);

/* Stop this launch; the second time does nothing. */
void wg_launch_stop (WgLaunch *launch);

/* Stop every launch filed under `id`; says how many there were. */
guint wg_launch_stop_id (const char *id);

/* Call func(data) when the launch is stopped, at once and in this thread if it already is.
 * `notify` (may be NULL) frees `data` when the function will not run any more. Returns a number for
 * wg_launch_unwatch(), 0 if the function has already run. */
guint wg_launch_watch (WgLaunch *launch, WgLaunchFunc func, gpointer data, GDestroyNotify notify);

/* Take a watch back. A call that has begun in another thread may still be running on return: keep
 * what it touches alive through `data` and `notify`. */
void wg_launch_unwatch (WgLaunch *launch, guint watch);

G_END_DECLS
