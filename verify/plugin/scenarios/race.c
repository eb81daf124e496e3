/* SPDX-License-Identifier: MIT */
/* Two calls at once, in the order that does harm. */
#include "scenario.h"
#include "window.h"

/* Enough to make a hash table of the others grow. */
#define WAITING 40
#define COMING 60
#define MOMENTS 4
#define RACES 60
#define LOOKING_MOMENTS 5

typedef struct {
  gchar *name;
  guint id;
  Producer *producer;
} Later;

static void
make_producer (gpointer data)
{
  Later *later = data;

  later->producer = producer_new_here (later->name, later->id, 64, GST_STATE_PLAYING);
}

static void
start_here (gpointer data)
{
  Consumer *consumer = data;

  gst_element_set_state (consumer->src, GST_STATE_PLAYING);
}

static void
start_many (gpointer data)
{
  Consumer **consumers = data;

  for (guint i = 0; i < COMING; i++)
    start_here (consumers[i]);
}

/* Others start to listen while a new node is announced to its waiting listeners. Returns how many
 * of these it did not reach. */
static guint
foreach_at (gint moment)
{
  Consumer *waiting[WAITING], *coming[COMING];
  Later later = { .name = g_strdup_printf ("n%d", moment), .id = 1 };
  Window window = { .step = start_many, .data = coming, .at = moment };
  guint missed = 0;

  for (guint i = 0; i < WAITING; i++) {
    g_autofree gchar *name = g_strdup_printf ("waiting-%d-%u", moment, i);
    phase ("%s starts", name);
    waiting[i] = consumer_playing (name, later.name);
  }
  for (guint i = 0; i < COMING; i++) {
    g_autofree gchar *name = g_strdup_printf ("coming-%d-%u", moment, i);
    coming[i] = consumer_new (name, "elsewhere");
  }
  phase ("a new node, others come at message %d", moment);
  if (!job_wait (job_start_with_logs (make_producer, &later, window_open, &window), WGI_SOON_MS * 2)
      || !window_close (&window))
    return WAITING;
  phase ("a push to all after moment %d", moment);
  if (!within (WGI_SOON_MS, producer_push, later.producer))
    return WAITING;
  for (guint i = 0; i < WAITING; i++)
    missed += !consumer_wait (waiting[i], 1, 0, missed == 0 ? WGI_SOON_MS : 1);
  for (guint i = 0; i < WAITING; i++) {
    phase ("their end after moment %d, %u", moment, i);
    if (!consumer_stop (waiting[i]))
      return WAITING;
  }
  for (guint i = 0; i < COMING; i++) {
    phase ("the others' end after moment %d, %u", moment, i);
    if (!consumer_stop (coming[i]))
      return WAITING;
  }
  return missed;
}

static void
foreach_race (Result *result)
{
  guint missed = 0;

  go_to_work ();
  for (gint moment = 0; moment < MOMENTS && missed == 0; moment++)
    missed += foreach_at (moment);
  result_int (result, "waiting", WAITING);
  result_int (result, "missed", missed);
  promise (result, missed == 0, "a new node reaches all listeners that wait for it");
}

static gboolean
looking_at (gint moment)
{
  Later later = { .name = g_strdup_printf ("n%d", moment), .id = 1 };
  Window window = { .step = make_producer, .data = &later, .at = moment };
  Consumer *consumer = consumer_new ("l", later.name);

  phase ("a listener looks for a node that comes at message %d", moment);
  if (!job_wait (job_start_with_logs (start_here, consumer, window_open, &window), WGI_SOON_MS)
      || !window_close (&window))
    return FALSE;
  const gboolean linked = consumer_gets (consumer, later.producer);
  consumer_stop (consumer);
  return linked;
}

static gboolean
looking_race (guint round)
{
  Later later = { .name = g_strdup_printf ("r%u", round), .id = 1 };
  Consumer *consumer = consumer_new ("racer", later.name);

  phase ("race %u", round);
  Job *node = job_start (make_producer, &later);
  Job *listener = job_start (start_here, consumer);
  if (!job_wait (node, WGI_SOON_MS) || !job_wait (listener, WGI_SOON_MS))
    return FALSE;
  const gboolean linked = consumer_gets (consumer, later.producer);
  consumer_stop (consumer);
  return linked;
}

static void
created_while_looking (Result *result)
{
  guint lost = 0, lost_races = 0;

  go_to_work ();
  for (gint moment = 0; moment < LOOKING_MOMENTS; moment++)
    lost += !looking_at (moment);
  gst_debug_set_active (FALSE);
  for (guint round = 0; round < RACES && lost_races == 0; round++)
    lost_races += !looking_race (round);
  result_int (result, "moments", LOOKING_MOMENTS);
  result_int (result, "lost", lost);
  result_int (result, "lost_races", lost_races);
  promise (result, lost == 0, "a node that comes while a listener looks for it is linked");
  holds (result, lost_races == 0, "whoever is first");
}

/* Long names take a while to copy. */
#define NAME_LENGTH 6000
#define READ_MS 3000

typedef struct {
  Consumer *consumer;
  gchar *names[2];
  gint running;
} Writer;

static void
write_names (gpointer data)
{
  Writer *writer = data;

  for (guint i = 0; g_atomic_int_get (&writer->running); i++)
    consumer_listen_here (writer->consumer, writer->names[i % 2]);
}

static void
listen_to_read_race (Result *result)
{
  Writer writer = { .consumer = consumer_new ("l", NULL), .running = TRUE };
  const gint64 until = g_get_monotonic_time () + READ_MS * G_TIME_SPAN_MILLISECOND;
  guint reads = 0, wrong = 0;

  for (guint i = 0; i < 2; i++)
    writer.names[i] = g_strnfill (NAME_LENGTH, i ? 'b' : 'a');
  consumer_listen_here (writer.consumer, writer.names[1]);
  go_to_work ();
  phase ("listen-to is read while it is written");
  Job *job = job_start (write_names, &writer);
  for (; wrong == 0 && g_get_monotonic_time () < until; reads++) {
    g_autofree gchar *name = NULL;
    g_object_get (writer.consumer->src, "listen-to", &name, NULL);
    wrong += g_strcmp0 (name, writer.names[0]) != 0 && g_strcmp0 (name, writer.names[1]) != 0;
  }
  g_atomic_int_set (&writer.running, FALSE);
  must (result, job_wait (job, WGI_SOON_MS), "the writer ends");
  result_int (result, "reads", reads);
  result_int (result, "wrong", wrong);
  promise (result, wrong == 0, "listen-to reads as it was written");
}

const Scenario race_scenarios[] = {
  { "foreach-race", "listeners come while a new node is announced", foreach_race, NULL },
  { "created-while-looking", "a node comes while a listener looks for it", created_while_looking,
      NULL },
  { "listen-to-read-race", "listen-to is read while it is written", listen_to_read_race, NULL },
  { 0 },
};
