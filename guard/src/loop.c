/* SPDX-License-Identifier: MIT
 *
 * The flag is the truth, the source makes the loop look at it, the wakeup makes it look now.
 */
#include <wolf-guard/loop.h>

#include <stdatomic.h>

struct WgLoop {
  atomic_uint refs;
  GMainContext *context;
  GMainLoop *main_loop;
  GSource *source;
  atomic_llong stop_time; /* 0: no stop; set once, never cleared */
};

typedef struct {
  GSource parent;
  WgLoop *loop; /* borrowed: the loop destroys the source before it goes */
} StopSource;

static gboolean
stop_source_prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  return wg_loop_stopped (((StopSource *) source)->loop);
}

static gboolean
stop_source_check (GSource *source)
{
  return wg_loop_stopped (((StopSource *) source)->loop);
}

/* Runs inside an iteration of the run, after g_main_loop_run() has set its flag: this quit cannot be
 * the one that run() forgets. The source stays, for the next run. */
static gboolean
stop_source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  (void) callback;
  (void) data;
  g_main_loop_quit (((StopSource *) source)->loop->main_loop);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs stop_source_funcs = {
  .prepare = stop_source_prepare,
  .check = stop_source_check,
  .dispatch = stop_source_dispatch,
};

WgLoop *
wg_loop_new (void)
{
  WgLoop *loop = g_new0 (WgLoop, 1);

  atomic_init (&loop->refs, 1);
  loop->context = g_main_context_new ();
  loop->main_loop = g_main_loop_new (loop->context, FALSE);
  loop->source = g_source_new (&stop_source_funcs, sizeof (StopSource));
  ((StopSource *) loop->source)->loop = loop;
  g_source_set_name (loop->source, "wolf-guard stop");
  g_source_set_priority (loop->source, G_PRIORITY_HIGH);
  g_source_attach (loop->source, loop->context);
  return loop;
}

WgLoop *
wg_loop_ref (WgLoop *loop)
{
  atomic_fetch_add_explicit (&loop->refs, 1, memory_order_relaxed);
  return loop;
}

void
wg_loop_unref (WgLoop *loop)
{
  if (!loop || atomic_fetch_sub_explicit (&loop->refs, 1, memory_order_acq_rel) != 1)
    return;
  g_source_destroy (loop->source);
  g_source_unref (loop->source);
  g_main_loop_unref (loop->main_loop);
  g_main_context_unref (loop->context);
  g_free (loop);
}

GMainContext *
wg_loop_context (WgLoop *loop)
{
  return loop->context;
}

GMainLoop *
wg_loop_main_loop (WgLoop *loop)
{
  return loop->main_loop;
}

gboolean
wg_loop_run (WgLoop *loop)
{
  g_main_loop_run (loop->main_loop);
  return wg_loop_stopped (loop);
}

void
wg_loop_stop (WgLoop *loop)
{
  long long none = 0;

  atomic_compare_exchange_strong (&loop->stop_time, &none, (long long) g_get_monotonic_time ());
  g_main_context_wakeup (loop->context);
}

gboolean
wg_loop_stopped (WgLoop *loop)
{
  return atomic_load (&loop->stop_time) != 0;
}

gint64
wg_loop_stop_time (WgLoop *loop)
{
  return atomic_load (&loop->stop_time);
}
