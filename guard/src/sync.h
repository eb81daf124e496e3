/* SPDX-License-Identifier: MIT
 *
 * Mutex and condition as guard uses them: pthreads, because sanitizers see them (a GMutex is a bare
 * futex), with waits on CLOCK_MONOTONIC in the units of g_get_monotonic_time().
 */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <time.h>

static inline void
wg_cond_init (pthread_cond_t *cond)
{
  pthread_condattr_t attr;

  pthread_condattr_init (&attr);
  pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
  pthread_cond_init (cond, &attr);
  pthread_condattr_destroy (&attr);
}

/* Wait until signalled or `deadline` (µs, g_get_monotonic_time()). FALSE: the deadline has passed. */
static inline gboolean
wg_cond_wait_until (pthread_cond_t *cond, pthread_mutex_t *mutex, gint64 deadline)
{
  struct timespec at = {
    .tv_sec = deadline / G_USEC_PER_SEC,
    .tv_nsec = deadline % G_USEC_PER_SEC * 1000,
  };

  return pthread_cond_timedwait (cond, mutex, &at) == 0;
}

/* A detached thread with a name (15 characters at most). FALSE: the system has no thread to give. */
gboolean wg_spawn (const char *name, void *(*func) (void *), void *data);
