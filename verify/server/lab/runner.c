/* SPDX-License-Identifier: MIT */
/* runner.c: a child. */
#include "runner.h"
#include "container.h"
#include "docker.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wolf-guard/child.h>

typedef struct {
  gchar *id;
  GPid group;
} Victim;

static void
victim_free (gpointer data)
{
  Victim *victim = data;

  g_free (victim->id);
  g_free (victim);
}

static void
on_stop (const LabEvent *event, gpointer data)
{
  const Victim *victim = data;

  if (g_str_equal (event->id, victim->id))
    kill (-victim->group, SIGKILL); /* the second time there is nobody */
}

/* Between fork and exec. */
static void
prepare (gpointer bare)
{
  setpgid (0, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL); /* a lab that is killed leaves nobody behind */
  if (bare != NULL)
    wg_child_keep_only_below (STDERR_FILENO + 1);
}

static gboolean
start (const Lab *lab, GPid *child)
{
  static const gchar *const argv[] = { "sleep", "1000", NULL };
  g_autoptr (GError) error = NULL;

  if (g_spawn_async (NULL, (gchar **) argv, NULL,
          G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN
              | G_SPAWN_CLOEXEC_PIPES /* no child of another start keeps this one waiting */
              | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
          prepare, GINT_TO_POINTER (lab->options.bare_children), child, &error))
    return TRUE;
  lab_log ("runner: %s", error->message);
  return FALSE;
}

void
lab_runner_run (Lab *lab, LabSession *session)
{
  Victim *victim;
  GPid child;
  gint status;

  if (lab_docker_is_there (lab)) {
    lab_container_run (lab, session);
    return;
  }
  if (!start (lab, &child))
    return;
  victim = g_new0 (Victim, 1);
  *victim = (Victim){ g_strdup (session->id), child };
  const guint number = lab_bus_register (lab->bus, LAB_EVENT_STOP, on_stop, victim, victim_free);
  if (lab_session_was_stopped (session)) /* before that handler was there */
    kill (-child, SIGKILL);
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    ;
  lab_bus_unregister (lab->bus, number);
}
