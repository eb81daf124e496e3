/* SPDX-License-Identifier: MIT */
/* Four threads make, rename, feed and end nodes; four switch, stop, start and ask listeners. A
 * round is a process. */
#include "child.h"
#include "plugin.h"
#include "scenario.h"

#include <unistd.h>

#define NODE_THREADS 4
#define LISTENER_THREADS 4
#define LISTENERS 6
#define UNIQUE_NAMES 6
#define COLLIDING_NAMES 3
#define ROUND_MS 100
/* From the end of a round's work to the end of its process. */
#define TEARDOWN_MS (2500 * WGI_SLOWNESS)
#define ROUNDS 8
#define ROUNDS_LONG 1000
/* Before: most rounds cost the whole limit. */
#define ROUNDS_LONG_BEFORE 100

typedef struct {
  const gchar *plugin;
  guint seed;
  guint ms;
} Round;

typedef struct {
  guint number, seed;
  gint64 until;
  Consumer **listeners;
  gint producers;
} Worker;

/* Names that several threads use at once, and names of one thread. */
static gchar *
any_name (GRand *random, guint thread)
{
  if (g_rand_boolean (random))
    return g_strdup_printf ("c%d", g_rand_int_range (random, 0, COLLIDING_NAMES));
  return g_strdup_printf ("u%u-%d", thread, g_rand_int_range (random, 0, UNIQUE_NAMES));
}

static void
run_a_node (Worker *worker, GRand *random)
{
  g_autofree gchar *name = any_name (random, worker->number);
  g_autofree gchar *other = any_name (random, worker->number);
  const gint width = 64 * g_rand_int_range (random, 1, 4);
  Producer *producer = producer_new_here (name, 1 + worker->number, width, GST_STATE_PLAYING);

  producer_push_n (producer, (guint) g_rand_int_range (random, 1, 6));
  if (g_rand_boolean (random))
    producer_event (producer, "wgi-stress", 0, g_rand_boolean (random));
  if (g_rand_int_range (random, 0, 3) == 0)
    producer_rename (producer, other);
  producer_push_n (producer, (guint) g_rand_int_range (random, 1, 6));
  producer_num_listeners (producer);
  producer_end (producer);
  gst_pad_set_active (producer->pad, FALSE);
  g_object_set_data_full (
      G_OBJECT (producer->pad), "producer", producer, g_free); /* events may be on their way */
  gst_object_unref (producer->pad);
}

static void
run_nodes (gpointer data)
{
  Worker *worker = data;
  GRand *random = g_rand_new_with_seed (worker->seed);

  while (g_get_monotonic_time () < worker->until)
    run_a_node (worker, random);
  g_rand_free (random);
}

static void
change_a_listener (Worker *worker, GRand *random)
{
  Consumer *consumer = worker->listeners[g_rand_int_range (random, 0, LISTENERS)];
  g_autofree gchar *name = any_name (random, (guint) g_rand_int_range (random, 0, NODE_THREADS));
  g_autofree gchar *now = NULL;
  g_autoptr (GstQuery) query = NULL;

  switch (g_rand_int_range (random, 0, 12)) {
  case 0:
    gst_element_set_state (consumer->src, GST_STATE_NULL);
    gst_element_set_state (consumer->src, GST_STATE_PLAYING);
    break;
  case 1:
    consumer_listen_here (consumer, NULL);
    break;
  case 2:
    gst_pad_push_event (consumer->pad,
        gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("wgi-up")));
    break;
  case 3:
    query = gst_query_new_context ("wgi");
    gst_pad_peer_query (consumer->pad, query);
    break;
  case 4:
    g_object_get (consumer->src, "listen-to", &now, NULL);
    break;
  default:
    consumer_listen_here (consumer, name);
    break;
  }
}

static void
change_listeners (gpointer data)
{
  Worker *worker = data;
  GRand *random = g_rand_new_with_seed (worker->seed);

  while (g_get_monotonic_time () < worker->until)
    change_a_listener (worker, random);
  g_rand_free (random);
}

/* In a child: one round, which ends with everything taken down. A hang is its parent's to see. */
static void
run_round (gconstpointer data)
{
  const Round *round = data;
  Worker workers[NODE_THREADS + LISTENER_THREADS];
  Job *jobs[G_N_ELEMENTS (workers)];
  Consumer *listeners[LISTENERS];

  if (!plugin_load (round->plugin, NULL))
    _exit (3);
  for (guint i = 0; i < LISTENERS; i++) {
    g_autofree gchar *name = g_strdup_printf ("l%u", i / 2); /* two of each name */
    listeners[i] = consumer_playing (name, "c0");
  }
  go_to_work ();
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++) {
    workers[i] = (Worker){ .number = i,
      .seed = round->seed * 100 + i,
      .until = g_get_monotonic_time () + round->ms * G_TIME_SPAN_MILLISECOND,
      .listeners = listeners };
    jobs[i] = job_start (i < NODE_THREADS ? run_nodes : change_listeners, &workers[i]);
  }
  phase ("seed %u", round->seed);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    job_wait (jobs[i], G_MAXUINT / 2);
  phase ("seed %u: the end", round->seed);
  for (guint i = 0; i < LISTENERS; i++) {
    gst_element_set_state (listeners[i]->src, GST_STATE_NULL);
    consumer_drop (listeners[i]);
  }
  g_strlcpy (wgi_account->line, "done", sizeof wgi_account->line);
}

static void
stress (const WgiOptions *options, Result *result)
{
  const gboolean before = g_str_equal (options->side, "before");
  const guint many = before ? ROUNDS_LONG_BEFORE : ROUNDS_LONG;
  const guint rounds = options->seconds > 0 ? 1 : options->long_run ? many : ROUNDS;
  const guint ms = options->seconds > 0 ? (guint) options->seconds * 1000 : ROUND_MS;
  guint crashed = 0, hung = 0, critical = 0, reported = 0, unready = 0;
  g_autofree gchar *first = NULL;
  g_autofree gchar *message = NULL;

  for (guint i = 0; i < rounds; i++) {
    g_autofree gchar *how = NULL;
    const Round round = { options->plugin, i + 1, ms };
    account_reset ();
    const Ending ending = run_child (run_round, &round, ms + TEARDOWN_MS, &how);
    unready += !wgi_account->at_work;
    crashed += ending == ENDED_BADLY;
    hung += ending == ENDED_NEVER;
    critical += wgi_account->criticals + wgi_account->warnings > 0;
    reported += wgi_account->reports > 0;
    if (ending != ENDED_WELL && first == NULL)
      first = g_strdup_printf ("seed %u: %s", round.seed, how);
    if (wgi_account->message[0] != '\0' && message == NULL)
      message = g_strdup (wgi_account->message);
  }
  result_int (result, "rounds", rounds);
  result_int (result, "round_ms", ms);
  result_int (result, "crashed", crashed);
  result_int (result, "hung", hung);
  result_int (result, "rounds_with_criticals", critical);
  if (reported > 0)
    result_int (result, "rounds_with_sanitizer_reports", reported);
  if (first != NULL)
    result_text (result, "first", first);
  if (message != NULL)
    result_text (result, "message", message);
  must (result, unready == 0, "each round got as far as its work");
  expect_fault (result, (crashed + hung) * 2 > rounds, "most rounds crash or hang");
  holds (result, crashed + hung == 0, "no round crashes or hangs");
  holds (result, critical == 0, "GLib has no complaint");
  holds (result, reported == 0, "the sanitizer has no complaint");
}

const Scenario stress_scenarios[] = {
  { "stress", "all of it at once, round after round", NULL, stress },
  { 0 },
};
