/* SPDX-License-Identifier: MIT
 *
 * One case of bench-interpipe in a process of its own, with whatever plugin GST_PLUGIN_PATH leads to.
 * Prints the figures, a name and a value a line, and ends without taking anything down: an unpatched
 * plugin may not come back from that.
 *
 *   bench-interpipe-case PLUGIN flow NODES LISTENERS plain|restart MS
 *   bench-interpipe-case PLUGIN switch THREADS PAUSE_US MS
 *   bench-interpipe-case PLUGIN cycle MS
 *   bench-interpipe-case PLUGIN paced FPS LISTENERS MS
 *
 * PLUGIN is the file that must be the one in use. For flow and paced it may be "tee", a tee with a queue for each
 * listener, or "app", an appsink whose callback pushes into an appsrc for each; for paced also "bare", one bare thread
 * for all (bare-thread.h).
 *
 * flow: each node pushes as fast as each of its LISTENERS takes it. switch: THREADS change listen-to of 16 listeners
 * between two nodes. cycle: a source is made, started, stopped and destroyed. paced: how long a buffer takes from the
 * push to each listener, at so many a second.
 */
#include "bare-thread.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define BUFFER_SIZE 64
/* How far a node may run ahead of its listeners, in buffers for each. Well below the 200,000 bytes that
 * make an appsrc look for what to do, and enough for a thread to be woken for more than one. */
#define WINDOW 64
#define WARM_UP 80        /* more than the window */
#define PUSHES_PER_LOOK 8 /* at the clock */
/* Nothing here takes longer, unless it never ends. */
#define PATIENCE_S 10

#define SWITCHED 16
#define PACE_NS (G_GINT64_CONSTANT (1000000000) / 60)
#define SAMPLES_MAX (1 << 19)

typedef struct {
  char name[16];
  guint id;
  GstPad *pad;
  GstElement *sink;
  GstBufferPool *pool; /* NULL: every buffer is a new one */
  GPtrArray *srcs;     /* "app": whom it pushes to */
  BareThread *bare;    /* "bare": what its buffers go to */
  guint listeners;
  guint64 pushed;
  gint64 end;
  _Atomic gint64 delivered, target; /* to all listeners together; `target` wakes the feeder */
  sem_t reached;
} Node;

typedef struct {
  GstElement *src;
  Node *node;         /* whose buffers it counts */
  guint wanted;       /* switched: what it listens to */
  atomic_uint listen; /* switched: what its last buffer came from */
} Listener;

static enum { PLUGIN, TEE, APP, BARE } kind;
static gint64 run_ns;
static pthread_barrier_t start;

static gint64
now_ns (void)
{
  struct timespec at;

  clock_gettime (CLOCK_MONOTONIC, &at);
  return at.tv_sec * G_GINT64_CONSTANT (1000000000) + at.tv_nsec;
}

G_NORETURN static void
give_up (const char *what, const char *detail)
{
  g_printerr ("bench-interpipe-case: %s: %s\n", what, detail);
  _exit (2);
}

static gboolean
wait_for (sem_t *semaphore)
{
  struct timespec until;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += PATIENCE_S;
  return sem_clockwait (semaphore, CLOCK_MONOTONIC, &until) == 0;
}

static void
go (pthread_t *thread, void *(*routine) (void *), void *data)
{
  if (pthread_create (thread, NULL, routine, data))
    give_up ("thread", "cannot be made");
}

/* ---- a pool that counts ---- */

typedef GstBufferPool CountingPool;
typedef GstBufferPoolClass CountingPoolClass;

static GType counting_pool_get_type (void);
G_DEFINE_TYPE (CountingPool, counting_pool, GST_TYPE_BUFFER_POOL)

static atomic_llong allocations;

static GstFlowReturn
counting_pool_alloc (GstBufferPool *pool, GstBuffer **buffer, GstBufferPoolAcquireParams *params)
{
  atomic_fetch_add (&allocations, 1);
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

static GstBufferPool *
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

static gboolean
ignore_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  (void) pad;
  (void) parent;
  gst_event_unref (event);
  return TRUE;
}

static void
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
  GstElement *sink = gst_element_factory_make (factories[kind], node->name);
  GstAppSinkCallbacks callbacks = { .new_sample = pass_sample };

  if (kind != APP)
    return sink;
  node->srcs = g_ptr_array_new ();
  g_object_set (sink, "sync", FALSE, "drop", TRUE, "max-buffers", 3, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, node, NULL);
  return sink;
}

static void
node_init (Node *node, guint id, GstBufferPool *pool)
{
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("application/x-bench");
  g_autoptr (GstPad) peer = NULL;
  GstSegment segment;

  *node = (Node){ .id = id, .pool = pool };
  g_snprintf (node->name, sizeof node->name, "node%u", id);
  sem_init (&node->reached, 0, 0);
  if (kind == BARE) {
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

static void
node_await (Node *node, gint64 target)
{
  atomic_store (&node->target, target);
  while (atomic_load (&node->delivered) < target)
    if (!wait_for (&node->reached))
      give_up (node->name, "its buffers do not arrive");
}

/* The next one, when there is room for it. */
static void
node_feed (Node *node)
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
  GstElement *src = gst_element_factory_make (factories[kind], NULL);

  if (kind == PLUGIN)
    g_object_set (src, "listen-to", listen_to, NULL);
  if (kind == APP)
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

static void
listener_init (
    Listener *listener, const char *listen_to, gboolean restart, GstPadProbeCallback probe)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");

  g_object_set (sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, probe, listener, NULL);
  gst_bin_add (GST_BIN (pipeline), sink);
  if (kind != BARE) {
    listener->src = listener_src_new (listener, listen_to, restart);
    gst_bin_add (GST_BIN (pipeline), listener->src);
  }
  if ((listener->src && !gst_element_link (listener->src, sink))
      || gst_element_set_state (pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    give_up (listen_to, "its listener does not start");
  if (kind == TEE)
    listener_branch (listener);
  if (kind == BARE)
    bare_thread_add (listener->node->bare, pad);
}

static GstPadProbeReturn
count_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Node *node = ((Listener *) data)->node;

  (void) pad;
  /* The first buffer, which comes twice to some, says that it is not to be counted. */
  if (!GST_BUFFER_FLAG_IS_SET (GST_PAD_PROBE_INFO_BUFFER (info), GST_BUFFER_FLAG_HEADER)
      && atomic_fetch_add (&node->delivered, 1) + 1 == atomic_load (&node->target))
    sem_post (&node->reached);
  return GST_PAD_PROBE_OK;
}

/* ---- flow ---- */

static void *
feed_flat_out (void *data)
{
  Node *node = data;
  gint64 until;

  node_push (node, GST_BUFFER_FLAG_HEADER);
  for (int i = 0; i < WARM_UP; i++)
    node_feed (node);
  node_await (node, node->pushed * node->listeners);
  pthread_barrier_wait (&start); /* all are warm: somebody looks at the clock */
  pthread_barrier_wait (&start);
  until = now_ns () + run_ns;
  while (now_ns () < until)
    for (int i = 0; i < PUSHES_PER_LOOK; i++)
      node_feed (node);
  node_await (node, node->pushed * node->listeners);
  node->end = now_ns ();
  return NULL;
}

typedef struct {
  gint64 at_ns, cpu_us, waits, allocated;
} Account;

/* waits: how often a thread gave up its core because it had to wait for something. */
static Account
account (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (Account){
    .at_ns = now_ns (),
    .cpu_us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC
        + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
    .waits = usage.ru_nvcsw,
    .allocated = atomic_load (&allocations),
  };
}

static void
run_flow (guint node_count, guint listener_count, gboolean restart)
{
  /* Never freed: the listeners' threads look at these until the process ends. */
  Node *nodes = g_new0 (Node, node_count);
  Listener *listeners = g_new0 (Listener, node_count * listener_count);
  g_autofree pthread_t *feeders = g_new0 (pthread_t, node_count);
  Account begin, end;
  gint64 last = 0, delivered = 0, pushed = 0;

  pthread_barrier_init (&start, NULL, node_count + 1);
  for (guint i = 0; i < node_count; i++) {
    node_init (&nodes[i], i, restart ? pool_new () : NULL);
    nodes[i].listeners = listener_count;
    for (guint j = 0; j < listener_count; j++) {
      listeners[i * listener_count + j].node = &nodes[i];
      listener_init (&listeners[i * listener_count + j], nodes[i].name, restart, count_buffer);
    }
    go (&feeders[i], feed_flat_out, &nodes[i]);
  }
  pthread_barrier_wait (&start);
  begin = account ();
  pthread_barrier_wait (&start);
  for (guint i = 0; i < node_count; i++) {
    pthread_join (feeders[i], NULL);
    last = MAX (last, nodes[i].end);
    delivered += nodes[i].delivered - (gint64) WARM_UP * listener_count;
    pushed += nodes[i].pushed - WARM_UP;
  }
  end = account ();
  g_print ("rate %.1f\ncpu_us %.4f\nwaits %.4f\ndelivered %" G_GINT64_FORMAT "\n",
      delivered * 1e9 / (last - begin.at_ns), (double) (end.cpu_us - begin.cpu_us) / delivered,
      (double) (end.waits - begin.waits) / delivered, delivered);
  if (restart)
    g_print ("allocated %.4f\n", (double) (end.allocated - begin.allocated) / pushed);
}

/* ---- what is timed call by call ---- */

static int
by_value (const void *a, const void *b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static void
print_times (GArray *ns)
{
  gint64 *sorted = (gint64 *) (void *) ns->data;

  if (!ns->len)
    give_up ("times", "nothing was timed");
  qsort (sorted, ns->len, sizeof *sorted, by_value);
  g_print ("p50_us %.2f\np99_us %.2f\nmax_us %.2f\ncount %u\n", sorted[ns->len / 2] / 1e3,
      sorted[(guint64) ns->len * 99 / 100] / 1e3, sorted[ns->len - 1] / 1e3, ns->len);
}

static void
sleep_until (gint64 ns)
{
  const struct timespec until = { ns / 1000000000, ns % 1000000000 };

  clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void *
feed_paced (void *data)
{
  gint64 next = now_ns ();

  for (;;) { /* until the process ends */
    node_push (data, 0);
    sleep_until (next += PACE_NS);
  }
  return NULL;
}

static Node pair[2];
static Listener switched[SWITCHED];
static guint switcher_count;
static gint64 pause_ns;
static sem_t heard;

static GstPadProbeReturn
note_node (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Listener *listener = data;

  (void) pad;
  atomic_store (&listener->listen, GST_BUFFER_OFFSET (GST_PAD_PROBE_INFO_BUFFER (info)));
  sem_post (&heard);
  return GST_PAD_PROBE_OK;
}

/* A switch that is quick because it does nothing does not count. */
static void
await_what_is_wanted (void)
{
  gint64 until = now_ns () + PATIENCE_S * G_GINT64_CONSTANT (1000000000);

  for (guint i = 0; i < SWITCHED;) {
    if (atomic_load (&switched[i].listen) == switched[i].wanted)
      i++;
    else if (now_ns () > until || !wait_for (&heard))
      give_up ("switch", "a listener does not hear what it listens to");
  }
}

typedef struct {
  pthread_t thread;
  guint first;
  GArray *ns;
} Switcher;

static void *
switch_over (void *data)
{
  Switcher *switcher = data;
  gint64 begin, end, until;
  guint at = switcher->first;

  pthread_barrier_wait (&start);
  until = now_ns () + run_ns;
  do {
    Listener *listener = &switched[at];

    listener->wanted = !listener->wanted;
    begin = now_ns ();
    g_object_set (listener->src, "listen-to", pair[listener->wanted].name, NULL);
    end = now_ns ();
    begin = end - begin;
    g_array_append_val (switcher->ns, begin);
    at += switcher_count;
    if (at >= SWITCHED)
      at = switcher->first;
    if (pause_ns)
      sleep_until (end + pause_ns); /* the pace that is measured */
  } while (end < until && switcher->ns->len < SAMPLES_MAX);
  return NULL;
}

static void
run_switch (void)
{
  Switcher switchers[SWITCHED] = { 0 };
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (gint64));
  pthread_t feeders[2];

  sem_init (&heard, 0, 0);
  pthread_barrier_init (&start, NULL, switcher_count);
  for (guint i = 0; i < 2; i++)
    node_init (&pair[i], i, NULL);
  for (guint i = 0; i < SWITCHED; i++) {
    switched[i].wanted = i % 2;
    switched[i].listen = G_MAXUINT;
    listener_init (&switched[i], pair[i % 2].name, FALSE, note_node);
  }
  for (guint i = 0; i < 2; i++)
    go (&feeders[i], feed_paced, &pair[i]);
  await_what_is_wanted ();
  for (guint i = 0; i < switcher_count; i++) {
    switchers[i].first = i;
    switchers[i].ns = g_array_sized_new (FALSE, FALSE, sizeof (gint64), SAMPLES_MAX / 16);
    go (&switchers[i].thread, switch_over, &switchers[i]);
  }
  for (guint i = 0; i < switcher_count; i++) {
    pthread_join (switchers[i].thread, NULL);
    g_array_append_vals (all, switchers[i].ns->data, switchers[i].ns->len);
    g_array_unref (switchers[i].ns);
  }
  await_what_is_wanted ();
  print_times (all);
}

static GstFlowReturn
drop_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  (void) pad;
  (void) parent;
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static void
run_cycle (void)
{
  g_autoptr (GArray) ns = g_array_sized_new (FALSE, FALSE, sizeof (gint64), SAMPLES_MAX / 16);
  GstPad *end = gst_object_ref_sink (gst_pad_new ("end", GST_PAD_SINK));
  pthread_t feeder;
  gint64 begin, took, until;

  gst_pad_set_chain_function (end, drop_buffer);
  gst_pad_set_event_function (end, ignore_event);
  gst_pad_set_active (end, TRUE);
  node_init (&pair[0], 0, NULL);
  node_push (&pair[0], GST_BUFFER_FLAG_HEADER);
  go (&feeder, feed_paced, &pair[0]);
  until = now_ns () + run_ns;
  do {
    GstElement *src;
    GstPad *pad;

    begin = now_ns ();
    src = gst_object_ref_sink (gst_element_factory_make ("interpipesrc", NULL));
    g_object_set (src, "listen-to", pair[0].name, NULL);
    pad = gst_element_get_static_pad (src, "src");
    if (gst_pad_link (pad, end) != GST_PAD_LINK_OK
        || gst_element_set_state (src, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      give_up ("cycle", "the source does not start");
    gst_element_set_state (src, GST_STATE_NULL);
    gst_pad_unlink (pad, end);
    gst_object_unref (pad);
    gst_object_unref (src);
    took = now_ns () - begin;
    g_array_append_val (ns, took);
  } while (begin < until && ns->len < SAMPLES_MAX);
  print_times (ns);
}

/* ---- paced ---- */

static pthread_mutex_t times_lock = PTHREAD_MUTEX_INITIALIZER;
static GArray *times;

static GstPadProbeReturn
time_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  const gint64 took = now_ns () - (gint64) GST_BUFFER_OFFSET_END (GST_PAD_PROBE_INFO_BUFFER (info));

  (void) pad;
  (void) data;
  pthread_mutex_lock (&times_lock);
  if (times != NULL)
    g_array_append_val (times, took);
  pthread_mutex_unlock (&times_lock);
  return GST_PAD_PROBE_OK;
}

static void
push_timed (Node *node)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, BUFFER_SIZE, NULL);

  GST_BUFFER_PTS (buffer) = node->pushed++ * GST_USECOND;
  GST_BUFFER_OFFSET_END (buffer) = (guint64) now_ns ();
  if (kind == BARE ? !bare_thread_give (node->bare, buffer)
                   : gst_pad_push (node->pad, buffer) != GST_FLOW_OK)
    give_up (node->name, "a push fails");
}

static void
run_paced (gint64 pace_ns, guint listener_count)
{
  Node *node = g_new0 (Node, 1);
  Listener *listeners = g_new0 (Listener, listener_count);
  Account begin, end;
  gint64 next, until;

  node_init (node, 0, NULL);
  for (guint i = 0; i < listener_count; i++) {
    listeners[i].node = node;
    listener_init (&listeners[i], node->name, FALSE, time_buffer);
  }
  next = now_ns ();
  for (int i = 0; i < WARM_UP / 4; i++) {
    push_timed (node);
    sleep_until (next += pace_ns);
  }
  pthread_mutex_lock (&times_lock);
  times = g_array_sized_new (FALSE, FALSE, sizeof (gint64), SAMPLES_MAX / 16);
  pthread_mutex_unlock (&times_lock);
  begin = account ();
  until = now_ns () + run_ns;
  while (now_ns () < until) {
    push_timed (node);
    sleep_until (next += pace_ns);
  }
  end = account ();
  pthread_mutex_lock (&times_lock);
  g_print ("cpu_us %.4f\nwaits %.4f\n", (double) (end.cpu_us - begin.cpu_us) / times->len,
      (double) (end.waits - begin.waits) / times->len);
  print_times (times);
}

static void
check_plugin (const char *file)
{
  g_autoptr (GstPlugin) plugin = gst_registry_find_plugin (gst_registry_get (), "interpipe");
  const char *found = plugin ? gst_plugin_get_filename (plugin) : "none";

  if (g_strcmp0 (found, file))
    give_up ("another plugin is in use", found);
}

int
main (int argc, char **argv)
{
  const char *what = argc > 3 ? argv[2] : "";

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  gst_init (NULL, NULL);
  if (argc < 4) {
    g_printerr ("bench-interpipe-case: run by bench-interpipe\n");
    return 3;
  }
  kind = g_str_equal (argv[1], "tee") ? TEE
      : g_str_equal (argv[1], "app")  ? APP
      : g_str_equal (argv[1], "bare") ? BARE
                                      : PLUGIN;
  if (kind == PLUGIN)
    check_plugin (argv[1]);
  run_ns = atoll (argv[argc - 1]) * 1000000;
  if (g_str_equal (what, "flow") && argc == 7) {
    run_flow (atoi (argv[3]), atoi (argv[4]), g_str_equal (argv[5], "restart"));
  } else if (g_str_equal (what, "switch") && argc == 6) {
    switcher_count = CLAMP (atoi (argv[3]), 1, SWITCHED);
    pause_ns = atoll (argv[4]) * 1000;
    run_switch ();
  } else if (g_str_equal (what, "cycle") && argc == 4) {
    run_cycle ();
  } else if (g_str_equal (what, "paced") && argc == 6) {
    run_paced (G_GINT64_CONSTANT (1000000000) / MAX (atoi (argv[3]), 1), atoi (argv[4]));
  } else {
    give_up ("unknown case", what);
  }
  fflush (stdout);
  _exit (0);
}
