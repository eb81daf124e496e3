/* SPDX-License-Identifier: MIT
 *
 * What tests of several modules need: guard's log lines, a clock that only the test moves forward,
 * a system without threads, a process of one's own.
 */
#pragma once

#include <glib.h>

/* Lines that guard logged with `part` in them, since the last log_watch(). */
void log_watch (void);
guint log_count (const char *part);
/* Waits for one: guard logs without its mutexes, so after the state that a line tells of. */
void log_await (const char *part);

/* From now on guard's clock stands still but for clock_advance_ms(). */
void clock_install (void);
void clock_advance_ms (gint64 ms);

/* Have pthread_create() fail, or work again. */
void threads_refuse (gboolean refuse);

/* Run the calling test in a process of its own. FALSE: this is the child, go on. */
gboolean run_in_child (void);

/* Condition: no thread record is alive. Data unused. */
gboolean no_records (gpointer unused);
