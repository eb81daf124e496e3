/* SPDX-License-Identifier: MIT */
#include "pipeline-private.h"

/* Wait for the worker's wake_owner() or a stop. Nobody else knows the main loop yet, but a stray
 * quit is harmless: run again. Returns why there is no pipeline, or NULL. */
static GError *
await_parsed (WgPipeline *p)
{
  GError *error = NULL;

  while (!wg_loop_run (p->loop) && !p->woken)
    ;
  pthread_mutex_lock (&p->mutex);
  if (p->parsed && p->parse_error)
    error =
        g_error_new_literal (WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_PARSE, p->parse_error->message);
  pthread_mutex_unlock (&p->mutex);
  if (!error && wg_loop_is_stopped (p->loop))
    error = g_error_new_literal (
        WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_STOPPED, "stopped before it was parsed");
  return error;
}

WgPipeline *
wg_pipeline_new (
    const char *name, const char *session, const char *description, WgLoop *loop, GError **error)
{
  g_autofree char *watch_name = NULL;
  WgPipeline *p;
  GError *reason;

  if (!loop) {
    g_set_error_literal (error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_DESCRIPTORS,
        "the process has no file descriptors left for a main loop");
    return NULL;
  }
  p = wg_pipeline_alloc (name, session, description, loop);
  if (!wg_shutdown_list (p)) {
    g_set_error_literal (
        error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_SHUTDOWN, "the process is shutting down");
    wg_pipeline_unref (p);
    return NULL;
  }
  watch_name = g_strdup_printf ("%s %s", p->name, p->session);
  wg_loop_watch (loop, watch_name);
  if (!wg_spawn ("wg-worker", wg_pipeline_worker, wg_pipeline_hold (p))) {
    wg_shutdown_unlist (p);
    g_set_error_literal (
        error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_THREAD, "the system has no thread to give");
    wg_pipeline_release (p); /* the worker's */
    wg_pipeline_unref (p);
    return NULL;
  }
  reason = await_parsed (p);
  if (!reason)
    return p;
  g_propagate_error (error, reason);
  wg_pipeline_end (p);
  wg_pipeline_unref (p);
  return NULL;
}
