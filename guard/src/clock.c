/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <stdatomic.h>

static _Atomic (WgClockFunc) clock_func; /* NULL: the real one */

gint64
wg_clock_now (void)
{
  WgClockFunc func = atomic_load_explicit (&clock_func, memory_order_acquire);

  return func ? func () : g_get_monotonic_time ();
}

void
wg_clock_set_func (WgClockFunc func)
{
  atomic_store_explicit (&clock_func, func, memory_order_release);
}

gboolean
wg_clock_is_real (void)
{
  return !atomic_load_explicit (&clock_func, memory_order_acquire);
}
