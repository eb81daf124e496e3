/* SPDX-License-Identifier: MIT */
/* run.c: a process of its own for whatever may crash or hang, and the plugin loaded in it. */
#define _GNU_SOURCE
#include "interpipe.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How often it is looked whether a child has ended; SIGCHLD cuts it short. */
#define LOOK_MS 50

static gboolean
wait_for (GPid child, guint bound_ms, gint *status)
{
  const gint64 until = g_get_monotonic_time () + bound_ms * G_TIME_SPAN_MILLISECOND;
  const struct timespec look = { 0, LOOK_MS * 1000000L };
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  while (waitpid (child, status, WNOHANG) == 0) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    sigtimedwait (&set, NULL, &look);
  }
  return TRUE;
}

/* Nothing of the machine's own GStreamer settings and plugins, and no core file per crash. */
static void
make_private (void)
{
  const struct rlimit none = { 0, 0 };
  sigset_t set;

  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  g_setenv ("GST_REGISTRY", "/dev/null", TRUE);
  g_setenv ("GST_PLUGIN_PATH_1_0", "", TRUE);
  g_setenv ("GST_PLUGIN_PATH", "", TRUE);
  g_setenv ("GST_PLUGIN_SYSTEM_PATH_1_0", "", TRUE);
  g_setenv ("GST_PLUGIN_SYSTEM_PATH", "", TRUE);
  g_unsetenv ("G_DEBUG");
  g_unsetenv ("GST_TRACERS");
  setrlimit (RLIMIT_CORE, &none);
  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  sigprocmask (SIG_UNBLOCK, &set, NULL);
}

Ending
run_child (const WgiOptions *options, Body body, gpointer data, guint bound_ms, gchar **how)
{
  gint status = 0;
  sigset_t set;

  /* So that no end of a child can slip by between the look and the wait. */
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
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    make_private ();
    account_count_logs ();
    body (options, data);
    _exit (EXIT_SUCCESS);
  }
  if (!wait_for (child, bound_ms, &status)) {
    kill (child, SIGKILL);
    waitpid (child, NULL, 0);
    *how = g_strdup_printf ("hung, killed after %u ms", bound_ms);
    return ENDED_NEVER;
  }
  if (WIFSIGNALED (status))
    *how = g_strdup_printf ("crashed: %s", strsignal (WTERMSIG (status)));
  else if (WEXITSTATUS (status) != 0)
    *how = g_strdup_printf ("exit status %d", WEXITSTATUS (status));
  return *how == NULL ? ENDED_WELL : ENDED_BADLY;
}

gboolean
run_load (const WgiOptions *options, GError **error)
{
  if (!gst_init_check (NULL, NULL, error))
    return FALSE;
  g_autoptr (GstPlugin) plugin = gst_plugin_load_file (options->plugin, error);
  return plugin != NULL;
}
