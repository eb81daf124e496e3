/* SPDX-License-Identifier: MIT
 *
 * What watch.c (slots and scopes), beat.c (loops), watch-log.c (lines) and watch-scan.c (the
 * scanner) share. Calls go from the last to the others.
 */
#pragma once

#include "books.h"

#include <wolf-guard/log.h>

#define WG_WATCH_SLOTS 1024

/* FALSE: the slot is free. Consistent: never half of one scope and half of another. A thread that
 * is kept in the middle of a begin counts as one in no scope. `allowed` is the innermost scope's,
 * in ms. */
gboolean wg_watch_look (guint slot, WgWatchThread *thread, guint *allowed);

/* Slots up to this one have been in use. */
guint wg_watch_slots_used (void);

/* Take back the slot of a thread that is gone. */
void wg_watch_reclaim (guint slot, pid_t tid);

void wg_watch_add_counts (WgWatchStatus *status);

/* How often the scanner has looked. */
guint64 wg_watch_looks (void);

typedef WgWatchLevel (*WgBeatLevel) (gint64 age);

/* The scanner looks at all beats, `passed` µs after the last time; how many have another level now.
 * Those beyond `max` come with the next look. */
guint wg_beats_look (gint64 passed, WgBeatLevel level_of, WgBeatBook *changes, guint max);

/* Starts the thread that writes lines; FALSE: there is none to be had. */
gboolean wg_watch_log_start (void);
/* Does not wait. FALSE: too many lines wait already. */
gboolean wg_watch_log (WgLogLevel level, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* For tests: every line has been written. */
gboolean wg_watch_log_is_idle (void);
