/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "child.h"

#include "account.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How often the parent looks whether a child has ended; SIGCHLD cuts it short. */
#define LOOK_MS 50

static gboolean
wait_for (GPid child, guint limit_ms, gint *status)
{
  gint64 until = 0;
  gint phases = -1;
  const struct timespec look = { 0, LOOK_MS * 1000000L };
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  while (waitpid (child, status, WNOHANG) == 0) {
    if (g_atomic_int_get (&wgi_account->phases) != phases) {
      phases = g_atomic_int_get (&wgi_account->phases);
      until = g_get_monotonic_time () + limit_ms * G_TIME_SPAN_MILLISECOND;
    }
    if (g_get_monotonic_time () >= until)
      return FALSE;
    sigtimedwait (&set, NULL, &look);
  }
  return TRUE;
}

/* No core file for each crash. */
static void
prepare_child (void)
{
  const struct rlimit none = { 0, 0 };
  sigset_t set;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setrlimit (RLIMIT_CORE, &none);
  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  sigprocmask (SIG_UNBLOCK, &set, NULL);
}

Ending
run_child (Body body, gconstpointer data, guint limit_ms, gchar **how)
{
  gint status = 0;
  sigset_t set;

  /* Blocked, so that no SIGCHLD is lost between the look and the wait. */
  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  sigprocmask (SIG_BLOCK, &set, NULL);
  *how = NULL;
  const GPid child = fork ();
  if (child < 0) {
    *how = g_strdup ("could not fork");
    return ENDED_BADLY;
  }
  if (child == 0) {
    prepare_child ();
    account_count_logs ();
    body (data);
    _exit (EXIT_SUCCESS);
  }
  if (!wait_for (child, limit_ms, &status)) {
    kill (child, SIGKILL);
    waitpid (child, NULL, 0);
    *how = g_strdup_printf ("hung, killed after %u ms", limit_ms);
    return ENDED_NEVER;
  }
  if (WIFSIGNALED (status))
    *how = g_strdup_printf ("crashed: %s", strsignal (WTERMSIG (status)));
  else if (WEXITSTATUS (status) != 0)
    *how = g_strdup_printf ("exit status %d", WEXITSTATUS (status));
  return *how == NULL ? ENDED_WELL : ENDED_BADLY;
}
