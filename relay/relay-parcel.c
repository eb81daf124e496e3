/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-parcel.h"

#include "relay-topic.h"

#include <time.h>

gint64
relay_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static void
parcel_free (gpointer data)
{
  RelayParcel *self = data;

  if (self->item != NULL)
    gst_mini_object_unref (self->item);
  gst_clear_caps (&self->caps);
  if (self->segment != NULL)
    gst_event_unref (self->segment);
  relay_unref (self->links);
  g_free (self);
}

static void
measure_time (RelayParcel *self, GstBuffer *first, GstBuffer *last)
{
  self->time = GST_BUFFER_DTS_OR_PTS (first);
  self->end = GST_BUFFER_DTS_OR_PTS (last);
  if (GST_CLOCK_TIME_IS_VALID (self->end) && GST_BUFFER_DURATION_IS_VALID (last))
    self->end += GST_BUFFER_DURATION (last);
}

static void
measure (RelayParcel *self)
{
  self->time = self->end = GST_CLOCK_TIME_NONE;
  if (self->kind != RELAY_DATA)
    return;
  if (GST_IS_BUFFER (self->item)) {
    GstBuffer *buffer = GST_BUFFER_CAST (self->item);
    self->buffers = 1;
    self->bytes = gst_buffer_get_size (buffer);
    measure_time (self, buffer, buffer);
  } else {
    GstBufferList *list = GST_BUFFER_LIST_CAST (self->item);
    self->buffers = gst_buffer_list_length (list);
    self->bytes = gst_buffer_list_calculate_size (list);
    if (self->buffers > 0)
      measure_time (
          self, gst_buffer_list_get (list, 0), gst_buffer_list_get (list, self->buffers - 1));
  }
}

RelayParcel *
relay_parcel_new (RelayKind kind, GstMiniObject *item, RelayList *links)
{
  const guint n = links != NULL ? links->len : 1;
  RelayParcel *self = g_malloc0 (sizeof *self + n * sizeof (RelayEntry));

  relay_object_init (self, parcel_free);
  self->kind = kind;
  self->item = item != NULL ? gst_mini_object_ref (item) : NULL;
  self->links = links;
  self->n_entries = n;
  for (guint i = 0; i < n; i++) {
    self->entries[i].parcel = self;
    self->entries[i].link = links != NULL ? links->items[i] : NULL;
  }
  measure (self);
  self->at = relay_now ();
  return self;
}

GstMiniObject *
relay_parcel_take_item (RelayParcel *self)
{
  if (relay_is_only (self))
    return g_steal_pointer (&self->item);
  return gst_mini_object_ref (self->item);
}

gboolean
relay_parcel_is_dispensable (const RelayParcel *self)
{
  return (self->kind == RELAY_EVENT || self->kind == RELAY_PROMPT)
      && GST_EVENT_TYPE (self->item) != GST_EVENT_SEGMENT_DONE;
}
