/* SPDX-License-Identifier: MIT
 *
 * What glibc has and other C libraries of Linux lack, musl above all.
 */
#pragma once

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static inline pid_t
wg_gettid (void)
{
  return (pid_t) syscall (SYS_gettid);
}

/* tgkill() within this process: 0, or -1 and errno. */
static inline int
wg_thread_signal (pid_t tid, int signal)
{
  return (int) syscall (SYS_tgkill, getpid (), tid, signal);
}

/* pthread_mutex_clocklock() on CLOCK_MONOTONIC. Elsewhere the wait is on CLOCK_REALTIME, as POSIX
 * has it, and so it is shorter or longer when somebody sets the clock meanwhile: wait in short
 * pieces. */
static inline int
wg_mutex_lock_until (pthread_mutex_t *mutex, const struct timespec *at)
{
#ifdef __GLIBC__
  return pthread_mutex_clocklock (mutex, CLOCK_MONOTONIC, at);
#else
  struct timespec now, real;

  clock_gettime (CLOCK_MONOTONIC, &now);
  clock_gettime (CLOCK_REALTIME, &real);
  real.tv_sec += at->tv_sec - now.tv_sec;
  real.tv_nsec += at->tv_nsec - now.tv_nsec;
  if (real.tv_nsec < 0) {
    real.tv_nsec += 1000000000;
    real.tv_sec--;
  } else if (real.tv_nsec >= 1000000000) {
    real.tv_nsec -= 1000000000;
    real.tv_sec++;
  }
  return pthread_mutex_timedlock (mutex, &real);
#endif
}
