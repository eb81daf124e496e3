/* SPDX-License-Identifier: MIT
 *
 * The raw mutex inside a WgLock: robust, error-checking, timed on CLOCK_MONOTONIC.
 *
 * try and wait return 0; EOWNERDEAD: taken over from a dead owner, and already consistent again;
 * EBUSY or EDEADLK (glibc, for the owner itself); ETIMEDOUT.
 *
 * ThreadSanitizer sees a mutex through the pthread functions that it intercepts. The runtimes of
 * gcc 12 and clang 14 know no pthread_mutex_clocklock, handle EOWNERDEAD in lock and trylock only
 * (there is no annotation for it), and learn the order of locks from lock only, never from trylock.
 * So under TSan, and there alone: the wait is a bounded series of tries, and a second mutex is
 * locked under the first, where it is always free, for no other purpose than that TSan learns the
 * order. A try that may not wait cannot deadlock, so it tells no order. One limit stays: TSan does
 * not see that what a dead owner did came before what its successor does (the kernel orders that);
 * use atomics for what a test looks at there.
 */
#pragma once

#include "portable.h"

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <time.h>

#if defined(__SANITIZE_THREAD__)
#define WG_ROBUST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WG_ROBUST_TSAN 1
#endif
#endif

typedef struct {
  pthread_mutex_t mutex;
#ifdef WG_ROBUST_TSAN
  pthread_mutex_t order; /* locked after, unlocked before `mutex` */
#endif
} WgRobust;

static inline void
wg_robust_init_mutex (pthread_mutex_t *mutex)
{
  pthread_mutexattr_t attr;

  pthread_mutexattr_init (&attr);
  pthread_mutexattr_setrobust (&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_settype (&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init (mutex, &attr);
  pthread_mutexattr_destroy (&attr);
}

static inline int
wg_robust_taken (pthread_mutex_t *mutex, int result)
{
  if (result == EOWNERDEAD)
    pthread_mutex_consistent (mutex);
  return result;
}

#ifndef WG_ROBUST_TSAN

static inline void
wg_robust_init (WgRobust *robust)
{
  wg_robust_init_mutex (&robust->mutex);
}

/* Nobody holds it. */
static inline void
wg_robust_finish (WgRobust *robust)
{
  pthread_mutex_destroy (&robust->mutex);
}

static inline int
wg_robust_try (WgRobust *robust)
{
  return wg_robust_taken (&robust->mutex, pthread_mutex_trylock (&robust->mutex));
}

/* What a wait does first. */
#define wg_robust_try_to_wait wg_robust_try

/* `deadline` is in µs of g_get_monotonic_time(). */
static inline int
wg_robust_wait (WgRobust *robust, gint64 deadline)
{
  struct timespec at = {
    .tv_sec = deadline / G_USEC_PER_SEC,
    .tv_nsec = deadline % G_USEC_PER_SEC * 1000,
  };

  return wg_robust_taken (&robust->mutex, wg_mutex_lock_until (&robust->mutex, &at));
}

/* By the owner. The memory may be another's on return. */
static inline int
wg_robust_unlock (WgRobust *robust)
{
  return pthread_mutex_unlock (&robust->mutex);
}

#else

#define WG_ROBUST_POLL_US 100

/* The sleep would be a cancellation point, which pthread_mutex_clocklock is not. */
static inline void
wg_robust_pause (void)
{
  int cancel;

  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel);
  g_usleep (WG_ROBUST_POLL_US);
  pthread_setcancelstate (cancel, NULL);
}

static inline void
wg_robust_init (WgRobust *robust)
{
  wg_robust_init_mutex (&robust->mutex);
  wg_robust_init_mutex (&robust->order);
}

static inline void
wg_robust_finish (WgRobust *robust)
{
  pthread_mutex_destroy (&robust->order);
  pthread_mutex_destroy (&robust->mutex);
}

static inline int
wg_robust_try (WgRobust *robust)
{
  int result = wg_robust_taken (&robust->mutex, pthread_mutex_trylock (&robust->mutex)), order;

  if (result != 0 && result != EOWNERDEAD)
    return result;
  /* EBUSY: the kernel is still on its way through what the dead owner held. */
  while ((order = pthread_mutex_trylock (&robust->order)) == EBUSY)
    wg_robust_pause ();
  wg_robust_taken (&robust->order, order);
  return result;
}

static inline int
wg_robust_try_to_wait (WgRobust *robust)
{
  int result = wg_robust_taken (&robust->mutex, pthread_mutex_trylock (&robust->mutex));

  if (result == 0 || result == EOWNERDEAD)
    wg_robust_taken (&robust->order, pthread_mutex_lock (&robust->order));
  return result;
}

static inline int
wg_robust_wait (WgRobust *robust, gint64 deadline)
{
  int result;

  while ((result = wg_robust_try_to_wait (robust)) == EBUSY) {
    if (g_get_monotonic_time () >= deadline)
      return ETIMEDOUT;
    wg_robust_pause ();
  }
  return result;
}

static inline int
wg_robust_unlock (WgRobust *robust)
{
  pthread_mutex_unlock (&robust->order);
  return pthread_mutex_unlock (&robust->mutex);
}

#endif
