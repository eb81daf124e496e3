/* SPDX-License-Identifier: MIT */
#include "paths.h"

#include "runner-options.h"

gchar *
runner_path (const Runner *runner, const gchar *name)
{
  return g_build_filename (runner->dir, name, NULL);
}

gchar *
runner_log (const Runner *runner)
{
  g_autofree gchar *path = runner_path (runner, SERVER_LOG);
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

gchar *
runner_client_file (const RunnerOptions *options, guint number, const gchar *file)
{
  return g_strdup_printf ("%s/client-%u/%s", options->scratch, number, file);
}
