/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "case.h"
#include "job.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* What is over must work again within. */
#define AGAIN_MS 2000
/* Counting is over when the operation is; a thread that counts itself may need a moment. */
#define MOMENT_MS 20
/* A holder's stack outlives it: GLib keeps signal emissions on it, in a list of all threads, so
 * that whoever emits one after such a death would crash, whatever the plugin. PAD keeps those that
 * clean up after the thread off what was there. */
#define STACK (1024 * 1024)
#define PAD (256 * 1024)

static Case *seen_here;

typedef struct {
  World *world;
  const Holder *holder;
  void (*step) (World *world);
  gboolean counts;
  gint64 began, ended; /* µs; read after job_wait says that it is over */
} Work;

typedef struct {
  Work work;
  sem_t over;
} Holding;

static GLogWriterOutput
count_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  (void) data;

  if (!(level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)))
    return G_LOG_WRITER_HANDLED;
  const gboolean first = g_atomic_int_add (&seen_here->criticals, 1) == 0;
  for (gsize i = 0; first && i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      g_strlcpy (seen_here->message, fields[i].value, sizeof seen_here->message);
  return G_LOG_WRITER_HANDLED;
}

static gpointer
do_holder (gpointer data)
{
  Holding *holding = data;
  const Work *work = &holding->work;
  const Holder *holder = work->holder;
  const guint k = holder->k == 0 || work->counts ? WG_HOLDERS_NEVER : holder->k;
  volatile gchar pad[PAD];

  pad[0] = 0;
  (void) pad;
  if (!holder->operation->arms_itself)
    wl_holders->arm (k, holder->how);
  work->step (work->world);
  sem_post (&holding->over);
  return NULL;
}

static gboolean
holding_wait (Holding *holding, guint ms)
{
  const gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;
  const struct timespec at = { until / G_USEC_PER_SEC, until % G_USEC_PER_SEC * 1000 };

  return sem_clockwait (&holding->over, CLOCK_MONOTONIC, &at) == 0;
}

static void
do_call (gpointer data)
{
  Work *work = data;

  work->began = g_get_monotonic_time ();
  work->step (work->world);
  work->ended = wl_returned ? wl_returned : g_get_monotonic_time ();
}

static Holding *
start_holder (World *world, const Holder *holder, gboolean counts)
{
  Holding *holding = g_new0 (Holding, 1);
  pthread_attr_t attributes;
  pthread_t thread;

  holding->work.world = world;
  holding->work.holder = holder;
  holding->work.step = holder->operation->step;
  holding->work.counts = counts;
  sem_init (&holding->over, 0, 0);
  /* Known before the first callback: arm() tells only when the thread runs. */
  wl_arm_k = holder->k == 0 || counts ? WG_HOLDERS_NEVER : holder->k;
  wl_arm_how = holder->how;
  if (holder->operation->arms_itself && holder->k == 0)
    wl_holders->arm (WG_HOLDERS_NEVER, holder->how);
  if (holder->operation->prepare != NULL)
    holder->operation->prepare (world);
  gpointer stack = mmap (NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_attr_init (&attributes);
  pthread_attr_setdetachstate (&attributes, PTHREAD_CREATE_DETACHED);
  if (stack == MAP_FAILED || pthread_attr_setstack (&attributes, stack, STACK) != 0
      || pthread_create (&thread, &attributes, do_holder, holding) != 0)
    g_error ("no thread");
  return holding;
}

static void
count (World *world, const Holder *holder, Case *seen)
{
  Holding *holding = start_holder (world, holder, TRUE);

  if (!holding_wait (holding, NEVER_MS))
    return;
  if (holder->operation->arms_itself)
    g_usleep (MOMENT_MS * G_TIME_SPAN_MILLISECOND);
  seen->count = wl_holders->count ();
  seen->state = CASE_RUN;
}

/* Returns the world as it is for calls; NULL: the holder does not get there. */
static World *
wait_held (World *world, const Options *options, const Holder *holder, Case *seen)
{
  WgHeld held = { 0 };
  g_autoptr (GString) text = g_string_new (NULL);

  if (holder->operation->wait_held != NULL) {
    g_strlcpy (seen->holds, "block=true", sizeof seen->holds);
    return holder->operation->wait_held (world) ? world : NULL;
  }
  if (!wl_holders->wait_held (NEVER_MS, &held))
    return NULL;
  for (guint i = 0; i < held.n; i++) {
    g_autofree gchar *name =
        world_name_lock (world, options->plugin, held.locks[i], held.of_glib[i]);
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", name);
  }
  g_strlcpy (seen->holds, text->str, sizeof seen->holds);
  World *turned = holder->operation->delivers ? world_turn_to (world, &held) : world;
  seen->turned = turned != world;
  return turned;
}

/* Where everybody stands. gdb is a process of its own, and may trace its parent. */
static void
show_threads (const Options *options, const Holder *holder, const Call *call)
{
  g_autofree gchar *name = holder_name (holder);
  g_autofree gchar *command = g_strdup_printf (
      "gdb -p %d -batch -ex 'thread apply all bt 24' > '%s/%s+%s.txt' 2> /dev/null < /dev/null",
      getpid (), options->gdb, name, call->name);
  const gchar *argv[] = { "/bin/sh", "-c", command, NULL };

  g_unsetenv ("LD_PRELOAD");
  g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, NULL, NULL);
}

static void
go_on (World *world, const Options *options, const Holder *holder, const Call *call,
    Holding *holding, Job *calling, Case *seen)
{
  const gboolean after = g_str_equal (options->side, "after");

  if (holder->how == WG_HOLD_STALL) {
    if (holder->operation->release != NULL)
      holder->operation->release (world);
    else
      wl_holders->release ();
    seen->stuck = !holding_wait (holding, NEVER_MS);
    seen->late = seen->ms < 0 && !job_wait (calling, NEVER_MS);
    if (options->gdb != NULL && (seen->stuck || seen->late))
      show_threads (options, holder, call);
  }
  /* Where it is known not to, it is not waited for twice. */
  seen->pair = world_new_pair_delivers (world, after ? AGAIN_MS : AGAIN_MS / 2);
  seen->other = after ? world_other_listener_switches (world, AGAIN_MS) : seen->pair;
}

/* ---- how busy the machine is ---- */

#define NAP_US 1000

static atomic_llong late_us;

/* What a thread is late by that needs nothing but a processor, a call's threads are late by as
 * well. */
static void *
nap (void *unused)
{
  gint64 slept = g_get_monotonic_time ();

  (void) unused;
  for (;;) {
    g_usleep (NAP_US);
    const gint64 now = g_get_monotonic_time ();
    atomic_fetch_add (&late_us, MAX (now - slept - NAP_US, 0));
    slept = now;
  }
  return NULL;
}

static void
start_napping (void)
{
  pthread_t thread;

  if (pthread_create (&thread, NULL, nap, NULL) != 0)
    g_error ("no thread");
}

void
case_run (const Options *options, const Holder *holder, const Call *call, Case *seen)
{
  World *world;

  seen_here = seen;
  g_log_set_writer_func (count_log, NULL, NULL);
  seen->state = CASE_NOT_SET_UP;
  world = world_new ();
  if (world == NULL)
    return;
  if (call == NULL) {
    count (world, holder, seen);
    return;
  }

  seen->state = CASE_NOT_HELD;
  Holding *holding = start_holder (world, holder, FALSE);
  world = wait_held (world, options, holder, seen);
  if (world == NULL)
    return;

  Work *work = g_new0 (Work, 1);
  work->world = world;
  work->step = call->step;
  seen->ms = -1;
  seen->state = CASE_RUN;
  start_napping ();
  Job *calling = job_start (do_call, work);
  const gboolean returned = job_wait (calling, NEVER_MS);
  seen->busy = (gdouble) atomic_load (&late_us) / G_TIME_SPAN_MILLISECOND;
  if (returned)
    seen->ms = (gdouble) (work->ended - work->began) / G_TIME_SPAN_MILLISECOND;
  seen->lost = g_atomic_int_get (&wl_lost);
  if (options->gdb != NULL && seen->ms < 0)
    show_threads (options, holder, call);
  go_on (world, options, holder, call, holding, calling, seen);
}
