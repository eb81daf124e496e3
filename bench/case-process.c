/* SPDX-License-Identifier: MIT */
#include "case-process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

G_NORETURN static void
become (const CaseProcess *process, int out)
{
  g_autofree gchar *time = g_strdup_printf ("%d", process->ms);
  const char *argv[9] = { process->runner, process->plugin };
  int argc = 2;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  g_setenv ("GST_PLUGIN_PATH", process->path, TRUE);
  g_unsetenv ("GST_PLUGIN_PATH_1_0");
  g_setenv ("GST_REGISTRY", process->registry, TRUE);
  g_unsetenv ("GST_REGISTRY_1_0");
  g_unsetenv ("GST_DEBUG");
  g_unsetenv ("GST_TRACERS");
  for (int i = 0; process->args[i]; i++)
    argv[argc++] = process->args[i];
  argv[argc] = time;
  dup2 (out, STDOUT_FILENO);
  execv (process->runner, (char **) argv);
  fprintf (stderr, "bench: %s: %s\n", process->runner, g_strerror (errno));
  _exit (127);
}

/* Everything that comes within the bound; then the process has ended, or is ended. */
static gboolean
collect (pid_t pid, int in, int bound_ms, GString *out)
{
  const gint64 until = g_get_monotonic_time () + bound_ms * G_TIME_SPAN_MILLISECOND;
  gboolean late = FALSE;
  int status;

  for (;;) {
    struct pollfd ready = { in, POLLIN, 0 };
    const gint64 left = (until - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;
    char buffer[512];
    ssize_t got;

    late = left <= 0 || poll (&ready, 1, (int) left) == 0;
    if (late || (got = read (in, buffer, sizeof buffer)) <= 0)
      break;
    g_string_append_len (out, buffer, got);
  }
  if (late) {
    fprintf (stderr, "bench: out of time\n");
    kill (pid, SIGKILL);
  }
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (!late && WIFSIGNALED (status))
    fprintf (stderr, "bench: ended by %s\n", g_strsignal (WTERMSIG (status)));
  return !late && WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

gboolean
case_process_run (const CaseProcess *process, GString *out)
{
  gboolean ended_well;
  int ends[2];
  pid_t pid;

  if (pipe2 (ends, O_CLOEXEC) || (pid = fork ()) < 0) {
    fprintf (stderr, "bench: no process: %s\n", g_strerror (errno));
    return FALSE;
  }
  if (pid == 0)
    become (process, ends[1]);
  close (ends[1]);
  ended_well = collect (pid, ends[0], process->bound_ms, out);
  close (ends[0]);
  return ended_well;
}
