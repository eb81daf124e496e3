/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/canary.h: would a new session start?
 * ===============================================
 *
 * That a thread is stuck says little about the next session; that a lock in its path is held says
 * all. So a thread of its own does every 30 s what a session's start does: it makes a small
 * pipeline, plays and ends it, and calls a function of the host, which registers and unregisters a
 * handler, say.
 *
 *   - One that takes more than 2 s is reported as a slow thread, with the step that it is in, and
 *     is the reason "canary" of the health document. It is not repeated until it has come back.
 *   - One that fails (no element, no thread) gives one warning and is the same reason, until one
 *     succeeds.
 *
 * Threads:  any, for wg_canary_start(). The host's function runs in the canary's thread.
 * Settings: environment, read once: WOLF_GUARD_CANARY_S (30), seconds between two; 0: none.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* `description` is the pipeline's, as for gst_parse_launch(), and static text. `touch` may be NULL.
 * The second call does nothing. FALSE: the system has no thread to give; try again later. */
gboolean wg_canary_start (const char *description, void (*touch) (gpointer data), gpointer data);

G_END_DECLS
