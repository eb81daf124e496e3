/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-pool.c: workers that stay away. Each test stops one, or ends it, at one of the places in its round at which
 * it calls anything: the clock, a semaphore, an inbox; so between two inboxes as well, and when it has been woken,
 * or has just been given a lane. Others have to serve all inboxes but the one in its hands.
 *
 * The places are found by the linker, which has these functions wrapped (CMakeLists.txt). Each test is a process of
 * its own: the pool is one.
 */
#define _GNU_SOURCE
#include "../relay-pool.h"

#include <errno.h>
#include <gst/check/gstcheck.h>
#include <pthread.h>

/* Of a lane: as many as may be lost, and two more. */
#define INBOXES 4
/* More than a worker comes by from one sleep to the next. */
#define PLACES 14
/* Served that often after it happened: the pool goes on. */
#define ROUNDS 20
#define BETWEEN_CALLS_US 2000
/* RELAY_LATE_MS, and a keeper's look, for each worker; on a machine that is busy. */
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
} counts[INBOXES];
static atomic_bool twice; /* two workers with one inbox */

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
  while (__real_sem_wait (&stop.go_on) == -1 && errno == EINTR)
    ;
}

gint64
__wrap_relay_now (void)
{
  come_by ();
  return __real_relay_now ();
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

/* The keeper is the one without data. */
int
__wrap_pthread_create (
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run) (void *), void *data)
{
  Start *start;

  if (data == NULL)
    return __real_pthread_create (thread, attributes, run, data);
  start = g_new (Start, 1);
  start->run = run;
  start->data = data;
  return __real_pthread_create (thread, attributes, start_watched, start);
}

static gboolean
serve (RelayInbox *inbox, gpointer data)
{
  const gint i = GPOINTER_TO_INT (data);
  (void) inbox;

  if (atomic_fetch_add (&counts[i].inside, 1) > 0)
    atomic_store (&twice, TRUE);
  come_by ();
  atomic_fetch_add (&counts[i].served, 1);
  atomic_fetch_sub (&counts[i].inside, 1);
  return FALSE;
}

static void
inboxes_new (RelayInbox *inboxes[INBOXES])
{
  g_autoptr (GstPad) pad = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));

  for (gint i = 0; i < INBOXES; i++) {
    inboxes[i] = relay_inbox_new (pad, serve, GINT_TO_POINTER (i));
    relay_pool_place (inboxes[i], 0);
    atomic_store (&inboxes[i]->open, TRUE);
  }
}

/* How many of them have been served again and again since `since`. */
static guint
count_served (const gint since[INBOXES])
{
  guint n = 0;

  for (guint i = 0; i < INBOXES; i++)
    n += atomic_load (&counts[i].served) - since[i] >= ROUNDS;
  return n;
}

/* Calls all until so many are served, as producers do. */
static gboolean
call_until (RelayInbox *inboxes[INBOXES], guint served)
{
  const gint64 until = g_get_monotonic_time () + SOON_US;
  gint since[INBOXES];

  for (guint i = 0; i < INBOXES; i++)
    since[i] = atomic_load (&counts[i].served);
  while (count_served (since) < served) {
    if (g_get_monotonic_time () > until)
      return FALSE;
    for (guint i = 0; i < INBOXES; i++)
      relay_inbox_call (inboxes[i]);
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
await_stopped (RelayInbox *inboxes[INBOXES])
{
  const gint64 until = g_get_monotonic_time () + SOON_US;

  while (atomic_load (&stop.stopped) < stop.times) {
    fail_if (g_get_monotonic_time () > until, "nobody comes by place %d", stop.at);
    for (guint i = 0; i < INBOXES; i++)
      relay_inbox_call (inboxes[i]);
    g_usleep (BETWEEN_CALLS_US);
  }
}

static void
check (gint n, gint times)
{
  RelayInbox *inboxes[INBOXES];

  inboxes_new (inboxes);
  fail_unless (call_until (inboxes, INBOXES));
  arm (n / 2, times, n % 2 == 0 ? STALLS : ENDS);
  await_stopped (inboxes);
  fail_unless (call_until (inboxes, INBOXES - (guint) times), "the others are not served");
  for (gint i = 0; stop.how == STALLS && i < times; i++)
    __real_sem_post (&stop.go_on);
  if (stop.how == STALLS)
    fail_unless (call_until (inboxes, INBOXES), "not all are served again");
  fail_if (atomic_load (&twice), "two workers serve one inbox");
}

GST_START_TEST (test_worker_stays_away)
{
  check (__i__, 1);
}
GST_END_TEST

/* The second is as good as any, but most often the one that was given the first one's lane. */
GST_START_TEST (test_two_workers_stay_away)
{
  check (__i__, 2);
}
GST_END_TEST

static gpointer
call_watched (gpointer inbox)
{
  is_watched = TRUE;
  relay_inbox_call (inbox);
  return NULL;
}

/* Who calls a worker that sleeps has the lane in its hands for a moment. */
GST_START_TEST (test_caller_stays_away)
{
  RelayInbox *inboxes[INBOXES];

  inboxes_new (inboxes);
  fail_unless (call_until (inboxes, INBOXES));
  g_usleep (BETWEEN_CALLS_US); /* the worker sleeps, most likely */
  arm (__i__, 1, STALLS);
  g_thread_unref (g_thread_new ("caller", call_watched, inboxes[0]));
  await_stopped (inboxes);
  fail_unless (call_until (inboxes, INBOXES - 1), "the others are not served");
  __real_sem_post (&stop.go_on);
  fail_unless (call_until (inboxes, INBOXES), "not all are served again");
}
GST_END_TEST

static Suite *
relay_pool_suite (void)
{
  Suite *suite = suite_create ("relay-pool");
  TCase *worker = tcase_create ("worker stays away");
  TCase *two = tcase_create ("two workers stay away");
  TCase *caller = tcase_create ("caller stays away");

  GST_DEBUG_CATEGORY_INIT (relay_src_debug, "relay-pool", 0, "the pool alone");
  suite_add_tcase (suite, worker);
  tcase_add_loop_test (worker, test_worker_stays_away, 0, 2 * PLACES);
  suite_add_tcase (suite, two);
  tcase_add_loop_test (two, test_two_workers_stay_away, 0, 2 * PLACES);
  suite_add_tcase (suite, caller);
  tcase_add_loop_test (caller, test_caller_stays_away, 0, 3);
  return suite;
}

GST_CHECK_MAIN (relay_pool);
