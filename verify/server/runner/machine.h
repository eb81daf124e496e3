/* SPDX-License-Identifier: MIT */
/*
 * machine.h: how fast this machine is at this moment.
 *
 * A thread connects on loopback to another one, and they exchange a few bytes and work a little on
 * each, about as much as a TLS handshake takes; again and again for as long as a scenario runs.
 * That is what a request to a healthy server costs here and now, with whatever else runs beside it,
 * so time limits are multiples of it.
 *
 * Threads: all functions may be called from any thread between start and end.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct Machine Machine;

/* NULL with `error` set if no socket can be had. */
Machine *machine_start (GError **error);
/* Accepts NULL. Waits for both threads, which takes one exchange. */
void machine_end (Machine *machine);

typedef struct {
  guint count;
  gdouble p50_ms, worst_ms;
} MachineTimes;

/* The exchanges that ended since `since` (monotonic time), and the one that is under way. Waits for
 * the first one if there is none. */
void machine_times (Machine *machine, gint64 since, MachineTimes *times);

G_END_DECLS
