/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"

GstHarness *
producer_new (const gchar *name, const gchar *caps)
{
  GstElement *sink = gst_element_factory_make ("interpipesink", name);
  GstHarness *h = gst_harness_new_with_element (sink, "sink", NULL);

  gst_object_unref (sink);
  gst_harness_set_src_caps_str (h, caps);
  gst_harness_play (h);
  return h;
}

GstHarness *
consumer_new (const gchar *listen_to)
{
  GstElement *src = gst_element_factory_make ("interpipesrc", NULL);
  GstHarness *h = gst_harness_new_with_element (src, NULL, "src");

  gst_object_unref (src);
  g_object_set (src, "format", GST_FORMAT_TIME, "listen-to", listen_to, NULL);
  return h;
}

GstHarness *
consumer_playing (const gchar *listen_to)
{
  GstHarness *h = consumer_new (listen_to);

  gst_harness_play (h);
  return h;
}

FROM_HARNESS GstBuffer *
buffer_new (guint number)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 16, NULL);

  GST_BUFFER_PTS (buffer) = number * GST_MSECOND;
  GST_BUFFER_OFFSET (buffer) = number;
  return buffer;
}

void
push (GstHarness *h, guint number)
{
  fail_unless_equals_int (gst_harness_push (h, buffer_new (number)), GST_FLOW_OK);
}

FROM_HARNESS void
expect (GstHarness *h, guint number)
{
  GstBuffer *buffer = gst_harness_pull (h);

  fail_unless (buffer != NULL, "buffer %u does not come", number);
  fail_unless_equals_int (GST_BUFFER_OFFSET (buffer), number);
  gst_buffer_unref (buffer);
}

guint64
stat_of (GstHarness *h, const gchar *name)
{
  GstStructure *stats;
  guint64 value = G_MAXUINT64 - 1;

  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value), "no %s", name);
  gst_structure_free (stats);
  return value;
}

void
await_stat (GstHarness *h, const gchar *name, guint64 value)
{
  const gint64 until = g_get_monotonic_time () + SOON_US;

  while (stat_of (h, name) != value) {
    fail_if (g_get_monotonic_time () > until, "%s is %" G_GUINT64_FORMAT, name, stat_of (h, name));
    g_usleep (LOOK_US);
  }
}

static GstPadProbeReturn
stand_still (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void) pad, (void) info, (void) data;
  return GST_PAD_PROBE_OK; /* of a blocking probe: stay */
}

gulong
stall (GstHarness *h)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (h->element, "src");

  return gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, stand_still, NULL, NULL);
}

void
await_stalled (GstHarness *h)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (h->element, "src");
  const gint64 until = g_get_monotonic_time () + SOON_US;

  while (!gst_pad_is_blocking (pad)) {
    fail_if (g_get_monotonic_time () > until, "it does not stand still");
    g_usleep (LOOK_US);
  }
}

void
go_on (GstHarness *h, gulong probe)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (h->element, "src");

  gst_pad_remove_probe (pad, probe);
}

FROM_HARNESS GstEvent *
await_event (GstHarness *h, GstEventType type)
{
  for (;;) {
    GstEvent *event = gst_harness_pull_event (h);
    fail_unless (event != NULL, "no %s comes", gst_event_type_get_name (type));
    if (GST_EVENT_TYPE (event) == type)
      return event;
    gst_event_unref (event);
  }
}

Suite *
suite_new (const gchar *name)
{
  GError *error = NULL;

  if (g_getenv ("RELAY_PLUGIN") == NULL)
    g_error ("RELAY_PLUGIN is not set: the plugin's file; ctest sets it");
  if (!gst_plugin_load_file (g_getenv ("RELAY_PLUGIN"), &error))
    g_error ("RELAY_PLUGIN: %s", error->message);
  return suite_create (name);
}
