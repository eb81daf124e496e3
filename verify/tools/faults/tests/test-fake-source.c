/* SPDX-License-Identifier: MIT */
/* test-fake-source.c: the fake source does what Wolf uses of the real element. */
#include "checks.h"

#include <string.h>

#define WOLF_LIKE                                                                                  \
  "waylanddisplaysrc name=wolf_wayland_source render_node=software ! "                             \
  "video/x-raw, width=640, height=360, framerate=30/1 ! fakesink name=out sync=true async=false"

static guint64
count (GstElement *element, const gchar *property)
{
  guint64 value = 0;

  g_object_get (element, property, &value, NULL);
  return value;
}

static GstEvent *
input (void)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
      gst_structure_new ("MouseMoveRelative", "pointer_x", G_TYPE_DOUBLE, 1.0, "pointer_y",
          G_TYPE_DOUBLE, 2.0, NULL));
}

static void
test_message_and_frames (void)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch (WOLF_LIKE, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autofree gchar *node = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, PROMPT_MS * GST_MSECOND, GST_MESSAGE_APPLICATION);
  g_assert_nonnull (message);
  const GstStructure *structure = gst_message_get_structure (message);
  g_assert_true (gst_structure_has_name (structure, "wayland.src"));
  g_assert_true (
      g_str_has_prefix (gst_structure_get_string (structure, "WAYLAND_DISPLAY"), "wayland-"));

  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "wolf_wayland_source");
  g_object_get (source, "render-node", &node, NULL);
  g_assert_cmpstr (node, ==, "software");
  const gint64 begun = g_get_monotonic_time ();
  while (count (source, "frames") < 10 && g_get_monotonic_time () < begun + PROMPT_MS * 1000)
    g_thread_yield ();
  const gint64 took = g_get_monotonic_time () - begun;
  g_assert_cmpuint (count (source, "frames"), >=, 10);
  g_assert_cmpint (
      took, >, 150 * G_TIME_SPAN_MILLISECOND); /* ten at 30 a second, not as fast as it can */
  g_assert_true (call_returns (call_start (call_null, pipeline), PROMPT_MS));
}

static void
test_input_is_counted_by_route (void)
{
  GstElement *pipeline = run_pipeline (WOLF_LIKE);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "wolf_wayland_source");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");

  for (guint i = 0; i < 3; i++)
    g_assert_true (gst_pad_send_event (pad, input ()));
  g_assert_cmpuint (count (source, "pad-events"), ==, 3);
  g_assert_cmpuint (count (source, "element-events"), ==, 0);
  for (guint i = 0; i < 2; i++)
    gst_element_send_event (source, input ());
  g_assert_cmpuint (count (source, "pad-events"), ==, 3);
  g_assert_cmpuint (count (source, "element-events"), ==, 2);
  g_autofree gchar *said = order ("get element=wolf_wayland_source property=pad-events");
  g_assert_nonnull (strstr (said, "\"value\":3}"));
  end (pipeline);
}

/* Healthy, it takes EOS by either way, and goes to NULL in the midst of a wait. */
static void
test_ends_when_told (void)
{
  GstElement *pipeline = run_pipeline (WOLF_LIKE);

  g_assert_true (call_returns (call_start (call_eos, pipeline), PROMPT_MS));
  g_assert_true (bus_has (pipeline, GST_MESSAGE_EOS, PROMPT_MS));
  end (pipeline);
  pipeline = run_pipeline ("waylanddisplaysrc ! video/x-raw,framerate=1/30 ! fakesink async=false");
  end (pipeline);
}

static void
test_stuck_in_create (void)
{
  GstElement *pipeline = run_pipeline (WOLF_LIKE);

  g_free (order ("stall factory=waylanddisplaysrc where=create"));
  g_assert_true (order_reached ("wait factory=waylanddisplaysrc timeout=%d", PROMPT_MS));
  Call *eos = call_start (call_eos, pipeline);
  g_assert_false (call_returns (eos, BLOCKED_MS));
  g_free (order ("release all"));
  g_assert_true (call_returns (eos, PROMPT_MS));
  end (pipeline);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fake_source/message-and-frames", test_message_and_frames);
  g_test_add_func ("/fake_source/input-is-counted-by-route", test_input_is_counted_by_route);
  g_test_add_func ("/fake_source/ends-when-told", test_ends_when_told);
  g_test_add_func ("/fake_source/stuck-in-create", test_stuck_in_create);
  return g_test_run ();
}
