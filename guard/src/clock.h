/* SPDX-License-Identifier: MIT
 *
 * guard's clock: every deadline and every age in guard is measured with it.
 */
#pragma once

#include <glib.h>

typedef gint64 (*WgClockFunc) (void);

/* µs of g_get_monotonic_time(), or of the function that a test has set. */
gint64 wg_clock_now (void);

/* For tests: measure with `func`; NULL goes back to the real clock. Waits that are under way notice
 * within a millisecond, and so they do when `func` jumps. */
void wg_clock_set_func (WgClockFunc func);

/* FALSE while a test has set a function. */
gboolean wg_clock_is_real (void);

/* A span as the two arguments of WG_SECONDS_FORMAT. Printf's own %.1f depends on the locale. */
#define WG_SECONDS_FORMAT "%" G_GINT64_FORMAT ".%d"
#define WG_SECONDS(us) (gint64) (us) / G_USEC_PER_SEC, (int) ((us) / (G_USEC_PER_SEC / 10) % 10)
