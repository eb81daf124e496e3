/* SPDX-License-Identifier: MIT
 *
 * Tasks run in order, one at a time for each queue. A stuck one costs its thread and nothing else.
 */
#include "gate.h"
#include "support.h"

#include <stdatomic.h>
#include <wolf-guard/dispatch.h>
#include <wolf-guard/inspect.h>

#define LIMIT_MS 5000
#define LOST_MAX 2
#define THREADS 4
#define TASKS 60 /* fewer than WG_DISPATCH_QUEUE_MAX */

static WgDispatchStatus
status (void)
{
  WgDispatchStatus now;

  wg_dispatch_get_status (&now);
  return now;
}

/* --- tasks */

typedef struct {
  guint number;
  guint *next; /* the queue's; not atomic, for TSan to see two tasks at once */
} Numbered;

static atomic_uint ran, freed;
static Gate gate = GATE_INIT, other_gate = GATE_INIT;

static void
numbered (gpointer data)
{
  const Numbered *task = data;

  g_assert_cmpuint (task->number, ==, *task->next);
  ++*task->next;
  atomic_fetch_add (&ran, 1);
}

static void
free_counted (gpointer data)
{
  g_free (data);
  atomic_fetch_add (&freed, 1);
}

static void
stand (gpointer data)
{
  gate_pass (data);
  atomic_fetch_add (&ran, 1);
}

static void
count (gpointer unused)
{
  (void) unused;
  atomic_fetch_add (&ran, 1);
}

static guint64
post (WgDispatch *queue, void (*func) (gpointer), gpointer data)
{
  const WgTask task = { .what = "test", .func = func, .data = data, .limit_ms = LIMIT_MS };

  return wg_dispatch_post (queue, &task, NULL);
}

static void
post_stuck (WgDispatch *queue, guint standing)
{
  g_assert_cmpuint (post (queue, stand, &gate), !=, 0);
  gate_await (&gate, standing);
}

static guint64
post_numbered (WgDispatch *queue, guint number, guint *next)
{
  Numbered *data = g_new (Numbered, 1);
  const WgTask task = {
    .what = "numbered", .func = numbered, .data = data, .notify = free_counted
  };

  *data = (Numbered){ number, next };
  return wg_dispatch_post (queue, &task, NULL);
}

static void
begin (void)
{
  atomic_store (&ran, 0);
  atomic_store (&freed, 0);
  log_watch ();
}

static gboolean
have_run (guint *n)
{
  return atomic_load (&ran) == *n;
}

static gboolean
are_freed (guint *n)
{
  return atomic_load (&freed) == *n;
}

static gboolean
is_quiet (gpointer unused)
{
  WgDispatchStatus now = status ();

  (void) unused;
  return now.queued == 0 && now.running == 0 && now.lost == 0;
}

static void
await_ran (guint n)
{
  assert_comes (have_run, &n);
}

static void
await_freed (guint n)
{
  assert_comes (are_freed, &n);
}

/* What each test leaves behind: nothing, and no threads after the idle time. */
static gboolean
no_threads (gpointer unused)
{
  (void) unused;
  clock_advance_ms (1000);
  return status ().threads == 0;
}

static void
end (WgDispatch *queue)
{
  wg_dispatch_unref (queue);
  assert_comes (is_quiet, NULL);
}

/* --- order */

static void
test_order (void)
{
  WgDispatch *queues[] = { wg_dispatch_get ("a"), wg_dispatch_get ("b"), wg_dispatch_get ("c") };
  guint next[G_N_ELEMENTS (queues)] = { 0 };

  begin ();
  for (guint i = 0; i < TASKS; i++)
    for (guint q = 0; q < G_N_ELEMENTS (queues); q++)
      g_assert_cmpuint (post_numbered (queues[q], i, &next[q]), !=, 0);
  await_freed (TASKS * G_N_ELEMENTS (queues));
  g_assert_cmpuint (atomic_load (&ran), ==, TASKS * G_N_ELEMENTS (queues));
  for (guint q = 0; q < G_N_ELEMENTS (queues); q++) {
    g_assert_cmpuint (next[q], ==, TASKS);
    end (queues[q]);
  }
}

/* A queue that is stuck holds up nobody but itself; one name is one queue. */
static void
test_queues_apart (void)
{
  WgDispatch *stuck = wg_dispatch_get ("stuck"), *other = wg_dispatch_get ("other");
  WgDispatch *same = wg_dispatch_get ("stuck");

  begin ();
  g_assert_true (same == stuck);
  wg_dispatch_unref (same);
  gate_close (&gate);
  post_stuck (stuck, 1);
  g_assert_cmpuint (post (stuck, count, NULL), !=, 0);
  g_assert_cmpuint (post (other, count, NULL), !=, 0);
  await_ran (1);
  gate_open (&gate);
  await_ran (3);
  end (stuck);
  end (other);
}

/* --- refusals, cancellation, close */

static void
test_full (void)
{
  WgDispatch *queue = wg_dispatch_get ("full");
  WgDispatchStatus before = status ();
  WgDispatchRefusal why = 0;
  guint next = 0;
  Numbered *data = g_new0 (Numbered, 1);
  const WgTask task = {
    .what = "one too many", .func = numbered, .data = data, .notify = free_counted
  };

  begin ();
  gate_close (&gate);
  post_stuck (queue, 1);
  for (guint i = 0; i < WG_DISPATCH_QUEUE_MAX; i++)
    g_assert_cmpuint (post_numbered (queue, i, &next), !=, 0);
  g_assert_cmpuint (wg_dispatch_post (queue, &task, &why), ==, 0);
  g_assert_cmpint (why, ==, WG_DISPATCH_FULL);
  g_assert_cmpuint (atomic_load (&freed), ==, 1);
  g_assert_cmpuint (status ().refused, ==, before.refused + 1);
  gate_open (&gate);
  await_freed (WG_DISPATCH_QUEUE_MAX + 1);
  end (queue);
}

static void
test_cancel (void)
{
  WgDispatch *queue = wg_dispatch_get ("cancel");
  WgDispatchStatus before = status ();
  guint next = 0;
  guint64 stuck, cancelled;

  begin ();
  gate_close (&gate);
  stuck = post (queue, stand, &gate);
  gate_await (&gate, 1);
  g_assert_cmpuint (post_numbered (queue, 0, &next), !=, 0);
  cancelled = post_numbered (queue, 99, &next);
  g_assert_cmpuint (post_numbered (queue, 1, &next), !=, 0);
  g_assert_true (wg_dispatch_cancel (queue, cancelled));
  g_assert_cmpuint (atomic_load (&freed), ==, 1);
  g_assert_false (wg_dispatch_cancel (queue, cancelled));
  g_assert_false (wg_dispatch_cancel (queue, stuck)); /* it has begun */
  gate_open (&gate);
  await_freed (3);
  g_assert_cmpuint (next, ==, 2);
  g_assert_cmpuint (status ().cancelled, ==, before.cancelled + 1);
  end (queue);
}

/* Tasks of an owner that has ended are dropped and counted; the name is free for the next owner. */
static void
test_close (void)
{
  WgDispatch *queue = wg_dispatch_get ("owner"), *next_owner;
  WgDispatchStatus before = status ();
  WgDispatchRefusal why = 0;
  const WgTask task = { .what = "late", .func = count };
  guint next = 0;

  begin ();
  gate_close (&gate);
  post_stuck (queue, 1);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (post_numbered (queue, i, &next), !=, 0);
  wg_dispatch_close (queue);
  wg_dispatch_close (queue);
  g_assert_cmpuint (atomic_load (&freed), ==, 3);
  g_assert_cmpuint (status ().dropped_closed, ==, before.dropped_closed + 3);
  g_assert_cmpuint (wg_dispatch_post (queue, &task, &why), ==, 0);
  g_assert_cmpint (why, ==, WG_DISPATCH_CLOSED);

  next_owner = wg_dispatch_get ("owner");
  g_assert_true (next_owner != queue);
  g_assert_cmpuint (post_numbered (next_owner, 0, &next), !=, 0); /* beside the old one's last */
  await_ran (1);
  wg_dispatch_unref (queue);
  gate_open (&gate);
  await_ran (2);
  end (next_owner);
}

/* The last reference is dropped: what waits still runs. */
static void
test_unref_with_tasks (void)
{
  WgDispatch *queue = wg_dispatch_get ("short");
  guint next = 0;

  begin ();
  gate_close (&gate);
  post_stuck (queue, 1);
  g_assert_cmpuint (post_numbered (queue, 0, &next), !=, 0);
  wg_dispatch_unref (queue);
  gate_open (&gate);
  await_freed (1);
  assert_comes (is_quiet, NULL);
  wg_dispatch_unref (NULL);
}

static void
close_itself (gpointer queue)
{
  g_assert_cmpuint (post (queue, count, NULL), !=, 0);
  wg_dispatch_close (queue);
  wg_dispatch_unref (queue);
  atomic_fetch_add (&ran, 1);
}

static void
test_from_a_task (void)
{
  begin ();
  WgDispatch *queue = wg_dispatch_get ("itself");

  g_assert_cmpuint (post (queue, close_itself, queue), !=, 0);
  await_ran (1);
  assert_comes (is_quiet, NULL);
  g_assert_cmpuint (atomic_load (&ran), ==, 1);
}

/* --- time */

static void
test_deadline (void)
{
  WgDispatch *queue = wg_dispatch_get ("deadline");
  WgDispatchStatus before = status ();
  WgTask task = { .what = "in time or never", .func = numbered, .notify = free_counted };

  begin ();
  gate_close (&gate);
  post_stuck (queue, 1);
  task.data = g_new0 (Numbered, 1);
  task.deadline_ms = 1000;
  g_assert_cmpuint (wg_dispatch_post (queue, &task, NULL), !=, 0);
  g_assert_cmpuint (post (queue, count, NULL), !=, 0);
  clock_advance_ms (1000);
  await_freed (1); /* while the queue is still stuck */
  g_assert_cmpuint (status ().dropped_late, ==, before.dropped_late + 1);
  gate_open (&gate);
  await_ran (2);
  end (queue);
}

static void
test_delay (void)
{
  WgDispatch *queue = wg_dispatch_get ("delay");
  WgTask task = { .what = "later", .func = count, .delay_ms = 60000 };

  begin ();
  g_assert_cmpuint (wg_dispatch_post (queue, &task, NULL), !=, 0);
  g_assert_cmpuint (post (queue, count, NULL), !=, 0); /* overtakes it */
  await_ran (1);
  g_assert_cmpuint (status ().queued, ==, 1);
  clock_advance_ms (60000);
  await_ran (2);
  end (queue);
}

static gboolean
is_lost (guint *n)
{
  return status ().lost == *n;
}

static void
await_lost (guint n)
{
  assert_comes (is_lost, &n);
}

/* Over its limit: the queue goes on, the thread is counted until its task returns. */
static void
test_written_off (void)
{
  WgDispatch *queue = wg_dispatch_get ("slow");
  WgDispatchStatus before = status ();

  begin ();
  gate_close (&gate);
  post_stuck (queue, 1);
  g_assert_cmpuint (post (queue, count, NULL), !=, 0);
  clock_advance_ms (LIMIT_MS - 1000);
  g_assert_cmpuint (status ().lost, ==, 0);
  clock_advance_ms (1000);
  await_lost (1);
  await_ran (1);
  g_assert_false (status ().failing);
  log_await ("'test' of queue 'slow' runs for 5.0 s; its thread is written off (1 of 2)");
  gate_open (&gate);
  await_lost (0);
  await_ran (2);
  end (queue);
  g_assert_cmpuint (status ().written_off, ==, before.written_off + 1);
  g_assert_cmpuint (status ().recovered, ==, before.recovered + 1);
  assert_comes (no_threads, NULL);
  log_await ("returned after 5.0 s");
}

/* Too many: failing; no thread in place of those, so in the end posts are refused and none waits
 * for ever. */
static void
test_failing (void)
{
  enum { ALL = THREADS + LOST_MAX };
  WgDispatch *queue = wg_dispatch_get ("fails");
  const WgTask task = { .what = "test", .func = count };
  WgDispatchRefusal why = 0;

  begin ();
  gate_close (&gate);
  for (guint i = 1; i <= ALL; i++) {
    post_stuck (queue, i);
    clock_advance_ms (LIMIT_MS);
    await_lost (i);
    g_assert_cmpint (status ().failing, ==, i > LOST_MAX);
  }
  log_await ("FAILING: 3 threads of the dispatcher are lost");
  g_assert_cmpuint (wg_dispatch_post (queue, &task, &why), ==, 0);
  g_assert_cmpint (why, ==, WG_DISPATCH_NO_THREAD);
  gate_open (&gate);
  await_lost (0);
  g_assert_false (status ().failing);
  g_assert_cmpuint (post (queue, count, NULL), !=, 0);
  await_ran (ALL + 1);
  end (queue);
}

static void
exit_thread (gpointer unused)
{
  (void) unused;
  pthread_exit (NULL);
}

/* A task that ends its thread blocks its queue until its limit, no longer. */
static void
test_dead_thread (void)
{
  WgDispatch *queue;

  if (run_in_child ())
    return;
  begin ();
  queue = wg_dispatch_get ("dead");
  g_assert_cmpuint (post (queue, exit_thread, NULL), !=, 0);
  g_assert_cmpuint (post (queue, count, NULL), !=, 0);
  while (status ().lost == 0) {
    clock_advance_ms (LIMIT_MS);
    g_usleep (1000);
  }
  await_ran (1);
  wg_dispatch_unref (queue);
  _exit (0); /* the task's memory is lost with its thread */
}

/* Never more threads than the setting says, and none when nothing is to be done. */
static void
test_pool_size (void)
{
  enum { QUEUES = 3 * THREADS };
  WgDispatch *queues[QUEUES];

  begin ();
  gate_close (&gate);
  for (guint i = 0; i < QUEUES; i++) {
    g_autofree char *name = g_strdup_printf ("pool %u", i);

    queues[i] = wg_dispatch_get (name);
    g_assert_cmpuint (post (queues[i], stand, &gate), !=, 0);
    wg_dispatch_unref (queues[i]);
  }
  gate_await (&gate, THREADS);
  g_assert_cmpuint (status ().threads, ==, THREADS);
  g_assert_cmpuint (status ().queued, ==, QUEUES - THREADS);
  gate_open (&gate);
  await_ran (QUEUES);
  assert_comes (no_threads, NULL);
}

/* --- no threads to be had */

static void
test_no_thread (void)
{
  WgDispatch *queue, *other;
  WgTask task = { .what = "test", .func = count };
  WgDispatchRefusal why = 0;

  if (run_in_child ())
    return;
  begin ();
  queue = wg_dispatch_get ("first");
  other = wg_dispatch_get ("second");
  threads_refuse (TRUE);
  g_assert_cmpuint (wg_dispatch_post (queue, &task, &why), ==, 0);
  g_assert_cmpint (why, ==, WG_DISPATCH_NO_THREAD);
  threads_refuse (FALSE);
  gate_close (&gate);
  post_stuck (queue, 1);
  threads_refuse (TRUE);
  g_assert_cmpuint (post (other, count, NULL), !=, 0); /* waits for the one that there is */
  gate_open (&gate);
  await_ran (2);
  /* A replacement that cannot be made is asked for again. */
  gate_close (&gate);
  post_stuck (queue, 1);
  clock_advance_ms (LIMIT_MS);
  await_lost (1);
  task.delay_ms = 10;
  threads_refuse (FALSE);
  g_assert_cmpuint (wg_dispatch_post (queue, &task, &why), !=, 0);
  clock_advance_ms (2000);
  await_ran (3);
  gate_open (&gate);
  await_ran (4);
  wg_dispatch_unref (other);
  end (queue);
}

/* --- the end of the process */

static gpointer
drain (gpointer limit_ms)
{
  return GUINT_TO_POINTER (wg_dispatch_drain (GPOINTER_TO_UINT (limit_ms)));
}

static gboolean
refuses (WgDispatch *queue)
{
  return post (queue, g_free /* of nothing */, NULL) == 0;
}

static gboolean
one_waits (gpointer unused)
{
  (void) unused;
  return status ().queued == 1 && status ().running == 1;
}

static void
test_drain (void)
{
  WgDispatch *queue, *stuck;
  WgTask later = { .what = "later", .func = count, .delay_ms = G_MAXUINT };
  GThread *drainer;

  if (run_in_child ())
    return;
  begin ();
  queue = wg_dispatch_get ("drain");
  stuck = wg_dispatch_get ("stuck");
  gate_close (&gate);
  gate_close (&other_gate);
  post_stuck (stuck, 1);
  g_assert_cmpuint (post (stuck, count, NULL), !=, 0); /* will be dropped */
  g_assert_cmpuint (post (queue, stand, &other_gate), !=, 0);
  gate_await (&other_gate, 1);
  g_assert_cmpuint (post (queue, count, NULL), !=, 0);
  g_assert_cmpuint (wg_dispatch_post (queue, &later, NULL), !=, 0);
  drainer = g_thread_new ("drainer", drain, GUINT_TO_POINTER (1000));
  assert_comes (refuses, queue);
  gate_open (&other_gate);
  await_ran (3);                  /* the gate's, the one behind it, the delayed one */
  assert_comes (one_waits, NULL); /* all but those of the stuck queue */
  clock_advance_ms (1000);
  g_assert_cmpuint (GPOINTER_TO_UINT (g_thread_join (drainer)), ==, 2);
  gate_open (&gate);
  assert_comes (is_quiet, NULL);
  wg_dispatch_unref (queue);
  wg_dispatch_unref (stuck);
}

int
main (int argc, char **argv)
{
  g_setenv ("WOLF_GUARD_DISPATCH_THREADS", G_STRINGIFY (4), TRUE);
  g_setenv ("WOLF_GUARD_DISPATCH_LOST_MAX", G_STRINGIFY (2), TRUE);
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  log_watch ();

  g_test_add_func ("/dispatch/order", test_order);
  g_test_add_func ("/dispatch/queues-apart", test_queues_apart);
  g_test_add_func ("/dispatch/full", test_full);
  g_test_add_func ("/dispatch/cancel", test_cancel);
  g_test_add_func ("/dispatch/close", test_close);
  g_test_add_func ("/dispatch/unref-with-tasks", test_unref_with_tasks);
  g_test_add_func ("/dispatch/from-a-task", test_from_a_task);
  g_test_add_func ("/dispatch/deadline", test_deadline);
  g_test_add_func ("/dispatch/delay", test_delay);
  g_test_add_func ("/dispatch/written-off", test_written_off);
  g_test_add_func ("/dispatch/failing", test_failing);
  g_test_add_func ("/dispatch/dead-thread", test_dead_thread);
  g_test_add_func ("/dispatch/pool-size", test_pool_size);
  g_test_add_func ("/dispatch/no-thread", test_no_thread);
  g_test_add_func ("/dispatch/drain", test_drain);
  return g_test_run ();
}
