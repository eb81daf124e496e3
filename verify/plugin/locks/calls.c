/* SPDX-License-Identifier: MIT */
/* calls.c: what may have to wait. */
#include "locks.h"

gint wl_lost;
gint64 wl_returned;

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
  take_listen_here (world->a, "q");
}

static void
listen_other (World *world)
{
  take_listen_here (world->b, "r");
}

static void
listen_unrelated (World *world)
{
  take_listen_here (world->c, "r");
}

static void
detach_affected (World *world)
{
  take_listen_here (world->a, NULL);
}

static void
detach_other (World *world)
{
  take_listen_here (world->b, NULL);
}

static void
detach_unrelated (World *world)
{
  take_listen_here (world->c, NULL);
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
  feed_new_here ("fresh", 7, 64, GST_STATE_PLAYING);
}

static void
new_sink_same (World *world)
{
  (void) world;
  feed_new_here ("p", 7, 64, GST_STATE_PLAYING);
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
  take_new ("fresh-source", "p");
}

static void
start_source (World *world)
{
  gst_element_set_state (world->s->src, GST_STATE_PLAYING);
}

static void
rename_sink (World *world)
{
  feed_rename (world->p, "p2");
}

static void
num_listeners (World *world)
{
  feed_num_listeners (world->p);
}

static void
flow (Feed *feed, Take *take)
{
  const gint number = g_atomic_int_get (&feed->number);

  feed_push (feed);
  wl_returned = g_get_monotonic_time ();
  if (!take_wait (take, feed->id, number, LIMIT_MS))
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
  feed_drop (world->w);
}

/* Its listener hears the older sink of its name, without waiting for whoever keeps a lock. */
static void
drop_newest (World *world)
{
  feed_drop (world->newest);
  flow (world->older, world->heir);
}

static void
drop_source (World *world)
{
  take_drop (world->z);
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
