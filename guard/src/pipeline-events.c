/* SPDX-License-Identifier: MIT
 *
 * Upstream events, by way of the worker.
 */
#include "pipeline-private.h"

typedef struct {
  GstElement *recipient;
  GstEvent *event;
  WgEventKind kind;
} EventCommand;

static void
event_command_free (gpointer data)
{
  EventCommand *command = data;

  gst_object_unref (command->recipient);
  gst_event_unref (command->event);
  g_free (command);
}

static void
send_to_pads (GstIterator *iterator, GstEvent *event)
{
  g_autoptr (GPtrArray) pads = wg_collect (iterator);

  for (guint i = 0; i < pads->len; i++) {
    GstPad *pad = g_ptr_array_index (pads, i);

    if (GST_PAD_IS_SRC (pad))
      gst_pad_send_event (pad, gst_event_ref (event));
    else
      gst_pad_push_event (pad, gst_event_ref (event));
  }
}

static void
send_upstream (GstElement *recipient, GstEvent *event)
{
  g_autoptr (GPtrArray) elements = NULL;

  if (!GST_IS_PIPELINE (recipient)) {
    send_to_pads (gst_element_iterate_src_pads (recipient), event);
    return;
  }
  elements = wg_collect (gst_bin_iterate_recurse (GST_BIN (recipient)));
  for (guint i = 0; i < elements->len; i++) {
    GstElement *sink = g_ptr_array_index (elements, i);

    if (!GST_IS_BIN (sink) && GST_OBJECT_FLAG_IS_SET (sink, GST_ELEMENT_FLAG_SINK))
      send_to_pads (gst_element_iterate_sink_pads (sink), event);
  }
}

static void
send_posted (GstElement *pipeline, gpointer data)
{
  EventCommand *command = data;

  (void) pipeline;
  send_upstream (command->recipient, command->event);
}

/* --- merging */

/* `a` += `b`, if they are numbers that can be added. */
static gboolean
add_number (GValue *a, const GValue *b)
{
  if (G_VALUE_HOLDS_DOUBLE (a))
    g_value_set_double (a, g_value_get_double (a) + g_value_get_double (b));
  else if (G_VALUE_HOLDS_INT64 (a))
    g_value_set_int64 (a, g_value_get_int64 (a) + g_value_get_int64 (b));
  else if (G_VALUE_HOLDS_INT (a))
    g_value_set_int (a, g_value_get_int (a) + g_value_get_int (b));
  else
    return FALSE;
  return TRUE;
}

static gboolean
same_fields (const GstStructure *a, const GstStructure *b)
{
  if (!a || !b || gst_structure_get_name_id (a) != gst_structure_get_name_id (b)
      || gst_structure_n_fields (a) != gst_structure_n_fields (b))
    return FALSE;
  for (gint i = 0; i < gst_structure_n_fields (a); i++) {
    const char *name = gst_structure_nth_field_name (a, (guint) i);

    if (!gst_structure_has_field_typed (b, name, gst_structure_get_field_type (a, name)))
      return FALSE;
  }
  return TRUE;
}

/* The sum of both, or NULL when a field is no number. */
static GstStructure *
sum (const GstStructure *a, const GstStructure *b)
{
  GstStructure *total = gst_structure_copy (a);

  for (gint i = 0; i < gst_structure_n_fields (a); i++) {
    const char *name = gst_structure_nth_field_name (a, (guint) i);
    GValue value = G_VALUE_INIT;
    gboolean added;

    g_value_init (&value, gst_structure_get_field_type (a, name));
    g_value_copy (gst_structure_get_value (a, name), &value);
    added = add_number (&value, gst_structure_get_value (b, name));
    gst_structure_set_value (total, name, &value);
    g_value_unset (&value);
    if (!added) {
      gst_structure_free (total);
      return NULL;
    }
  }
  return total;
}

static gboolean
merge_events (gpointer waiting, gpointer newer)
{
  EventCommand *into = waiting, *from = newer;
  const GstStructure *a = gst_event_get_structure (into->event);
  const GstStructure *b = gst_event_get_structure (from->event);
  GstEvent *merged;

  if (into->kind != from->kind || into->recipient != from->recipient
      || GST_EVENT_TYPE (into->event) != GST_EVENT_TYPE (from->event) || !same_fields (a, b))
    return FALSE;
  if (from->kind == WG_EVENT_SUM) {
    GstStructure *total = sum (a, b);

    if (!total)
      return FALSE;
    merged = gst_event_new_custom (GST_EVENT_TYPE (from->event), total);
  } else {
    merged = gst_event_ref (from->event);
  }
  gst_event_unref (into->event);
  into->event = merged;
  return TRUE;
}

/* --- */

gboolean
wg_pipeline_send_upstream_as (GstElement *recipient, GstEvent *event, WgEventKind kind)
{
  WgCommand command = {
    .what = "upstream event",
    .func = send_posted,
    .notify = event_command_free,
    .vital = kind == WG_EVENT_VITAL,
    .merge = kind == WG_EVENT_LATEST || kind == WG_EVENT_SUM ? merge_events : NULL,
  };
  EventCommand *data;
  WgPipeline *p;
  gboolean taken;

  if (!recipient) {
    gst_event_unref (event);
    return FALSE;
  }
  p = wg_pipeline_find (recipient);
  if (!p) {
    send_upstream (recipient, event);
    gst_event_unref (event);
    return TRUE;
  }
  data = g_new (EventCommand, 1);
  *data = (EventCommand){ gst_object_ref (recipient), event, kind };
  command.data = data;
  taken = wg_pipeline_post_command (p, &command);
  wg_pipeline_unref (p);
  return taken;
}

gboolean
wg_pipeline_send_upstream (GstElement *recipient, GstEvent *event)
{
  return wg_pipeline_send_upstream_as (recipient, event, WG_EVENT_ORDINARY);
}
