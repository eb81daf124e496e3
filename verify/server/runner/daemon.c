/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include "ask.h"
#include "timing.h"

#include <json-glib/json-glib.h>
#include <signal.h>
#include <sys/prctl.h>

#define LOOK_MS 20

static GPid engine; /* this process's, which runs one scenario */

gboolean
daemon_is (GPid child, gpointer data G_GNUC_UNUSED)
{
  return child == engine;
}

static void
end_with_parent (gpointer data G_GNUC_UNUSED)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* It is installed beside this program. */
static gchar *
program (void)
{
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *folder = g_path_get_dirname (self ? self : ".");

  return g_build_filename (folder, "wolf-fake-docker", NULL);
}

gboolean
daemon_start (const gchar *dir, GError **error)
{
  const gint64 until = g_get_monotonic_time () + SOON_MS * G_TIME_SPAN_MILLISECOND;
  g_autofree gchar *binary = program ();
  g_autofree gchar *socket = g_build_filename (dir, DAEMON_SOCKET, NULL);
  gchar *argv[] = { binary, socket, NULL };

  if (!g_spawn_async (
          NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, end_with_parent, NULL, &engine, error))
    return FALSE;
  while (!g_file_test (socket, G_FILE_TEST_EXISTS)) {
    if (g_get_monotonic_time () >= until) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s does not listen", binary);
      return FALSE;
    }
    wait_ms (LOOK_MS);
  }
  return TRUE;
}

static void
ask_now (const Runner *runner, const gchar *method, const gchar *path, Answer *answer)
{
  question_end (ask_socket (runner, DAEMON_SOCKET, method, path, NULL, SOON_MS), answer);
}

void
daemon_set (const Runner *runner, const gchar *operation, const gchar *answer)
{
  g_autofree gchar *path = g_strdup_printf ("/fake/%s/%s", operation, answer);
  g_auto (Answer) done = { 0 };

  ask_now (runner, "POST", path, &done);
  if (done.status != 200)
    g_error ("the fake container engine does not know %s", path);
}

gint64
daemon_count (const Runner *runner, const gchar *what)
{
  g_auto (Answer) answer = { 0 };

  ask_now (runner, "GET", "/fake", &answer);
  g_autoptr (JsonNode) node = answer.status == 200 ? json_from_string (answer.body, NULL) : NULL;
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node)
      ? json_object_get_int_member_with_default (json_node_get_object (node), what, -1)
      : -1;
}

gboolean
daemon_reaches (const Runner *runner, const gchar *what, gint64 n, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  while (daemon_count (runner, what) < n) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (LOOK_MS);
  }
  return TRUE;
}
