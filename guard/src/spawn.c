/* SPDX-License-Identifier: MIT
 *
 * guard's own threads take no signals: the host's handlers run where the host expects them.
 */
#include "sync.h"

#include <signal.h>

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
  /* A fault kills at once where its signal is blocked: the host's crash report would be lost. */
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
