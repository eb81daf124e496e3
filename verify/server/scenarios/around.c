/* SPDX-License-Identifier: MIT */
/* around.c: see around.h. */
#include "around.h"

/* A glance before and after, and the patience with each request. */
#define GLANCE_S 1
#define REQUEST_S 2

gboolean
around_measure (Runner *runner, Result *result, const gchar *name)
{
  g_autofree gchar *p50 = g_strconcat (name, "_p50_ms", NULL);
  LoadTimes times;

  step_load_end (
      step_load_start (runner, runner->n_clients - 1, GLANCE_S, REQUEST_S), result, name, &times);
  result_ms (result, p50, times.p50_ms);
  return times.failures == 0 && times.p50_ms >= 0;
}

void
around_begin (Runner *runner, Result *result)
{
  Metrics metrics;

  expect_both (result, around_measure (runner, result, "before"), "HTTPS answers before the fault");
  metrics_read (runner, &metrics);
  result_metrics (result, "metrics_before", &metrics);
}

gboolean
around_restart_with (Runner *runner, Result *result, const gchar *library)
{
  g_autofree gchar *folder = g_path_get_dirname (runner->options->plugins);
  g_autofree gchar *path = g_build_filename (folder, library, NULL);
  g_autoptr (GError) error = NULL;

  g_setenv ("LD_PRELOAD", path, TRUE);
  const gboolean up = runner_restart (runner, &error);
  g_unsetenv ("LD_PRELOAD");
  expect_both (result, up, error ? error->message : "the server starts");
  return up;
}

gint64
around_health (Runner *runner)
{
  g_autofree gchar *api = runner_path (runner, "wolf.sock");
  g_autofree gchar *cert = runner_client_file (runner->options, 0, "client.crt");
  g_autofree gchar *key = runner_client_file (runner->options, 0, "client.key");
  g_autofree gchar *slow = g_strdup_printf ("%d", SOON_MS);
  g_autoptr (JsonObject) report = probe_last (runner, PATIENCE_MS, "health", "--api", api, "--cert",
      cert, "--key", key, "--slow", slow, NULL);

  return report ? json_object_get_int_member_with_default (report, "exit_status", -1) : -1;
}

gboolean
around_all_answer (Runner *runner)
{
  return around_health (runner) == 0;
}

gboolean
around_end (Runner *runner, Result *result)
{
  const gboolean alive = runner_is_alive (runner);
  Metrics metrics;

  result_bool (result, "ended", !alive);
  expect_held (result, alive, "the process lives");
  const gboolean all = alive && around_all_answer (runner);
  result_bool (result, "ports_answer", all);
  expect_held (result, all, "all ports answer afterwards");
  const gboolean https = alive && around_measure (runner, result, "after");
  expect_held (result, https, "HTTPS answers afterwards");
  if (!runner_is_alive (runner))
    return FALSE;
  metrics_wait_empty (runner, G_MAXUINT, STEP_GONE_MS, &metrics);
  result_metrics (result, "metrics_after", &metrics);
  expect_held (result, metrics.pipelines == 0, "no pipeline is left");
  return TRUE;
}
