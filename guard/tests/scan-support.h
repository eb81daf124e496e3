/* SPDX-License-Identifier: MIT
 *
 * Lets time go on as the scanner of watch.h sees it, on the clock of clock_install().
 */
#pragma once

#include <glib.h>

/* The test's own log function does not return: no line is waited for. */
extern gboolean scan_log_is_held;

/* One look, after `ms`. */
void scan_at_once (gint64 ms);

/* A look each WG_WATCH_SCAN_MS. */
void scan_for (guint ms);
