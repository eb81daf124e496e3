/* SPDX-License-Identifier: MIT */
/* stage.c: the server's folder, its start and its end. */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often the server is started before the stage gives up. */
#define STARTS 5
/* The first one on a machine that is busy makes GStreamer's registry and a key. */
#define START_MS 60000
/* How often a server that is starting is looked at: no condition of the kernel's says "it serves". */
#define START_LOOK_MS 20

gchar *
stage_client_file (const StageOptions *options, guint client, const gchar *file)
{
  return g_strdup_printf ("%s/client-%u/%s", options->scratch, client, file);
}

gboolean
stage_make_certificates (const StageOptions *options, guint n, GError **error)
{
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *folder = stage_client_file (options, i, "");
    g_autofree gchar *cert = stage_client_file (options, i, "client.crt");
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

gchar *
stage_path (const Stage *stage, const gchar *name)
{
  return g_build_filename (stage->dir, name, NULL);
}

/* What any server needs for the tracer and the stand-in. */
static gchar **
environment (const Stage *stage)
{
  const StageOptions *options = stage->options;
  gchar **env = g_get_environ ();
  g_autofree gchar *faults = stage_path (stage, "faults.sock");
  g_autofree gchar *journal = stage_path (stage, "journal");
  g_autofree gchar *registry = g_build_filename (options->scratch, "registry.bin", NULL);
  g_autofree gchar *plugins = options->interpipe
      ? g_strconcat (options->interpipe, ":", options->plugins, NULL)
      : g_strdup (options->plugins);

  env = g_environ_setenv (env, "GST_TRACERS", "wgfaults", TRUE);
  env = g_environ_setenv (env, "WG_FAULTS_SOCKET", faults, TRUE);
  env = g_environ_setenv (env, "WG_FAULTS_JOURNAL", journal, TRUE);
  env = g_environ_setenv (env, "GST_PLUGIN_PATH", plugins, TRUE);
  env = g_environ_setenv (env, "GST_REGISTRY", registry, TRUE);
  return stage->server->environment (stage, env);
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
open_output (const Stage *stage, const gchar *name)
{
  g_autofree gchar *path = stage_path (stage, name);

  return g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
}

static gboolean
start (Stage *stage, GError **error)
{
  g_auto (GStrv) env = environment (stage);
  g_auto (GStrv) argv = stage->server->arguments (stage);
  Outputs outputs = {
    open_output (stage, stage->server->says_ready ? STAGE_STDOUT : STAGE_LOG),
    open_output (stage, STAGE_LOG),
  };
  const gboolean started = g_spawn_async (stage->dir, argv, env, G_SPAWN_DO_NOT_REAP_CHILD,
      prepare_server, &outputs, &stage->pid, error);

  close (outputs.out);
  close (outputs.log);
  return started;
}

static void
tell_log (const Stage *stage, const gchar *what, GError **error)
{
  g_autofree gchar *log = stage_log (stage);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s %s; its log ends: %s", stage->server->name,
      what, log ? log + MAX (0, (gssize) strlen (log) - 600) : "");
}

/* Whether the HTTPS port and the API both answer as they should. */
static gboolean
serves (Stage *stage)
{
  g_auto (Answer) https = { 0 };
  g_auto (Answer) api = { 0 };

  if (!stage->server->is_up (stage))
    return FALSE;
  stage_https (stage, 0, "/serverinfo", STAGE_SHORT_PATIENCE_MS, &https);
  stage_api (stage, "GET", "/api/v1/sessions", NULL, STAGE_SHORT_PATIENCE_MS, &api);
  return https.status == 200 && api.status == 200;
}

/* FALSE without `error`: the server ended. */
static gboolean
wait_until_served (Stage *stage, GError **error)
{
  const gint64 until = g_get_monotonic_time () + START_MS * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < until) {
    if (!stage_is_alive (stage))
      return FALSE;
    if (serves (stage))
      return TRUE;
    stage_let_pass (START_LOOK_MS);
  }
  tell_log (stage, "does not serve its ports", error);
  return FALSE;
}

/* Without a sound server, which the stage has not, upstream copies from an empty std::optional and
 * crashes at some starts, as what lies on the stack will have it. Another start is another try; how
 * many there were is told to the result. */
static gboolean
bring_up (Stage *stage, GError **error)
{
  GError *cause = NULL;

  for (guint i = 0; i < STARTS; i++, stage->crashed_starts++) {
    if (!start (stage, &cause) || wait_until_served (stage, &cause))
      break;
    if (cause != NULL)
      break;
  }
  if (cause == NULL && stage->pid == 0)
    tell_log (stage, "ended at each of its starts", &cause);
  if (cause == NULL)
    return TRUE;
  g_propagate_error (error, cause);
  return FALSE;
}

static JsonArray *
api_array (const Stage *stage, const gchar *path, const gchar *member)
{
  g_auto (Answer) answer = { 0 };

  stage_api (stage, "GET", path, NULL, STAGE_SOON_MS, &answer);
  g_autoptr (JsonNode) node = answer.body ? json_from_string (answer.body, NULL) : NULL;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node)
      || !json_object_has_member (json_node_get_object (node), member))
    return NULL;
  return json_array_ref (json_object_get_array_member (json_node_get_object (node), member));
}

static gboolean
learn_ids (Stage *stage, GError **error)
{
  g_autoptr (JsonArray) apps = api_array (stage, "/api/v1/apps", "apps");
  g_autoptr (JsonArray) clients = api_array (stage, "/api/v1/clients", "clients");

  if (apps == NULL || json_array_get_length (apps) == 0 || clients == NULL
      || json_array_get_length (clients) != stage->n_clients) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "%s's API does not tell the stage's app and clients", stage->server->name);
    return FALSE;
  }
  stage->app_id =
      g_strdup (json_object_get_string_member (json_array_get_object_element (apps, 0), "id"));
  stage->session_ids = g_new0 (gchar *, stage->n_clients + 1);
  for (guint i = 0; i < stage->n_clients; i++)
    stage->session_ids[i] = g_strdup (
        json_object_get_string_member (json_array_get_object_element (clients, i), "client_id"));
  return TRUE;
}

static gboolean
take_up (Stage *stage, GError **error)
{
  g_autofree gchar *socket = stage_path (stage, "faults.sock");

  if (!bring_up (stage, error) || !learn_ids (stage, error))
    return FALSE;
  stage->faults = wgf_client_connect (socket, STAGE_SOON_MS, error);
  return stage->faults != NULL;
}

Stage *
stage_open (const StageOptions *options, const gchar *dir, guint n_clients, const gchar *more,
    GError **error)
{
  Stage *stage = g_new0 (Stage, 1);
  g_autofree gchar *run = g_build_filename (dir, "run", NULL);
  g_autofree gchar *state = g_build_filename (dir, "state", NULL);

  stage->options = options;
  stage->server = options->server;
  stage->more = more;
  stage->cost = 1;
  stage->dir = g_strdup (dir);
  stage->n_clients = n_clients;
  g_mkdir_with_parents (run, 0700);
  g_mkdir_with_parents (state, 0755);
  return stage->server->prepare (stage, error) && take_up (stage, error) ? stage : NULL;
}

gboolean
stage_restart (Stage *stage, GError **error)
{
  g_autofree gchar *log = stage_path (stage, STAGE_LOG);
  g_autofree gchar *aside = g_strdup_printf ("%s.%u", log, ++stage->restarts);

  process_end_children (NULL, NULL);
  stage->pid = 0;
  g_rename (log, aside);
  g_clear_pointer (&stage->faults, wgf_client_destroy);
  g_clear_pointer (&stage->session_ids, g_strfreev);
  g_clear_pointer (&stage->app_id, g_free);
  return take_up (stage, error);
}

gboolean
stage_is_alive (Stage *stage)
{
  if (stage->pid != 0 && waitpid (stage->pid, &stage->wait_status, WNOHANG) == stage->pid)
    stage->pid = 0;
  return stage->pid != 0;
}

gboolean
stage_has_ended (Stage *stage, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  while (stage_is_alive (stage)) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    stage_let_pass (5); /* SIGCHLD is the main loop's way, and there is none here */
  }
  return TRUE;
}

gboolean
stage_signal (Stage *stage, gint signal, gint64 within_ms, gdouble *took_ms)
{
  const gint64 begun = g_get_monotonic_time ();

  stage->told_to_end = TRUE;
  if (stage_is_alive (stage))
    kill (stage->pid, signal);
  if (!stage_has_ended (stage, within_ms))
    return FALSE;
  if (took_ms != NULL)
    *took_ms = (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND;
  return TRUE;
}

void
stage_close (Stage *stage)
{
  if (stage == NULL)
    return;
  if (stage->pid != 0)
    stage_signal (stage, SIGKILL, STAGE_SOON_MS, NULL);
  wgf_client_destroy (stage->faults);
  g_strfreev (stage->session_ids);
  g_free (stage->app_id);
  g_free (stage->dir);
  g_free (stage);
}

gchar *
stage_log (const Stage *stage)
{
  g_autofree gchar *path = stage_path (stage, STAGE_LOG);
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

/* `wait` has a bound of its own; other orders are answered at once. */
static JsonObject *
order (Stage *stage, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *line =
      wgf_client_order (stage->faults, STAGE_PATIENCE_MS + STAGE_SOON_MS, &error, "%s", text);
  g_autoptr (JsonNode) node = line ? json_from_string (line, NULL) : NULL;

  if (node == NULL)
    return NULL;
  JsonObject *answer = json_node_dup_object (node);
  if (!json_object_get_boolean_member_with_default (answer, "ok", FALSE))
    g_error ("order \"%s\" was refused: %s", text, line);
  return answer;
}

JsonObject *
stage_order (Stage *stage, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  return order (stage, text);
}

gboolean
stage_order_reached (Stage *stage, const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_autoptr (JsonObject) answer = order (stage, text);
  return answer != NULL && json_object_get_boolean_member_with_default (answer, "reached", FALSE);
}
