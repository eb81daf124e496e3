/* SPDX-License-Identifier: MIT
 *
 * A gate holds threads on command: a test closes it, waits until somebody stands at it, looks at
 * what the rest of the world does meanwhile, and opens it. Beside it the bounded wait that all
 * tests use.
 */
#pragma once

#include <glib.h>
#include <pthread.h>

/* Nothing here takes a second; a machine that is busy with something else might. */
#define AWAIT_S 60

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  gboolean closed;
  guint waiting;  /* threads that stand at it */
  guint64 opened; /* times */
} Gate;

#define GATE_INIT                                                                                  \
  {                                                                                                \
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, FALSE, 0, 0                               \
  }

void gate_close (Gate *gate);
void gate_open (Gate *gate); /* everybody who stands at it goes */
void gate_pass (Gate *gate); /* waits while it is closed */

/* Wait until `n` threads stand at it; fails the test after AWAIT_S. */
void gate_await (Gate *gate, guint n);

/* Wait until condition(data); FALSE after AWAIT_S. For conditions that nobody signals. */
gboolean await_condition (gboolean (*condition) (gpointer data), gpointer data);
#define assert_comes(condition, data)                                                              \
  g_assert_true (await_condition ((gboolean (*) (gpointer)) (condition), (data)))

/* Seconds since `since`, µs of g_get_monotonic_time(). */
double seconds_since (gint64 since);
