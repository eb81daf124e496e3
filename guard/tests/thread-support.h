/* SPDX-License-Identifier: MIT
 *
 * What the tests of threads share: what guard's two functions were told, threads that end.
 */
#pragma once

#include "../src/sync.h"

#include <stdatomic.h>
#include <sys/types.h>
#include <wolf-guard/inspect.h>
#include <wolf-guard/log.h>

#define PATIENCE 60 /* seconds; for what has no limit of its own */

/* What the two functions were told. */
typedef struct {
  pid_t tid;
  char *name, *session, *pipeline, *what;
  gint64 started, at;
  WgThreadEnd end;
} Event;

/* Look at them when no thread of the test can add to them any more. */
extern GPtrArray *events; /* of Event, in order */
extern GPtrArray *lines;  /* of char * */
extern guint ends;        /* how many events are ends */

/* The function that is told of starts and ends; its data are `&ends`. */
void on_thread (const WgThreadInfo *info, gpointer data);

/* In main(), before and after g_test_run(). */
void thread_support_begin (void);
void thread_support_end (void);

/* When a thread was about to vanish; it publishes that last. */
typedef struct {
  atomic_int tid;
  atomic_llong when;
} Vanishing;

void forget (void);
gboolean await_ends (guint count, gint64 deadline);
/* Starts count as well. */
void await_events (guint count);
gint64 in_seconds (int seconds);
/* The event `index`; only when no thread of the test can add one any more, or by its index. */
Event *event_at (guint index);
void assert_event (guint index, const char *name, WgThreadEnd end);
void assert_line (guint index, const char *pattern);
/* The numbers since `before`, and nobody left. */
void assert_thread_counts (const WgThreadCounts *before, guint64 left, guint64 unexpected);
void run_joined (void *(*func) (void *), void *data);
void run_detached (void *(*func) (void *), void *data);
G_NORETURN void vanish (Vanishing *vanishing);

/* Ends of a thread, entered as "returns" and "vanishes". */
void *end_by_return (void *data);
void *end_by_bare_exit (void *vanishing);
