/* SPDX-License-Identifier: MIT */
/* processes.c: a process's children, and their end. */
#include "processes.h"
#include "timing.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often it is looked whether children are left. */
#define LOOK_MS 20

GArray *
process_children (GPid pid)
{
  GArray *children = g_array_new (FALSE, FALSE, sizeof (GPid));
  g_autofree gchar *tasks = g_strdup_printf ("/proc/%d/task", pid);
  g_autoptr (GDir) dir = g_dir_open (tasks, 0, NULL);
  const gchar *task;

  while (dir != NULL && (task = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (tasks, task, "children", NULL);
    g_autofree gchar *text = NULL;
    if (!g_file_get_contents (path, &text, NULL, NULL))
      continue;
    g_auto (GStrv) words = g_strsplit (g_strstrip (text), " ", -1);
    for (gchar **word = words; *word != NULL; word++) {
      const GPid child = (GPid) g_ascii_strtoll (*word, NULL, 10);
      if (child > 0)
        g_array_append_val (children, child);
    }
  }
  return children;
}

guint
process_children_left (GPid pid, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    g_autoptr (GArray) children = process_children (pid);
    if (children->len == 0 || g_get_monotonic_time () >= until)
      return children->len;
    wait_ms (LOOK_MS);
  }
}

void
process_adopt (void)
{
  prctl (PR_SET_CHILD_SUBREAPER, 1);
}

void
process_end_children (gboolean (*keep) (GPid child, gpointer data), gpointer data)
{
  const gint64 until = g_get_monotonic_time () + SHORT_PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
  guint ending;

  do {
    g_autoptr (GArray) children = process_children (getpid ());
    ending = 0;
    for (guint i = 0; i < children->len; i++) {
      const GPid child = g_array_index (children, GPid, i);
      if (keep != NULL && keep (child, data))
        continue;
      kill (child, SIGKILL);
      waitpid (child, NULL, 0); /* its own children are ours from now on */
      ending++;
    }
  } while (ending > 0 && g_get_monotonic_time () < until);
}
