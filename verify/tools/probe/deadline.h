/* SPDX-License-Identifier: MIT
 *
 * deadline: points in time on the monotonic clock.
 *
 * A deadline is a gint64 in microseconds of g_get_monotonic_time(). Whatever waits in this program
 * takes one and gives up when it has passed; a deadline is made once for a whole exchange and
 * handed down, so that the parts of an exchange share one limit instead of adding theirs up.
 */
#pragma once

#include <glib.h>

#define PROBE_US_PER_MS G_GINT64_CONSTANT (1000)

/* The deadline that lies @us microseconds from now. */
static inline gint64
probe_deadline_in (gint64 us)
{
  return g_get_monotonic_time () + us;
}

static inline gboolean
probe_deadline_passed (gint64 deadline)
{
  return g_get_monotonic_time () >= deadline;
}

/* What poll() wants: milliseconds until @deadline, rounded up so that a wait never ends early; 0 if
 * passed. */
static inline int
probe_deadline_poll_ms (gint64 deadline)
{
  gint64 left = deadline - g_get_monotonic_time ();

  if (left <= 0)
    return 0;
  left = (left + PROBE_US_PER_MS - 1) / PROBE_US_PER_MS;
  return (int) MIN (left, (gint64) G_MAXINT);
}

/* Milliseconds since @start (of g_get_monotonic_time()), with fractions. */
static inline double
probe_ms_since (gint64 start)
{
  return (double) (g_get_monotonic_time () - start) / 1000.0;
}
