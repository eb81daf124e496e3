/* SPDX-License-Identifier: MIT */
#include "sync.h"

#include <signal.h>
#include <time.h>

/* How often a wait looks at the clock that a test has set. */
#define TEST_CLOCK_POLL_US 1000
#define TRY_AGAIN_US 100

void
wg_cond_init (pthread_cond_t *cond)
{
  pthread_condattr_t attr;

  pthread_condattr_init (&attr);
  pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
  pthread_cond_init (cond, &attr);
  pthread_condattr_destroy (&attr);
}

void
wg_cond_wait (pthread_cond_t *cond, pthread_mutex_t *mutex)
{
  int cancel;

  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel);
  pthread_cond_wait (cond, mutex);
  pthread_setcancelstate (cancel, NULL);
}

gboolean
wg_cond_wait_until (pthread_cond_t *cond, pthread_mutex_t *mutex, gint64 deadline)
{
  gboolean real = wg_clock_is_real ();
  gint64 until = real ? deadline : g_get_monotonic_time () + TEST_CLOCK_POLL_US;
  struct timespec at = {
    .tv_sec = until / G_USEC_PER_SEC,
    .tv_nsec = until % G_USEC_PER_SEC * 1000,
  };
  int cancel, result;

  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel);
  result = pthread_cond_timedwait (cond, mutex, &at);
  pthread_setcancelstate (cancel, NULL);
  return result == 0 || (!real && wg_clock_now () < deadline);
}

gboolean
wg_mutex_try_until (pthread_mutex_t *mutex, gint64 until)
{
  while (pthread_mutex_trylock (mutex)) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    g_usleep (TRY_AGAIN_US);
  }
  return TRUE;
}

typedef struct {
  char name[16]; /* as much as the kernel keeps, the final 0 included */
  void *(*func) (void *);
  void *data;
} Spawn;

/* The thread names itself: from outside, a detached one may be gone before it has its name. */
static void *
spawned (void *data)
{
  Spawn spawn = *(Spawn *) data;

  g_free (data);
  pthread_setname_np (pthread_self (), spawn.name);
  return spawn.func (spawn.data);
}

gboolean
wg_spawn (const char *name, void *(*func) (void *), void *data)
{
  /* The host's handlers run where the host expects them. A fault kills at once where its signal is
   * blocked, and the host's crash report would be lost. */
  static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
  Spawn *spawn = g_new (Spawn, 1);
  sigset_t blocked, before;
  pthread_attr_t attr;
  pthread_t thread;
  int error;

  *spawn = (Spawn){ .func = func, .data = data };
  g_strlcpy (spawn->name, name, sizeof spawn->name);
  sigfillset (&blocked);
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    sigdelset (&blocked, faults[i]);

  pthread_attr_init (&attr);
  pthread_attr_setdetachstate (&attr, PTHREAD_CREATE_DETACHED);
  /* The mask is inherited: blocked here, there is no moment at which the new thread is open. */
  pthread_sigmask (SIG_BLOCK, &blocked, &before);
  error = pthread_create (&thread, &attr, spawned, spawn);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  pthread_attr_destroy (&attr);
  if (error)
    g_free (spawn);
  return error == 0;
}
