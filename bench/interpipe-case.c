/* SPDX-License-Identifier: MIT
 *
 * One case of bench-interpipe in a process of its own, with whatever plugin GST_PLUGIN_PATH leads
 * to. Prints the figures, a name and a value a line, and ends without taking anything down: an
 * unpatched plugin may not come back from that.
 *
 *   bench-interpipe-case PLUGIN flow NODES LISTENERS plain|restart MS
 *   bench-interpipe-case PLUGIN switch THREADS PAUSE_US MS
 *   bench-interpipe-case PLUGIN cycle MS
 *   bench-interpipe-case PLUGIN paced FPS LISTENERS MS
 *
 * PLUGIN is the file that must be the one in use. For flow and paced it may be "tee", a tee with a
 * queue for each listener, or "app", an appsink whose callback pushes into an appsrc for each; for
 * paced also "bare", one bare thread for all (bare-thread.h).
 *
 * flow: each node pushes as fast as each of its LISTENERS takes it. switch: THREADS change 
 * listen-to of 16 listeners between two nodes. cycle: a source is made, started, stopped and
 * destroyed. paced: how long a buffer takes from the push to each listener, at so many a second.
 */
#include "node.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define SWITCHED 16
#define PACE_NS (G_GINT64_CONSTANT (1000000000) / 60)
#define SAMPLES_MAX (1 << 19)

static gint64 run_ns;
static pthread_barrier_t start;

static void
go (pthread_t *thread, void *(*routine) (void *), void *data)
{
  if (pthread_create (thread, NULL, routine, data))
    give_up ("thread", "cannot be made");
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
push_flat_out (void *data)
{
  Node *node = data;
  gint64 until;

  node_push (node, GST_BUFFER_FLAG_HEADER);
  for (int i = 0; i < WARM_UP; i++)
    node_push_when_room (node);
  node_await (node, node->pushed * node->listeners);
  pthread_barrier_wait (&start); /* all are warm: somebody looks at the clock */
  pthread_barrier_wait (&start);
  until = now_ns () + run_ns;
  while (now_ns () < until)
    for (int i = 0; i < PUSHES_PER_LOOK; i++)
      node_push_when_room (node);
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
    .allocated = atomic_load (&node_allocations),
  };
}

static void
run_flow (guint node_count, guint listener_count, gboolean restart)
{
  /* Never freed: the listeners' threads look at these until the process ends. */
  Node *nodes = g_new0 (Node, node_count);
  Listener *listeners = g_new0 (Listener, node_count * listener_count);
  g_autofree pthread_t *producers = g_new0 (pthread_t, node_count);
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
    go (&producers[i], push_flat_out, &nodes[i]);
  }
  pthread_barrier_wait (&start);
  begin = account ();
  pthread_barrier_wait (&start);
  for (guint i = 0; i < node_count; i++) {
    pthread_join (producers[i], NULL);
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
push_paced (void *data)
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
  pthread_t producers[2];

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
    go (&producers[i], push_paced, &pair[i]);
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
  pthread_t producer;
  gint64 begin, took, until;

  gst_pad_set_chain_function (end, drop_buffer);
  gst_pad_set_event_function (end, ignore_event);
  gst_pad_set_active (end, TRUE);
  node_init (&pair[0], 0, NULL);
  node_push (&pair[0], GST_BUFFER_FLAG_HEADER);
  go (&producer, push_paced, &pair[0]);
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
  if (node_kind == BARE ? !bare_thread_give (node->bare, buffer)
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
  node_kind = g_str_equal (argv[1], "tee") ? TEE
      : g_str_equal (argv[1], "app")       ? APP
      : g_str_equal (argv[1], "bare")      ? BARE
                                           : PLUGIN;
  if (node_kind == PLUGIN)
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
