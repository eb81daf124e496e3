/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "processes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Nothing in a case waits so long altogether. */
#define CASE_BOUND_MS 40000
/* How often it is looked; SIGCHLD cuts it short. */
#define LOOK_MS 200

typedef struct {
  pid_t pid; /* 0: free */
  gint64 until;
  Case *seen;
} Child;

gpointer
processes_shared (gsize size)
{
  gpointer memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

  if (memory == MAP_FAILED)
    g_error ("no shared memory");
  return memory;
}

static pid_t
spawn (const Options *options, const Task *task)
{
  const struct rlimit no_core = { 0, 0 };
  const pid_t pid = fork ();
  sigset_t none;

  if (pid != 0)
    return pid;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setrlimit (RLIMIT_CORE, &no_core);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  case_run (options, task->holder, task->call, task->seen);
  task->seen->over = TRUE;
  _exit (EXIT_SUCCESS);
}

static void
note_end (Child *child, gint status)
{
  if (WIFSIGNALED (status) && child->seen->crash[0] == '\0')
    g_snprintf (child->seen->crash, sizeof child->seen->crash, "crashed: %s",
        strsignal (WTERMSIG (status)));
  child->pid = 0;
}

static void
look_after (Child *children, guint jobs)
{
  gint status;

  for (guint i = 0; i < jobs; i++) {
    Child *child = &children[i];
    if (child->pid == 0)
      continue;
    if (waitpid (child->pid, &status, WNOHANG) == child->pid) {
      note_end (child, status);
    } else if (g_get_monotonic_time () >= child->until) {
      g_strlcpy (child->seen->crash, "killed: took too long", sizeof child->seen->crash);
      kill (child->pid, SIGKILL);
      waitpid (child->pid, &status, 0);
      note_end (child, status);
    }
  }
}

static guint
n_busy (const Child *children, guint jobs, Child **free_one)
{
  guint busy = 0;

  for (guint i = 0; i < jobs; i++) {
    if (children[i].pid != 0)
      busy++;
    else
      *free_one = (Child *) &children[i];
  }
  return busy;
}

void
processes_run (const Options *options, const Task *tasks, guint n, guint jobs)
{
  const struct timespec look = { 0, LOOK_MS * 1000000L };
  g_autofree Child *children = g_new0 (Child, jobs);
  Child *child = NULL;
  guint next = 0;
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  sigprocmask (SIG_BLOCK, &set, NULL);
  fflush (NULL);
  while (n_busy (children, jobs, &child) > 0 || next < n) {
    while (next < n && n_busy (children, jobs, &child) < jobs) {
      tasks[next].seen->again++;
      child->seen = tasks[next].seen;
      child->until = g_get_monotonic_time () + CASE_BOUND_MS * G_TIME_SPAN_MILLISECOND;
      child->pid = spawn (options, &tasks[next++]);
      if (child->pid < 0)
        g_error ("cannot fork");
    }
    sigtimedwait (&set, NULL, &look);
    look_after (children, jobs);
  }
}
