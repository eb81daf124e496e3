/* SPDX-License-Identifier: MIT */
/* checks.c: what the tests of faults share. */
#include "checks.h"

#include "client.h"

#include <string.h>

struct Call {
  CallFn fn;
  gpointer data;
  GMutex lock;
  GCond done_cond;
  gboolean done;
};

static gpointer
call_main (gpointer data)
{
  Call *call = data;

  call->fn (call->data);
  g_mutex_lock (&call->lock);
  call->done = TRUE;
  g_cond_broadcast (&call->done_cond);
  g_mutex_unlock (&call->lock);
  return NULL;
}

Call *
call_start (CallFn fn, gpointer data)
{
  Call *call = g_new0 (Call, 1);

  call->fn = fn;
  call->data = data;
  g_thread_unref (g_thread_new ("call", call_main, call));
  return call;
}

gboolean
call_returns (Call *call, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&call->lock);
  while (!call->done && g_cond_wait_until (&call->done_cond, &call->lock, until))
    ;
  const gboolean done = call->done;
  g_mutex_unlock (&call->lock);
  return done;
}

void
call_eos (gpointer pipeline)
{
  gst_element_send_event (pipeline, gst_event_new_eos ());
}

void
call_null (gpointer pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

void
call_play (gpointer pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
}

static void
eos_to_peer (const GValue *item, gpointer data)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (g_value_get_object (item), "src");
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);

  (void) data;
  gst_pad_send_event (peer, gst_event_new_eos ());
}

void
call_eos_to_peers (gpointer pipeline)
{
  GstIterator *sources = gst_bin_iterate_sources (GST_BIN (pipeline));

  gst_iterator_foreach (sources, eos_to_peer, NULL);
  gst_iterator_free (sources);
}

static gchar *
order_valist (const gchar *format, va_list args)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WgfClient) client =
      wgf_client_connect (g_getenv ("WG_FAULTS_SOCKET"), PROMPT_MS, &error);
  g_autofree gchar *text = g_strdup_vprintf (format, args);

  g_assert_no_error (error);
  gchar *said = wgf_client_order (client, 2 * PROMPT_MS, &error, "%s", text);
  g_assert_no_error (error);
  if (!g_str_has_prefix (said, "{\"ok\":true"))
    g_error ("order \"%s\" was refused: %s", text, said);
  return said;
}

gchar *
order (const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  gchar *said = order_valist (format, args);
  va_end (args);
  return said;
}

gboolean
order_reached (const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree gchar *said = order_valist (format, args);
  va_end (args);
  return strstr (said, "\"reached\":true") != NULL;
}

GstElement *
run_pipeline (const gchar *description)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);

  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  const GstStateChangeReturn playing =
      gst_element_get_state (pipeline, NULL, NULL, PROMPT_MS * GST_MSECOND);
  g_assert_cmpint (playing, ==, GST_STATE_CHANGE_SUCCESS);
  return pipeline;
}

gboolean
bus_has (GstElement *pipeline, GstMessageType type, gint64 within_ms)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, (GstClockTime) within_ms * GST_MSECOND, type);

  return message != NULL;
}

void
end (GstElement *pipeline)
{
  g_assert_true (call_returns (call_start (call_null, pipeline), PROMPT_MS));
  gst_object_unref (pipeline);
}
