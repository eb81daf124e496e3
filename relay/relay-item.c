/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-item.h"

#include "relay-os.h"

static void
item_free (gpointer data)
{
  RelayItem *self = data;

  if (self->content != NULL)
    gst_mini_object_unref (self->content);
  gst_clear_caps (&self->caps);
  if (self->segment != NULL)
    gst_event_unref (self->segment);
  relay_unref (self->links);
  g_free (self);
}

static void
measure_time (RelayItem *self, GstBuffer *first, GstBuffer *last)
{
  self->time = GST_BUFFER_DTS_OR_PTS (first);
  self->end = GST_BUFFER_DTS_OR_PTS (last);
  if (GST_CLOCK_TIME_IS_VALID (self->end) && GST_BUFFER_DURATION_IS_VALID (last))
    self->end += GST_BUFFER_DURATION (last);
}

static void
measure (RelayItem *self)
{
  self->time = self->end = GST_CLOCK_TIME_NONE;
  if (self->kind != RELAY_DATA)
    return;
  if (GST_IS_BUFFER (self->content)) {
    GstBuffer *buffer = GST_BUFFER_CAST (self->content);
    self->buffers = 1;
    self->bytes = gst_buffer_get_size (buffer);
    measure_time (self, buffer, buffer);
  } else {
    GstBufferList *list = GST_BUFFER_LIST_CAST (self->content);
    self->buffers = gst_buffer_list_length (list);
    self->bytes = gst_buffer_list_calculate_size (list);
    if (self->buffers > 0)
      measure_time (
          self, gst_buffer_list_get (list, 0), gst_buffer_list_get (list, self->buffers - 1));
  }
}

RelayItem *
relay_item_new (RelayKind kind, GstMiniObject *content, RelayList *links)
{
  const guint n = links != NULL ? links->len : 1;
  RelayItem *self = g_malloc0 (sizeof *self + n * sizeof (RelayEntry));

  relay_object_init (self, item_free);
  self->kind = kind;
  self->content = content != NULL ? gst_mini_object_ref (content) : NULL;
  self->links = links;
  self->n_entries = n;
  for (guint i = 0; i < n; i++) {
    self->entries[i].item = self;
    self->entries[i].link = links != NULL ? links->members[i] : NULL;
  }
  measure (self);
  self->at = relay_now ();
  return self;
}

GstMiniObject *
relay_item_take_content (RelayItem *self)
{
  if (relay_is_only (self))
    return g_steal_pointer (&self->content);
  return gst_mini_object_ref (self->content);
}

gboolean
relay_item_is_dispensable (const RelayItem *self)
{
  return (self->kind == RELAY_EVENT || self->kind == RELAY_PROMPT)
      && GST_EVENT_TYPE (self->content) != GST_EVENT_SEGMENT_DONE;
}
