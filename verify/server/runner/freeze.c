/* SPDX-License-Identifier: MIT */
/*
 * freeze.c: see freeze.h. Only the thread that has seized another may command it, so each freeze
 * has a thread of its own.
 */
#include "freeze.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define LOOK_US 500
#define SYSTEM_CALL (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

typedef enum { BEGUN, STANDS, FAILED } State;

struct Freeze {
  Runner *runner;
  pid_t tid;
  FreezeHere here;
  gpointer data;
  GThread *thread;
  GMutex lock;
  GCond changed;
  State state;
  gboolean over;
};

pid_t
freeze_find (const Runner *runner, const gchar *name)
{
  g_autofree gchar *folder = g_strdup_printf ("/proc/%d/task", runner->pid);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *tid;

  while (dir != NULL && (tid = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (folder, tid, "comm", NULL);
    g_autofree gchar *comm = NULL;
    if (g_file_get_contents (path, &comm, NULL, NULL) && g_str_equal (g_strchomp (comm), name))
      return (pid_t) g_ascii_strtoll (tid, NULL, 10);
  }
  return 0;
}

static void
set_state (Freeze *freeze, State state)
{
  g_mutex_lock (&freeze->lock);
  freeze->state = state;
  g_cond_broadcast (&freeze->changed);
  g_mutex_unlock (&freeze->lock);
}

static gboolean
is_over (Freeze *freeze)
{
  g_mutex_lock (&freeze->lock);
  const gboolean over = freeze->over;
  g_mutex_unlock (&freeze->lock);
  return over;
}

/* The next stop; FALSE: the freeze is over, or the thread has ended. */
static gboolean
await_stop (Freeze *freeze, gint *status)
{
  for (;;) {
    const pid_t got = waitpid (freeze->tid, status, __WALL | WNOHANG);
    if (got == freeze->tid)
      return WIFSTOPPED (*status);
    if (got < 0 || is_over (freeze))
      return FALSE;
    g_usleep (LOOK_US);
  }
}

/* Of a stop: what to give the thread on its way. */
static gint
signal_of (gint status)
{
  const gint signal = WSTOPSIG (status);

  return signal == SYSTEM_CALL || status >> 16 != 0 ? 0 : signal;
}

/* The number of the system call that the thread is about to make; -1: none. */
static glong
call_of (Freeze *freeze, gint status)
{
  struct __ptrace_syscall_info info;

  if (WSTOPSIG (status) != SYSTEM_CALL
      || ptrace (PTRACE_GET_SYSCALL_INFO, freeze->tid, (gpointer) sizeof info, &info) <= 0
      || info.op != PTRACE_SYSCALL_INFO_ENTRY)
    return -1;
  return (glong) info.entry.nr;
}

/* From the first stop on. FALSE: it was let go before. */
static gboolean
go_there (Freeze *freeze, gint status)
{
  for (;;) {
    const glong call = call_of (freeze, status);
    if (call >= 0 && freeze->here (freeze->runner, call, freeze->data))
      return TRUE;
    if (ptrace (PTRACE_SYSCALL, freeze->tid, NULL, signal_of (status)) != 0
        || !await_stop (freeze, &status))
      return FALSE;
  }
}

/* Stops it, if it runs, and lets go of it. */
static void
let_go (Freeze *freeze)
{
  gint status;

  if (ptrace (PTRACE_DETACH, freeze->tid, NULL, NULL) == 0)
    return;
  if (ptrace (PTRACE_INTERRUPT, freeze->tid, NULL, NULL) == 0)
    waitpid (freeze->tid, &status, __WALL);
  ptrace (PTRACE_DETACH, freeze->tid, NULL, NULL);
}

static gpointer
freeze_main (gpointer data)
{
  Freeze *freeze = data;
  gint status;

  if (ptrace (PTRACE_SEIZE, freeze->tid, NULL, PTRACE_O_TRACESYSGOOD) != 0
      || ptrace (PTRACE_INTERRUPT, freeze->tid, NULL, NULL) != 0 || !await_stop (freeze, &status)) {
    set_state (freeze, FAILED);
    return NULL;
  }
  if (freeze->here == NULL || go_there (freeze, status))
    set_state (freeze, STANDS);
  g_mutex_lock (&freeze->lock);
  while (!freeze->over)
    g_cond_wait (&freeze->changed, &freeze->lock);
  g_mutex_unlock (&freeze->lock);
  let_go (freeze);
  return NULL;
}

Freeze *
freeze_begin (Runner *runner, pid_t tid, FreezeHere here, gpointer data)
{
  Freeze *freeze;

  if (tid == 0)
    return NULL;
  freeze = g_new0 (Freeze, 1);
  freeze->runner = runner;
  freeze->tid = tid;
  freeze->here = here;
  freeze->data = data;
  g_mutex_init (&freeze->lock);
  g_cond_init (&freeze->changed);
  freeze->thread = g_thread_new ("freeze", freeze_main, freeze);
  return freeze;
}

gboolean
freeze_stands (Freeze *freeze, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&freeze->lock);
  while (freeze->state == BEGUN)
    if (!g_cond_wait_until (&freeze->changed, &freeze->lock, until))
      break;
  const gboolean stands = freeze->state == STANDS;
  g_mutex_unlock (&freeze->lock);
  return stands;
}

void
freeze_end (Freeze *freeze)
{
  if (freeze == NULL)
    return;
  g_mutex_lock (&freeze->lock);
  freeze->over = TRUE;
  g_cond_broadcast (&freeze->changed);
  g_mutex_unlock (&freeze->lock);
  g_thread_join (freeze->thread);
  g_mutex_clear (&freeze->lock);
  g_cond_clear (&freeze->changed);
  g_free (freeze);
}
