/* SPDX-License-Identifier: MIT */
#include "actions.h"

const WgHolders *wl_holders;
guint wl_arm_k;
WgHow wl_arm_how;
gint wl_lost;
gint64 wl_returned;

/* ---- calls, some of which are operations too ---- */

static void
eos_producer (World *world)
{
  gst_pad_push_event (world->p->pad, gst_event_new_eos ());
}

static void
eos_consumer (World *world)
{
  gst_element_send_event (world->a->src, gst_event_new_eos ());
}

static void
eos_unrelated (World *world)
{
  gst_pad_push_event (world->q->pad, gst_event_new_eos ());
}

static void
listen_affected (World *world)
{
  consumer_listen_here (world->a, "q");
}

static void
listen_other (World *world)
{
  consumer_listen_here (world->b, "r");
}

static void
listen_unrelated (World *world)
{
  consumer_listen_here (world->c, "r");
}

static void
detach_affected (World *world)
{
  consumer_listen_here (world->a, NULL);
}

static void
detach_other (World *world)
{
  consumer_listen_here (world->b, NULL);
}

static void
detach_unrelated (World *world)
{
  consumer_listen_here (world->c, NULL);
}

static void
null_producer (World *world)
{
  gst_element_set_state (world->p->sink, GST_STATE_NULL);
}

static void
null_consumer (World *world)
{
  gst_element_set_state (world->a->src, GST_STATE_NULL);
}

static void
null_unrelated (World *world)
{
  gst_element_set_state (world->c->src, GST_STATE_NULL);
  gst_element_set_state (world->q->sink, GST_STATE_NULL);
}

static void
new_sink (World *world)
{
  (void) world;
  producer_new_here ("fresh", 7, 64, GST_STATE_PLAYING);
}

static void
new_sink_same (World *world)
{
  (void) world;
  producer_new_here ("p", 7, 64, GST_STATE_PLAYING);
}

/* Registered and no more: a link would ask for caps. */
static void
new_sink_same_down (World *world)
{
  (void) world;
  gst_object_ref_sink (gst_element_factory_make ("interpipesink", "p"));
}

static void
new_source (World *world)
{
  (void) world;
  consumer_new ("fresh-source", "p");
}

static void
start_source (World *world)
{
  gst_element_set_state (world->s->src, GST_STATE_PLAYING);
}

static void
rename_sink (World *world)
{
  producer_rename (world->p, "p2");
}

static void
num_listeners (World *world)
{
  producer_num_listeners (world->p);
}

static void
flow (Producer *producer, Consumer *consumer)
{
  const gint number = g_atomic_int_get (&producer->number);

  producer_push (producer);
  wl_returned = g_get_monotonic_time ();
  if (!consumer_wait (consumer, producer->id, number, LIMIT_MS))
    g_atomic_int_set (&wl_lost, TRUE);
}

static void
flow_producer (World *world)
{
  flow (world->p, world->b);
}

static void
flow_unrelated (World *world)
{
  flow (world->q, world->c);
}

static void
upstream_event (World *world)
{
  gst_pad_push_event (world->a->pad,
      gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("wl")));
}

static void
upstream_query (World *world)
{
  g_autoptr (GstQuery) query = gst_query_new_context ("wl");

  gst_pad_peer_query (world->a->pad, query);
}

static void
drop_sink (World *world)
{
  producer_drop (world->w);
}

/* Its listener hears the older sink of its name, without waiting for whoever keeps a lock. */
static void
drop_newest (World *world)
{
  producer_drop (world->newest);
  flow (world->older, world->heir);
}

static void
drop_source (World *world)
{
  consumer_drop (world->z);
}

static void
run_loop (gpointer loop)
{
  g_main_loop_run (loop);
}

static void
quit_loop (World *world)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  GMainLoop *loop = g_main_loop_new (context, FALSE);
  Job *job = job_start (run_loop, loop);
  (void) world;

  while (!g_main_loop_is_running (loop))
    g_thread_yield ();
  g_main_loop_quit (loop);
  job_wait (job, NEVER_MS);
}

/* ---- operations ---- */

static void
hold_here (gpointer data)
{
  (void) data;
  wl_holders->hold_here ();
}

static void
listen (World *world)
{
  consumer_listen_here (world->a, "r");
}

static void
start (World *world)
{
  gst_element_set_state (world->t->src, GST_STATE_PLAYING);
}

static void
sink_new (World *world)
{
  (void) world;
  producer_new_here ("held", 8, 64, GST_STATE_NULL);
}

static void
sink_same (World *world)
{
  (void) world;
  producer_new_here ("p", 8, 64, GST_STATE_NULL);
}

static void
sink_rename (World *world)
{
  producer_rename (world->p, "p3");
}

static void
sink_drop (World *world)
{
  producer_drop (world->x);
}

static void
source_drop (World *world)
{
  consumer_drop (world->t);
}

static void
push (World *world)
{
  producer_push (world->p);
}

static void
push_caps (World *world)
{
  producer_caps (world->p, 96);
}

static void
push_event (World *world)
{
  producer_event (world->p, "wl", 1, TRUE);
}

static void
prepare_eos (World *world)
{
  g_object_set (world->p->sink, "forward-eos", TRUE, NULL);
}

/* ---- the consumer's own thread ---- */

static GstPadProbeReturn
arm_in_probe (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void) pad, (void) info, (void) data;
  wl_holders->arm (wl_arm_k, wl_arm_how);
  return GST_PAD_PROBE_REMOVE;
}

static GstPadProbeReturn
hold_in_probe (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void) pad, (void) info, (void) data;
  wl_holders->hold_here ();
  return GST_PAD_PROBE_REMOVE;
}

static void
probe (World *world, GstPadProbeCallback callback)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (world->a->src, "src");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, callback, NULL, NULL);
}

static void
prepare_create (World *world)
{
  probe (world, arm_in_probe);
}

static void
prepare_stream (World *world)
{
  probe (world, hold_in_probe);
}

/* For a and b to get what was pushed: one of them gets nothing once the armed thread has
 * stopped. */
#define SHORTLY_MS 300
/* Enough for the armed thread if another thread delivers half of the buffers. */
#define MORE_PUSHES 8

static void
push_to_both (World *world)
{
  const gint number = g_atomic_int_get (&world->p->number);

  producer_push (world->p);
  consumer_wait (world->a, world->p->id, number, SHORTLY_MS);
  consumer_wait (world->b, world->p->id, number, SHORTLY_MS);
}

static gboolean
is_to_get_on (void)
{
  return wl_arm_k != WG_HOLDERS_NEVER && wl_holders->count () < wl_arm_k;
}

/* The armed thread's next round takes an event, too. Nothing is pushed before a and b have what
 * was pushed last, so that the armed thread gets to each lock. */
static void
push_and_more (World *world)
{
  push_to_both (world);
  producer_event (world->p, "wl", 1, TRUE);
  push_to_both (world);
  for (guint n = 0; n < MORE_PUSHES && is_to_get_on (); n++)
    push_to_both (world);
}

/* ---- block=true ---- */

static void
prepare_block (World *world)
{
  g_object_set (
      world->a->src, "block", TRUE, "max-bytes", (guint64) 0, "max-buffers", (guint64) 1, NULL);
  consumer_stall (world->a);
  world->p->running = TRUE;
}

static void
push_on (World *world)
{
  producer_run (world->p);
}

static gboolean
wait_blocked (World *world)
{
  return consumer_wait_stalled (world->a, NEVER_MS) && producer_wait_stalled (world->p, NEVER_MS);
}

static void
release_blocked (World *world)
{
  g_atomic_int_set (&world->p->running, FALSE);
  consumer_go_on (world->a);
}

/* ---- callbacks ---- */

static void
prepare_caps_query (World *world)
{
  world->a->on_caps_query = hold_here;
}

static void
prepare_reconfigure (World *world)
{
  world->r->on_event = hold_here;
}

static void
on_notify (GObject *object, GParamSpec *spec, gpointer data)
{
  (void) object, (void) spec;
  hold_here (data);
}

static void
prepare_notify (World *world)
{
  g_signal_connect (world->p->sink, "notify::name", G_CALLBACK (on_notify), NULL);
}

/* By nobody of the plugin's: what an application may do. */
static void
keep_object_lock (World *world)
{
  GST_OBJECT_LOCK (world->a->src);
  hold_here (NULL);
  GST_OBJECT_UNLOCK (world->a->src);
}

static void
prepare_oob (World *world)
{
  world->a->on_event = hold_here;
}

static void
push_oob (World *world)
{
  producer_event (world->p, "wl-oob", 1, FALSE);
}

static void
prepare_upstream_query (World *world)
{
  world->p->on_query = hold_here;
}

static void
prepare_upstream_event (World *world)
{
  world->q->on_event = hold_here;
}

static void
single_upstream_event (World *world)
{
  gst_pad_push_event (world->c->pad,
      gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("wl")));
}

const Call wl_calls[] = {
  { "eos-producer", "eos.p", eos_producer },
  { "eos-consumer", "eos.a", eos_consumer },
  { "eos-unrelated", "eos.q", eos_unrelated },
  { "listen-affected", "lis.a", listen_affected },
  { "listen-other", "lis.b", listen_other },
  { "listen-unrelated", "lis.c", listen_unrelated },
  { "detach-affected", "det.a", detach_affected },
  { "detach-other", "det.b", detach_other },
  { "detach-unrelated", "det.c", detach_unrelated },
  { "null-producer", "nul.p", null_producer },
  { "null-consumer", "nul.a", null_consumer },
  { "null-unrelated", "nul.q", null_unrelated },
  { "new-sink", "new.n", new_sink },
  { "new-sink-same-name", "new.p", new_sink_same },
  { "new-sink-same-down", "new.d", new_sink_same_down },
  { "new-source", "new.s", new_source },
  { "start-source", "sta.s", start_source },
  { "rename-sink", "ren.p", rename_sink },
  { "num-listeners", "num.p", num_listeners },
  { "flow-producer", "flo.p", flow_producer },
  { "flow-unrelated", "flo.q", flow_unrelated },
  { "upstream-event", "eve.a", upstream_event },
  { "upstream-query", "que.a", upstream_query },
  { "drop-sink", "dro.w", drop_sink },
  { "drop-newest-sink", "dro.n", drop_newest },
  { "drop-source", "dro.z", drop_source },
  { "loop-quit", "quit", quit_loop },
  { NULL, NULL, NULL },
};

guint
wl_n_calls (void)
{
  guint n = 0;

  while (wl_calls[n].name != NULL)
    n++;
  return n;
}

#define AT(name, about, prepare, step)                                                             \
  {                                                                                                \
    name, about, AT_LOCKS, FALSE, FALSE, FALSE, prepare, step, 0, 0                                \
  }
#define IN(name, about, prepare, step)                                                             \
  {                                                                                                \
    name, about, IN_CALLBACK, FALSE, FALSE, FALSE, prepare, step, 0, 0                             \
  }

const Operation wl_operations[] = {
  AT ("listen", "a, which listens to p, listens to r, which has other caps", NULL, listen),
  AT ("detach", "a listens to nothing", NULL, detach_affected),
  AT ("start", "another listener of p starts", NULL, start),
  AT ("stop", "a goes to NULL", NULL, null_consumer),
  AT ("sink-new", "a sink is made", NULL, sink_new),
  AT ("sink-same", "a sink is made that is called p, too", NULL, sink_same),
  AT ("sink-rename", "p is renamed", NULL, sink_rename),
  AT ("sink-drop", "x, which y listens to, is finalized", NULL, sink_drop),
  AT ("source-drop", "a source that is down is finalized", NULL, source_drop),
  AT ("push", "p gets a buffer", NULL, push),
  AT ("caps", "p gets other caps", NULL, push_caps),
  AT ("event", "p gets a serialized event", NULL, push_event),
  AT ("eos", "p gets EOS and forwards it", prepare_eos, eos_producer),
  AT ("up-event", "a gets an upstream event", NULL, upstream_event),
  AT ("up-query", "a gets a context query", NULL, upstream_query),
  AT ("num", "p's listeners are counted", NULL, num_listeners),
  { "create", "a's streaming thread fetches a buffer and an event", AT_LOCKS, TRUE, FALSE, TRUE,
      prepare_create, push_and_more, NULL, NULL },
  { "in-stream", "a's streaming thread is in a pad probe", IN_CALLBACK, TRUE, FALSE, FALSE,
      prepare_stream, push, NULL, NULL },
  { "in-block", "p's waits for a, which has block=true and stalls", IN_CALLBACK, TRUE, TRUE, FALSE,
      prepare_block, push_on, wait_blocked, release_blocked },
  { "in-object-lock", "a thread keeps a's object lock", IN_CALLBACK, FALSE, TRUE, FALSE, NULL,
      keep_object_lock, NULL, NULL },
  IN ("in-caps-query", "a listens to r, in a caps query behind a", prepare_caps_query, listen),
  IN ("in-reconfigure", "a listens to r, in a reconfigure event before r", prepare_reconfigure,
      listen),
  IN ("in-notify", "p is renamed, in a handler of notify::name", prepare_notify, sink_rename),
  IN ("in-oob-event", "p gets an out-of-band event, in its handler behind a", prepare_oob,
      push_oob),
  IN ("in-up-query", "a gets a context query, in its handler before p", prepare_upstream_query,
      upstream_query),
  IN ("in-up-event", "c gets an upstream event, in its handler before q", prepare_upstream_event,
      single_upstream_event),
  { NULL, NULL, AT_LOCKS, FALSE, FALSE, FALSE, NULL, NULL, NULL, NULL },
};

gchar *
holder_name (const Holder *holder)
{
  static const gchar *const hows[] = { "stall", "exit", "bare" };

  if (holder->k == 0)
    return g_strdup_printf ("%s-%s", holder->operation->name, hows[holder->how]);
  return g_strdup_printf ("%s-%u-%s", holder->operation->name, holder->k, hows[holder->how]);
}
