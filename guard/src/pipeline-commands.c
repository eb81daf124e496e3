/* SPDX-License-Identifier: MIT */
#include "pipeline-private.h"

#include <wolf-guard/log.h>

/* With the mutex: TRUE when `command` has been merged into the last one that waits. */
static gboolean
merge (WgPipeline *p, const WgCommand *command)
{
  WgCommand *last = g_queue_peek_tail (&p->commands);

  if (!command->merge || !last || last->merge != command->merge
      || !command->merge (last->data, command->data))
    return FALSE;
  p->stats.merged++;
  return TRUE;
}

typedef enum { TAKEN, MERGED, REFUSED, FIRST_REFUSED } Posted;

/* With the mutex. */
static Posted
post_locked (WgPipeline *p, WgCommand *command)
{
  guint max = command->vital ? 2 * WG_PIPELINE_QUEUE_MAX : WG_PIPELINE_QUEUE_MAX;

  if (p->stats.ending) {
    p->stats.dropped_ending++;
    return REFUSED;
  }
  if (merge (p, command))
    return MERGED;
  if (p->commands.length >= max)
    return p->stats.dropped_full++ == 0 ? FIRST_REFUSED : REFUSED;
  g_queue_push_tail (&p->commands, command);
  return TAKEN;
}

gboolean
wg_pipeline_post_command (WgPipeline *p, const WgCommand *posted)
{
  WgCommand *command = g_memdup2 (posted, sizeof *posted);
  Posted result;

  pthread_mutex_lock (&p->mutex);
  result = post_locked (p, command);
  pthread_mutex_unlock (&p->mutex);
  if (result == TAKEN)
    sem_post (p->work);
  else
    wg_command_free (command);
  if (result == FIRST_REFUSED) {
    g_autofree char *state = wg_pipeline_describe (p);

    wg_log (WG_LOG_WARNING,
        "pipeline %s: %d commands are waiting, '%s' and further ones are dropped", state,
        WG_PIPELINE_QUEUE_MAX, posted->what);
  }
  return result == TAKEN || result == MERGED;
}

gboolean
wg_pipeline_post (
    WgPipeline *p, const char *what, WgPipelineFunc func, gpointer data, GDestroyNotify notify)
{
  const WgCommand command = { .what = what, .func = func, .data = data, .notify = notify };

  return wg_pipeline_post_command (p, &command);
}

/* --- PLAYING */

static void
play (GstElement *element, gpointer data)
{
  WgPipeline *p = data;
  GstStateChangeReturn ret;
  gboolean silent;

  ret = gst_element_set_state (element, GST_STATE_PLAYING);
  pthread_mutex_lock (&p->mutex);
  p->played = TRUE;
  silent = ret == GST_STATE_CHANGE_FAILURE && !p->stats.error_seen;
  pthread_cond_broadcast (&p->changed);
  pthread_mutex_unlock (&p->mutex);
  if (silent) {
    wg_log (WG_LOG_ERROR, "pipeline '%s' of session %s: PLAYING failed without an error message",
        p->name, p->session);
    wg_loop_stop (p->loop);
  }
}

void
wg_pipeline_play (WgPipeline *p)
{
  const WgCommand command = {
    .what = "set_state(PLAYING)",
    .func = play,
    .data = wg_pipeline_hold (p),
    .notify = (GDestroyNotify) wg_pipeline_release,
    .plays = TRUE,
  };

  /* With the queue full already the owner would wait for ever in a loop that nothing ends. */
  if (!wg_pipeline_post_command (p, &command))
    wg_loop_stop (p->loop);
}

/* --- properties */

typedef struct {
  char *element, *property, *value;
} StringCommand;

static void
string_command_free (gpointer data)
{
  StringCommand *command = data;

  g_free (command->element);
  g_free (command->property);
  g_free (command->value);
  g_free (command);
}

static void
set_string (GstElement *pipeline, gpointer data)
{
  StringCommand *command = data;
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), command->element);

  if (!element) {
    wg_log (WG_LOG_ERROR, "no element '%s' to set %s=%s", command->element, command->property,
        command->value);
    return;
  }
  g_object_set (element, command->property, command->value, NULL);
  gst_object_unref (element);
}

gboolean
wg_pipeline_post_string (
    GstElement *pipeline, const char *element, const char *property, const char *value)
{
  WgPipeline *p = wg_pipeline_find (pipeline);
  StringCommand *command;
  gboolean taken;

  if (!p)
    return FALSE;
  command = g_new (StringCommand, 1);
  *command = (StringCommand){ g_strdup (element), g_strdup (property), g_strdup (value) };
  taken = wg_pipeline_post (p, "g_object_set", set_string, command, string_command_free);
  wg_pipeline_unref (p);
  return taken;
}
