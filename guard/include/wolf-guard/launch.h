/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/launch.h: the launch token
 * =====================================
 *
 * A token stands for one launch of a session. A session id does not: it is a hash of the client's
 * certificate and repeats with every launch of the same client. Make the token before the first
 * thread of the launch starts. It is stopped once and stays stopped. A thread that starts,
 * registers a handler or returns from a wait after the stop asks the token and learns of it.
 *
 * Tokens are filed under the session's id, so that a stop that knows only the id reaches every
 * launch of it. A stopped token leaves the file. The next launch of the same id gets a new one.
 *
 * Threads:    any, for every function.
 * Blocking:   for a list operation under guard's own mutex. wg_launch_unwatch() also waits for a
 *             call of its function that has begun. Watch functions run without the mutex, in the
 *             thread that stops.
 * Errors:     none; no function fails.
 *
 * Invariants: when wg_launch_watch() and wg_launch_stop() race, the function is called exactly
 *             once; after wg_launch_unwatch() it is not called and not running.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WgLaunch WgLaunch;

/* Called once when the launch is stopped. It must not block, and must not take a lock that is held
 * around wg_launch_unwatch(). */
typedef void (*WgLaunchFunc) (gpointer data);

/* A new launch of the session `id`, filed under it until it is stopped. During a shutdown it is
 * stopped already (shutdown.h). Never NULL. Free the reference with wg_launch_unref(); the file
 * keeps one of its own. */
WgLaunch *wg_launch_begin (const char *id);

/* Give a reference back. NULL is ignored. */
void wg_launch_unref (WgLaunch *launch);

gboolean wg_launch_is_stopped (WgLaunch *launch);

/* Stop this launch and call its watch functions. The second time it does nothing. */
void wg_launch_stop (WgLaunch *launch);

/* Stop every launch filed under `id`. Returns how many there were. */
guint wg_launch_stop_id (const char *id);

/* Call func(data) when the launch is stopped; at once, in this thread, if it already is. `notify`
 * (or NULL) frees `data` when the function will not run any more. Returns a number for
 * wg_launch_unwatch(), 0 if the function has already run. */
guint wg_launch_watch (WgLaunch *launch, WgLaunchFunc func, gpointer data, GDestroyNotify notify);

/* Take a watch back. The function is not called after the return. A call that has begun in another
 * thread is waited for; a call in this thread is not, so that the function may do this itself.
 * A watch of 0, or one that has run, is ignored. */
void wg_launch_unwatch (WgLaunch *launch, guint watch);

G_END_DECLS
