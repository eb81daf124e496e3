/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-pool.c: workers that stay away. Each test stops one, or ends it, at one of the places in
 * its round at which it calls anything: the clock, a semaphore, an inbox; so between two things as
 * well, and when it has been woken, or has just been given a queue. Others have to serve all
 * things but the one in its hands.
 *
 * The places are found by the linker, which has these functions wrapped (CMakeLists.txt). Each
 * test is a process of its own: the pool is one.
 */
#include "../relay-os.h"
#include "../relay-pool.h"

#include <errno.h>
#include <gst/check/gstcheck.h>
#include <pthread.h>

/* Of a queue: as many as may be lost, and two more. */
#define THINGS 4
/* More than a worker comes by from one sleep to the next. */
#define PLACES 14
/* Served that often after it happened: the pool goes on. */
#define ROUNDS 20
#define BETWEEN_CALLS_US 2000
/* RELAY_LATE_MS, and a monitor's look, for each worker; on a machine that is busy. */
#define SOON_US (4 * G_TIME_SPAN_SECOND)

typedef enum { STALLS, ENDS } How;

GST_DEBUG_CATEGORY (relay_src_debug);

static struct {
  atomic_bool armed;
  atomic_int place, at, stopped;
  gint times; /* how many are to be stopped */
  How how;
  sem_t go_on;
} stop;

static struct {
  atomic_int served, inside;
} counts[THINGS];
static RelayQueue *queue;
static atomic_bool twice; /* two workers with one inbox */

static atomic_bool no_threads; /* the system has none left */
static atomic_int refused;     /* that were asked for meanwhile */

static __thread gboolean is_watched;

gint64 __real_relay_now (void);
gint64 __wrap_relay_now (void);
int __real_sem_post (sem_t *sem);
int __wrap_sem_post (sem_t *sem);
int __real_sem_wait (sem_t *sem);
int __wrap_sem_wait (sem_t *sem);
int __real_pthread_create (
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run) (void *), void *data);
int __wrap_pthread_create (
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run) (void *), void *data);

/* The first is stopped at the place that is asked for, another at the next place of all. */
static void
come_by (void)
{
  if (!is_watched || !atomic_load (&stop.armed) || atomic_fetch_add (&stop.place, 1) < stop.at)
    return;
  if (atomic_fetch_add (&stop.stopped, 1) >= stop.times)
    return;
  is_watched = FALSE;
  if (stop.how == ENDS)
    pthread_exit (NULL);
  while (__real_sem_wait (&stop.go_on) == -1)
    ;
}

/* Tests of trust have a time of their own, in which only stalls take any: on a busy machine each
 * run may be a slow one. 0: the real time. */
static _Atomic gint64 passed;

gint64
__wrap_relay_now (void)
{
  const gint64 now = atomic_load (&passed);

  come_by ();
  return now != 0 ? now : __real_relay_now ();
}

int
__wrap_sem_post (sem_t *sem)
{
  come_by ();
  return __real_sem_post (sem);
}

int
__wrap_sem_wait (sem_t *sem)
{
  const int result = __real_sem_wait (sem);

  come_by ();
  return result;
}

typedef struct {
  void *(*run) (void *);
  void *data;
} Start;

static void *
start_watched (void *data)
{
  const Start start = *(Start *) data;

  g_free (data);
  is_watched = TRUE;
  return start.run (start.data);
}

/* The monitor is the one without data. */
int
__wrap_pthread_create (
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run) (void *), void *data)
{
  Start *start;

  if (atomic_load (&no_threads)) {
    atomic_fetch_add (&refused, 1);
    return EAGAIN;
  }
  if (data == NULL)
    return __real_pthread_create (thread, attributes, run, data);
  start = g_new (Start, 1);
  start->run = run;
  start->data = data;
  return __real_pthread_create (thread, attributes, start_watched, start);
}

typedef struct {
  RelayWork work;
  gint number;
} Thing;

static void
thing_free (gpointer data)
{
  relay_work_clear (data);
  g_free (data);
}

static guint
run (RelayWork *work, gboolean *more)
{
  const gint i = ((Thing *) work)->number;
  (void) more;

  if (atomic_fetch_add (&counts[i].inside, 1) > 0)
    atomic_store (&twice, TRUE);
  come_by ();
  atomic_fetch_add (&counts[i].served, 1);
  atomic_fetch_sub (&counts[i].inside, 1);
  return 1;
}

static void
things_new (Thing *things[THINGS])
{
  queue = relay_queue_new ();
  for (gint i = 0; i < THINGS; i++) {
    things[i] = g_new0 (Thing, 1);
    relay_object_init (things[i], thing_free);
    relay_work_init (&things[i]->work, run, NULL);
    things[i]->number = i;
    relay_pool_place (&things[i]->work, queue);
  }
}

/* How many of them have been served again and again since `since`. */
static guint
count_served (const gint since[THINGS])
{
  guint n = 0;

  for (guint i = 0; i < THINGS; i++)
    n += atomic_load (&counts[i].served) - since[i] >= ROUNDS;
  return n;
}

/* Calls all until so many are served, as producers do. */
static gboolean
run_until (Thing *things[THINGS], guint served)
{
  const gint64 until = g_get_monotonic_time () + SOON_US;
  gint since[THINGS];

  for (guint i = 0; i < THINGS; i++)
    since[i] = atomic_load (&counts[i].served);
  while (count_served (since) < served) {
    if (g_get_monotonic_time () > until)
      return FALSE;
    for (guint i = 0; i < THINGS; i++)
      relay_pool_schedule (&things[i]->work);
    relay_queue_check (queue, __real_relay_now ());
    g_usleep (BETWEEN_CALLS_US);
  }
  return TRUE;
}

static void
arm (gint at, gint times, How how)
{
  sem_init (&stop.go_on, 0, 0);
  stop.at = at;
  stop.times = times;
  stop.how = how;
  atomic_store (&stop.armed, TRUE);
}

static void
await_count (Thing *things[THINGS], atomic_int *count, gint n)
{
  const gint64 until = g_get_monotonic_time () + SOON_US;

  while (atomic_load (count) < n) {
    fail_if (g_get_monotonic_time () > until, "no worker comes by place %d", stop.at);
    for (guint i = 0; i < THINGS; i++)
      relay_pool_schedule (&things[i]->work);
    relay_queue_check (queue, __real_relay_now ());
    g_usleep (BETWEEN_CALLS_US);
  }
}

static void
check (gint n, gint times)
{
  Thing *things[THINGS];

  things_new (things);
  fail_unless (run_until (things, THINGS));
  arm (n / 2, times, n % 2 == 0 ? STALLS : ENDS);
  await_count (things, &stop.stopped, stop.times);
  fail_unless (run_until (things, THINGS - (guint) times), "the others are not served");
  for (gint i = 0; stop.how == STALLS && i < times; i++)
    __real_sem_post (&stop.go_on);
  if (stop.how == STALLS)
    fail_unless (run_until (things, THINGS), "not all are served again");
  fail_if (atomic_load (&twice), "two workers serve one inbox");
}

GST_START_TEST (test_worker_stays_away)
{
  check (__i__, 1);
}
GST_END_TEST

/* The second is as good as any, but most often the one that was given the first one's queue. */
GST_START_TEST (test_two_workers_stay_away)
{
  check (__i__, 2);
}
GST_END_TEST

static gpointer
schedule_watched (gpointer work)
{
  is_watched = TRUE;
  relay_pool_schedule (work);
  return NULL;
}

/* A thread that wakes a worker has the queue in its hands for a moment. */
GST_START_TEST (test_scheduler_stays_away)
{
  Thing *things[THINGS];

  things_new (things);
  fail_unless (run_until (things, THINGS));
  g_usleep (BETWEEN_CALLS_US); /* the worker sleeps, most likely */
  arm (__i__, 1, STALLS);
  g_thread_unref (g_thread_new ("caller", schedule_watched, things[0]));
  await_count (things, &stop.stopped, stop.times);
  fail_unless (run_until (things, THINGS - 1), "the others are not served");
  __real_sem_post (&stop.go_on);
  fail_unless (run_until (things, THINGS), "not all are served again");
}
GST_END_TEST

/* ---- trust: a consumer that stalls, and its neighbour ---- */

/* Enough for what stalls seldom to stall more often than STALLS_MAX; and for all else. */
#define RUNS 1200
#define RUNS_FEW 300
/* As long as a slow push may take. */
#define STALL_NS (15 * GST_MSECOND)
/* A stall that a neighbour has to wait for: once per trust, and each trust takes twice as many
 * runs. */
#define STALLS_MAX 4

typedef struct {
  RelayWork work;
  guint every; /* run of this stalls */
  atomic_uint runs, in_worker, stalled_in_worker;
  atomic_bool ends;
  sem_t call;
  GThread *thread; /* its own */
} Slow;

static guint
run_slowly (RelayWork *work, gboolean *more)
{
  Slow *self = (Slow *) work;
  const guint n = atomic_fetch_add (&self->runs, 1) + 1;
  const gboolean stalls = n % self->every == 0;
  (void) more;

  if (g_thread_self () != self->thread)
    atomic_fetch_add (&self->in_worker, 1);
  if (stalls && g_thread_self () != self->thread)
    atomic_fetch_add (&self->stalled_in_worker, 1);
  if (stalls)
    atomic_fetch_add (&passed, STALL_NS);
  return 1;
}

static void
call_slow (RelayWork *work)
{
  __real_sem_post (&((Slow *) work)->call);
}

static gpointer
be_alone (gpointer data)
{
  Slow *self = data;

  while (!atomic_load (&self->ends)) {
    if (relay_pool_is_alone (&self->work))
      relay_pool_run_alone (&self->work);
    else
      __real_sem_wait (&self->call);
  }
  return NULL;
}

static void
slow_free (gpointer data)
{
  relay_work_clear (data);
  g_free (data);
}

static void
await_runs (Slow *slow, guint n)
{
  const gint64 until = g_get_monotonic_time () + 10 * SOON_US;

  while (atomic_load (&slow->runs) < n) {
    fail_if (g_get_monotonic_time () > until, "run %u does not come", n);
    g_thread_yield ();
  }
}

static Slow *
run_slow (guint every, guint runs)
{
  Slow *slow = g_new0 (Slow, 1);
  RelayQueue *name = relay_queue_new ();

  atomic_store (&passed, __real_relay_now ());
  relay_object_init (slow, slow_free);
  relay_work_init (&slow->work, run_slowly, call_slow);
  slow->every = every;
  sem_init (&slow->call, 0, 0);
  slow->thread = g_thread_new ("slow", be_alone, slow);
  relay_pool_place (&slow->work, name);
  for (guint n = 1; n <= runs; n++) {
    relay_pool_schedule (&slow->work);
    await_runs (slow, n);
  }
  atomic_store (&slow->ends, TRUE);
  __real_sem_post (&slow->call);
  relay_pool_wake_alone (&slow->work);
  g_thread_join (slow->thread);
  relay_queue_leave (name);
  return slow;
}

/* Whatever the pattern: each fifth run, and each run of which it could become trusted in
 * between. */
GST_START_TEST (test_stalls_are_its_own)
{
  static const guint every[] = { 1, 2, 5, RELAY_TRUST + 1, 2 * RELAY_TRUST, 5 * RELAY_TRUST };
  Slow *slow = run_slow (every[__i__], every[__i__] < RELAY_TRUST ? RUNS_FEW : RUNS);
  const guint stalls = atomic_load (&slow->stalled_in_worker);

  fail_unless (stalls <= STALLS_MAX, "%u stalls of every %u in the worker", stalls, every[__i__]);
}
GST_END_TEST

/* What is quick is served by the worker, but for the first runs. */
GST_START_TEST (test_quick_is_trusted)
{
  Slow *slow = run_slow (G_MAXUINT, RUNS_FEW);

  fail_unless (atomic_load (&slow->in_worker) >= RUNS_FEW / 2, "%u of %u runs in the worker",
      atomic_load (&slow->in_worker), RUNS_FEW);
}
GST_END_TEST

/* The system has no thread left for a worker, then for one that takes over, and has some again. */
GST_START_TEST (test_no_thread)
{
  Thing *things[THINGS];
  RelayQueue *none = relay_queue_new ();

  atomic_store (&no_threads, TRUE);
  fail_if (relay_queue_join (none), "a queue without a worker");
  atomic_store (&no_threads, FALSE);
  fail_unless (relay_queue_join (none), "no worker, although there are threads again");
  relay_queue_leave (none);
  relay_queue_leave (none);
  things_new (things);
  fail_unless (run_until (things, THINGS));
  atomic_store (&no_threads, TRUE);
  arm (__i__, 1, STALLS);
  await_count (things, &stop.stopped, stop.times);
  await_count (things, &refused, atomic_load (&refused) + 2);
  atomic_store (&no_threads, FALSE);
  fail_unless (run_until (things, THINGS - 1), "the others are not served");
  __real_sem_post (&stop.go_on);
  fail_unless (run_until (things, THINGS), "not all are served again");
  fail_if (atomic_load (&twice), "two workers serve one inbox");
}
GST_END_TEST

static Suite *
relay_pool_suite (void)
{
  Suite *suite = suite_create ("relay-pool");
  TCase *worker = tcase_create ("worker stays away");
  TCase *two = tcase_create ("two workers stay away");
  TCase *caller = tcase_create ("scheduler stays away");

  GST_DEBUG_CATEGORY_INIT (relay_src_debug, "relay-pool", 0, "the pool alone");
  TCase *stalls = tcase_create ("stalls are its own");
  TCase *quick = tcase_create ("quick is trusted");
  TCase *threads = tcase_create ("no thread");

  suite_add_tcase (suite, stalls);
  tcase_add_loop_test (stalls, test_stalls_are_its_own, 0, 6);
  suite_add_tcase (suite, quick);
  tcase_add_test (quick, test_quick_is_trusted);
  suite_add_tcase (suite, worker);
  tcase_add_loop_test (worker, test_worker_stays_away, 0, 2 * PLACES);
  suite_add_tcase (suite, two);
  tcase_add_loop_test (two, test_two_workers_stay_away, 0, 2 * PLACES);
  suite_add_tcase (suite, caller);
  tcase_add_loop_test (caller, test_scheduler_stays_away, 0, 3);
  suite_add_tcase (suite, threads);
  tcase_add_loop_test (threads, test_no_thread, 0, PLACES);
  return suite;
}

GST_CHECK_MAIN (relay_pool);
