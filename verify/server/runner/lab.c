/* SPDX-License-Identifier: MIT */
/* lab.c: wolf-lab, which says by itself where its ports are, and can do without each of its fixes.
 */
#include "icons.h"
#include "runner-options.h"
#include "paths.h"
#include "runner.h"

#include <string.h>

/* Each icon is an app there. */
static gboolean
write_icons (const Runner *runner, GError **error)
{
  g_autofree gchar *file = runner_path (runner, "icons");
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; icons_port () != 0 && icon_names[i] != NULL; i++)
    g_string_append_printf (
        text, "%s http://127.0.0.1:%u/%s\n", icon_names[i], icons_port (), icon_names[i]);
  return g_file_set_contents (file, text->str, -1, error);
}

static gboolean
prepare (const Runner *runner, GError **error)
{
  g_autofree gchar *folder = runner_path (runner, "clients");

  g_mkdir_with_parents (folder, 0700);
  for (guint i = 0; i < runner->n_clients; i++) {
    g_autofree gchar *file = runner_client_file (runner->options, i, "client.crt");
    g_autofree gchar *name = g_strdup_printf ("client-%03u.pem", i);
    g_autofree gchar *copy = g_build_filename (folder, name, NULL);
    g_autofree gchar *cert = NULL;
    if (!g_file_get_contents (file, &cert, NULL, error)
        || !g_file_set_contents (copy, cert, -1, error))
      return FALSE;
  }
  return write_icons (runner, error);
}

static gchar **
arguments (const Runner *runner)
{
  const RunnerOptions *options = runner->options;
  GPtrArray *argv = g_ptr_array_new ();

  g_ptr_array_add (argv, g_strdup (options->binary));
  g_ptr_array_add (argv, g_strconcat ("--preset=", options->side, NULL));
  g_ptr_array_add (argv, g_strdup ("--audio=direct")); /* as the real Wolf is run here */
  if (options->without != NULL)
    g_ptr_array_add (argv, g_strdup (options->without->off));
  for (gchar **more = options->lab_argv; more != NULL && *more != NULL; more++)
    g_ptr_array_add (argv, g_strdup (*more));
  if (runner->more != NULL)
    g_ptr_array_add (argv, g_strdup (runner->more));
  g_ptr_array_add (argv, g_strdup ("--dir"));
  g_ptr_array_add (argv, g_strdup (runner->dir));
  g_ptr_array_add (argv, NULL);
  return (gchar **) g_ptr_array_free (argv, FALSE);
}

static gchar **
environment (const Runner *runner, gchar **env)
{
  g_autofree gchar *run = runner_path (runner, "run");

  return g_environ_setenv (env, "XDG_RUNTIME_DIR", run, TRUE);
}

static guint
port (JsonObject *ready, const gchar *name)
{
  return (guint) json_object_get_int_member_with_default (ready, name, 0);
}

/* It writes one line when all of its ports listen. */
static gboolean
is_up (Runner *runner)
{
  g_autofree gchar *path = runner_path (runner, SERVER_STDOUT);
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL) || strchr (text, '\n') == NULL)
    return FALSE;
  *strchr (text, '\n') = '\0';
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  JsonObject *ready = json_node_get_object (node);
  runner->ports = (ServerPorts){
    .http = port (ready, "http"),
    .https = port (ready, "https"),
    .rtsp = port (ready, "rtsp"),
    .video = port (ready, "video"),
    .audio = port (ready, "audio"),
  };
  return runner->ports.https != 0;
}

const Server server_lab = {
  .name = "wolf-lab",
  .target = "lab",
  .subject = "lab",
  .encoder = "element=video_encoder",
  .abilities = SERVER_SWITCHES,
  .dying_ms = 50, /* abort() */
  .says_ready = TRUE,
  .prepare = prepare,
  .arguments = arguments,
  .environment = environment,
  .is_up = is_up,
};
