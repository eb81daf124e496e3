/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * soak.c: many buffers and many switches, and memory that does not grow.
 *
 * soak [--long]     100,000 buffers delivered and 1,000 switches; 10,000,000 and 100,000
 *
 * Producers push flat out, each consumer has a limit, one thread switches consumers at random,
 * renames a producer now and then and stops and starts a consumer. At the end each consumer must
 * hear each producer. The plugin is RELAY_PLUGIN. Prints one line of JSON; exit status 0: memory
 * did not grow.
 */
#include <gst/gst.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PRODUCERS 3
#define CONSUMERS 12
#define LIMIT 64
/* On a busy machine a producer would run away from consumers, and most would be dropped. */
#define PUSHES_AT_A_TIME 32
/* Of the whole run, before memory is looked at for the first time: pools and caches fill. */
#define WARM_UP_PERCENT 20
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define GROWTH_KB_MAX 1048576 /* they keep what was freed */
#else
#define GROWTH_KB_MAX 4096
#endif
#define BUFFER_SIZE 1024
#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)

typedef struct {
  GstElement *sink;
  GstPad *pad;
  GThread *thread;
  guint number;
} Producer;

typedef struct {
  GstElement *src;
  GstPad *pad;
  atomic_ullong got;
  atomic_int from;
} Consumer;

static Producer producers[PRODUCERS];
static Consumer consumers[CONSUMERS];
static atomic_bool stop;

static GstFlowReturn
take_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Consumer *consumer = gst_pad_get_element_private (pad);
  (void) parent;

  atomic_store (&consumer->from, (gint) GST_BUFFER_OFFSET (buffer));
  atomic_fetch_add (&consumer->got, 1);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static gboolean
take_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  (void) pad, (void) parent;
  gst_event_unref (event);
  return TRUE;
}

/* Any caps; a pad without a template would stay with its first ones. */
static gboolean
take_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_ACCEPT_CAPS:
    gst_query_set_accept_caps_result (query, TRUE);
    return TRUE;
  case GST_QUERY_CAPS:
    gst_query_set_caps_result (query, GST_CAPS_ANY);
    return TRUE;
  default:
    return gst_pad_query_default (pad, parent, query);
  }
}

/* It writes into memory that GLib has had back and given out again, which TSan does not see. */
static __attribute__ ((no_sanitize ("thread"))) gpointer
produce (gpointer data)
{
  Producer *self = data;

  for (guint64 n = 0; !atomic_load (&stop); n++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, BUFFER_SIZE, NULL);
    GST_BUFFER_PTS (buffer) = n;
    GST_BUFFER_OFFSET (buffer) = self->number;
    gst_pad_push (self->pad, buffer);
    if (n % 1000 == 0)
      gst_pad_push_event (self->pad,
          gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("soak")));
    if (n % PUSHES_AT_A_TIME == 0)
      g_thread_yield ();
  }
  return NULL;
}

static void
producer_start (Producer *self, guint number)
{
  g_autofree gchar *name = g_strdup_printf ("p%u", number);
  g_autoptr (GstCaps) caps =
      gst_caps_new_simple ("application/x-soak", "n", G_TYPE_INT, (gint) number % 2, NULL);
  g_autoptr (GstPad) peer = NULL;
  GstSegment segment;

  self->number = number;
  self->sink = gst_object_ref_sink (gst_element_factory_make ("interpipesink", name));
  self->pad = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));
  gst_pad_set_event_function (self->pad, take_event);
  gst_pad_set_active (self->pad, TRUE);
  peer = gst_element_get_static_pad (self->sink, "sink");
  gst_pad_link (self->pad, peer);
  gst_element_set_state (self->sink, GST_STATE_PLAYING);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (self->pad, gst_event_new_stream_start (name));
  gst_pad_push_event (self->pad, gst_event_new_caps (caps));
  gst_pad_push_event (self->pad, gst_event_new_segment (&segment));
  self->thread = g_thread_new (name, produce, self);
}

static void
consumer_start (Consumer *self, guint number)
{
  g_autofree gchar *node = g_strdup_printf ("p%u", number % PRODUCERS);
  g_autoptr (GstPad) peer = NULL;

  self->src = gst_object_ref_sink (gst_element_factory_make ("interpipesrc", NULL));
  self->pad = gst_object_ref_sink (gst_pad_new ("sink", GST_PAD_SINK));
  gst_pad_set_element_private (self->pad, self);
  gst_pad_set_chain_function (self->pad, take_buffer);
  gst_pad_set_event_function (self->pad, take_event);
  gst_pad_set_query_function (self->pad, take_query);
  gst_pad_set_active (self->pad, TRUE);
  peer = gst_element_get_static_pad (self->src, "src");
  gst_pad_link (peer, self->pad);
  g_object_set (self->src, "format", GST_FORMAT_TIME, "max-bytes", (guint64) 0, "max-buffers",
      (guint64) LIMIT, "listen-to", node, NULL);
  if (number % 3 == 1)
    gst_util_set_object_arg (G_OBJECT (self->src), "leaky-type", "downstream");
  gst_element_set_state (self->src, GST_STATE_PLAYING);
}

static guint64
delivered (void)
{
  guint64 sum = 0;

  for (guint i = 0; i < CONSUMERS; i++)
    sum += atomic_load (&consumers[i].got);
  return sum;
}

static glong
memory_kb (void)
{
  glong pages = 0;
  FILE *file = fopen ("/proc/self/statm", "r");

  if (file == NULL || fscanf (file, "%*d %ld", &pages) != 1)
    g_error ("/proc/self/statm cannot be read");
  fclose (file);
  return pages * (sysconf (_SC_PAGESIZE) / 1024);
}

static void
act (GRand *random, guint n)
{
  Consumer *consumer = &consumers[g_rand_int_range (random, 0, CONSUMERS)];
  g_autofree gchar *node = g_strdup_printf ("p%d", g_rand_int_range (random, 0, PRODUCERS));

  g_object_set (consumer->src, "listen-to", node, NULL);
  if (n % 100 == 50) {
    gst_element_set_state (consumer->src, GST_STATE_NULL);
    gst_element_set_state (consumer->src, GST_STATE_PLAYING);
  }
  if (n % 500 == 250) {
    gst_object_set_name (GST_OBJECT (producers[0].sink), "elsewhere");
    gst_object_set_name (GST_OBJECT (producers[0].sink), "p0");
  }
}

static void
describe (Consumer *consumer, const gchar *node)
{
  g_autofree gchar *text = NULL;
  GstStructure *stats;

  g_object_get (consumer->src, "stats", &stats, NULL);
  text = gst_structure_to_string (stats);
  fprintf (stderr, "soak: %s does not hear %s: %s\n", GST_OBJECT_NAME (consumer->src), node, text);
  gst_structure_free (stats);
}

/* Whether each consumer hears each producer. */
static gboolean
all_hear (void)
{
  for (guint p = 0; p < PRODUCERS; p++) {
    g_autofree gchar *node = g_strdup_printf ("p%u", p);
    const gint64 until = g_get_monotonic_time () + PATIENCE_US;

    for (guint i = 0; i < CONSUMERS; i++)
      g_object_set (consumers[i].src, "listen-to", node, NULL);
    for (guint i = 0; i < CONSUMERS; i++)
      while (atomic_load (&consumers[i].from) != (gint) p) {
        if (g_get_monotonic_time () > until) {
          describe (&consumers[i], node);
          return FALSE;
        }
        g_usleep (1000);
      }
  }
  return TRUE;
}

/* So that what is left is lost. */
static void
end_all (void)
{
  for (guint i = 0; i < CONSUMERS; i++) {
    gst_element_set_state (consumers[i].src, GST_STATE_NULL);
    gst_object_unref (consumers[i].src);
    gst_object_unref (consumers[i].pad);
  }
  for (guint i = 0; i < PRODUCERS; i++) {
    gst_element_set_state (producers[i].sink, GST_STATE_NULL);
    gst_pad_set_active (producers[i].pad, FALSE);
    gst_object_unref (producers[i].sink);
    gst_object_unref (producers[i].pad);
  }
}

int
main (int argc, char **argv)
{
  const gboolean long_run = (argc > 1 && g_str_equal (argv[1], "--long"))
      || (g_getenv ("WG_LONG") && *g_getenv ("WG_LONG"));
  const guint64 buffers = long_run ? 10000000 : 100000;
  const guint switches = long_run ? 100000 : 1000;
  const gint64 begin = g_get_monotonic_time ();
  GRand *random = g_rand_new_with_seed (1);
  glong first_kb = 0, last_kb;
  guint done = 0;
  gboolean hear, pass;

  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  gst_init (&argc, &argv);
  if (g_getenv ("RELAY_PLUGIN") == NULL
      || !gst_plugin_load_file (g_getenv ("RELAY_PLUGIN"), NULL)) {
    fprintf (stderr, "soak: RELAY_PLUGIN is not the plugin's file; ctest sets it\n");
    return 2;
  }
  for (guint i = 0; i < PRODUCERS; i++)
    producer_start (&producers[i], i);
  for (guint i = 0; i < CONSUMERS; i++)
    consumer_start (&consumers[i], i);
  while (done < switches || delivered () < buffers) {
    if (done < switches && done * buffers <= delivered () * switches)
      act (random, done++);
    else
      g_usleep (100);
    if (first_kb == 0 && done * 100 >= switches * WARM_UP_PERCENT
        && delivered () * 100 >= buffers * WARM_UP_PERCENT)
      first_kb = memory_kb ();
  }
  last_kb = memory_kb ();
  hear = all_hear ();
  atomic_store (&stop, TRUE);
  for (guint i = 0; i < PRODUCERS; i++)
    g_thread_join (producers[i].thread);
  end_all ();
  pass = hear && last_kb - first_kb <= GROWTH_KB_MAX;
  printf ("{\"scenario\":\"soak\",\"label\":\"relay\",\"target\":\"interpipe\",\"long\":%s,"
          "\"delivered\":%" G_GUINT64_FORMAT ",\"switches\":%u,\"seconds\":%.1f,\"first_kb\":%ld,"
          "\"last_kb\":%ld,\"growth_kb_max\":%d,\"failed\":[%s],\"pass\":%s}\n",
      long_run ? "true" : "false", delivered (), done,
      (gdouble) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC, first_kb, last_kb,
      GROWTH_KB_MAX,
      pass       ? ""
          : hear ? "\"memory grows\""
                 : "\"a consumer does not hear what it listens to\"",
      pass ? "true" : "false");
  g_rand_free (random);
  return pass ? 0 : 1;
}
