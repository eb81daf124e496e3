/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-view.h"

static GQuark
original_quark (void)
{
  return g_quark_from_static_string ("relay-view");
}

/* Copies of a view are plain buffers: dispose functions are not copied. */
static gboolean
view_dispose (GstMiniObject *object)
{
  GstBuffer *view = GST_BUFFER_CAST (object);
  GstBuffer *original = gst_mini_object_steal_qdata (object, original_quark ());

  /* Brought to life again, so that its memory may be taken out; then freed the usual way. */
  gst_buffer_ref (view);
  gst_buffer_remove_all_memory (view);
  object->dispose = NULL;
  gst_buffer_unref (view);
  gst_buffer_unref (original);
  return FALSE;
}

GstBuffer *
relay_view_new (GstBuffer *buffer)
{
  GstBuffer *view;

  if (gst_buffer_is_writable (buffer))
    return buffer;
  view = gst_buffer_copy (buffer);
  if (buffer->pool == NULL) {
    gst_buffer_unref (buffer);
    return view;
  }
  gst_mini_object_set_qdata (GST_MINI_OBJECT_CAST (view), original_quark (), buffer, NULL);
  GST_MINI_OBJECT_CAST (view)->dispose = view_dispose;
  return view;
}
