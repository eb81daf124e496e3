/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/shutdown.h: the end of the process, for all pipelines at once
 * ========================================================================
 *
 * wg_shutdown_begin() stops every loop, refuses new pipelines, and shortens every time limit so
 * that all pipelines have ended, or are in quarantine, within the time given. A launch that begins
 * after it is stopped from the start (launch.h). It cannot be taken back.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Begin; all ends are over `limit_ms` from now, 40 % of it for draining. The first call counts. Any
 * thread. Blocks for list operations only. */
void wg_shutdown_begin (guint limit_ms);

/* TRUE after wg_shutdown_begin(). Any thread. Does not block. */
gboolean wg_shutdown_has_begun (void);

/* Wait until all pipelines have ended, at most until the limit; not at all without a
 * wg_shutdown_begin(). Returns how many have not ended, those included that were in quarantine
 * before. Any thread. No cancellation point. */
guint wg_shutdown_wait (void);

G_END_DECLS
