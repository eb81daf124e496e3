/* SPDX-License-Identifier: MIT */
#include "pipeline-private.h"

/* clang-format makes a difference of the names of quarks. */
/* clang-format off */
G_DEFINE_QUARK (wg-pipeline-error-quark, wg_pipeline_error)
G_DEFINE_QUARK (wg-pipeline, wg_pipeline)
/* clang-format on */

WgPipeline *
wg_pipeline_alloc (const char *name, const char *session, const char *description, WgLoop *loop)
{
  WgPipeline *p = g_new0 (WgPipeline, 1);

  atomic_init (&p->refs, 1);
  p->users = 1;
  p->name = g_strdup (name ? name : "");
  p->session = g_strdup (session ? session : "");
  p->description = g_strdup (description);
  p->loop = wg_loop_ref (loop);
  p->work = wg_loop_add_semaphore (loop);
  pthread_mutex_init (&p->mutex, NULL);
  wg_cond_init (&p->changed);
  g_queue_init (&p->commands);
  return p;
}

void
wg_command_free (WgCommand *command)
{
  if (command->notify)
    command->notify (command->data);
  g_free (command);
}

WgPipeline *
wg_pipeline_hold (WgPipeline *p)
{
  atomic_fetch_add_explicit (&p->refs, 1, memory_order_relaxed);
  return p;
}

void
wg_pipeline_release (WgPipeline *p)
{
  if (atomic_fetch_sub_explicit (&p->refs, 1, memory_order_acq_rel) != 1)
    return;
  g_queue_clear_full (&p->commands, (GDestroyNotify) wg_command_free);
  g_clear_error (&p->parse_error);
  pthread_cond_destroy (&p->changed);
  pthread_mutex_destroy (&p->mutex);
  wg_loop_unref (p->loop);
  g_free (p->name);
  g_free (p->session);
  g_free (p->description);
  g_free (p);
}

WgPipeline *
wg_pipeline_ref (WgPipeline *p)
{
  pthread_mutex_lock (&p->mutex);
  if (p->users++ == 0)
    wg_pipeline_hold (p);
  pthread_mutex_unlock (&p->mutex);
  return p;
}

void
wg_pipeline_unref (WgPipeline *p)
{
  GstElement *element = NULL;
  gboolean last;

  if (!p)
    return;
  pthread_mutex_lock (&p->mutex);
  last = --p->users == 0;
  if (last) {
    p->end_asked = TRUE;
    element = g_steal_pointer (&p->for_owner);
    sem_post (p->work);
  }
  pthread_mutex_unlock (&p->mutex);
  g_clear_object (&element);
  if (last)
    wg_pipeline_release (p);
}

WgPipeline *
wg_pipeline_find (GstElement *element)
{
  GstObject *top = gst_object_ref (element);
  WgPipeline *p;

  for (;;) {
    GstObject *parent = gst_object_get_parent (top);

    if (!parent)
      break;
    gst_object_unref (top);
    top = parent;
  }
  p = g_object_get_qdata (G_OBJECT (top), wg_pipeline_quark ());
  if (p)
    wg_pipeline_ref (p); /* alive: the GstPipeline holds one, and we hold that */
  gst_object_unref (top);
  return p;
}

GstElement *
wg_pipeline_get_element (WgPipeline *p)
{
  GstElement *element;

  pthread_mutex_lock (&p->mutex);
  element = p->for_owner ? gst_object_ref (p->for_owner) : NULL;
  pthread_mutex_unlock (&p->mutex);
  return element;
}

void
wg_pipeline_set_sync_handler (
    WgPipeline *p, GstBusSyncHandler handler, gpointer data, GDestroyNotify notify)
{
  gpointer old_data;
  GDestroyNotify old_notify;

  pthread_mutex_lock (&p->mutex);
  old_data = p->host_data;
  old_notify = p->host_notify;
  p->host_handler = handler;
  p->host_data = data;
  p->host_notify = notify;
  pthread_mutex_unlock (&p->mutex);
  if (old_notify)
    old_notify (old_data);
}

void
wg_pipeline_get_stats (WgPipeline *p, WgPipelineStats *stats)
{
  pthread_mutex_lock (&p->mutex);
  *stats = p->stats;
  pthread_mutex_unlock (&p->mutex);
}

char *
wg_pipeline_describe (gpointer pipeline)
{
  WgPipeline *p = pipeline;
  char *text;

  pthread_mutex_lock (&p->mutex);
  if (p->call)
    text = g_strdup_printf ("'%s' of session %s: in %s for " WG_SECONDS_FORMAT " s", p->name,
        p->session, p->call, WG_SECONDS (wg_clock_now () - p->call_since));
  else
    text = g_strdup_printf (
        "'%s' of session %s: %s", p->name, p->session, p->done ? "done" : "in no call");
  pthread_mutex_unlock (&p->mutex);
  return text;
}

GPtrArray *
wg_collect (GstIterator *iterator)
{
  GPtrArray *items = g_ptr_array_new_with_free_func (gst_object_unref);
  GValue item = G_VALUE_INIT;
  GstIteratorResult result;

  while ((result = gst_iterator_next (iterator, &item)) == GST_ITERATOR_OK
      || result == GST_ITERATOR_RESYNC) {
    if (result == GST_ITERATOR_OK) {
      g_ptr_array_add (items, g_value_dup_object (&item));
      g_value_reset (&item);
    } else {
      g_ptr_array_set_size (items, 0);
      gst_iterator_resync (iterator);
    }
  }
  g_value_unset (&item);
  gst_iterator_free (iterator);
  return items;
}
