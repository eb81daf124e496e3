/* SPDX-License-Identifier: MIT */
/* handover.c: who listens to whom. */
#include "handover.h"

typedef struct {
  gchar *name;
  GstAppSrc *src;
} Listener;

struct LabHandover {
  GMutex lock;
  GPtrArray *listeners;
};

static void
listener_free (gpointer data)
{
  Listener *listener = data;

  g_free (listener->name);
  gst_object_unref (listener->src);
  g_free (listener);
}

LabHandover *
lab_handover_new (void)
{
  LabHandover *handover = g_new0 (LabHandover, 1);

  g_mutex_init (&handover->lock);
  handover->listeners = g_ptr_array_new_with_free_func (listener_free);
  return handover;
}

static GPtrArray *
listeners_of (LabHandover *handover, const gchar *name)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (gst_object_unref);

  g_mutex_lock (&handover->lock);
  for (guint i = 0; i < handover->listeners->len; i++) {
    const Listener *listener = g_ptr_array_index (handover->listeners, i);
    if (g_str_equal (listener->name, name))
      g_ptr_array_add (found, gst_object_ref (listener->src));
  }
  g_mutex_unlock (&handover->lock);
  return found;
}

/* In the producer's streaming thread. */
static GstFlowReturn
on_sample (GstAppSink *sink, gpointer handover)
{
  g_autofree gchar *name = gst_object_get_name (GST_OBJECT (sink));
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  g_autoptr (GPtrArray) listeners = listeners_of (handover, name);

  if (sample == NULL)
    return GST_FLOW_EOS;
  /* One that is on its way out refuses; that is none of the producer's business. */
  for (guint i = 0; i < listeners->len; i++)
    gst_app_src_push_sample (g_ptr_array_index (listeners, i), sample);
  return GST_FLOW_OK;
}

void
lab_handover_offer (LabHandover *handover, GstAppSink *sink)
{
  GstAppSinkCallbacks callbacks = { .new_sample = on_sample };

  gst_app_sink_set_callbacks (sink, &callbacks, handover, NULL);
}

void
lab_handover_listen (LabHandover *handover, GstAppSrc *src, const gchar *name)
{
  Listener *listener = g_new0 (Listener, 1);

  listener->name = g_strdup (name);
  listener->src = gst_object_ref (src);
  g_mutex_lock (&handover->lock);
  g_ptr_array_add (handover->listeners, listener);
  g_mutex_unlock (&handover->lock);
}

void
lab_handover_leave (LabHandover *handover, GstAppSrc *src)
{
  Listener *gone = NULL;

  g_mutex_lock (&handover->lock);
  for (guint i = 0; i < handover->listeners->len && gone == NULL; i++)
    if (((Listener *) g_ptr_array_index (handover->listeners, i))->src == src)
      gone = g_ptr_array_steal_index (handover->listeners, i);
  g_mutex_unlock (&handover->lock);
  if (gone != NULL)
    listener_free (gone);
}
