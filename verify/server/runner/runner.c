/* SPDX-License-Identifier: MIT */
/* runner.c: the server's folder, its start and its end. */
#include "runner.h"
#include "ask.h"
#include "daemon.h"
#include "timing.h"
#include "runner-options.h"
#include "paths.h"
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often the server is started before the scenario fails. */
#define STARTS 5
/* The first one on a machine that is busy makes GStreamer's registry and a key. */
#define START_MS 60000
/* How often a server that is starting is looked at: no condition of the kernel's says "it serves".
 */
#define START_LOOK_MS 20

gboolean
runner_make_certificates (const RunnerOptions *options, guint n, GError **error)
{
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *folder = runner_client_file (options, i, "");
    g_autofree gchar *cert = runner_client_file (options, i, "client.crt");
    const gchar *const argv[] = { options->probe, "cert", "--json", "--out", folder, NULL };
    gint status;
    if (g_file_test (cert, G_FILE_TEST_EXISTS))
      continue;
    if (!g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
            NULL, &status, error)
        || !g_spawn_check_wait_status (status, error))
      return FALSE;
  }
  return TRUE;
}

/* What any server needs for the tracer and the fake source. */
static gchar **
environment (const Runner *runner)
{
  const RunnerOptions *options = runner->options;
  gchar **env = g_get_environ ();
  g_autofree gchar *faults = runner_path (runner, "faults.sock");
  g_autofree gchar *journal = runner_path (runner, "journal");
  g_autofree gchar *registry = g_build_filename (options->scratch, "registry.bin", NULL);
  g_autofree gchar *plugins = options->interpipe
      ? g_strconcat (options->interpipe, ":", options->plugins, NULL)
      : g_strdup (options->plugins);

  env = g_environ_setenv (env, "GST_TRACERS", "wgfaults", TRUE);
  env = g_environ_setenv (env, "WG_FAULTS_SOCKET", faults, TRUE);
  env = g_environ_setenv (env, "WG_FAULTS_JOURNAL", journal, TRUE);
  env = g_environ_setenv (env, "GST_PLUGIN_PATH", plugins, TRUE);
  env = g_environ_setenv (env, "GST_REGISTRY", registry, TRUE);
  if (runner->private_icons)
    env = g_environ_setenv (env, "WOLF_ICONS_PRIVATE_ADDRESSES", "TRUE", TRUE);
  return runner->server->environment (runner, env);
}

typedef struct {
  gint out, log;
} Outputs;

static void
prepare_server (gpointer data)
{
  const Outputs *outputs = data;

  dup2 (outputs->out, STDOUT_FILENO);
  dup2 (outputs->log, STDERR_FILENO);
  prctl (PR_SET_PDEATHSIG, SIGKILL); /* a scenario that was killed leaves no server behind */
}

static gint
open_output (const Runner *runner, const gchar *name)
{
  g_autofree gchar *path = runner_path (runner, name);

  if (runner->log_to > 0 && g_str_equal (name, SERVER_LOG))
    return fcntl (runner->log_to, F_DUPFD_CLOEXEC, 3);
  return g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
}

static gboolean
start (Runner *runner, GError **error)
{
  g_auto (GStrv) env = environment (runner);
  g_auto (GStrv) argv = runner->server->arguments (runner);
  Outputs outputs = {
    open_output (runner, runner->server->says_ready ? SERVER_STDOUT : SERVER_LOG),
    open_output (runner, SERVER_LOG),
  };
  const gboolean started = g_spawn_async (runner->dir, argv, env, G_SPAWN_DO_NOT_REAP_CHILD,
      prepare_server, &outputs, &runner->pid, error);

  close (outputs.out);
  close (outputs.log);
  return started;
}

static void
tell_log (const Runner *runner, const gchar *what, GError **error)
{
  g_autofree gchar *log = runner_log (runner);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s %s; its log ends: %s",
      runner->server->name, what, log ? log + MAX (0, (gssize) strlen (log) - 600) : "");
}

/* Whether the HTTPS port and the API both answer as they should. */
static gboolean
serves (Runner *runner)
{
  g_auto (Answer) https = { 0 };
  g_auto (Answer) api = { 0 };

  if (!runner->server->is_up (runner))
    return FALSE;
  ask_https_now (runner, 0, "/serverinfo", SHORT_PATIENCE_MS, &https);
  ask_api_now (runner, "GET", "/api/v1/sessions", NULL, SHORT_PATIENCE_MS, &api);
  return https.status == 200 && api.status == 200;
}

/* FALSE without `error`: the server ended. */
static gboolean
wait_until_served (Runner *runner, GError **error)
{
  const gint64 until = g_get_monotonic_time () + runner->start_ms * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < until) {
    if (!runner_is_alive (runner))
      return FALSE;
    if (serves (runner))
      return TRUE;
    wait_ms (START_LOOK_MS);
  }
  tell_log (runner, "does not serve its ports", error);
  return FALSE;
}

/* There is no sound server here. Without one, upstream copies from an empty std::optional and
 * crashes at some starts, as what lies on the stack will have it. Another start is another try; how
 * many there were is told to the result. */
static gboolean
bring_up (Runner *runner, GError **error)
{
  GError *cause = NULL;

  for (guint i = 0; i < STARTS; i++, runner->crashed_starts++) {
    if (!start (runner, &cause) || wait_until_served (runner, &cause))
      break;
    if (cause != NULL)
      break;
  }
  if (cause == NULL && runner->pid == 0)
    tell_log (runner, "ended at each of its starts", &cause);
  if (cause == NULL)
    return TRUE;
  g_propagate_error (error, cause);
  return FALSE;
}

static JsonArray *
api_array (const Runner *runner, const gchar *path, const gchar *member)
{
  g_auto (Answer) answer = { 0 };

  ask_api_now (runner, "GET", path, NULL, SOON_MS, &answer);
  g_autoptr (JsonNode) node = answer.body ? json_from_string (answer.body, NULL) : NULL;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node)
      || !json_object_has_member (json_node_get_object (node), member))
    return NULL;
  return json_array_ref (json_object_get_array_member (json_node_get_object (node), member));
}

static gboolean
learn_ids (Runner *runner, GError **error)
{
  g_autoptr (JsonArray) apps = api_array (runner, "/api/v1/apps", "apps");
  g_autoptr (JsonArray) clients = api_array (runner, "/api/v1/clients", "clients");

  if (apps == NULL || json_array_get_length (apps) == 0 || clients == NULL
      || json_array_get_length (clients) != runner->n_clients) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "%s's API does not tell the app and the clients", runner->server->name);
    return FALSE;
  }
  /* The last app runs in a container, if the server can do that. */
  g_autofree gchar *engine = runner_path (runner, DAEMON_SOCKET);
  const guint app = g_file_test (engine, G_FILE_TEST_EXISTS) ? json_array_get_length (apps) - 1 : 0;
  runner->app_id =
      g_strdup (json_object_get_string_member (json_array_get_object_element (apps, app), "id"));
  runner->session_ids = g_new0 (gchar *, runner->n_clients + 1);
  for (guint i = 0; i < runner->n_clients; i++)
    runner->session_ids[i] = g_strdup (
        json_object_get_string_member (json_array_get_object_element (clients, i), "client_id"));
  return TRUE;
}

gchar *
runner_app_called (const Runner *runner, const gchar *title)
{
  g_autoptr (JsonArray) apps = api_array (runner, "/api/v1/apps", "apps");

  for (guint i = 0; apps != NULL && i < json_array_get_length (apps); i++) {
    JsonObject *app = json_array_get_object_element (apps, i);
    if (g_strcmp0 (json_object_get_string_member (app, "title"), title) == 0)
      return g_strdup (json_object_get_string_member (app, "id"));
  }
  return NULL;
}

static gboolean
take_up (Runner *runner, GError **error)
{
  g_autofree gchar *socket = runner_path (runner, "faults.sock");

  if (!bring_up (runner, error) || !learn_ids (runner, error))
    return FALSE;
  runner->faults = wgf_client_connect (socket, SOON_MS, error);
  return runner->faults != NULL;
}

Runner *
runner_open (const RunnerOptions *options, const gchar *dir, guint n_clients, const gchar *more,
    GError **error)
{
  Runner *runner = g_new0 (Runner, 1);
  g_autofree gchar *run = g_build_filename (dir, "run", NULL);
  g_autofree gchar *state = g_build_filename (dir, "state", NULL);

  runner->options = options;
  runner->server = options->server;
  runner->more = more;
  runner->cost = 1;
  runner->start_ms = START_MS;
  runner->private_icons = TRUE;
  runner->dir = g_strdup (dir);
  runner->n_clients = n_clients;
  g_mkdir_with_parents (run, 0700);
  g_mkdir_with_parents (state, 0755);
  return runner->server->prepare (runner, error) && take_up (runner, error) ? runner : NULL;
}

gboolean
runner_restart (Runner *runner, GError **error)
{
  g_autofree gchar *log = runner_path (runner, SERVER_LOG);
  g_autofree gchar *aside = g_strdup_printf ("%s.%u", log, ++runner->restarts);

  process_end_children (daemon_is, NULL);
  runner->pid = 0;
  if (runner->log_to == 0)
    g_rename (log, aside);
  g_clear_pointer (&runner->faults, wgf_client_destroy);
  g_clear_pointer (&runner->session_ids, g_strfreev);
  g_clear_pointer (&runner->app_id, g_free);
  return take_up (runner, error);
}

gboolean
runner_is_alive (Runner *runner)
{
  if (runner->pid != 0 && waitpid (runner->pid, &runner->wait_status, WNOHANG) == runner->pid)
    runner->pid = 0;
  return runner->pid != 0;
}

gboolean
runner_has_ended (Runner *runner, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  while (runner_is_alive (runner)) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (5); /* SIGCHLD is the main loop's way, and there is none here */
  }
  return TRUE;
}

gboolean
runner_signal (Runner *runner, gint signal, gint64 within_ms, gdouble *took_ms)
{
  const gint64 begun = g_get_monotonic_time ();

  runner->told_to_end = TRUE;
  if (runner_is_alive (runner))
    kill (runner->pid, signal);
  if (!runner_has_ended (runner, within_ms))
    return FALSE;
  if (took_ms != NULL)
    *took_ms = (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND;
  return TRUE;
}

void
runner_close (Runner *runner)
{
  if (runner == NULL)
    return;
  if (runner->pid != 0)
    runner_signal (runner, SIGKILL, SOON_MS, NULL);
  wgf_client_destroy (runner->faults);
  g_strfreev (runner->session_ids);
  g_free (runner->app_id);
  g_free (runner->dir);
  g_free (runner);
}

/* `wait` has a timeout of its own; other orders are answered at once. */
static JsonObject *
order (Runner *runner, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *line =
      wgf_client_order (runner->faults, PATIENCE_MS + SOON_MS, &error, "%s", text);
  g_autoptr (JsonNode) node = line ? json_from_string (line, NULL) : NULL;

  if (node == NULL)
    return NULL;
  JsonObject *answer = json_node_dup_object (node);
  if (!json_object_get_boolean_member_with_default (answer, "ok", FALSE))
    g_error ("order \"%s\" was refused: %s", text, line);
  return answer;
}

JsonObject *
runner_order (Runner *runner, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  return order (runner, text);
}

gboolean
runner_order_reached (Runner *runner, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_autoptr (JsonObject) answer = order (runner, text);
  return answer != NULL && json_object_get_boolean_member_with_default (answer, "reached", FALSE);
}
