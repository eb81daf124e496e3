/* SPDX-License-Identifier: MIT
 *
 * The flag is the truth, the source makes the loop look at it, the wakeup makes it look now.
 */
#include "loop-private.h"

#include "sync.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <wolf-guard/beat.h>

/* A loop is refused when fewer descriptors are left: what its owner opens next needs some as
 * well. */
#define DESCRIPTORS_LEFT 8

typedef struct Semaphore Semaphore;
struct Semaphore {
  sem_t sem;
  Semaphore *next;
};

struct WgLoop {
  atomic_uint refs;
  GMainContext *context;
  GMainLoop *main_loop;
  GSource *source;
  WgBeat *beat;                     /* NULL: not watched */
  atomic_llong stop_time;           /* 0: no stop; set once, never cleared */
  _Atomic (Semaphore *) semaphores; /* only ever added to, so that a stop needs no lock */
};

typedef struct {
  GSource parent;
  WgLoop *loop; /* borrowed: the loop destroys the source before it goes */
} StopSource;

static gboolean
stop_source_prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  return wg_loop_is_stopped (((StopSource *) source)->loop);
}

static gboolean
stop_source_check (GSource *source)
{
  return wg_loop_is_stopped (((StopSource *) source)->loop);
}

/* Runs inside an iteration of the run, after g_main_loop_run() has set its flag: this quit cannot
 * be the one that run() forgets. The source stays, for the next run. */
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

/* GLib ends the process when a context finds no descriptor for its eventfd. */
static gboolean
has_descriptors (void)
{
  int fds[DESCRIPTORS_LEFT], n = 0;
  gboolean enough;

  while (n < DESCRIPTORS_LEFT && (fds[n] = eventfd (0, EFD_CLOEXEC)) >= 0)
    n++;
  enough = n == DESCRIPTORS_LEFT;
  while (n > 0)
    close (fds[--n]);
  return enough;
}

WgLoop *
wg_loop_new (void)
{
  WgLoop *loop;

  if (!has_descriptors ())
    return NULL;
  loop = g_new0 (WgLoop, 1);
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
  Semaphore *semaphore;

  if (!loop || atomic_fetch_sub_explicit (&loop->refs, 1, memory_order_acq_rel) != 1)
    return;
  while ((semaphore = atomic_load (&loop->semaphores))) {
    atomic_store (&loop->semaphores, semaphore->next);
    sem_destroy (&semaphore->sem);
    g_free (semaphore);
  }
  wg_beat_free (loop->beat);
  g_source_destroy (loop->source);
  g_source_unref (loop->source);
  g_main_loop_unref (loop->main_loop);
  g_main_context_unref (loop->context);
  g_free (loop);
}

GMainContext *
wg_loop_get_context (WgLoop *loop)
{
  return loop->context;
}

GMainLoop *
wg_loop_get_main_loop (WgLoop *loop)
{
  return loop->main_loop;
}

void
wg_loop_watch (WgLoop *loop, const char *name)
{
  if (!loop->beat)
    loop->beat = wg_beat_new_for_context (name, loop->context, loop->main_loop);
}

gboolean
wg_loop_run (WgLoop *loop)
{
  g_main_loop_run (loop->main_loop);
  return wg_loop_is_stopped (loop);
}

void
wg_loop_stop (WgLoop *loop)
{
  long long none = 0;

  if (!loop)
    return;
  atomic_compare_exchange_strong (&loop->stop_time, &none, (long long) wg_clock_now ());
  g_main_context_wakeup (loop->context);
  for (Semaphore *s = atomic_load (&loop->semaphores); s; s = s->next)
    sem_post (&s->sem);
}

sem_t *
wg_loop_add_semaphore (WgLoop *loop)
{
  Semaphore *semaphore = g_new0 (Semaphore, 1);

  sem_init (&semaphore->sem, 0, 0);
  semaphore->next = atomic_load (&loop->semaphores);
  while (!atomic_compare_exchange_weak (&loop->semaphores, &semaphore->next, semaphore))
    ;
  return &semaphore->sem;
}

gboolean
wg_loop_is_stopped (WgLoop *loop)
{
  return atomic_load (&loop->stop_time) != 0;
}

gint64
wg_loop_get_stop_time (WgLoop *loop)
{
  return atomic_load (&loop->stop_time);
}
