/* SPDX-License-Identifier: MIT */
/* operations.c: what a thread was doing when it stalled or died. */
#include "locks.h"

const WgHolders *wl_holders;
guint wl_arm_k;
WgHow wl_arm_how;

static void
hold_here (gpointer data)
{
  (void) data;
  wl_holders->hold_here ();
}

static void
listen (World *world)
{
  take_listen_here (world->a, "r");
}

static void
detach (World *world)
{
  take_listen_here (world->a, NULL);
}

static void
start (World *world)
{
  gst_element_set_state (world->t->src, GST_STATE_PLAYING);
}

static void
stop (World *world)
{
  gst_element_set_state (world->a->src, GST_STATE_NULL);
}

static void
sink_new (World *world)
{
  (void) world;
  feed_new_here ("held", 8, 64, GST_STATE_NULL);
}

static void
sink_same (World *world)
{
  (void) world;
  feed_new_here ("p", 8, 64, GST_STATE_NULL);
}

static void
sink_rename (World *world)
{
  feed_rename (world->p, "p3");
}

static void
sink_drop (World *world)
{
  feed_drop (world->x);
}

static void
source_drop (World *world)
{
  take_drop (world->t);
}

static void
push (World *world)
{
  feed_push (world->p);
}

static void
push_caps (World *world)
{
  feed_caps (world->p, 96);
}

static void
push_event (World *world)
{
  feed_event (world->p, "wl", 1, TRUE);
}

static void
prepare_eos (World *world)
{
  g_object_set (world->p->sink, "forward-eos", TRUE, NULL);
}

static void
push_eos (World *world)
{
  gst_pad_push_event (world->p->pad, gst_event_new_eos ());
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
num_listeners (World *world)
{
  feed_num_listeners (world->p);
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

/* For a and b to get what was pushed: one of them gets nothing once the armed thread has stopped. */
#define SHORTLY_MS 300
/* Enough for the armed thread to get on if another one takes over half of what it delivered. */
#define MORE_PUSHES 8

static void
push_to_both (World *world)
{
  const gint number = g_atomic_int_get (&world->p->number);

  feed_push (world->p);
  take_wait (world->a, world->p->id, number, SHORTLY_MS);
  take_wait (world->b, world->p->id, number, SHORTLY_MS);
}

static gboolean
is_to_get_on (void)
{
  return wl_arm_k != WG_HOLDERS_NEVER && wl_holders->count () < wl_arm_k;
}

/* The armed thread's next round takes an event, too. Nothing is pushed before a and b have what was pushed last, so
 * that each lock has its turn. */
static void
push_and_more (World *world)
{
  push_to_both (world);
  feed_event (world->p, "wl", 1, TRUE);
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
  take_stall (world->a);
  world->p->running = TRUE;
}

static void
push_on (World *world)
{
  feed_run (world->p);
}

static gboolean
wait_blocked (World *world)
{
  return take_wait_stalled (world->a, NEVER_MS) && feed_wait_stalled (world->p, NEVER_MS);
}

static void
release_blocked (World *world)
{
  g_atomic_int_set (&world->p->running, FALSE);
  take_go_on (world->a);
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
  feed_event (world->p, "wl-oob", 1, FALSE);
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

#define AT(name, about, prepare, act)                                                              \
  {                                                                                                \
    name, about, AT_LOCKS, FALSE, FALSE, FALSE, prepare, act, 0, 0                                 \
  }
#define IN(name, about, prepare, act)                                                              \
  {                                                                                                \
    name, about, IN_CALLBACK, FALSE, FALSE, FALSE, prepare, act, 0, 0                              \
  }

const Operation wl_operations[] = {
  AT ("listen", "a, which listens to p, listens to r, which has other caps", NULL, listen),
  AT ("detach", "a listens to nothing", NULL, detach),
  AT ("start", "another listener of p starts", NULL, start),
  AT ("stop", "a goes to NULL", NULL, stop),
  AT ("sink-new", "a sink is made", NULL, sink_new),
  AT ("sink-same", "a sink is made that is called p, too", NULL, sink_same),
  AT ("sink-rename", "p is renamed", NULL, sink_rename),
  AT ("sink-drop", "x, which y listens to, is finalized", NULL, sink_drop),
  AT ("source-drop", "a source that is down is finalized", NULL, source_drop),
  AT ("push", "p gets a buffer", NULL, push),
  AT ("caps", "p gets other caps", NULL, push_caps),
  AT ("event", "p gets a serialized event", NULL, push_event),
  AT ("eos", "p gets EOS and forwards it", prepare_eos, push_eos),
  AT ("up-event", "a gets an upstream event", NULL, upstream_event),
  AT ("up-query", "a gets a context query", NULL, upstream_query),
  AT ("num", "p's listeners are counted", NULL, num_listeners),
  { "create", "a's streaming thread fetches a buffer and an event", AT_LOCKS, TRUE, FALSE, TRUE,
      prepare_create, push_and_more, NULL, NULL },
  { "in-stream", "a's streaming thread is in a pad probe", IN_CALLBACK, TRUE, FALSE, FALSE,
      prepare_stream, push, NULL, NULL },
  { "in-block", "p's waits for a, which has block=true and stalls", IN_CALLBACK, TRUE, TRUE, FALSE,
      prepare_block, push_on, wait_blocked, release_blocked },
  { "in-object-lock", "a's object lock is kept by somebody", IN_CALLBACK, FALSE, TRUE, FALSE, NULL,
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
