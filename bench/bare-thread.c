/* SPDX-License-Identifier: MIT */
#include "bare-thread.h"

#include <semaphore.h>

struct BareThread {
  GPtrArray *pads; /* linked to where buffers go */
  GstBuffer *buffer;
  sem_t given;
};

static gpointer
take (gpointer data)
{
  BareThread *thread = data;

  for (;;) {
    if (sem_wait (&thread->given) != 0)
      continue; /* a signal */
    GstBuffer *buffer = g_atomic_pointer_exchange (&thread->buffer, NULL);
    for (guint i = 0; i < thread->pads->len; i++)
      gst_pad_push (thread->pads->pdata[i], gst_buffer_ref (buffer));
    gst_buffer_unref (buffer);
  }
  return NULL;
}

BareThread *
bare_thread_new (void)
{
  BareThread *thread = g_new0 (BareThread, 1);

  thread->pads = g_ptr_array_new ();
  sem_init (&thread->given, 0, 0);
  g_thread_unref (g_thread_new ("bare", take, thread));
  return thread;
}

void
bare_thread_add (BareThread *thread, GstPad *peer)
{
  GstPad *pad = gst_object_ref_sink (gst_pad_new (NULL, GST_PAD_SRC));
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("application/x-bench");
  GstSegment segment;

  gst_pad_link (pad, peer);
  gst_pad_set_active (pad, TRUE);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_stream_start ("bare"));
  gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  g_ptr_array_add (thread->pads, pad);
}

gboolean
bare_thread_give (BareThread *thread, GstBuffer *buffer)
{
  if (!g_atomic_pointer_compare_and_exchange (&thread->buffer, NULL, buffer)) {
    gst_buffer_unref (buffer);
    return FALSE;
  }
  sem_post (&thread->given);
  return TRUE;
}
