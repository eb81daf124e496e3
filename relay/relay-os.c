/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "relay-os.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define NS_PER_MS 1000000
#define NS_PER_S G_GINT64_CONSTANT (1000000000)

gint64
relay_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void
relay_sem_wait (sem_t *sem)
{
  while (sem_wait (sem) == -1 && errno == EINTR)
    ;
}

/* glibc has sem_clockwait() since 2.30. Other C libraries count this wait by the clock of the day:
 * a clock that is set makes it shorter or longer once. */
gboolean
relay_sem_wait_for (sem_t *sem, gint ms)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 30)
  const clockid_t clock = CLOCK_MONOTONIC;
#else
  const clockid_t clock = CLOCK_REALTIME;
#endif
  struct timespec until;
  gint64 ns;
  int result;

  clock_gettime (clock, &until);
  ns = until.tv_nsec + (gint64) ms * NS_PER_MS;
  until.tv_sec += ns / NS_PER_S;
  until.tv_nsec = ns % NS_PER_S;
  do {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 30)
    result = sem_clockwait (sem, clock, &until);
#else
    result = sem_timedwait (sem, &until);
#endif
  } while (result == -1 && errno == EINTR);
  return result == 0;
}

gboolean
relay_thread_start (void *(*run) (void *), void *data, const char *name)
{
  pthread_attr_t attributes;
  pthread_t thread;
  gboolean started;

  pthread_attr_init (&attributes);
  pthread_attr_setdetachstate (&attributes, PTHREAD_CREATE_DETACHED);
  started = pthread_create (&thread, &attributes, run, data) == 0;
  pthread_attr_destroy (&attributes);
#if defined(__GLIBC__) || defined(__FreeBSD__)
  if (started)
    pthread_setname_np (thread, name);
#else
  (void) name;
#endif
  return started;
}
