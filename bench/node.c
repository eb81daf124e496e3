/* SPDX-License-Identifier: MIT */
#include "node.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <time.h>
#include <unistd.h>

Kind node_kind;
atomic_llong node_allocations;

gint64
now_ns (void)
{
  struct timespec at;

  clock_gettime (CLOCK_MONOTONIC, &at);
  return at.tv_sec * G_GINT64_CONSTANT (1000000000) + at.tv_nsec;
}

G_NORETURN void
give_up (const char *what, const char *detail)
{
  g_printerr ("bench-interpipe-case: %s: %s\n", what, detail);
  _exit (2);
}

gboolean
wait_for (sem_t *semaphore)
{
  struct timespec until;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += PATIENCE_S;
  return sem_clockwait (semaphore, CLOCK_MONOTONIC, &until) == 0;
}

/* ---- a pool that counts ---- */

typedef GstBufferPool CountingPool;
typedef GstBufferPoolClass CountingPoolClass;

static GType counting_pool_get_type (void);
G_DEFINE_TYPE (CountingPool, counting_pool, GST_TYPE_BUFFER_POOL)

static GstFlowReturn
counting_pool_alloc (GstBufferPool *pool, GstBuffer **buffer, GstBufferPoolAcquireParams *params)
{
  atomic_fetch_add (&node_allocations, 1);
  return GST_BUFFER_POOL_CLASS (counting_pool_parent_class)->alloc_buffer (pool, buffer, params);
}

static void
counting_pool_class_init (CountingPoolClass *class)
{
  class->alloc_buffer = counting_pool_alloc;
}

static void
counting_pool_init (CountingPool *pool)
{
  (void) pool;
}

GstBufferPool *
pool_new (void)
{
  GstBufferPool *pool = gst_object_ref_sink (g_object_new (counting_pool_get_type (), NULL));
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, NULL, BUFFER_SIZE, 0, 0);
  gst_buffer_pool_set_config (pool, config);
  gst_buffer_pool_set_active (pool, TRUE);
  return pool;
}

/* ---- nodes ---- */

gboolean
ignore_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  (void) pad;
  (void) parent;
  gst_event_unref (event);
  return TRUE;
}

void
node_push (Node *node, GstBufferFlags flags)
{
  GstBuffer *buffer = NULL;
  GstFlowReturn flow;

  if (!node->pool)
    buffer = gst_buffer_new_allocate (NULL, BUFFER_SIZE, NULL);
  else if (gst_buffer_pool_acquire_buffer (node->pool, &buffer, NULL) != GST_FLOW_OK)
    give_up (node->name, "the pool has no buffer");
  GST_BUFFER_PTS (buffer) = node->pushed * GST_USECOND;
  GST_BUFFER_OFFSET (buffer) = node->id;
  GST_BUFFER_FLAG_SET (buffer, flags);
  flow = gst_pad_push (node->pad, buffer);
  if (flow != GST_FLOW_OK)
    give_up (node->name, gst_flow_get_name (flow));
}

static GstFlowReturn
pass_sample (GstAppSink *sink, gpointer data)
{
  Node *node = data;
  GstSample *sample = gst_app_sink_pull_sample (sink);

  for (guint i = 0; i < node->srcs->len; i++)
    gst_app_src_push_buffer (node->srcs->pdata[i], gst_buffer_ref (gst_sample_get_buffer (sample)));
  gst_sample_unref (sample);
  return GST_FLOW_OK;
}

static GstElement *
node_sink_new (Node *node)
{
  static const char *const factories[] = {
    [PLUGIN] = "interpipesink", [TEE] = "tee", [APP] = "appsink"
  };
  GstElement *sink = gst_element_factory_make (factories[node_kind], node->name);
  GstAppSinkCallbacks callbacks = { .new_sample = pass_sample };

  if (node_kind != APP)
    return sink;
  node->srcs = g_ptr_array_new ();
  g_object_set (sink, "sync", FALSE, "drop", TRUE, "max-buffers", 3, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, node, NULL);
  return sink;
}

void
node_init (Node *node, guint id, GstBufferPool *pool)
{
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("application/x-bench");
  g_autoptr (GstPad) peer = NULL;
  GstSegment segment;

  *node = (Node){ .id = id, .pool = pool };
  g_snprintf (node->name, sizeof node->name, "node%u", id);
  sem_init (&node->reached, 0, 0);
  if (node_kind == BARE) {
    node->bare = bare_thread_new ();
    return;
  }
  node->sink = gst_object_ref_sink (node_sink_new (node));
  node->pad = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));
  gst_pad_set_event_function (node->pad, ignore_event);
  gst_pad_set_active (node->pad, TRUE);
  peer = gst_element_get_static_pad (node->sink, "sink");
  gst_pad_link (node->pad, peer);
  gst_element_set_state (node->sink, GST_STATE_PLAYING);
  gst_pad_push_event (node->pad, gst_event_new_stream_start (node->name));
  gst_pad_push_event (node->pad, gst_event_new_caps (caps));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (node->pad, gst_event_new_segment (&segment));
}

void
node_await (Node *node, gint64 target)
{
  atomic_store (&node->target, target);
  while (atomic_load (&node->delivered) < target)
    if (!wait_for (&node->reached))
      give_up (node->name, "its buffers do not arrive");
}

void
node_push_when_room (Node *node)
{
  const gint64 flying = node->pushed * node->listeners - atomic_load (&node->delivered);

  if (flying > (gint64) WINDOW * node->listeners)
    node_await (node, (node->pushed - WINDOW / 2) * node->listeners);
  node->pushed++;
  node_push (node, 0);
}

/* ---- listeners ---- */

static GstElement *
listener_src_new (Listener *listener, const char *listen_to, gboolean restart)
{
  static const char *const factories[] = {
    [PLUGIN] = "interpipesrc", [TEE] = "queue", [APP] = "appsrc"
  };
  GstElement *src = gst_element_factory_make (factories[node_kind], NULL);

  if (node_kind == PLUGIN)
    g_object_set (src, "listen-to", listen_to, NULL);
  if (node_kind == APP)
    g_ptr_array_add (listener->node->srcs, src);
  if (restart)
    gst_util_set_object_arg (G_OBJECT (src), "stream-sync", "restart-ts");
  return src;
}

/* A branch of a tee; they are not of one pipeline here either. */
static void
listener_branch (Listener *listener)
{
  GstPad *from = gst_element_request_pad_simple (listener->node->sink, "src_%u");
  GstPad *to = gst_element_get_static_pad (listener->src, "sink");

  if (gst_pad_link_full (from, to, GST_PAD_LINK_CHECK_NOTHING) != GST_PAD_LINK_OK)
    give_up ("tee", "cannot be linked");
}

void
listener_init (
    Listener *listener, const char *listen_to, gboolean restart, GstPadProbeCallback probe)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");

  g_object_set (sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, probe, listener, NULL);
  gst_bin_add (GST_BIN (pipeline), sink);
  if (node_kind != BARE) {
    listener->src = listener_src_new (listener, listen_to, restart);
    gst_bin_add (GST_BIN (pipeline), listener->src);
  }
  if ((listener->src && !gst_element_link (listener->src, sink))
      || gst_element_set_state (pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    give_up (listen_to, "its listener does not start");
  if (node_kind == TEE)
    listener_branch (listener);
  if (node_kind == BARE)
    bare_thread_add (listener->node->bare, pad);
}
