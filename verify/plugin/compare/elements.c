/* SPDX-License-Identifier: MIT */
/* Types, properties, signals, states and buffers. */
#include "behaviour.h"

#include "consumer.h"
#include "timeouts.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

static const gchar *
factory_of (gint is_sink)
{
  return is_sink ? "interpipesink" : "interpipesrc";
}

static GType
type_of (gint is_sink)
{
  GstElement *element = gst_object_ref_sink (gst_element_factory_make (factory_of (is_sink), NULL));
  const GType type = G_OBJECT_TYPE (element);

  gst_object_unref (element);
  return type;
}

static gchar *
type_name (gint is_sink)
{
  return g_strdup (g_type_name (type_of (is_sink)));
}

static gchar *
interfaces (gint is_sink)
{
  const GType type = type_of (is_sink);
  g_autofree GType *all = g_type_interfaces (type, NULL);
  GString *names = g_string_new (NULL);

  for (guint i = 0; all[i] != 0; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? " " : "", g_type_name (all[i]));
  return g_string_free (names, FALSE);
}

/* Those of the element's own type, and of others whose default it changes. */
static gchar *
properties (gint is_sink)
{
  GstElement *element = gst_element_factory_make (factory_of (is_sink), NULL);
  const GType base = is_sink ? GST_TYPE_APP_SINK : GST_TYPE_APP_SRC;
  GObjectClass *klass = G_OBJECT_GET_CLASS (element);
  g_autofree GParamSpec **specs = g_object_class_list_properties (klass, NULL);
  GString *names = g_string_new (NULL);

  for (guint i = 0; specs[i] != NULL; i++)
    if (!g_type_is_a (base, specs[i]->owner_type))
      g_string_append_printf (names, "%s%s", names->len > 0 ? " " : "", specs[i]->name);
  return g_string_free (names, FALSE);
}

static gchar *
default_name (gint is_sink)
{
  return gst_object_get_name (GST_OBJECT (gst_element_factory_make (factory_of (is_sink), NULL)));
}

/* Buffers wait for a consumer that is stalled. */
static void
stall_with (Consumer *consumer, Producer *producer, guint n)
{
  consumer_gets (consumer, producer);
  consumer_stall (consumer);
  producer_push (producer);
  consumer_wait_stalled (consumer, WGI_SOON_MS);
  producer_push_n (producer, n);
}

enum { NEED_DATA, ENOUGH_DATA, NEW_SAMPLE };

static gint emitted;

static GstFlowReturn
on_signal (void)
{
  g_atomic_int_inc (&emitted);
  return GST_FLOW_OK;
}

static gboolean
was_emitted (gpointer unused)
{
  (void) unused;
  return g_atomic_int_get (&emitted) > 0;
}

static gchar *
signal_emitted (gint which)
{
  static const gchar *const names[] = { "need-data", "enough-data", "new-sample" };
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_new ("l", "n");
  GstElement *element = which == NEW_SAMPLE ? producer->sink : consumer->src;

  g_object_set (element, "emit-signals", TRUE, NULL);
  g_object_set (consumer->src, "max-bytes", (guint64) 128, "max-buffers", (guint64) 0, NULL);
  g_signal_connect (element, names[which], G_CALLBACK (on_signal), NULL);
  consumer_start (consumer);
  if (which == NEED_DATA)
    return g_strdup (wait_until (was_emitted, NULL, WGI_STUCK_MS) ? "emitted" : "not emitted");
  stall_with (consumer, producer, 4);
  return g_strdup (g_atomic_int_get (&emitted) > 0 ? "emitted" : "not emitted");
}

static gchar *
pull_sample (gint detail)
{
  Producer *producer = producer_new ("n", 1, 64);
  GstSample *sample = NULL;
  (void) detail;

  producer_push_n (producer, 3);
  g_signal_emit_by_name (producer->sink, "try-pull-sample", (guint64) 0, &sample);
  return g_strdup (sample != NULL ? "a sample" : "none");
}

static gchar *
last_sample (gint detail)
{
  Producer *producer = producer_new ("n", 1, 64);
  g_autoptr (GstSample) sample = NULL;
  (void) detail;

  producer_push_n (producer, 3);
  g_object_get (producer->sink, "last-sample", &sample, NULL);
  return g_strdup (sample != NULL ? "the last buffer" : "none");
}

enum { BY_PROPERTY, BY_FUNCTION };

/* What waits of 20 buffers with max-buffers=3. */
static gchar *
limit (gint how)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_new ("l", "n");
  guint64 n = 0;

  if (how == BY_PROPERTY)
    g_object_set (consumer->src, "max-buffers", (guint64) 3, NULL);
  else
    gst_app_src_set_max_buffers (GST_APP_SRC (consumer->src), 3);
  consumer_start (consumer);
  stall_with (consumer, producer, 20);
  g_object_get (consumer->src, "current-level-buffers", &n, NULL);
  return g_strdup (n <= 3 ? "bounds the queue" : "does not");
}

static gchar *
level_by_function (gint detail)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  (void) detail;

  stall_with (consumer, producer, 5);
  return g_strdup_printf (
      "%" G_GUINT64_FORMAT, gst_app_src_get_current_level_buffers (GST_APP_SRC (consumer->src)));
}

/* What a change of state returns, without a node, of a consumer that is live or not. */
static gchar *
state_returned (gint is_live)
{
  Consumer *consumer = consumer_new ("l", "nobody");

  g_object_set (consumer->src, "is-live", is_live, NULL);
  return g_strdup (gst_element_state_change_return_get_name (
      gst_element_set_state (consumer->src, GST_STATE_PAUSED)));
}

enum { CONSUMER_FIRST, PRODUCER_FIRST };

static gchar *
order (gint first)
{
  Consumer *consumer = first == CONSUMER_FIRST ? consumer_playing ("l", "n") : NULL;
  Producer *producer = producer_new ("n", 1, 64);

  if (consumer == NULL)
    consumer = consumer_playing ("l", "n");
  return g_strdup (consumer_gets (consumer, producer) ? "buffers flow" : "no buffer");
}

/* One end goes to NULL and back. */
static gchar *
restart (gint is_producer)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");

  consumer_gets (consumer, producer);
  if (is_producer) {
    producer_stop (producer);
    gst_element_set_state (producer->sink, GST_STATE_PLAYING);
    producer_start_stream (producer, 64);
  } else {
    consumer_stop (consumer);
    consumer_start (consumer);
  }
  return g_strdup (consumer_gets (consumer, producer) ? "buffers flow" : "no buffer");
}

static gchar *
second_of_a_name (gint is_sink)
{
  Producer *one = producer_new ("n", 1, 64);
  Consumer *first = consumer_playing ("l", "n");

  if (is_sink) {
    Producer *two = producer_new ("n", 2, 64);
    return g_strdup (consumer_gets (first, two) ? "the newest is heard" : "it is refused");
  }
  Consumer *second = consumer_playing ("l", "n");
  return g_strdup (consumer_gets (second, one) ? "both hear" : "the second does not hear");
}

static gchar *
renamed_node (gint detail)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  (void) detail;

  consumer_gets (consumer, producer);
  producer_rename (producer, "m");
  return g_strdup_printf ("%u listeners", producer_num_listeners (producer));
}

static gchar *
first_buffer (gint detail)
{
  Producer *producer = producer_new_here ("n", 1, 64, GST_STATE_PAUSED);
  Consumer *consumer = consumer_playing ("l", "n");
  (void) detail;

  Job *push = job_start (producer_push, producer);
  gst_element_get_state (producer->sink, NULL, NULL, WGI_SOON_MS * GST_MSECOND);
  gst_element_set_state (producer->sink, GST_STATE_PLAYING);
  job_wait (push, WGI_SOON_MS);
  consumer_gets (consumer, producer);
  return g_strdup_printf ("%u times", consumer_read (consumer, &consumer->count[1]) - 1);
}

static gchar *
buffer_list (gint detail)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  GstBufferList *list = gst_buffer_list_new ();
  (void) detail;
  consumer_gets (consumer, producer);
  consumer_settle (consumer);
  const guint before = consumer_read (consumer, &consumer->count[1]);
  for (guint i = 1; i <= 2; i++)
    gst_buffer_list_add (list, buffer_of (1, i, 64, NULL, FALSE));
  producer->number = 3;
  gst_pad_push_list (producer->pad, list);
  consumer_gets (consumer, producer);
  return g_strdup_printf (
      "%u of 2 buffers", consumer_read (consumer, &consumer->count[1]) - before - 1);
}

static gchar *
dispose_playing (gint detail)
{
  Producer *producer = producer_new ("n", 1, 64);
  Consumer *consumer = consumer_playing ("l", "n");
  (void) detail;

  consumer_gets (consumer, producer);
  producer_end (producer);
  consumer_stop (consumer);
  consumer_drop (consumer);
  return g_strdup ("lives");
}

const Behaviour wgi_elements[] = {
  { "type of the source", type_name, FALSE },
  { "type of the sink", type_name, TRUE },
  { "interfaces of the source", interfaces, FALSE },
  { "interfaces of the sink", interfaces, TRUE },
  { "properties of the source", properties, FALSE },
  { "properties of the sink", properties, TRUE },
  { "default name of a source", default_name, FALSE },
  { "default name of a sink", default_name, TRUE },
  { "signal need-data", signal_emitted, NEED_DATA },
  { "signal enough-data", signal_emitted, ENOUGH_DATA },
  { "signal new-sample", signal_emitted, NEW_SAMPLE },
  { "try-pull-sample of the sink", pull_sample, 0 },
  { "last-sample of the sink", last_sample, 0 },
  { "max-buffers by its property", limit, BY_PROPERTY },
  { "max-buffers by its function", limit, BY_FUNCTION },
  { "level of 5 buffers by its function", level_by_function, 0 },
  { "PAUSED of a consumer", state_returned, FALSE },
  { "PAUSED of a live consumer", state_returned, TRUE },
  { "consumer before producer", order, CONSUMER_FIRST },
  { "producer before consumer", order, PRODUCER_FIRST },
  { "consumer to NULL and back", restart, FALSE },
  { "producer to NULL and back", restart, TRUE },
  { "second sink of a name", second_of_a_name, TRUE },
  { "second source of a name", second_of_a_name, FALSE },
  { "renamed node", renamed_node, 0 },
  { "first buffer, prerolled", first_buffer, 0 },
  { "buffer list", buffer_list, 0 },
  { "both ends, in any order", dispose_playing, 0 },
  { NULL, NULL, 0 },
};
